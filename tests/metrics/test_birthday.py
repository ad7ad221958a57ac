"""The birthday test by closed forms, draws from a known number of faces, and repeats in the data."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from fergan_core.errors import UsageError
from fergan_core.metrics import birthday, neighbours
from fergan_core.metrics.intervals import groups_of


def some_faces(count: int, seed: int = 0, width: int = 8) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def found(faces: torch.Tensor, threshold: float) -> birthday.Duplicates:
    return birthday.duplicates(faces, threshold, torch.arange(len(faces)) % 2)


def test_threshold_is_a_hundredth_of_the_nearest_distances() -> None:
    faces = some_faces(1500)
    nearest = cKDTree(faces.numpy()).query(faces.numpy(), 2)[0][:, 1]
    assert birthday.duplicate_threshold(faces) == pytest.approx(np.quantile(nearest, 0.01), rel=1e-10)


def test_faces_that_the_data_holds_twice_do_not_move_the_threshold() -> None:
    faces = some_faces(500) + 1000
    expected = birthday.duplicate_threshold(faces)
    assert expected > 0.1
    assert birthday.duplicate_threshold(torch.cat([faces, faces[:300], faces[:40]])) == expected


def test_fresh_real_faces_as_many_as_the_threshold_saw_show_a_hundredth() -> None:
    threshold = birthday.duplicate_threshold(some_faces(2000))
    # Of 20 faces expected, give or take 4.5 and as many again for the threshold's own 20: three times their sum.
    shares = [found(some_faces(2000, seed), threshold).share for seed in range(1, 6)]
    assert np.mean(shares) == pytest.approx(0.01, abs=0.0075)
    assert found(some_faces(200, 9), threshold).share < 0.01


def test_faces_by_hand() -> None:
    # On a line with threshold 1, which itself is near enough: 0-1, 1-2 and 10-10.5 are pairs, 20 is alone.
    faces = torch.tensor([[0.0], [1.0], [2.0], [10.0], [10.5], [20.0]])
    result = birthday.duplicates(faces, 1.0, torch.tensor([0, 1, 2, 3, 0, 1]))
    assert result.pairs == 3
    assert result.share == pytest.approx(5 / 6)
    assert result.support == pytest.approx(6 * 5 / (2 * 3))
    # Without 0 and 10.5: 1-2 of four. Without 1 and 20: 10-10.5 of four. Without 2: 4 of 5. Without 10: 3 of 5.
    assert result.share_without.tolist() == pytest.approx([2 / 4, 2 / 4, 4 / 5, 3 / 5])


@pytest.mark.parametrize(("different", "times"), [(50, 20), (1, 60), (200, 2)])
def test_faces_repeated_over_and_over_are_found(different: int, times: int) -> None:
    result = found((some_faces(different) + 1000).repeat(times, 1), 0.01)
    count = different * times
    assert result.share == 1
    assert result.pairs == different * math.comb(times, 2)
    # (n m - 1) / (m - 1): n, and a little more as each face is drawn exactly as often.
    assert result.support == pytest.approx((count - 1) / (times - 1))


def test_support_of_even_draws_is_the_number_of_faces_drawn_from() -> None:
    faces = some_faces(5000)
    generator = torch.Generator().manual_seed(1)
    pairs = [found(faces[torch.randint(5000, (1000,), generator=generator)], 0.01).pairs for _ in range(20)]
    expected = math.comb(1000, 2) / 5000
    assert np.mean(pairs) == pytest.approx(expected, abs=3 * math.sqrt(expected / 20))


def test_copies_with_a_little_noise_are_duplicates_too() -> None:
    real = some_faces(1000)
    threshold = birthday.duplicate_threshold(real)
    noisy = real[:100].repeat(5, 1) + 0.02 * threshold * some_faces(500, 3)
    result = found(noisy, threshold)
    assert result.share == 1
    assert result.support == pytest.approx(100, rel=0.3)
    assert found(real[:500], threshold).share < 0.02


def test_no_pair_is_a_lower_bound_that_json_can_hold() -> None:
    result = found(1000 * torch.eye(30), 1.0)
    assert (result.share, result.pairs, result.support) == (0, 0, 30 * 29 / 2)
    one = found(torch.cat([1000 * torch.eye(30)[:29], 1000 * torch.eye(30)[:1]]), 1.0)
    assert (one.pairs, one.support) == (1, result.support)
    json.dumps([result.share, result.support, result.share_without.tolist()], allow_nan=False)


def test_order_does_not_matter() -> None:
    faces, order = some_faces(400, width=3), torch.randperm(400, generator=torch.Generator().manual_seed(2))
    first, second = found(faces, 0.3), found(faces[order], 0.3)
    assert (first.share, first.pairs, first.support) == (second.share, second.pairs, second.support)
    assert 0.1 < first.share < 0.9


@pytest.mark.parametrize("groups", [groups_of(400), torch.arange(400) // 100, 3 * groups_of(400, groups=4)])
def test_share_without_a_group_is_the_share_of_the_rest(groups: torch.Tensor) -> None:
    faces = some_faces(400, width=3)
    result = birthday.duplicates(faces, 0.3, groups)
    for group in range(int(groups.max()) + 1):
        assert result.share_without[group].item() == pytest.approx(found(faces[groups != group], 0.3).share, rel=1e-12)
    assert 0.1 < result.share < 0.9


def test_chunks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = some_faces(300, width=3)
    whole = found(faces, 0.3)
    monkeypatch.setattr(neighbours, "CHUNK", 7 * 300)
    parts = found(faces, 0.3)
    assert (parts.share, parts.pairs) == (whole.share, whole.pairs)
    assert torch.equal(parts.share_without, whole.share_without)


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf])
def test_a_threshold_that_is_no_distance_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="threshold"):
        found(some_faces(10), threshold)


def test_bad_features_are_refused_in_one_sentence() -> None:
    cases = [
        (lambda: birthday.duplicate_threshold(some_faces(1).repeat(9, 1)), "all the same"),
        (lambda: birthday.duplicate_threshold(some_faces(1)), "too few"),
        (lambda: birthday.duplicate_threshold(some_faces(9).log()), "NaN"),
        (lambda: found(some_faces(9)[0], 1.0), "shapes"),
        (lambda: found(some_faces(9).log(), 1.0), "NaN"),
        (lambda: birthday.duplicates(some_faces(9), 1.0, torch.zeros(9).long()), "groups"),
    ]
    for call, word in cases:
        with pytest.raises(UsageError, match=word) as refused:
            call()
        assert "\n" not in str(refused.value)
