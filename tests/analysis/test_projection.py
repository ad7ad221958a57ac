"""The principal plane against NumPy's singular value decomposition, which finds the same axes by another method."""

import numpy as np
import pytest

from fergan_core.analysis.projection import principal_plane
from fergan_core.errors import UsageError


@pytest.fixture
def features() -> np.ndarray:
    """200 features of 6 numbers with variances 16, 9, 4, 1, 1, 1, turned at random and moved from the origin."""
    source = np.random.default_rng(0)
    turned = np.linalg.qr(source.standard_normal((6, 6)))[0]
    return (source.standard_normal((200, 6)) * [4, 3, 2, 1, 1, 1]) @ turned + 5


def test_axes_shares_and_places_are_those_of_the_svd(features: np.ndarray) -> None:
    plane = principal_plane(features)
    left, values, right = np.linalg.svd(features - features.mean(0), full_matrices=False)
    signs = np.sign((right[:2] * plane.axes).sum(1))
    assert plane.axes == pytest.approx(right[:2] * signs[:, None])
    assert plane.shares == pytest.approx(values[:2] ** 2 / (values**2).sum())
    assert plane.project(features) == pytest.approx(left[:, :2] * values[:2] * signs)


def test_the_order_and_the_mirror_image_of_the_features_change_nothing(features: np.ndarray) -> None:
    plane = principal_plane(features)
    assert (np.take_along_axis(plane.axes, np.abs(plane.axes).argmax(1)[:, None], 1) > 0).all()
    assert principal_plane(features[::-1]).axes == pytest.approx(plane.axes)
    assert principal_plane(-features).axes == pytest.approx(plane.axes)


def test_features_that_were_not_in_the_reference_are_laid_into_its_plane(features: np.ndarray) -> None:
    plane = principal_plane(features)
    assert plane.project([plane.mean]) == pytest.approx(np.zeros((1, 2)))
    moved = plane.mean + np.diag([3, -2]) @ plane.axes
    assert plane.project(moved) == pytest.approx(np.diag([3.0, -2.0]))


def test_features_on_a_line_have_all_their_variance_on_one_axis() -> None:
    plane = principal_plane(np.outer(np.arange(5.0), [3.0, 4.0]))
    assert plane.axes[0] == pytest.approx([0.6, 0.8])
    assert plane.shares == pytest.approx([1, 0])


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (np.ones((3, 4)), "are 1 different"),
        (np.zeros((0, 4)), "are 0 different"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "finite"),
        (np.arange(4.0)[:, None], "D of 2 or more"),
    ],
)
def test_features_that_span_no_plane_are_refused(features: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        principal_plane(features)
