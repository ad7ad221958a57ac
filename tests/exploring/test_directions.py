"""Directions in a generator's spaces: in closed form, faces moved along them, and what changes."""

from dataclasses import asdict

import pytest
import torch
from torch import Tensor, nn

from fergan_core import methods
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import CheckpointError
from fergan_core.exploring.closed_form import closed_form
from fergan_core.exploring.directions import Directions, Walker
from fergan_core.exploring.effects import effects
from fergan_core.exploring.learned import learn
from fergan_core.exploring.words import how_much, what_changes
from fergan_core.judges.judge import load_judge
from fergan_core.methods.one_pass import Mixture
from fergan_core.methods.protocols import Generator
from fergan_core.models.denoiser import UNet
from fergan_core.recipe import Flow, Gan, MeanFlow, MethodRecipe, Recipe, Vae

THREE = ("happy", "sad", "fear")
CODES = torch.tensor([emotion_code(name) for name in THREE])
WITH_NORMS: dict[str, MethodRecipe] = {
    "gan": Gan(width=4, latent_size=6, g_conditioning="norm", spectral_norm="both"),
    "resnet": Gan(width=4, latent_size=6, g_conditioning="norm", network="resnet"),
    "vae": Vae(width=4, latent_size=6),
    "meanflow": MeanFlow(width=4, sample_steps=1),
}
BESIDE_LATENTS: dict[str, MethodRecipe] = {
    "concat": Gan(width=4, latent_size=6, g_conditioning="concat", network="pytorch-gan"),
    "r3gan": Gan(width=4, latent_size=6, network="r3gan", g_batch_norm=False, d_batch_norm=False),
}


def generator_of(method: MethodRecipe) -> Generator:
    """Return a generator after a few steps, when no table of emotions holds its first values."""
    torch.manual_seed(0)
    recipe = Recipe(emotions=THREE, batch_size=6, method=method)
    learner = methods.build_learner(recipe, torch.device("cpu"), steps=3, bfloat16=False)
    for _ in range(3):
        learner.step(torch.rand(6, 1, 48, 48) * 2 - 1, CODES.repeat(2))
    return learner.generator


class Painted:
    """Eight latents, of which the first is a face's brightness, the second a slope across it, and no other counts."""

    emotions, normal, nfe = EMOTIONS, True, 1

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        return self.one_pass()(latents, labels)

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        return self.generate(self.latents(len(labels), seed), labels)

    def one_pass(self) -> nn.Module:
        return _Paint()


class _Paint(nn.Module):
    def forward(self, latents: Tensor, emotions: Tensor) -> Tensor:
        slope = torch.linspace(-1, 1, 48).expand(48, 48)
        parts = latents[:, :2, None, None]
        return (0.1 * parts[:, :1] + 0.2 * parts[:, 1:] * slope).clamp(-1, 1)


@pytest.mark.parametrize("name", [*WITH_NORMS, *BESIDE_LATENTS])
def test_offsets_added_to_the_input_that_directions_move_draw_the_moved_faces(name: str) -> None:
    walker = Walker(generator_of((WITH_NORMS | BESIDE_LATENTS)[name]))
    latents, shifts = walker.latents(3, 1), torch.tensor([[2.0, 0.0], [0.0, -3.0], [1.0, 4.0]])
    shares = torch.eye(3)[[walker.emotions.index(emotion) for emotion in THREE]]
    inputs = {"latents": latents, "emotions": shares}
    for space in ("latents", "norms") if name in WITH_NORMS else ("latents",):
        directions = walker.random_directions(2, 5, space)
        moved = walker.moved_input(directions)
        assert moved == (None if (name, space) == ("meanflow", "norms") else {"norms": "emotions"}.get(space, space))
        if moved is None:
            continue
        added = inputs | {moved: inputs[moved] + directions.offsets(shifts).view_as(inputs[moved])}
        expected = walker.faces(latents, CODES, directions, shifts)
        torch.testing.assert_close(walker.network(added["latents"], added["emotions"]), expected, atol=1e-5, rtol=1e-4)


def test_shares_that_more_than_the_norms_get_are_not_theirs_to_move() -> None:
    walker = Walker(generator_of(WITH_NORMS["gan"]))
    directions = walker.random_directions(2, 5, "norms")
    walker.network.add_module("embedding", Mixture(nn.Embedding(3, 4), 3))
    assert walker.moved_input(directions) is None


@pytest.mark.parametrize("name", [*WITH_NORMS, *BESIDE_LATENTS])
def test_faces_that_are_not_moved_are_the_generators_own(name: str) -> None:
    generator = generator_of((WITH_NORMS | BESIDE_LATENTS)[name])
    walker = Walker(generator)
    latents = generator.latents(3, 1)
    for space in ("latents", "norms") if name in WITH_NORMS else ("latents",):
        directions = closed_form(walker, space, 3)
        torch.testing.assert_close(directions.vectors @ directions.vectors.T, torch.eye(3), atol=1e-4, rtol=0)
        still = walker.faces(latents, CODES, directions, torch.zeros(3, 3))
        torch.testing.assert_close(still, generator.generate(latents, CODES), atol=1e-5, rtol=1e-4)
        moved = walker.faces(latents, CODES, directions, torch.tensor([[0.0, 0, 0], [6.0, 0, 0], [-6.0, 0, 0]]))
        torch.testing.assert_close(moved[0], still[0], atol=1e-6, rtol=0)
        assert bool((moved[1:] != still[1:]).flatten(1).any(1).all())


def test_the_first_direction_of_the_latents_is_what_the_first_layer_answers_most() -> None:
    walker = Walker(generator_of(WITH_NORMS["vae"]))
    weight = walker.network.get_parameter("project.weight")
    planted = torch.tensor([3.0, 0, -4.0, 0, 0, 0]) / 5
    with torch.no_grad():
        weight.add_(100 * torch.randn(len(weight), 1, generator=torch.Generator().manual_seed(0)) * planted)
    found = closed_form(walker, "latents", 2).vectors[0]
    assert abs(float(found @ planted)) > 0.999
    assert found[2] > 0  # of a vector and its opposite the one whose largest number is above 0


def test_the_latents_directions_of_a_convolution_are_those_of_its_whole_matrix() -> None:
    walker = Walker(generator_of(WITH_NORMS["meanflow"]))
    (unet,) = (module for module in walker.network.modules() if isinstance(module, UNet))

    def answer(noise: Tensor) -> Tensor:
        given = nn.functional.pixel_unshuffle(noise.view(-1, 1, 48, 48), unet.patch)
        return (unet.begin(given) - unet.begin(torch.zeros_like(given))).flatten(1).norm(dim=1)

    found = answer(closed_form(walker, "latents", 3).vectors)
    assert found.tolist() == sorted(found.tolist(), reverse=True)
    assert float(found[2]) > float(answer(walker.random_directions(50, 0).vectors).max())


def test_a_move_from_one_emotion_to_another_in_the_norms_draws_the_other() -> None:
    generator = generator_of(WITH_NORMS["gan"])
    walker = Walker(generator)
    of_emotions = torch.eye(3)[[generator.emotions.index(name) for name in THREE]]
    to_sad = (of_emotions[1] - of_emotions[0]) / 2**0.5
    directions = Directions("norms", to_sad[None], walker.unit("norms"))
    latents = generator.latents(2, 0)
    shifts = torch.full((2, 1), 2**0.5 / directions.unit)
    moved = walker.faces(latents, CODES[:1].repeat(2), directions, shifts)
    torch.testing.assert_close(moved, generator.generate(latents, CODES[1:2].repeat(2)), atol=1e-4, rtol=1e-4)
    assert walker.gain_layers[0]._forward_pre_hooks == {}


def test_a_generator_without_conditional_norms_says_so() -> None:
    with pytest.raises(CheckpointError, match=r"no conditional norms: .*; move the latents instead"):
        closed_form(Walker(generator_of(BESIDE_LATENTS["r3gan"])), "norms")


def test_a_generator_without_a_first_layer_says_so() -> None:
    with pytest.raises(CheckpointError, match=r"no linear or convolutional layer .*learn them by"):
        closed_form(Walker(Painted()), "latents")


def test_a_generator_of_several_passes_says_which_have_directions() -> None:
    with pytest.raises(CheckpointError, match=r"takes .* passes of its network, .* a GAN, a VAE or MeanFlow"):
        Walker(generator_of(Flow(width=4)))


def test_what_changes_is_measured_and_a_direction_without_effect_is_told() -> None:
    walker = Walker(Painted())
    unit = walker.unit("latents")
    assert unit == pytest.approx(0.1 * 8**0.5, rel=0.1)
    brighter, _, idle = effects(
        walker, Directions("latents", torch.eye(8)[[0, 1, 7]], unit), load_judge("synthfer"), count=28
    )
    # A unit adds 0.1 x unit to pixels from -1 to 1, half of which is the share of the way from black to white.
    assert brighter.brightness.value == pytest.approx(0.1 * unit / 2, abs=1e-3)
    assert brighter.brightness.low <= brighter.brightness.value <= brighter.brightness.high
    assert "lighter (+1.4)" in what_changes(asdict(brighter))
    assert idle.difference.value == pytest.approx(0, abs=1e-9)
    assert {one.value for one in idle.emotions.values()} == {0.0}
    assert (what_changes(asdict(idle)), how_much(asdict(idle))) == ("nothing", "hardly")


def test_only_what_is_sure_and_worth_a_word_is_said() -> None:
    def interval(value: float, reach: float) -> dict[str, float]:
        return {"value": value, "low": value - reach, "high": value + reach}

    emotions = {"happy": interval(-0.03, 0.01), "sad": interval(0.012, 0.002), "fear": interval(0.05, 0.06)}
    effect = {"emotions": emotions, "brightness": interval(-0.001, 0.0005), "difference": interval(0.2, 0.1)}
    assert what_changes(effect) == "less happy (-3.0), more sad (+1.2)"
    assert how_much(effect) == "clearly"
    effect["emotions"] = {"fear": interval(0.05, 0.06)}
    assert what_changes(effect) == "nothing that the judge reads"


@pytest.mark.slow
def test_learned_directions_are_those_in_which_faces_change() -> None:
    learned = learn(Walker(Painted()), 2, steps=80, seed=0)
    vectors = learned.directions.vectors
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(2), atol=1e-4, rtol=0)
    # Random directions would have a quarter of their length in the two latents that change a face.
    assert float(vectors[:, :2].square().sum()) / 2 > 0.8
    assert min(learned.told) > 0.8
    assert learned.told[0] >= learned.told[1]
