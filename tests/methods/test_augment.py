"""Augmentations change what they say and no more, pass derivatives on, and ADA follows the signs of D's logits."""

import pytest
import torch

from fergan_core.methods.augment import ADA_STEPS, Adaptive, augmentation

CPU = torch.device("cpu")


def faces(count: int = 64) -> torch.Tensor:
    return torch.rand(count, 1, 48, 48, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8


def test_none_shows_faces_as_they_are() -> None:
    unchanged = augmentation("none", CPU)
    batch = faces()
    assert unchanged(batch) is batch
    assert unchanged.scalars() == {}


@pytest.mark.parametrize("name", ["diffaugment", "ada"])
def test_derivatives_pass_through(name: str) -> None:
    changed = augmentation(name, CPU)
    if isinstance(changed, Adaptive):
        changed._state[0] = 0.8
    batch = faces().requires_grad_(True)
    changed(batch).sum().backward()
    assert batch.grad is not None
    assert float(batch.grad.abs().mean()) > 0.3


def test_diffaugment_changes_every_face_and_each_differently() -> None:
    torch.manual_seed(0)
    changed = augmentation("diffaugment", CPU)(faces(1).repeat(64, 1, 1, 1))
    assert len(torch.unique(changed.flatten(1), dim=0)) == 64
    assert not bool((changed == faces(1)).flatten(1).all(1).any())


def test_ada_changes_nothing_at_first_and_everything_at_last() -> None:
    adaptive = Adaptive(CPU)
    batch = faces()
    torch.manual_seed(0)
    assert torch.allclose(adaptive(batch), batch, atol=1e-4)  # resampled at the same places
    adaptive._state[0] = 1.0
    assert ((adaptive(batch) - batch).abs().flatten(1).mean(1) > 0.05).all()


def test_ada_rises_while_real_faces_are_told_too_surely_and_falls_again() -> None:
    adaptive = Adaptive(CPU, images=6400)
    for _ in range(3 * ADA_STEPS):
        adaptive.observe(torch.ones(64))
    assert float(adaptive.scalars()["ada_p"]) == pytest.approx(3 * 64 * ADA_STEPS / 6400)
    for _ in range(ADA_STEPS):
        adaptive.observe(torch.tensor([1.0, -1.0] * 32))  # r_t = 0
    assert float(adaptive.scalars()["ada_p"]) == pytest.approx(2 * 64 * ADA_STEPS / 6400)
    for _ in range(20 * ADA_STEPS):
        adaptive.observe(-torch.ones(64))
    assert float(adaptive.scalars()["ada_p"]) == 0


def test_ada_goes_on_from_its_state() -> None:
    first, second = Adaptive(CPU, images=6400), Adaptive(CPU, images=6400)
    for _ in range(ADA_STEPS + 1):
        first.observe(torch.ones(64))
    second.load_state_dict(first.state_dict())
    for _ in range(ADA_STEPS - 1):
        first.observe(torch.ones(64))
        second.observe(torch.ones(64))
    assert float(second.scalars()["ada_p"]) == float(first.scalars()["ada_p"]) == pytest.approx(2 * 64 * 4 / 6400)
