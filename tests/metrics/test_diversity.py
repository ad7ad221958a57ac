"""Diversity within a set by a plain reference, closed forms, known collapse, and a simulation of its error."""

import math

import numpy as np
import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.metrics import diversity
from fergan_core.metrics.intervals import groups_of, jackknife_error


def some_faces(count: int = 40, seed: int = 0) -> torch.Tensor:
    """Smooth pictures uint8 [count,48,48], each a grey level of its own, two of three waves, and some noise."""
    random = np.random.default_rng(seed)
    v, u = np.mgrid[:48, :48] / 48 * 2 * np.pi
    waves = np.stack([np.sin(u), np.sin(v), np.sin(u + 2 * v)])
    strength = random.normal(size=(count, 3)) * 30
    pictures = random.uniform(80, 170, (count, 1, 1)) + np.tensordot(strength, waves, 1)
    return torch.from_numpy(np.clip(pictures + random.normal(size=pictures.shape) * 5, 0, 255).astype(np.uint8))


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 48, 48), dtype=np.uint8))


def some_features(count: int = 300, width: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ms_ssim_by_loops(first: np.ndarray, second: np.ndarray) -> float:
    """MS-SSIM of two pictures, window by window, variances as means of squared differences from the mean."""
    a, b = first.astype(float), second.astype(float)
    rows, columns = np.mgrid[-5:6, -5:6]
    window = np.exp(-(rows**2 + columns**2) / (2 * 1.5**2))
    window /= window.sum()
    value = 1.0
    for exponent in (0.0448, 0.2856, 0.3001):
        similar, with_luminance = [], []
        for top in range(len(a) - 10):
            for left in range(len(a) - 10):
                x, y = a[top : top + 11, left : left + 11], b[top : top + 11, left : left + 11]
                mean_x, mean_y = (window * x).sum(), (window * y).sum()
                variances = (window * (x - mean_x) ** 2).sum() + (window * (y - mean_y) ** 2).sum()
                shared = (window * (x - mean_x) * (y - mean_y)).sum()
                similar.append((2 * shared + 7.65**2) / (variances + 7.65**2))
                luminance = (2 * mean_x * mean_y + 2.55**2) / (mean_x**2 + mean_y**2 + 2.55**2)
                with_luminance.append(similar[-1] * luminance)
        last = len(a) == 12
        value *= max(0.0, float(np.mean(with_luminance if last else similar))) ** (exponent / 0.6305)
        a, b = (x.reshape(len(x) // 2, 2, len(x) // 2, 2).mean((1, 3)) for x in (a, b))
    return value


def test_ms_ssim_agrees_with_plain_loops() -> None:
    faces = torch.cat([some_faces(6), noise(2)])
    first, second = faces[[0, 1, 2, 4, 6]], faces[[1, 1, 3, 5, 7]]
    expected = [ms_ssim_by_loops(a.numpy(), b.numpy()) for a, b in zip(first, second, strict=True)]
    assert diversity.ms_ssim(first, second).tolist() == pytest.approx(expected, abs=1e-9)
    assert min(expected) < 0.1
    assert 0.1 < expected[0] < 0.9


def test_ms_ssim_is_one_for_copies_symmetric_and_the_same_for_floats() -> None:
    faces, others = some_faces(20), some_faces(20, seed=1)
    torch.testing.assert_close(diversity.ms_ssim(faces, faces), torch.ones(20, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(diversity.ms_ssim(faces, others), diversity.ms_ssim(others, faces))
    assert torch.equal(diversity.ms_ssim(faces, others), diversity.ms_ssim(faces.float(), others.double()))


def test_ms_ssim_of_flat_pictures_is_their_luminance_alone() -> None:
    # Without contrast every contrast term is 1; the luminance at the last scale remains, to the power of its weight.
    dark, light = (torch.full((1, 48, 48), grey, dtype=torch.uint8) for grey in (60, 180))
    luminance = (2 * 60 * 180 + 2.55**2) / (60**2 + 180**2 + 2.55**2)
    assert float(diversity.ms_ssim(dark, light)) == pytest.approx(luminance ** (0.3001 / 0.6305), rel=1e-9)


def test_a_negative_and_noise_are_like_nothing() -> None:
    faces = some_faces(20)
    assert float(diversity.ms_ssim(faces, 255 - faces).max()) == 0.0
    assert float(diversity.ms_ssim(noise(50), noise(50, seed=1)).mean()) < 0.05


def test_pairs_beyond_one_chunk_keep_their_order() -> None:
    faces, others = some_faces(600), some_faces(600, seed=1)
    values = diversity.ms_ssim(faces, others)
    torch.testing.assert_close(values[[3, 260, 599]], diversity.ms_ssim(faces[[3, 260, 599]], others[[3, 260, 599]]))


def test_a_collapsed_set_has_ms_ssim_one_and_distance_zero() -> None:
    alike = some_faces(1).expand(60, 48, 48)
    ms_ssim = diversity.ms_ssim_diversity(alike, groups_of(60))
    assert ms_ssim.value == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(ms_ssim.without, torch.ones(20, dtype=torch.float64), atol=1e-12, rtol=0)
    assert diversity.pairwise_distance(some_features(1).expand(1200, 5)) == 0.0


def test_two_faces_an_emotion_give_the_share_of_pairs_that_are_copies() -> None:
    two = some_faces(2)
    faces = two.repeat_interleave(50, 0)
    ms_ssim = diversity.ms_ssim_diversity(faces, torch.arange(100) % 2, pairs=10_000)  # all pairs of each half
    apart = float(diversity.ms_ssim(two[:1], two[1:]))
    copies = 2 * math.comb(25, 2) / math.comb(50, 2)
    assert ms_ssim.value == pytest.approx(copies + (1 - copies) * apart, rel=1e-12)


def test_diversity_is_the_mean_over_distinct_pairs_within_groups() -> None:
    faces, groups = some_faces(41), groups_of(41, groups=5)
    ms_ssim = diversity.ms_ssim_diversity(faces, groups, pairs=1000)
    means = []
    for group in range(5):
        members = faces[groups == group]
        first, second = torch.combinations(torch.arange(len(members))).unbind(1)
        means.append(float(diversity.ms_ssim(members[first], members[second]).mean()))
    assert ms_ssim.value == pytest.approx(np.mean(means), rel=1e-12)
    assert ms_ssim.without.tolist() == pytest.approx([np.mean(means[:g] + means[g + 1 :]) for g in range(5)], rel=1e-12)


def test_random_pairs_never_hold_a_face_twice_and_use_all_faces_evenly() -> None:
    pairs = diversity._pairs(25, 60, seed=3)
    assert pairs.shape == (60, 2)
    assert bool((pairs[:, 0] != pairs[:, 1]).all())
    for matching in torch.split(pairs, 12):
        assert len(matching.unique()) == 24
    assert not torch.equal(pairs, diversity._pairs(25, 60, seed=4))
    assert torch.equal(pairs, diversity._pairs(25, 60, seed=3))


def test_leaving_a_group_out_is_the_diversity_of_the_others() -> None:
    faces, groups = some_faces(100), groups_of(100, groups=10)
    ms_ssim = diversity.ms_ssim_diversity(faces, groups, pairs=200, seed=1)
    for group in (0, 4, 9):
        others = groups != group
        relabelled = groups[others] - (groups[others] > group).long()
        ms_ssim_of_others = diversity.ms_ssim_diversity(faces[others], relabelled, pairs=180, seed=1)
        assert float(ms_ssim.without[group]) == pytest.approx(ms_ssim_of_others.value, rel=1e-12)


@pytest.mark.slow
@pytest.mark.thorough
def test_the_jackknife_error_is_the_spread_over_sets_of_faces() -> None:
    values, errors, naive = [], [], []
    first, second = torch.combinations(torch.arange(24)).view(-1, 2)[::5].unbind(1)
    for trial in range(150):
        # Faces of one picture with different noise: how similar a pair is depends on both faces.
        random = np.random.default_rng(trial)
        grain = random.normal(size=(24, 48, 48)) * random.uniform(2, 60, (24, 1, 1))
        faces = (some_faces(1).double() + torch.from_numpy(grain)).clamp(0, 255)
        ms_ssim = diversity.ms_ssim_diversity(faces, torch.arange(24) % 4, pairs=60)
        values.append(ms_ssim.value)
        errors.append(jackknife_error(ms_ssim.without))
        naive.append(float(diversity.ms_ssim(faces[first], faces[second]).std()) / math.sqrt(60))
    # 150 trials give the spread to 6 %; 60 pairs of 24 faces are not 60 independent ones.
    spread = float(np.std(values))
    assert math.sqrt(np.mean(np.square(errors))) == pytest.approx(spread, rel=0.2)
    assert math.sqrt(np.mean(np.square(naive))) < 0.8 * spread


@pytest.mark.parametrize(
    ("images", "word"),
    [
        (torch.zeros(10, 1, 48, 48), "shape"),
        (torch.zeros(10, 32, 32), "shape"),
        (torch.zeros(0, 48, 48), "shape"),
        (torch.full((10, 48, 48), 256.0), "256"),
        (torch.full((10, 48, 48), -1.0), "-1"),
        (torch.full((10, 48, 48), float("nan")), "nan"),
    ],
)
def test_bad_faces_are_refused_in_one_sentence(images: torch.Tensor, word: str) -> None:
    for function in (
        lambda: diversity.ms_ssim(images, images),
        lambda: diversity.ms_ssim_diversity(images, torch.arange(len(images)) % 5),
    ):
        with pytest.raises(UsageError, match=word) as refused:
            function()
        assert "\n" not in str(refused.value)


def test_unequal_numbers_and_too_small_groups_are_refused() -> None:
    with pytest.raises(UsageError, match="2 and 3 faces"):
        diversity.ms_ssim(some_faces(2), some_faces(3))
    with pytest.raises(UsageError, match="two faces"):
        diversity.ms_ssim_diversity(some_faces(30), groups_of(30))
    with pytest.raises(UsageError, match="0 pairs"):
        diversity.ms_ssim_diversity(some_faces(40), groups_of(40), pairs=0)


def test_distance_of_points_on_a_line_and_of_a_square() -> None:
    line = torch.arange(50.0)[:, None]  # sum over pairs of |i - j| is (n^3 - n) / 6, their mean (n + 1) / 3
    assert diversity.pairwise_distance(line) == pytest.approx(51 / 3, rel=1e-13)
    square = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert diversity.pairwise_distance(square) == pytest.approx((4 + 2 * math.sqrt(2)) / 6, rel=1e-13)


def test_distance_agrees_with_a_plain_loop_over_several_chunks() -> None:
    features = some_features(1100)
    points = features.numpy()
    total = sum(float(np.sqrt(((points[i + 1 :] - points[i]) ** 2).sum(1)).sum()) for i in range(len(points)))
    assert diversity.pairwise_distance(features) == pytest.approx(total / math.comb(1100, 2), rel=1e-12)


def test_distance_keeps_its_digits_far_from_the_origin_and_scales() -> None:
    features = some_features()
    expected = diversity.pairwise_distance(features)
    assert diversity.pairwise_distance(features + 1e6) == pytest.approx(expected, rel=1e-8)
    assert diversity.pairwise_distance(features * 1e-9 + 1.0) == pytest.approx(expected * 1e-9, rel=1e-6)
    shuffled = features[torch.randperm(300, generator=torch.Generator().manual_seed(1))]
    assert diversity.pairwise_distance(shuffled) == pytest.approx(expected, rel=1e-12)


def test_distance_with_groups_left_out_is_that_of_the_other_faces() -> None:
    features = torch.cat([some_features(200), some_features(1).expand(11, 5)])  # copies among them
    groups = groups_of(211, groups=6)
    distance = diversity.jackknifed_distance(features, groups)
    assert distance.value == pytest.approx(diversity.pairwise_distance(features), rel=1e-12)
    expected = [diversity.pairwise_distance(features[groups != group]) for group in range(6)]
    assert distance.without.tolist() == pytest.approx(expected, rel=1e-12)


def test_bad_features_are_refused() -> None:
    with pytest.raises(UsageError, match="1 faces are too few"):
        diversity.pairwise_distance(some_features(1))
    with pytest.raises(UsageError, match="1 of 300"):
        diversity.pairwise_distance(some_features().index_fill(0, torch.tensor([7]), float("nan")))
    with pytest.raises(UsageError, match="shape"):
        diversity.jackknifed_distance(torch.zeros(10), torch.arange(10))
    with pytest.raises(UsageError, match="groups"):
        diversity.jackknifed_distance(some_features(), torch.arange(299) % 20)
