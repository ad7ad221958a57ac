"""The spaces that know no emotion: axes by NumPy, distances in closed form, the random network's exact weights."""

import hashlib

import numpy as np
import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.metrics import frechet, spaces

DOUBLE = torch.float64


def some_faces(count: int = 300, seed: int = 0) -> torch.Tensor:
    """Smooth pictures: coarse noise enlarged, with a little fine noise."""
    source = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 1, 12, 12, generator=source) * 30
    smooth = torch.nn.functional.interpolate(coarse, size=48, mode="bilinear")[:, 0]
    fine = torch.randn(count, 48, 48, generator=source) * 4
    return (128 + smooth + fine).clamp(20, 220).round().to(torch.uint8)


@pytest.fixture(scope="module")
def faces() -> torch.Tensor:
    return some_faces()


@pytest.fixture(scope="module")
def axes(faces: torch.Tensor) -> torch.Tensor:
    return spaces.principal_axes(faces)


def test_the_axes_are_the_principal_ones(faces: torch.Tensor, axes: torch.Tensor) -> None:
    pixels = faces.flatten(1).numpy().astype(np.float64)
    expected = np.linalg.svd(pixels - pixels.mean(0), full_matrices=False)[2][: spaces.SIZE].T
    assert axes.shape == (48 * 48, spaces.SIZE)
    torch.testing.assert_close(axes.mT @ axes, torch.eye(spaces.SIZE, dtype=DOUBLE), atol=1e-9, rtol=0)
    # Each up to its sign.
    overlaps = np.abs((axes.numpy() * expected).sum(0))
    np.testing.assert_allclose(overlaps, 1, atol=1e-6)
    variances = spaces.on_axes(faces, axes).double().var(0)
    assert bool((variances[:-1] >= variances[1:]).all())


def test_no_order_of_the_faces_changes_a_digit_of_the_axes(faces: torch.Tensor, axes: torch.Tensor) -> None:
    order = torch.randperm(len(faces), generator=torch.Generator().manual_seed(1))
    assert torch.equal(spaces.principal_axes(faces[order]), axes)


def test_faces_on_the_axes_are_products_with_them(axes: torch.Tensor) -> None:
    faces = some_faces(2100, seed=3)  # more than are multiplied at once
    expected = (faces.flatten(1).double() - 128) @ axes
    torch.testing.assert_close(spaces.on_axes(faces, axes).double(), expected, atol=1e-3, rtol=1e-5)


def test_brighter_faces_are_apart_by_the_square_of_their_shift_along_the_axes(
    faces: torch.Tensor, axes: torch.Tensor
) -> None:
    shift = 10 * axes.sum(0)
    distance = frechet.fid(spaces.on_axes(faces, axes), spaces.on_axes(faces + 10, axes))
    assert distance == pytest.approx(float(shift.square().sum()), rel=1e-5)
    assert distance > 100


def test_the_mean_face_alone_is_at_the_distance_of_the_whole_variance(faces: torch.Tensor, axes: torch.Tensor) -> None:
    for features in (spaces.on_axes(faces, axes), spaces.random_features(faces)):
        real = frechet.statistics(features)
        alike = frechet.Statistics(real.mean, torch.zeros_like(real.covariance), len(faces))
        assert frechet.fid_from_statistics(real, alike) == pytest.approx(float(real.covariance.trace()), rel=1e-9)


def test_few_faces_have_no_64_axes_and_faces_all_alike_have_some() -> None:
    black = torch.zeros(spaces.SIZE + 1, 48, 48, dtype=torch.uint8)
    axes = spaces.principal_axes(black)
    torch.testing.assert_close(axes.mT @ axes, torch.eye(spaces.SIZE, dtype=DOUBLE), atol=1e-9, rtol=0)
    with pytest.raises(UsageError, match="64 faces are too few"):
        spaces.principal_axes(black[1:])


def test_the_random_networks_weights_are_the_same_to_the_bit_everywhere() -> None:
    weights = spaces.random_weights()
    assert [tuple(weight.shape) for weight in weights] == [
        (16, 1, 5, 5), (32, 16, 3, 3), (64, 32, 3, 3), (64, 2304)
    ]  # fmt: skip
    for weight in weights:
        fan_in = weight[0].numel()
        assert float(weight.square().mean()) == pytest.approx(2 / fan_in, rel=0.12)
        assert float(weight.mean()) == pytest.approx(0, abs=4 * (2 / fan_in / weight.numel()) ** 0.5)
    digest = hashlib.sha256(b"".join(weight.numpy().tobytes() for weight in weights)).hexdigest()
    assert digest == "ec71b66fd2ffb2fc48ba24b299b0109b5367b7c299a34073c2f2b13f4ea3b831"


def test_the_random_networks_features_are_these() -> None:
    ramp = torch.arange(48 * 48).reshape(1, 48, 48).remainder(256).to(torch.uint8)
    features = spaces.random_features(ramp)
    assert features.shape == (1, spaces.SIZE)
    assert features[0, :4].tolist() == pytest.approx([0.52972, -0.34780, 0.33829, 0.39010], rel=1e-4)


def test_a_faces_features_do_not_depend_on_its_neighbours(faces: torch.Tensor) -> None:
    together = spaces.random_features(faces)
    assert torch.equal(spaces.random_features(faces.flip(0)).flip(0)[:50], together[:50])
    torch.testing.assert_close(spaces.random_features(faces[7:8]), together[7:8], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [torch.zeros(5, 48, 48), torch.zeros(5, 1, 48, 48, dtype=torch.uint8), torch.zeros(0, 48, 48, dtype=torch.uint8)],
)
def test_what_is_no_set_of_faces_is_refused(wrong: torch.Tensor) -> None:
    with pytest.raises(UsageError, match=r"give uint8 \[N,48,48\]"):
        spaces.random_features(wrong)
    with pytest.raises(UsageError, match=r"give uint8 \[N,48,48\]"):
        spaces.on_axes(wrong, torch.zeros(48 * 48, spaces.SIZE))
