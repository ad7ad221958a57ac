"""Faces drawn by the face_client's own process, from a real checkpoint."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from dashboard.face_client import Drawing, DrawingCancelled, FaceAnswer, FaceClient, Waiting
from fergan_core import methods, recipe
from fergan_core.analysis.projection import principal_plane
from fergan_core.data import open_dataset, split_parts
from fergan_core.errors import CheckpointError
from fergan_core.evaluation.faces import draw
from fergan_core.judges.judge import load_judge
from fergan_core.methods.protocols import Samplable
from fergan_core.metrics.birthday import duplicate_threshold, duplicates
from fergan_core.training import checkpoint
from fergan_core.training.engine import to_bytes

pytestmark = pytest.mark.slow  # each asks a process that has to import torch

RECIPE = recipe.from_dict({"preset": "quick", "emotions": ["angry", "happy"], "method": {"kind": "gan", "width": 4}})
ANGRY, HAPPY = 0, 3


@pytest.fixture(scope="module")
def face_client() -> FaceClient:
    """One child for all questions: it takes seconds to import torch."""
    return FaceClient()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    learner = methods.build_learner(RECIPE, torch.device("cpu"), steps=1, bfloat16=False)
    return checkpoint.save_checkpoint(tmp_path, 1, learner.state_dict(), learner.networks)[0].path


def test_the_faces_are_those_of_the_generator(weights: Path, face_client: FaceClient) -> None:
    faces = face_client.ask("draw", recipe.to_dict(RECIPE), weights, [HAPPY] * 5, 7).faces
    generator = methods.load_generator(recipe.to_dict(RECIPE), weights)
    assert np.array_equal(faces, to_bytes(generator.sample(torch.tensor([HAPPY] * 5), 7)).numpy())
    assert len(np.unique(faces, axis=0)) == 5


def test_every_emotion_is_drawn_of_the_same_latents(weights: Path, face_client: FaceClient) -> None:
    plain = recipe.to_dict(RECIPE)
    both = face_client.ask("draw", plain, weights, [ANGRY] * 20 + [HAPPY] * 20, 7, each=20).faces
    alone = [face_client.ask("draw", plain, weights, [code] * 20, 7).faces for code in (ANGRY, HAPPY)]
    assert np.array_equal(both, np.concatenate(alone))


FLOW = recipe.from_dict({"emotions": ["angry", "happy"], "method": {"kind": "flow", "width": 8, "sample_steps": 6}})


@pytest.fixture
def flow_weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    learner = methods.build_learner(FLOW, torch.device("cpu"), steps=1, bfloat16=False)
    return checkpoint.save_checkpoint(tmp_path / "flow", 1, learner.state_dict(), learner.networks)[0].path


def test_another_sampler_can_draw(flow_weights: Path, weights: Path, face_client: FaceClient) -> None:
    sampling = {"sampler": "euler", "steps": 3, "guidance": 2.0}
    answer = face_client.ask("draw", recipe.to_dict(FLOW), flow_weights, [HAPPY] * 2, 7, sampling=sampling)
    generator = methods.load_generator(recipe.to_dict(FLOW), flow_weights)
    assert isinstance(generator, Samplable)
    expected = generator.resampled(recipe.Sampling("euler", 3, 2.0)).sample(torch.tensor([HAPPY] * 2), 7)
    assert np.array_equal(answer.faces, to_bytes(expected).numpy())
    with pytest.raises(CheckpointError, match="no sampler to choose"):
        face_client.ask("draw", recipe.to_dict(RECIPE), weights, [HAPPY], 7, sampling=sampling)


def test_a_long_drawing_tells_how_far_it_is_and_can_be_cancelled(flow_weights: Path, face_client: FaceClient) -> None:
    plain, sampling = recipe.to_dict(FLOW), {"sampler": "euler", "steps": 5000, "guidance": 1.0}
    labels = [HAPPY] * 40
    drawing = Drawing(
        lambda drawing: face_client.ask("draw", plain, flow_weights, labels, 7, drawing, sampling=sampling)
    )
    deadline = time.monotonic() + 60
    while drawing.seconds_left() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert 0 < drawing.done < drawing.of == 40
    child = face_client._child
    Waiting(drawing).cancel()
    assert drawing.ended(within=30)
    assert (drawing.faces, drawing.error) == (None, "the drawing was cancelled")
    # The same process answers what comes next, and what waits for its turn can be cancelled too.
    face_client.ask("draw", plain, flow_weights, [HAPPY], 7)
    assert face_client._child is child
    with face_client._turn:
        waiting = Drawing(lambda drawing: face_client.ask("draw", plain, flow_weights, labels, 8, drawing))
        Waiting(waiting).cancel()
        assert waiting.ended(within=30)


def until_cancelled(drawing: Drawing) -> FaceAnswer:
    while not drawing.cancelled:
        time.sleep(0.01)
    raise DrawingCancelled("the drawing was cancelled")


def test_who_cancels_ends_the_drawing_only_if_nobody_else_waits_for_it() -> None:
    drawing = Drawing(until_cancelled)
    first, second = Waiting(drawing), Waiting(drawing)
    gone = Waiting(drawing, lambda: False)
    first.cancel()
    assert (first.ended(), second.ended(), drawing.cancelled) == (True, False, False)
    second.cancel()
    assert not gone.cancelled
    assert drawing.ended(within=30)
    assert (drawing.cancelled, drawing.failed(), second.faces) == (True, True, None)


def test_faces_that_are_drawn_stay_when_the_last_who_waited_has_gone() -> None:
    faces = np.zeros((1, 48, 48), np.uint8)
    drawing = Drawing(lambda drawing: FaceAnswer(faces, {}))
    assert drawing.ended(within=30)
    Waiting(drawing).cancel()
    assert Waiting(drawing).faces is faces
    assert not drawing.failed()


def test_a_damaged_checkpoint_is_told_and_a_dead_child_is_replaced(
    weights: Path, tmp_path: Path, face_client: FaceClient
) -> None:
    (tmp_path / "half.safetensors").write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="half"):
        face_client.ask("draw", recipe.to_dict(RECIPE), tmp_path / "half.safetensors", [HAPPY], 0)
    first = face_client.ask("draw", recipe.to_dict(RECIPE), weights, [HAPPY], 0).faces
    child = face_client._child
    assert child is not None
    child.kill()
    assert np.array_equal(face_client.ask("draw", recipe.to_dict(RECIPE), weights, [HAPPY], 0).faces, first)
    assert face_client._child is not child


def test_faces_are_read_by_the_judge_that_was_asked(weights: Path, face_client: FaceClient) -> None:
    answer = face_client.ask("read", recipe.to_dict(RECIPE), weights, [HAPPY] * 5, 7, truncation=0.5, judge="synthfer")
    generator, judge = methods.load_generator(recipe.to_dict(RECIPE), weights), load_judge("synthfer")
    faces = draw(generator, torch.tensor([HAPPY] * 5), 7, 0.5, torch.device("cpu")).images
    assert np.array_equal(answer.faces, faces.numpy())
    assert np.allclose(answer.facts["probabilities"], judge.read(faces)[0].softmax(1).numpy())
    assert answer.facts["judge_sha256"] == judge.sha256
    with pytest.raises(CheckpointError, match="unknown judge 'nobody'"):
        face_client.ask("read", recipe.to_dict(RECIPE), weights, [HAPPY], 7, truncation=1.0, judge="nobody")


def test_a_face_comes_out_of_noise_step_by_step_and_ends_as_it_is_drawn(
    weights: Path, tmp_path: Path, face_client: FaceClient
) -> None:
    plan = recipe.from_dict({"emotions": ["angry", "happy"], "method": {"kind": "flow", "width": 8, "sample_steps": 6}})
    learner = methods.build_learner(plan, torch.device("cpu"), steps=1, bfloat16=False)
    saved = checkpoint.save_checkpoint(tmp_path / "flow", 1, learner.state_dict(), learner.networks)[0].path
    answer = face_client.ask("path", recipe.to_dict(plan), saved, [HAPPY] * 2, 7, frames=4)
    states, denoised = answer.faces.reshape(2, 2, 4, 48, 48)
    sampled = to_bytes(learner.generator.sample(torch.tensor([HAPPY] * 2), 7) / 2)
    # A fresh network's face is its noise, shown by its spread as the noise is; what it saw in it is the noise itself.
    assert np.abs(states[:, -1].astype(int) - sampled.numpy().astype(int)).max() <= 3
    assert states.shape == denoised.shape
    with pytest.raises(CheckpointError, match="in one pass"):
        face_client.ask("path", recipe.to_dict(RECIPE), weights, [HAPPY], 7, frames=4)


@pytest.mark.slow
@pytest.mark.thorough
def test_faces_are_laid_beside_their_nearest_training_faces(
    weights: Path, small_data: Path, face_client: FaceClient
) -> None:
    small = recipe.to_dict(RECIPE) | {"images": 300}
    faces = open_dataset(small_data)
    dataset = {"name": faces.name, "source": str(small_data), "content_hash": faces.content_hash}
    answer = face_client.ask("nearest", small, weights, [HAPPY] * 4, 7, dataset=dataset, judge=None)
    assert answer.faces.shape == (4 * (1 + 3), 48, 48)
    generated = {face.tobytes() for face in answer.faces[::4]}
    assert generated == {face.tobytes() for face in face_client.ask("draw", small, weights, [HAPPY] * 4, 7).faces}
    learnt = {image.tobytes() for image in faces.images}
    assert all(face.tobytes() in learnt for face in np.delete(answer.faces, np.s_[::4], axis=0))
    assert answer.facts["ratio"] == sorted(answer.facts["ratio"])
    assert (answer.facts["asked"], answer.facts["judge"]) == ([HAPPY] * 4, "fer2013")
    with pytest.raises(CheckpointError, match="put the data"):
        face_client.ask("nearest", small, weights, [HAPPY], 7, dataset=dataset | {"source": "/no/such.csv"}, judge=None)


@pytest.fixture
def few_faces(tmp_path: Path) -> dict[str, str]:
    """A dataset of 200 angry and 200 happy pictures of coarse blocks, as the registry knows it."""
    blocks = np.random.default_rng(5).integers(0, 256, (400, 6, 6), dtype=np.uint8)
    images = np.kron(blocks, np.ones((8, 8), np.uint8))
    np.savez(tmp_path / "few.npz", images=images, labels=np.repeat([ANGRY, HAPPY], 200))
    dataset = open_dataset(tmp_path / "few.npz")
    return {"name": dataset.name, "source": str(tmp_path / "few.npz"), "content_hash": dataset.content_hash}


@pytest.mark.slow
@pytest.mark.thorough
def test_faces_are_laid_among_real_ones_and_their_duplicates_found(
    weights: Path, few_faces: dict[str, str], face_client: FaceClient
) -> None:
    plain, labels = recipe.to_dict(RECIPE), [HAPPY] * 30 + [ANGRY] * 20
    answer = face_client.ask("project", plain, weights, labels, 7, dataset=few_faces)
    generated = face_client.ask("draw", plain, weights, labels, 7).faces

    judge, dataset = load_judge(answer.facts["judge"]), open_dataset(few_faces["source"])
    parts, read = split_parts(dataset), judge.read(np.array(generated))
    held_out = {
        code: judge.read(dataset.images[parts.held_out][dataset.labels[parts.held_out] == code])
        for code in (ANGRY, HAPPY)
    }
    plane = principal_plane(np.concatenate([features.numpy() for _, features in held_out.values()]))
    facts = answer.facts
    assert facts["shares"] == pytest.approx(plane.shares.tolist(), rel=1e-4)
    assert facts["drawn"]["labels"] == labels
    assert facts["drawn"]["reads"] == read[0].argmax(1).tolist()
    assert np.allclose(facts["drawn"]["at"], plane.project(read[1].numpy()), atol=1e-3)
    assert facts["real"]["labels"] == [ANGRY] * 20 + [HAPPY] * 20
    every = np.concatenate([plane.project(features.numpy()) for _, features in held_out.values()])
    assert np.allclose(np.sort(facts["real"]["at"], axis=0), np.sort(every, axis=0), atol=1e-3)

    training_faces = dataset.images[parts.train], dataset.labels[parts.train]
    for row, code in zip(facts["twins"], (ANGRY, HAPPY), strict=True):
        reach = duplicate_threshold(judge.read(training_faces[0][training_faces[1] == code])[1])
        expected = duplicates(read[1][torch.tensor(labels) == code], reach)
        like = duplicates(held_out[code][1], reach)
        assert row == {
            "label": code, "faces": labels.count(code), "pairs": expected.pairs, "share": expected.share,
            "real_faces": 20, "real_share": like.share,
        }  # fmt: skip
    nearest = facts["nearest"]
    assert len(answer.faces) == 2 * len(nearest["labels"]) == 2 * min(12, sum(row["pairs"] for row in facts["twins"]))
    assert len(nearest["labels"]) > 0
    assert nearest["distances"] == sorted(nearest["distances"])
    label_of = {face.tobytes(): code for face, code in zip(generated, labels, strict=True)}
    assert [label_of[face.tobytes()] for face in answer.faces] == np.repeat(nearest["labels"], 2).tolist()
    one, other = judge.read(np.array(answer.faces[:2]))[1].double()
    reach = duplicate_threshold(judge.read(training_faces[0][training_faces[1] == nearest["labels"][0]])[1])
    assert nearest["distances"][0] == pytest.approx(float((one - other).norm()) / reach, abs=1e-3)


def test_faces_cannot_be_laid_among_faces_that_are_gone(weights: Path, face_client: FaceClient) -> None:
    gone = {"name": "fer2013", "source": "/no/such.csv", "content_hash": "0" * 64}
    with pytest.raises(CheckpointError, match=r"not at hand.*put the data"):
        face_client.ask("project", recipe.to_dict(RECIPE), weights, [HAPPY] * 2, 7, dataset=gone)


WRONG = {
    "a code beyond the emotions": ({"labels": [7]}, "'7' is not an emotion's code"),
    "a negative code, which would be the last emotion": ({"labels": [-1]}, "'-1' is not an emotion's code"),
    "a name for a code": ({"labels": ["happy"]}, "'happy' is not an emotion's code"),
    "an emotion that the run did not learn": ({"labels": [HAPPY, 4]}, "did not learn sad faces; choose one of angry"),
    "no face": ({"labels": []}, "request one or more"),
    "a seed below 0": ({"seed": -1}, "the seed '-1'"),
    "a seed that is too large": ({"seed": 2**64}, "the seed"),
    "no steps": ({"kind": "path", "frames": 0}, "'0' steps"),
    "a truncation of 0": ({"kind": "read", "truncation": 0.0, "judge": "synthfer"}, "the truncation '0.0'"),
    "an unknown question": ({"kind": "paint"}, "nothing here draws 'paint'"),
    "a recipe of no method": ({"recipe": {"method": {"kind": "oil"}}}, "oil"),
    "a recipe that is none": ({"recipe": [1, 2]}, "could not be drawn"),
    "data without a place": ({"kind": "nearest", "dataset": {"name": "synthfer"}, "judge": None}, "KeyError: 'source'"),
}


def test_whatever_is_asked_the_answer_is_a_sentence_and_the_process_lives_on(
    weights: Path, face_client: FaceClient
) -> None:
    plain = {"kind": "draw", "recipe": recipe.to_dict(RECIPE), "weights": str(weights), "labels": [HAPPY], "seed": 0}
    first = face_client.ask("draw", plain["recipe"], weights, [HAPPY], 0).faces
    child = face_client._child
    assert child is not None
    for question, sentence in WRONG.values():
        with pytest.raises(CheckpointError) as raised:
            face_client._ask(plain | question)
        assert sentence in str(raised.value)
        assert "\n" not in str(raised.value)
        assert face_client._child is child
        assert child.poll() is None
    assert np.array_equal(face_client.ask("draw", plain["recipe"], weights, [HAPPY], 0).faces, first)
