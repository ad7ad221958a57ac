"""Derivatives along a direction: those of PyTorch's own rules, of the whole U-Net and of each layer."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from fergan_core.methods.forward_mode import derivative
from fergan_core.models.denoiser import UNet


def by_pytorch(function: nn.Module, x: Tensor, direction: Tensor) -> Tensor:
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(function(forward_ad.make_dual(x, direction))).tangent
    assert tangent is not None
    return tangent


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(6, 4, 3, padding=1),
        nn.Conv2d(6, 4, 1, bias=False),
        nn.GroupNorm(2, 6),
        nn.Sequential(nn.GroupNorm(3, 6), nn.SiLU(), nn.Conv2d(6, 6, 3, padding=1), nn.GroupNorm(6, 6)),
    ],
    ids=["convolution", "convolution without bias", "group norm", "all"],
)
def test_each_layers_derivative_is_that_of_pytorch_and_of_small_differences(layer: nn.Module) -> None:
    source = torch.Generator().manual_seed(0)
    layer = layer.double()
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=source, dtype=torch.float64)
    x, direction = (torch.randn(3, 6, 5, 5, generator=source, dtype=torch.float64) + 2 for _ in range(2))
    ours = derivative(layer, (x,), (direction,))
    torch.testing.assert_close(ours, by_pytorch(layer, x, direction))
    small = 1e-6
    with torch.no_grad():
        differences = (layer(x + small * direction) - layer(x - small * direction)) / (2 * small)
    torch.testing.assert_close(ours, differences, atol=1e-7, rtol=1e-6)
    assert not ours.requires_grad


@pytest.mark.parametrize("patch", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_the_u_nets_derivative_in_faces_and_times_is_that_of_pytorch(patch: int) -> None:
    torch.manual_seed(0)
    network = UNet(classes=2, width=8, blocks=1, patch=patch, dropout=0.0, spans=True).to(
        memory_format=torch.channels_last
    )
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    x, velocities = torch.randn(2, 3, 1, 48, 48)
    times, classes = torch.rand(3), torch.tensor([0, 1, 2])

    def of_both(both: Tensor) -> Tensor:
        x, times = both[:, :-1].reshape(3, 1, 48, 48), both[:, -1]
        estimate: Tensor = network(x, torch.stack((times, 1 - times), 1), classes)
        return estimate

    at = torch.cat((x.flatten(1), times[:, None]), 1)
    direction = torch.cat((velocities.flatten(1), torch.ones(3, 1)), 1)
    ours = derivative(of_both, (at,), (direction,))
    plain = by_pytorch(of_both, at, direction)  # type: ignore[arg-type]
    torch.testing.assert_close(ours, plain, atol=1e-4 * float(plain.abs().max()), rtol=0)
    assert float(plain.abs().max()) > 0.01


def test_dropout_drops_the_same_of_the_derivative_as_of_the_value() -> None:
    torch.manual_seed(0)
    x = torch.ones(1, 1000)
    with torch.no_grad(), forward_ad.dual_level():
        value, tangent = forward_ad.unpack_dual(nn.Dropout(0.3)(forward_ad.make_dual(x, 2 * x)))
        assert torch.equal(tangent, 2 * value)
    torch.manual_seed(0)
    assert torch.equal(derivative(nn.Dropout(0.3), (x,), (2 * x,)), tangent)
