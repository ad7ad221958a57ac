"""FID by closed forms, symmetries, collapses and torch-fidelity; its values with groups left out; its limit."""

import math

import numpy as np
import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.metrics import frechet
from fergan_core.metrics.intervals import groups_of

DOUBLE = torch.float64


def some_features(faces: int = 300, width: int = 6, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator, dtype=DOUBLE)
    return torch.randn(faces, width, generator=generator, dtype=DOUBLE) @ mixing + seed


def gaussian(mean: list[float], covariance: torch.Tensor) -> frechet.Statistics:
    return frechet.Statistics(torch.tensor(mean, dtype=DOUBLE), covariance.to(DOUBLE), 10**9)


def left_out(real: torch.Tensor, fake: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    remaining = [fake[groups != group] for group in range(int(groups.max()) + 1)]
    return torch.tensor([frechet.fid(real, part) for part in remaining], dtype=DOUBLE)


def test_statistics_are_numpys_mean_and_unbiased_covariance() -> None:
    features = some_features()
    statistics = frechet.statistics(features.float())
    assert statistics.count == 300
    assert statistics.mean.dtype == statistics.covariance.dtype == DOUBLE
    features = features.float().numpy().astype(np.float64)
    np.testing.assert_allclose(statistics.mean, features.mean(0), rtol=1e-12)
    np.testing.assert_allclose(statistics.covariance, np.cov(features, rowvar=False), rtol=1e-11)


def test_one_dimension_is_the_difference_of_means_and_of_deviations() -> None:
    real, fake = gaussian([1.0], torch.tensor([[4.0]])), gaussian([3.5], torch.tensor([[0.25]]))
    assert frechet.fid_from_statistics(real, fake) == pytest.approx(2.5**2 + (2 - 0.5) ** 2, rel=1e-14)


def test_two_covariances_that_do_not_commute() -> None:
    # The eigenvalues a, b of a 2x2 matrix have (sqrt a + sqrt b)^2 = trace + 2 sqrt(determinant).
    first, second = torch.tensor([[2.0, 0.5], [0.5, 1.0]]), torch.tensor([[1.0, -0.8], [-0.8, 3.0]])
    product = (first @ second).double()
    shared = math.sqrt(float(product.trace()) + 2 * math.sqrt(float(torch.linalg.det(product))))
    expected = 3**2 + 1**2 + 3.0 + 4.0 - 2 * shared
    distance = frechet.fid_from_statistics(gaussian([0, 0], first), gaussian([3, -1], second))
    assert distance == pytest.approx(expected, rel=1e-6)  # the matrices above are float32
    assert distance > 3**2 + 1**2


def test_same_set_is_at_distance_zero_and_a_shift_at_its_square() -> None:
    for faces in (300, 4):  # 4 faces of 6 features: a covariance of rank 3
        features = some_features(faces)
        assert frechet.fid(features, features) == pytest.approx(0.0, abs=1e-12)
        shift = torch.arange(6, dtype=DOUBLE)
        assert frechet.fid(features, features + shift) == pytest.approx(float(shift.square().sum()), rel=1e-9)


def test_a_scaled_set_is_apart_by_its_trace() -> None:
    features = some_features() - some_features().mean(0)
    trace = float(frechet.statistics(features).covariance.trace())
    assert frechet.fid(features, 3 * features) == pytest.approx(4 * trace, rel=1e-10)


def test_order_of_sets_of_faces_and_rotation_of_features_do_not_matter() -> None:
    real, fake = some_features(seed=1), some_features(200, seed=2)
    value = frechet.fid(real, fake)
    assert frechet.fid(fake, real) == pytest.approx(value, rel=1e-11)
    generator = torch.Generator().manual_seed(3)
    assert frechet.fid(real, fake[torch.randperm(200, generator=generator)]) == pytest.approx(value, rel=1e-11)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=DOUBLE))[0]
    assert frechet.fid(real @ turn, fake @ turn) == pytest.approx(value, rel=1e-11)


def test_fakes_all_alike_are_apart_by_the_real_spread() -> None:
    real = some_features()
    real_statistics = frechet.statistics(real)
    face = real[0] + 0.1
    expected = float((face - real_statistics.mean).square().sum() + real_statistics.covariance.trace())
    assert frechet.fid(real, face.repeat(100, 1)) == pytest.approx(expected, rel=1e-12)


def test_fakes_that_use_few_directions_get_the_closed_form() -> None:
    width = 40
    fake = some_features(500, 3, seed=4) @ torch.linalg.qr(some_features(width, 3, seed=5))[0].mT
    fake_statistics = frechet.statistics(fake)
    spread = torch.linalg.eigvalsh(fake_statistics.covariance)[-3:]
    expected = float(fake_statistics.mean.square().sum() + (spread.sqrt() - 1).square().sum() + width - 3)
    assert frechet.fid_from_statistics(gaussian([0.0] * width, torch.eye(width)), fake_statistics) == pytest.approx(
        expected, rel=1e-9
    )


def test_steeply_falling_variances_are_exact_to_a_millionth() -> None:
    turn = torch.linalg.qr(some_features(64, 64))[0]
    first, second = (10 ** -torch.linspace(0, fall, 64, dtype=DOUBLE) for fall in (12, 9))
    exact = float((first.sqrt() - second.sqrt()).square().sum())
    real, fake = (gaussian([0.0] * 64, turn * variances @ turn.mT) for variances in (first, second))
    assert frechet.fid_from_statistics(real, fake) == pytest.approx(exact, abs=4e-6)


@pytest.mark.parametrize(("faces", "width"), [(1000, 6), (400, 128)])
def test_agrees_with_torch_fidelity(faces: int, width: int) -> None:
    from torch_fidelity import metric_fid as reference  # not above: it imports torchvision

    real, fake = some_features(faces, width, seed=1), some_features(faces - 50, width, seed=2)
    first, second = (reference.fid_features_to_statistics(features) for features in (real, fake))
    expected = reference.fid_statistics_to_metric(first, second, verbose=False)[reference.KEY_METRIC_FID]
    assert frechet.fid(real, fake) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("sizes", ["equal", "unequal"])
def test_without_is_the_fid_of_the_other_faces(sizes: str) -> None:
    real, fake = some_features(seed=1), some_features(250, seed=2)
    groups = groups_of(250, 7) if sizes == "equal" else torch.arange(250).sqrt().long()
    without = frechet.fid_without(frechet.statistics(real), fake, groups)
    assert without.dtype == DOUBLE
    torch.testing.assert_close(without, left_out(real, fake, groups), rtol=1e-10, atol=0)


def test_without_keeps_its_digits_far_from_zero_and_beside_an_outlier() -> None:
    real, fake = some_features(seed=1) + 1e4, some_features(200, seed=1) * 1.3 + 1e4
    groups = groups_of(200, 3)
    fake[groups == 4] += 1e3
    without = frechet.fid_without(frechet.statistics(real), fake, groups)
    torch.testing.assert_close(without, left_out(real, fake, groups), rtol=1e-9, atol=0)


def test_fid_infinity_is_the_line_through_nested_subsets() -> None:
    real, fake = frechet.statistics(some_features(seed=1)), some_features(1000, seed=2)
    sizes = [100 + round(900 * step / 14) for step in range(15)]
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(8))
    values = [frechet.fid_from_statistics(real, frechet.statistics(fake[order[:size]])) for size in sizes]
    slope, intercept = np.polyfit([1 / size for size in sizes], values, 1)
    assert frechet.fid_infinity(real, fake, seed=8) == pytest.approx(intercept, rel=1e-9)
    assert frechet.fid_infinity(real, fake, seed=9) != pytest.approx(intercept, rel=1e-9)
    assert slope != 0


def test_fid_infinity_starts_at_two_faces_a_feature() -> None:
    real, fake = frechet.statistics(some_features(seed=1)), some_features(30, seed=2)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    values = [frechet.fid_from_statistics(real, frechet.statistics(fake[order[:size]])) for size in (12, 21, 30)]
    intercept = np.polyfit([1 / 12, 1 / 21, 1 / 30], values, 1)[1]
    assert frechet.fid_infinity(real, fake, sizes=3) == pytest.approx(intercept, rel=1e-9)


def test_fid_infinity_without_is_the_line_through_the_subsets_less_the_group() -> None:
    real, fake = frechet.statistics(some_features(seed=1)), some_features(400, seed=2)
    groups = groups_of(400, 5, groups=8)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(8))
    without = frechet.fid_infinity_without(real, fake, groups, seed=8)
    for group in range(8):
        subsets = [order[: 40 + round(360 * step / 14)] for step in range(15)]
        subsets = [subset[groups[subset] != group] for subset in subsets]
        values = [frechet.fid_from_statistics(real, frechet.statistics(fake[subset])) for subset in subsets]
        intercept = np.polyfit([1 / len(subset) for subset in subsets], values, 1)[1]
        assert float(without[group]) == pytest.approx(intercept, rel=1e-8)


@pytest.mark.slow
def test_fid_infinity_takes_the_bias_of_few_faces_away() -> None:
    width, faces = 8, 500
    real = gaussian([0.0] * width, torch.eye(width))
    generator = torch.Generator().manual_seed(1)
    plain, endless = [], []
    for seed in range(100):
        fake = 1.2 * torch.randn(faces, width, generator=generator, dtype=DOUBLE)
        plain.append(frechet.fid_from_statistics(real, frechet.statistics(fake)))
        endless.append(frechet.fid_infinity(real, fake, seed=seed))
    exact = width * 0.2**2
    errors = [float(np.std(values) / 10) for values in (plain, endless)]
    assert np.mean(plain) > exact + 5 * errors[0]
    assert abs(np.mean(endless) - exact) < 3 * errors[1]


def test_too_few_faces_for_a_line_are_refused() -> None:
    real = frechet.statistics(some_features(seed=1))
    frechet.fid_infinity(real, some_features(30))
    with pytest.raises(UsageError, match="29 faces of 6 features are too few for 15 sizes; give 30 faces"):
        frechet.fid_infinity(real, some_features(29))
    with pytest.raises(UsageError, match="give 24 faces"):
        frechet.fid_infinity(real, some_features(23), sizes=2)
    with pytest.raises(UsageError, match="two sizes"):
        frechet.fid_infinity(real, some_features(), sizes=1)


def test_a_group_that_fills_the_smallest_subset_is_refused() -> None:
    real, fake = frechet.statistics(some_features(seed=1)), some_features(30)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    groups = torch.ones(30, dtype=torch.int64)
    groups[order[:11]] = 0
    with pytest.raises(UsageError, match="leaves 1 faces"):
        frechet.fid_infinity_without(real, fake, groups)


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (some_features(), some_features(1), "1 faces are too few"),
        (some_features(1), some_features(), "1 faces are too few"),
        (some_features(), some_features(width=5), "6 and 5 features"),
        (some_features(), torch.zeros(10), "shapes"),
        (some_features(), torch.full((10, 6), math.nan), "10 of 10 faces"),
        (some_features(), torch.full((10, 6), math.inf), "infinite"),
    ],
)
def test_bad_features_are_refused_in_one_sentence(real: torch.Tensor, fake: torch.Tensor, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        frechet.fid(real, fake)
    assert "\n" not in str(refused.value)
    if len(real) > 1:
        for function in (frechet.fid_without, frechet.fid_infinity_without):
            with pytest.raises(UsageError, match=words):
                function(frechet.statistics(real), fake, torch.zeros(len(fake), dtype=torch.int64))
        with pytest.raises(UsageError, match=words):
            frechet.fid_infinity(frechet.statistics(real), fake)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (torch.zeros(9, dtype=torch.int64), "one a face"),
        (torch.zeros(10), "float32"),
        (torch.arange(10) - 1, "numbered from 0"),
        (torch.zeros(10, dtype=torch.int64), "two or more"),
        (torch.tensor([0] * 5 + [2] * 5), "empty"),
        (torch.tensor([0] * 9 + [1]), "two faces"),
    ],
)
def test_groups_that_cannot_be_left_out_are_refused(groups: torch.Tensor, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        frechet.fid_without(frechet.statistics(some_features()), some_features(10), groups)
    assert "\n" not in str(refused.value)
