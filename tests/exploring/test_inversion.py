"""Given faces found in generators: one of its own again, by search or backwards; and shown in the other emotions."""

from typing import Any

import numpy as np
import pytest
import torch

from fergan_core.data.synthfer import synthfer
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import UsageError
from fergan_core.exploring import inversion
from fergan_core.exploring.inversion import changed_where_it_differs, find_faces
from fergan_core.methods import load_generator
from fergan_core.methods.denoising import DenoisingGenerator, build_network
from fergan_core.methods.denoising import Path as NoisePath
from fergan_core.methods.diffusion import Edm
from fergan_core.methods.flow import StraightPath
from fergan_core.methods.meanflow import MeanFlowGenerator, SpannedPath
from fergan_core.methods.networks import LatentGenerator, build_generator, gan_generator
from fergan_core.recipe import Diffusion, Flow, Gan, MeanFlow, Sampling
from fergan_core.registry import Reader
from fergan_core.training.engine import to_bytes, to_float
from tests.support.machine import ROOT

HAPPY, SAD = emotion_code("happy"), emotion_code("sad")


def untrained_gan(emotions: tuple[str, ...] = EMOTIONS, **choices: Any) -> LatentGenerator:
    torch.manual_seed(0)
    config = Gan(width=4, **choices)
    network = build_generator(config, len(emotions)).eval().requires_grad_(False)
    return gan_generator(config, emotions, network, torch.device("cpu"))


def untrained_denoiser(kind: type[DenoisingGenerator], path: NoisePath, config: Any, sampling: Sampling) -> Any:
    """A small network with weights under which faces, noise and emotions differ."""
    torch.manual_seed(0)
    network = build_network(config, len(EMOTIONS)).eval().requires_grad_(False)
    for weight in network.parameters():
        if weight.ndim > 1:
            weight.add_(0.05 * torch.randn_like(weight))
    return kind(path, sampling, EMOTIONS, network, torch.device("cpu"))


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inversion, "CANDIDATES", 100)
    monkeypatch.setattr(inversion, "STEPS", 5)


@pytest.mark.slow
@pytest.mark.thorough
def test_a_generators_own_faces_are_found_again() -> None:
    reader = Reader(str(ROOT / "runs.db"))
    run_id = reader.resolve("quick-fer2013")
    generator = load_generator(reader.run(run_id)["recipe"], reader.file(reader.checkpoints(run_id)["path"].iloc[-1]))
    codes, told = torch.tensor([HAPPY, HAPPY]), []
    faces = to_bytes(generator.sample(codes, 77))
    found = find_faces(generator, faces, codes, on_progress=lambda done, of: told.append((done, of)))
    assert found.candidate_errors is not None
    # Other latents than those that they were drawn from, since the best of 1,000 were moved.
    assert bool((found.errors < 0.5 * found.candidate_errors).all())
    assert float(found.errors.mean()) < 0.3 * float(found.candidate_errors.mean())
    assert torch.equal(found.errors, inversion.greys_apart(found.drawn[torch.arange(2), codes], faces))
    assert told == [(done, told[-1][0]) for done in range(1, told[-1][0] + 1)]


@pytest.mark.usefixtures("short_search")
def test_what_is_drawn_in_other_emotions_is_the_generators_own() -> None:
    generator = untrained_gan(("sad", "happy"), latent="uniform")
    codes = torch.tensor([HAPPY, SAD])
    faces = to_bytes(generator.sample(codes, 5))
    found = find_faces(generator, faces, codes)
    for place, name in enumerate(("sad", "happy")):
        drawn = to_bytes(generator.generate(found.latents, torch.full((2,), emotion_code(name))))
        assert torch.equal(found.drawn[:, place], drawn)
    assert float(found.latents.abs().max()) <= 1
    # In its own emotion a face stays as it was given.
    assert torch.equal(found.shown[torch.arange(2), torch.tensor([1, 0])], faces)


@pytest.mark.usefixtures("short_search")
def test_the_search_begins_with_the_best_candidate() -> None:
    generator = untrained_gan()
    candidates = generator.latents(100, 0)
    faces = to_bytes(generator.generate(candidates[[17, 70]], torch.tensor([HAPPY, SAD])))
    found = find_faces(generator, faces, torch.tensor([HAPPY, SAD]))
    assert found.candidate_errors is not None
    assert found.candidate_errors.tolist() == [0, 0]
    assert float((found.latents - candidates[[17, 70]]).abs().max()) < 0.3


@pytest.mark.usefixtures("short_search")
def test_a_meanflow_is_searched_in_one_step() -> None:
    sampling = Sampling("average", 4, 1.0)
    generator = untrained_denoiser(MeanFlowGenerator, SpannedPath(), MeanFlow(width=4), sampling)
    faces = to_bytes(generator.sample(torch.tensor([HAPPY]), 5))
    found = find_faces(generator, faces, torch.tensor([HAPPY]))
    assert found.latents.shape == (1, 1, 48, 48)
    assert found.candidate_errors is not None
    assert float(found.errors) < float(found.candidate_errors)


def denoiser(method: str, sampling: Sampling) -> DenoisingGenerator:
    if method == "flow":
        return untrained_denoiser(DenoisingGenerator, StraightPath(), Flow(width=4), sampling)
    return untrained_denoiser(DenoisingGenerator, Edm(), Diffusion(width=4), sampling)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "sampler", "guidance"), [("flow", "midpoint", 3.0), ("diffusion", "heun", 1.0)])
def test_backwards_and_forwards_is_the_face_again(method: str, sampler: str, guidance: float) -> None:
    labels, errors = torch.tensor([HAPPY]), []
    for steps in (3, 12):
        generator = denoiser(method, Sampling(sampler, steps, guidance))
        face = denoiser(method, Sampling(sampler, 12, guidance)).sample(labels, 5)
        *_, latents = generator.path_back(face, labels)
        errors.append(float((generator.generate(latents, labels) - face).square().mean().sqrt()))
    assert errors[1] < 0.05
    assert errors[1] < errors[0] / 2


def test_a_flow_shows_its_face_in_every_emotion() -> None:
    generator, told = denoiser("flow", Sampling("euler", 2, 1.0)), []
    codes = torch.tensor([HAPPY, SAD])
    faces = to_bytes(generator.sample(codes, 5))
    found = find_faces(generator, faces, codes, on_progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert found.candidate_errors is None
    for code in range(7):
        drawn = to_bytes(generator.generate(found.latents, torch.full((2,), code)))
        assert torch.equal(found.shown[:, code], drawn)
    assert torch.equal(found.errors, inversion.greys_apart(found.drawn[torch.arange(2), codes], faces))


def test_a_face_changes_only_where_its_emotion_shows() -> None:
    """Of the same people with two emotions, one that has grown a hat is given a smile and keeps the hat."""
    neutral, happy = (to_float(torch.from_numpy(_people(name))) for name in ("neutral", "happy"))
    given = neutral.clone()
    given[:, :, :8] = 1.0
    (shown,) = changed_where_it_differs(given, neutral, happy.unsqueeze(1)).unbind(1)
    differs = (happy - neutral).abs() > 0.5
    assert float((shown - happy).abs()[differs & (given == neutral)].max()) < 0.05
    assert bool((shown[:, :, :6] == 1.0).float().mean() > 0.95)
    assert float((shown - given).abs().mean()) < float((happy - given).abs().mean())
    same = changed_where_it_differs(given, neutral, neutral.unsqueeze(1))[:, 0]
    torch.testing.assert_close(same, given)


def _people(emotion: str) -> np.ndarray:
    return synthfer(seed=3, counts={"train": {emotion: 4}}).images


class Closed:
    """A generator that shows no network and has no sampler."""

    emotions = ("happy",)


@pytest.mark.parametrize(("code", "sentence"), [(HAPPY, "neither be searched"), (SAD, "did not learn that emotion")])
def test_what_cannot_be_found_is_told_in_a_sentence(code: int, sentence: str) -> None:
    faces: Any = torch.zeros(1, 48, 48, dtype=torch.uint8)
    generator: Any = Closed()
    with pytest.raises(UsageError, match=sentence):
        find_faces(generator, faces, torch.tensor([code]))


class Stopped(Exception):
    """Raised to end a search."""


def test_a_search_ends_when_it_is_cancelled() -> None:
    told = []

    def cancel(done: int, of: int) -> None:
        told.append(done)
        if done == 12:
            raise Stopped

    with pytest.raises(Stopped):
        find_faces(
            untrained_gan(), torch.zeros(1, 48, 48, dtype=torch.uint8), torch.tensor([HAPPY]), on_progress=cancel
        )
    assert told == list(range(1, 13))
