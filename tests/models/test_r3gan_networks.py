"""R3GAN's networks: no norm, grouped convolutions, blocks that start as nothing, logits of a size at every depth."""

import pytest
import torch
from torch import nn

from fergan_core import recipe as recipes
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.evaluation.jacobian import log_conditions
from fergan_core.methods.networks import build_discriminator, build_generator, gan_generator
from fergan_core.models import r3gan

PLAIN = {"kind": "gan", "network": "r3gan", "g_batch_norm": False, "d_batch_norm": False}


def config(**method: object) -> recipes.Gan:
    return recipes.from_dict({"method": {**PLAIN, **method}}).method


@pytest.mark.parametrize("conditioning", ["concat", "projection", "auxiliary"])
@pytest.mark.parametrize("width", [2, 7, 16])
def test_shapes_and_that_the_emotion_matters(conditioning: str, width: int) -> None:
    torch.manual_seed(0)
    plan = config(width=width, d_conditioning=conditioning)
    generator, discriminator = build_generator(plan, 7), build_discriminator(plan, 7)
    latents, classes = torch.randn(6, plan.latent_size), torch.arange(6)
    faces = generator(latents, classes)
    assert faces.shape == (6, 1, 48, 48)
    assert float(faces.detach().abs().max()) <= 1
    assert not torch.equal(faces, generator(latents, classes.flip(0)))
    logits = discriminator(faces, classes)
    assert logits.shape == ((6, 8) if conditioning == "auxiliary" else (6,))
    assert torch.equal(logits, discriminator(faces, classes.flip(0))) == (conditioning == "auxiliary")


def test_there_is_no_norm_and_wide_convolutions_are_in_groups_of_sixteen_channels() -> None:
    for network in (build_generator(config(width=16), 7), build_discriminator(config(width=16), 7)):
        names = {type(layer).__name__ for layer in network.modules()}
        assert not {name for name in names if "Norm" in name}
        wide = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.padding == (1, 1)]
        assert len(wide) == sum(r3gan.BLOCKS)
        assert {layer.in_channels // layer.groups for layer in wide} == {16}


def test_an_untrained_block_is_the_identity_and_depth_does_not_change_the_logits_size() -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator(config(width=16, d_conditioning="projection"), 7)
    blocks = [layer for layer in discriminator.modules() if isinstance(layer, r3gan.Block)]
    x = torch.randn(2, blocks[0].widen.in_channels, 24, 24)
    assert torch.equal(blocks[0](x), x)
    noise = torch.randn(200, 1, 48, 48)
    assert 0.02 < discriminator(noise, torch.arange(200) % 7).std().item() < 5
    for block in blocks:
        nn.init.normal_(block.narrow.weight, 0.0, block.narrow.in_channels**-0.5)
    assert 0.02 < discriminator(noise, torch.arange(200) % 7).std().item() < 5


@pytest.mark.slow
def test_the_generators_jacobian_is_measured_at_its_checkpoints() -> None:
    """By forward-mode derivatives of a batch of directions, which not every operation has."""
    torch.manual_seed(0)
    plan = config(width=2, latent_size=4)
    generator = gan_generator(plan, EMOTIONS, build_generator(plan, 7), torch.device("cpu"))
    assert bool(log_conditions(generator, torch.tensor([3, 4]), seed=0).isfinite().all())


def test_the_discriminator_has_a_slope_at_every_pixel() -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator(config(width=4, d_conditioning="projection"), 7)
    faces = torch.randn(4, 1, 48, 48).requires_grad_(True)
    discriminator(faces, torch.arange(4)).sum().backward()
    assert faces.grad is not None
    assert bool((faces.grad.abs().sum((0, 1)) > 0).all())


@pytest.mark.parametrize(
    ("method", "flag"),
    [
        ({"network": "r3gan"}, "--network r3gan.*--no-g-batch-norm and --no-d-batch-norm"),
        ({**PLAIN, "spectral_norm": "both"}, "--network r3gan.*--spectral-norm none"),
        ({**PLAIN, "g_conditioning": "norm"}, "--g-conditioning norm"),
    ],
)
def test_what_needs_a_norm_is_refused(method: dict[str, object], flag: str) -> None:
    with pytest.raises(UsageError, match=flag):
        recipes.from_dict({"method": {"kind": "gan", **method}})
