"""The DCGAN's networks: shapes, what conditioning changes, and the layers' arithmetic."""

import pytest
import torch

from fergan_core import recipe as recipes
from fergan_core.methods.networks import build_discriminator, build_generator
from fergan_core.models.layers import ConditionalBatchNorm2d, OneHotChannels


def config(network: str, g_conditioning: str, d_conditioning: str, *, norm: bool = True) -> recipes.Gan:
    method = {"network": network, "width": 4, "g_conditioning": g_conditioning, "d_conditioning": d_conditioning}
    method |= {"g_batch_norm": norm, "d_batch_norm": norm}
    return recipes.from_dict({"method": {"kind": "gan", **method}}).method


@pytest.mark.parametrize("network", ["dcgan", "pytorch-gan"])
@pytest.mark.parametrize("g_conditioning", ["concat", "norm"])
@pytest.mark.parametrize("d_conditioning", ["concat", "onehot", "projection"])
def test_shapes_and_that_the_emotion_matters(network: str, g_conditioning: str, d_conditioning: str) -> None:
    torch.manual_seed(0)
    plan = config(network, g_conditioning, d_conditioning)
    generator, discriminator = build_generator(plan, 7), build_discriminator(plan, 7).eval()
    latents, classes = torch.randn(6, plan.latent_size), torch.arange(6)
    generator(latents, classes)
    generator.eval()
    faces = generator(latents, classes)
    assert faces.shape == (6, 1, 48, 48)
    assert faces.abs().max().item() <= 1.0
    assert not torch.equal(faces, generator(latents, classes.flip(0)))
    logits = discriminator(faces, classes)
    assert logits.shape == (6,)
    assert not torch.equal(logits, discriminator(faces, classes.flip(0)))


@pytest.mark.parametrize("network", ["dcgan", "pytorch-gan", "resnet", "r3gan"])
def test_without_conditioning_the_emotion_changes_nothing(network: str) -> None:
    torch.manual_seed(0)
    plan = config(network, "none", "none", norm=network != "r3gan")
    generator, discriminator = build_generator(plan, 7).eval(), build_discriminator(plan, 7).eval()
    latents, classes = torch.randn(6, plan.latent_size), torch.arange(6)
    faces = generator(latents, classes)
    assert torch.equal(faces, generator(latents, classes.flip(0)))
    assert torch.equal(discriminator(faces, classes), discriminator(faces, classes.flip(0)))


def test_onehot_channels_are_1_where_the_emotion_is_requested() -> None:
    seen = OneHotChannels(3)(torch.full((2, 1, 2, 2), 0.5), torch.tensor([2, 0]))
    assert seen.shape == (2, 4, 2, 2)
    assert seen[:, :, 0, 0].tolist() == [[0.5, 0, 0, 1], [0.5, 1, 0, 0]]


def test_dcgan_has_no_bias_before_a_norm_and_none_of_the_radford_rules_is_broken() -> None:
    plan = config("dcgan", "concat", "concat")
    modules = [type(m).__name__ for m in build_discriminator(plan, 7).modules()]
    assert modules.count("Conv2d") == 4
    assert modules.count("BatchNorm2d") == 3  # not on the layer next to the image
    assert "MaxPool2d" not in modules
    generator = [type(m).__name__ for m in build_generator(plan, 7).modules()]
    assert generator.count("ConvTranspose2d") == 4
    assert generator.count("BatchNorm2d") == 4  # not on the image


def test_conditional_norm_scales_and_shifts_by_class() -> None:
    torch.manual_seed(0)
    layer = ConditionalBatchNorm2d(3, 2)
    with torch.no_grad():
        layer.scale.weight.copy_(torch.tensor([[1.0, 1, 1], [2.0, 2, 2]]))
        layer.shift.weight.copy_(torch.tensor([[0.0, 0, 0], [5.0, 5, 5]]))
    x = torch.randn(8, 3, 4, 4)
    classes = torch.tensor([0, 1] * 4)
    normal = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    expected = torch.where((classes == 1)[:, None, None, None], 2 * normal + 5, normal)
    assert torch.allclose(layer(x, classes), expected, atol=1e-5)
