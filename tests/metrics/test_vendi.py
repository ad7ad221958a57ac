"""The Vendi score by closed forms, collapses, symmetries and its authors' library; its values with groups left out."""

import math

import pytest
import torch
from vendi_score import vendi as reference

from fergan_core.errors import UsageError
from fergan_core.metrics.intervals import groups_of
from fergan_core.metrics.vendi import vendi, vendi_without

DOUBLE = torch.float64


def some_features(faces: int = 200, width: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(faces, width, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE) + 0.5


@pytest.mark.parametrize(("different", "each"), [(1, 1), (1, 40), (5, 1), (5, 8), (12, 3)])
@pytest.mark.parametrize("width", [12, 100])
def test_repeats_of_orthogonal_faces_count_once(different: int, each: int, width: int) -> None:
    faces = 3 * torch.eye(different, width).repeat(each, 1)
    assert vendi(faces) == pytest.approx(different, rel=1e-12)


def test_uneven_repeats_count_by_the_exponent_of_their_entropy() -> None:
    faces = torch.eye(3)[torch.tensor([0] * 7 + [1] * 2 + [2])]
    shares = (0.7, 0.2, 0.1)
    assert vendi(faces) == pytest.approx(math.exp(-sum(share * math.log(share) for share in shares)), rel=1e-12)


def test_two_faces_at_an_angle() -> None:
    # K/2 has the eigenvalues (1 + cos)/2 and (1 - cos)/2.
    cosine = 0.6
    faces = torch.tensor([[1.0, 0.0], [cosine, 0.8]], dtype=DOUBLE)
    expected = math.exp(-(0.8 * math.log(0.8) + 0.2 * math.log(0.2)))
    assert vendi(faces) == pytest.approx(expected, rel=1e-12)
    assert vendi(torch.cat([faces, torch.zeros(2, 5)], 1)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("faces", "width"), [(500, 6), (40, 128), (128, 128)])
def test_agrees_with_the_authors_library_whichever_side_is_smaller(faces: int, width: int) -> None:
    features = some_features(faces, width)
    assert vendi(features) == pytest.approx(reference.score_dual(features.numpy(), normalize=True), rel=1e-10)
    assert 1 < vendi(features) < min(faces, width)


def test_order_length_and_rotation_do_not_matter_but_a_shift_does() -> None:
    features = some_features()
    value = vendi(features)
    generator = torch.Generator().manual_seed(1)
    assert vendi(features[torch.randperm(200, generator=generator)]) == pytest.approx(value, rel=1e-12)
    assert vendi(features * torch.rand(200, 1, generator=generator, dtype=DOUBLE).add(0.1)) == pytest.approx(
        value, rel=1e-12
    )
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=DOUBLE))[0]
    assert vendi(features @ turn) == pytest.approx(value, rel=1e-12)
    assert vendi(features + 10) < 1.2 < value


def test_repeating_all_faces_changes_nothing_but_a_collapse_of_half_of_them_does() -> None:
    features = some_features()
    assert vendi(features.repeat(3, 1)) == pytest.approx(vendi(features), rel=1e-12)
    collapsed = features.clone()
    collapsed[:100] = features[0]
    assert vendi(collapsed) < 0.75 * vendi(features)


def test_faces_without_features_are_one_direction_more() -> None:
    features = torch.cat([torch.eye(4).repeat(5, 1), torch.zeros(5, 4)])
    assert vendi(features) == pytest.approx(5.0, rel=1e-12)
    assert vendi(torch.zeros(10, 4)) == pytest.approx(1.0, abs=1e-12)
    groups = torch.arange(25) % 5
    expected = torch.tensor([vendi(features[groups != group]) for group in range(5)], dtype=DOUBLE)
    torch.testing.assert_close(vendi_without(features, groups), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
def test_very_small_and_very_large_features_keep_their_directions(size: float) -> None:
    assert vendi(some_features() * size) == pytest.approx(vendi(some_features()), rel=1e-12)


@pytest.mark.parametrize(("faces", "width"), [(130, 6), (60, 100)])
def test_without_is_the_score_of_the_other_faces(faces: int, width: int) -> None:
    features = some_features(faces, width)
    for groups in (groups_of(faces, 7), torch.arange(faces).sqrt().long()):
        without = vendi_without(features, groups)
        expected = [vendi(features[groups != group]) for group in range(int(groups.max()) + 1)]
        assert without.dtype == DOUBLE
        torch.testing.assert_close(without, torch.tensor(expected, dtype=DOUBLE), rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (torch.zeros(0, 6), "0 faces are too few"),
        (torch.zeros(10), "shapes"),
        (torch.zeros(10, 0), "shapes"),
        (torch.full((10, 6), math.nan), "10 of 10 faces"),
        (torch.full((10, 6), math.inf), "infinite"),
    ],
)
def test_bad_features_are_refused_in_one_sentence(features: torch.Tensor, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        vendi(features)
    assert "\n" not in str(refused.value)
    with pytest.raises(UsageError, match=words):
        vendi_without(features, torch.arange(len(features)))


def test_a_single_face_scores_one_and_a_group_of_all_cannot_be_left_out() -> None:
    assert vendi(some_features(1)) == pytest.approx(1.0, abs=1e-12)
    with pytest.raises(UsageError, match="Vendi score: groups"):
        vendi_without(some_features(), torch.zeros(200, dtype=torch.int64))
