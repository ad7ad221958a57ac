"""Condition numbers by closed forms, by autograd's own Jacobian, and of real and dead generators."""

import math

import pytest
import torch
from torch import Tensor, nn

from fergan_core.errors import UsageError
from fergan_core.metrics import jacobian
from fergan_core.models.dcgan import DcganGenerator


def some_latents(count: int = 6, size: int = 5, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def map_with_singular_values(values: list[float], pixels: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    left, _ = torch.linalg.qr(torch.randn(pixels, len(values), generator=generator, dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(len(values), len(values), generator=generator, dtype=torch.float64))
    return left * torch.tensor(values, dtype=torch.float64) @ right


def conv_net(seed: int = 0) -> nn.Sequential:
    """A small generator with batch norm that has seen a few batches, in eval mode: latents [n,5] -> [n,1,8,8]."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(5, 32),
        nn.Unflatten(1, (8, 2, 2)),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(8, 4, 4, 2, 1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(4, 1, 4, 2, 1),
        nn.Tanh(),
    ).double()
    for _ in range(3):
        network(torch.randn(32, 5, dtype=torch.float64) * 3)
    return network.eval()


def dcgan(latent_size: int = 12) -> DcganGenerator:
    torch.manual_seed(0)
    network = DcganGenerator(classes=7, latent_size=latent_size, width=2, embedding_size=4, conditioning="concat")
    for _ in range(3):
        network(torch.randn(32, latent_size), torch.arange(32) % 7)
    return network.eval()


def by_autograd(network: nn.Module, latents: Tensor, *classes: Tensor) -> list[float]:
    values = []
    for row, latent in enumerate(latents):
        labels = [derivatives[row : row + 1] for derivatives in classes]
        derivatives = torch.autograd.functional.jacobian(
            lambda z, labels=labels: network(z[None], *labels).flatten(), latent, vectorize=True
        )
        eigenvalues = torch.linalg.eigvalsh(derivatives.double().mT @ derivatives.double())
        values.append(math.log(float(eigenvalues[-1] / eigenvalues[0])))
    return values


def test_a_linear_map_has_its_singular_values_squared_ratio_at_every_latent() -> None:
    matrix = map_with_singular_values([8.0, 3.0, 2.0, 1.0, 0.5])
    conditions = jacobian.log_condition_numbers(lambda z: (z @ matrix.mT + 7).view(-1, 3, 4), some_latents())
    assert conditions.dtype == torch.float64
    assert conditions.tolist() == pytest.approx([2 * math.log(16)] * 6, rel=1e-12)


def test_an_isometry_is_perfectly_conditioned_and_scaling_changes_nothing() -> None:
    matrix = map_with_singular_values([2.0] * 5)
    assert jacobian.log_condition_numbers(lambda z: z @ matrix.mT, some_latents()).abs().max() < 1e-12
    network, latents = conv_net(), some_latents()
    torch.testing.assert_close(
        jacobian.log_condition_numbers(lambda z: 1e-6 * network(z), latents),
        jacobian.log_condition_numbers(network, latents),
    )


def test_agrees_with_autograds_jacobian_on_a_conv_net() -> None:
    network, latents = conv_net(), some_latents(count=8)
    conditions = jacobian.log_condition_numbers(network, latents)
    assert conditions.tolist() == pytest.approx(by_autograd(network, latents), rel=1e-8)
    assert len(set(conditions.tolist())) == 8


@pytest.mark.slow
def test_agrees_with_autograds_jacobian_on_a_dcgan_with_a_label_for_each_latent() -> None:
    network, classes = dcgan(), torch.tensor([5, 0, 3])
    latents = some_latents(count=3, size=12, dtype=torch.float32)
    conditions = jacobian.log_condition_numbers(lambda z: network(z, classes), latents)
    assert conditions.tolist() == pytest.approx(by_autograd(network, latents, classes), rel=1e-4)
    assert 0.1 < float(conditions.min()) < float(conditions.max()) < 20


def test_each_latents_value_is_its_own_however_many_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network, latents = conv_net(), some_latents(count=9)
    together = jacobian.log_condition_numbers(network, latents)
    alone = torch.cat([jacobian.log_condition_numbers(network, latent[None]) for latent in latents])
    torch.testing.assert_close(together, alone)
    monkeypatch.setattr(jacobian, "_FACES_AT_ONCE", 18)  # two directions of the five at a time
    torch.testing.assert_close(jacobian.log_condition_numbers(network, latents), together)


def test_the_generator_is_left_as_it_was() -> None:
    network, latents = conv_net(), some_latents()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    latents_before = latents.clone()
    jacobian.log_condition_numbers(network, latents)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(latents, latents_before)
    assert torch.is_grad_enabled()


def test_a_dead_generator_and_an_ignored_direction_get_the_ceiling() -> None:
    most = jacobian.ceiling(torch.float64)
    assert most == pytest.approx(104 * math.log(2))
    assert jacobian.ceiling(torch.float32) == pytest.approx(46 * math.log(2))
    dead = jacobian.log_condition_numbers(lambda z: z.new_ones(len(z), 48) + 0 * z.sum(1, keepdim=True), some_latents())
    assert dead.tolist() == [most] * 6
    ignored = jacobian.log_condition_numbers(lambda z: torch.cat([z[:, :4], z[:, :4].sin()], 1), some_latents())
    assert ignored.tolist() == [most] * 6


def test_a_collapsed_float32_generator_is_at_the_ceiling_or_just_below() -> None:
    # Five directions of the latent mixed into one: the other eigenvalues are rounding.
    network = conv_net().float()
    mixed = jacobian.log_condition_numbers(
        lambda z: network(z.sum(1, keepdim=True).expand(-1, 5)), some_latents(dtype=torch.float32)
    )
    assert float(mixed.min()) > 0.9 * jacobian.ceiling(torch.float32)
    assert bool(mixed.isfinite().all())


def test_a_latent_larger_than_the_image_is_rank_deficient() -> None:
    matrix = map_with_singular_values([2.0, 1.0], pixels=5)
    conditions = jacobian.log_condition_numbers(lambda z: z @ matrix, some_latents())
    assert conditions.tolist() == [jacobian.ceiling(torch.float64)] * 6


def test_a_caller_in_inference_mode_gets_the_same_and_a_generator_in_it_is_refused() -> None:
    network, latents = conv_net(), some_latents()
    expected = jacobian.log_condition_numbers(network, latents)
    with torch.inference_mode():
        assert torch.equal(jacobian.log_condition_numbers(network, latents.clone()), expected)
    assert torch.equal(jacobian.log_condition_numbers(torch.no_grad()(network.forward), latents), expected)
    with pytest.raises(UsageError, match="inference mode"):
        jacobian.log_condition_numbers(torch.inference_mode()(network.forward), latents)


def test_what_cannot_be_meant_is_refused_in_one_sentence() -> None:
    latents = some_latents()
    cases = [
        (lambda z: z * float("nan"), latents, "images are NaN"),
        (lambda z: (z - z).sqrt(), latents, "derivatives"),
        (lambda z: (z * 255).round().to(torch.uint8), latents, "uint8"),
        (lambda z: z.sum(1), latents, r"\[6\]"),
        (lambda z: z[:3], latents, "for 6 latents"),
        (lambda z: z, latents[0], "latents"),
        (lambda z: z, latents.long(), "latents"),
        (lambda z: z, latents[:0], "latents"),
        (lambda z: z.new_zeros(1, 1).expand(6, 1 << 24), latents, "MiB"),
    ]
    for draw, bad_latents, word in cases:
        with pytest.raises(UsageError, match=word) as refused:
            jacobian.log_condition_numbers(draw, bad_latents)
        assert "\n" not in str(refused.value)
