"""The birthday test by closed forms, samples from a known number of faces, and repeats in the data."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.stats import binom

from fergan_core.errors import UsageError
from fergan_core.metrics import birthday, distances


def some_faces(count: int, seed: int = 0, width: int = 8) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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
    shares = [birthday.duplicates(some_faces(2000, seed), threshold).share for seed in range(1, 6)]
    assert np.mean(shares) == pytest.approx(0.01, abs=0.0075)
    assert birthday.duplicates(some_faces(200, 9), threshold).share < 0.01


def test_faces_by_hand() -> None:
    # On a line with threshold 1, which is still close enough: 0-1, 1-2 and 10-10.5 are pairs, 20 is alone.
    faces = torch.tensor([[0.0], [1.0], [2.0], [10.0], [10.5], [20.0]])
    result = birthday.duplicates(faces, 1.0)
    assert result.pairs == 3
    assert result.share == pytest.approx(5 / 6)
    assert result.support == pytest.approx(6 * 5 / (2 * 3))


@pytest.mark.parametrize(("different", "times"), [(50, 20), (1, 60), (200, 2)])
def test_faces_repeated_over_and_over_are_found(different: int, times: int) -> None:
    result = birthday.duplicates((some_faces(different) + 1000).repeat(times, 1), 0.01)
    count = different * times
    assert result.share == 1
    assert result.pairs == different * math.comb(times, 2)
    # (n m - 1) / (m - 1): n, and a little more as each face is drawn exactly as often.
    assert result.support == pytest.approx((count - 1) / (times - 1))


def test_support_of_even_draws_is_the_number_of_faces_drawn_from() -> None:
    faces = some_faces(5000)
    generator = torch.Generator().manual_seed(1)
    draws = [torch.randint(5000, (1000,), generator=generator) for _ in range(20)]
    pairs = [birthday.duplicates(faces[indices], 0.01).pairs for indices in draws]
    expected = math.comb(1000, 2) / 5000
    assert np.mean(pairs) == pytest.approx(expected, abs=3 * math.sqrt(expected / 20))


def test_copies_with_a_little_noise_are_duplicates_too() -> None:
    real = some_faces(1000)
    threshold = birthday.duplicate_threshold(real)
    noisy = real[:100].repeat(5, 1) + 0.02 * threshold * some_faces(500, 3)
    result = birthday.duplicates(noisy, threshold)
    assert result.share == 1
    assert result.support == pytest.approx(100, rel=0.3)
    assert birthday.duplicates(real[:500], threshold).share < 0.02


def test_no_pair_is_a_lower_bound_that_json_can_hold() -> None:
    result = birthday.duplicates(1000 * torch.eye(30), 1.0)
    assert (result.share, result.pairs, result.support) == (0, 0, 30 * 29 / 2)
    one = birthday.duplicates(torch.cat([1000 * torch.eye(30)[:29], 1000 * torch.eye(30)[:1]]), 1.0)
    assert (one.pairs, one.support) == (1, result.support)
    json.dumps([result.share, result.support], allow_nan=False)


def test_order_does_not_matter() -> None:
    faces, order = some_faces(400, width=3), torch.randperm(400, generator=torch.Generator().manual_seed(2))
    first, second = birthday.duplicates(faces, 0.3), birthday.duplicates(faces[order], 0.3)
    assert (first.share, first.pairs, first.support) == (second.share, second.pairs, second.support)
    assert 0.1 < first.share < 0.9


def test_the_interval_holds_the_share_that_more_such_faces_have() -> None:
    # 300 faces a set, in a space where about 1 in 30 has a duplicate: its mean over the sets is practically the truth.
    shares = [birthday.duplicates(some_faces(300, seed, width=3), 0.1).share for seed in range(200)]
    truth = float(np.mean(shares))
    assert 0.02 < truth < 0.05
    intervals = [birthday.interval_of_share(share, 300) for share in shares]
    fewest, most = binom.ppf([0.001, 0.999], 200, 0.95)
    assert fewest <= sum(interval.low <= truth <= interval.high for interval in intervals) <= most


def test_finding_no_duplicate_does_not_mean_that_there_is_none() -> None:
    interval = birthday.interval_of_share(0.0, 300)
    assert (interval.value, interval.low) == (0, 0)
    assert 0.01 < interval.high < 0.04


def test_chunks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = some_faces(300, width=3)
    in_one_chunk = birthday.duplicates(faces, 0.3)
    monkeypatch.setattr(distances, "CHUNK", 7 * 300)
    in_many_chunks = birthday.duplicates(faces, 0.3)
    assert (in_many_chunks.share, in_many_chunks.pairs) == (in_one_chunk.share, in_one_chunk.pairs)


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf])
def test_a_threshold_that_is_no_distance_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="threshold"):
        birthday.duplicates(some_faces(10), threshold)


def test_bad_features_are_refused_in_one_sentence() -> None:
    cases = [
        (lambda: birthday.duplicate_threshold(some_faces(1).repeat(9, 1)), "all the same"),
        (lambda: birthday.duplicate_threshold(some_faces(1)), "too few"),
        (lambda: birthday.duplicate_threshold(some_faces(9).log()), "NaN"),
        (lambda: birthday.duplicates(some_faces(9)[0], 1.0), "shapes"),
        (lambda: birthday.duplicates(some_faces(9).log(), 1.0), "NaN"),
    ]
    for call, word in cases:
        with pytest.raises(UsageError, match=word) as refused:
            call()
        assert "\n" not in str(refused.value)
