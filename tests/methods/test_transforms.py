"""Transforms of faces change what they say and no more."""

import pytest
import torch

from fergan_core.methods.transforms import cut_out, move, relight

STILL, SAME_SIZE, UNMOVED = torch.zeros(1), torch.ones(1), torch.zeros(1, 2)


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_moving_shifts_turns_and_scales(padding: str) -> None:
    dot = torch.full((1, 1, 48, 48), -0.5)
    dot[0, 0, 20:24, 10:14] = 1.0
    assert torch.allclose(move(dot, UNMOVED, STILL, SAME_SIZE, padding=padding), dot, atol=1e-5)
    shifted = move(dot, torch.tensor([[6 / 48, 0.0]]), STILL, SAME_SIZE, padding=padding)
    assert torch.allclose(shifted[..., 4:8], dot[..., 10:14], atol=1e-5)  # the grid moves right, the face left
    middle = torch.full((1, 1, 48, 48), -0.5)
    middle[0, 0, 22:26, 22:26] = 1.0
    doubled = move(middle, UNMOVED, STILL, torch.full((1,), 0.5), padding=padding)
    assert int((doubled > 0).sum()) == pytest.approx(4 * 16, abs=8)
    turned = move(dot, UNMOVED, torch.full((1,), torch.pi / 2), SAME_SIZE, padding=padding)
    assert torch.allclose(turned, torch.rot90(dot, 1, (2, 3)), atol=1e-4)


def test_beyond_the_edge_lies_middle_grey_or_the_edges_own() -> None:
    grey = torch.full((1, 1, 48, 48), -0.5)
    for padding, beyond in (("zeros", 0.0), ("border", -0.5)):
        shifted = move(grey, torch.tensor([[6 / 48, 0.0]]), STILL, SAME_SIZE, padding=padding)
        assert torch.allclose(shifted[..., -6:], torch.tensor(beyond), atol=1e-5)


def test_light_keeps_the_face_and_moves_its_mean() -> None:
    faces = torch.rand(3, 1, 48, 48, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8
    lit = relight(faces, torch.tensor([0.1, 0.0, 0.0]), torch.tensor([1.0, 1.0, 0.5]))
    assert torch.allclose(lit[0], faces[0] + 0.1, atol=1e-6)
    assert torch.allclose(lit[1], faces[1], atol=1e-6)
    assert float(lit[2].std()) == pytest.approx(float(faces[2].std()) / 2, rel=1e-5)
    assert float(lit[2].mean()) == pytest.approx(float(faces[2].mean()), abs=1e-6)


def test_a_square_is_greyed_out_where_it_lies_within_the_face() -> None:
    faces, centres = torch.ones(3, 1, 48, 48), torch.tensor([[24.0, 24.0], [0.0, 0.0], [24.0, 24.0]])
    areas = [int((face == 0).sum()) for face in cut_out(faces, centres, 12)]
    assert areas == [144, 36, 144]
    areas = [int((face == 0).sum()) for face in cut_out(faces, centres, 12, torch.tensor([True, True, False]))]
    assert areas == [144, 36, 0]
