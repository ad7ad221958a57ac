"""Generators of one pass as networks of mixed emotions, and their ONNX files, by ONNX Runtime."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fergan_core import methods
from fergan_core.emotions import emotion_code
from fergan_core.errors import CheckpointError, UsageError
from fergan_core.methods.one_pass import TOLERANCE, InOnePass, write_onnx
from fergan_core.recipe import Gan, MeanFlow, MethodRecipe, Recipe, Vae

EMOTIONS = ("happy", "sad", "fear")
CODES = torch.tensor([emotion_code(name) for name in EMOTIONS])
NETWORKS: dict[str, MethodRecipe] = {
    "conditional norm, bounded": Gan(width=4, latent_size=6, g_conditioning="norm", spectral_norm="both"),
    "embedding beside the latents": Gan(width=4, latent_size=6, g_conditioning="concat", network="pytorch-gan"),
    "resnet": Gan(width=4, latent_size=6, g_conditioning="norm", network="resnet"),
    "r3gan": Gan(width=4, latent_size=6, network="r3gan", g_batch_norm=False, d_batch_norm=False),
    "vae": Vae(width=4, latent_size=6),
    "meanflow": MeanFlow(width=4, sample_steps=1),
}


def trained(method: MethodRecipe) -> InOnePass:
    """Return the generator after a few steps, when no table of emotions holds its first values."""
    torch.manual_seed(0)
    recipe = Recipe(emotions=EMOTIONS, batch_size=6, method=method)
    learner = methods.build_learner(recipe, torch.device("cpu"), steps=3, bfloat16=False)
    for _ in range(3):
        learner.step(torch.rand(6, 1, 48, 48) * 2 - 1, CODES.repeat(2))
    assert isinstance(learner.generator, InOnePass)
    return learner.generator


@pytest.mark.parametrize("name", NETWORKS)
def test_a_whole_share_of_an_emotion_draws_it_and_half_of_two_lies_between(name: str) -> None:
    generator = trained(NETWORKS[name])
    latents, network = generator.latents(3, 5), generator.one_pass()
    codes = torch.tensor([emotion_code(emotion) for emotion in generator.emotions])
    torch.testing.assert_close(network(latents, torch.eye(3)), generator.generate(latents, codes), atol=1e-5, rtol=1e-4)
    same = latents[:1].expand(3, *latents.shape[1:])
    first, second, half = network(same, torch.tensor([[1.0, 0, 0], [0, 1, 0], [0.5, 0.5, 0]]))
    apart = float((first - second).norm())
    assert float((half - first).norm()) <= apart
    assert float((half - second).norm()) <= apart


# The others are made of the same layers, and an export takes seconds.
@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("name", ["conditional norm, bounded", "vae", "meanflow"])
def test_the_onnx_file_draws_the_same_faces(name: str, tmp_path: Path) -> None:
    assert write_onnx(trained(NETWORKS[name]), tmp_path / "generator.onnx") <= TOLERANCE
    assert [file.name for file in tmp_path.iterdir()] == ["generator.onnx"]


@pytest.mark.slow
@pytest.mark.thorough
def test_a_file_that_draws_other_faces_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"other faces \(by up to 0\.001 of"):
        write_onnx(TooBright(), tmp_path / "generator.onnx")
    assert list(tmp_path.iterdir()) == []


def test_several_steps_are_not_one_pass() -> None:
    generator = trained(MeanFlow(width=4, sample_steps=2))
    with pytest.raises(UsageError, match="draw in one step"):
        generator.one_pass()


class Flat(nn.Module):
    """Faces of one grey, which the latents give, raised by `more`."""

    def __init__(self, more: float) -> None:
        super().__init__()
        self.more = more

    def forward(self, latents: Tensor, emotions: Tensor) -> Tensor:
        return (latents[:, 0] + self.more)[:, None, None, None].expand(-1, 1, 48, 48)


class TooBright:
    """A generator whose network of one pass draws a thousandth too bright."""

    nfe, emotions, normal = 1, EMOTIONS, False

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.linspace(-1, 1, 2 * count).view(count, 2)

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        return Flat(0.0)(latents, labels)  # type: ignore[no-any-return]

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        return self.generate(self.latents(len(labels), seed), labels)

    def one_pass(self) -> nn.Module:
        return Flat(1e-3)
