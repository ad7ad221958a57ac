"""KID by power sums, plain loops, unbiasedness and torch-fidelity; its values with groups left out."""

import math

import numpy as np
import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.metrics import kernel
from fergan_core.metrics.intervals import groups_of

DOUBLE = torch.float64


def some_features(faces: int = 200, width: int = 6, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(faces, width, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def kid_by_matrices(real: torch.Tensor, fake: torch.Tensor) -> float:
    """Equation 4 with complete kernel matrices."""
    first, second, across = (
        (left @ right.mT / left.shape[1] + 1) ** 3 for left, right in ((real, real), (fake, fake), (fake, real))
    )
    means = [(matrix.sum() - matrix.trace()) / (len(matrix) * (len(matrix) - 1)) for matrix in (first, second)]
    return float(means[0] + means[1] - 2 * across.mean())


def test_three_faces_by_hand() -> None:
    # k(1, 1) = 8, k(1, 0) = 1, k(1, -1) = 0: pairs among the fakes 8, among the real 1, across (1 + 0 + 1 + 0) / 4.
    real, fake = torch.tensor([[0.0], [-1.0]]), torch.tensor([[1.0], [1.0]])
    assert kernel.kid(real, fake) == pytest.approx(1 + 8 - 2 * 0.5, abs=1e-14)


def test_one_feature_is_its_power_sums() -> None:
    # (xy + 1)^3 = 1 + 3 xy + 3 x^2 y^2 + x^3 y^3: sums over pairs are products of sums of powers.
    real, fake = some_features(300, 1, seed=1), some_features(170, 1, seed=2, scale=1.4) + 0.3
    weights = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=DOUBLE)
    sums = [torch.stack([(features**power).sum() for power in range(4)]) for features in (real, fake)]
    means = [
        ((weights * total**2).sum() - ((features**2 + 1) ** 3).sum()) / (len(features) * (len(features) - 1))
        for features, total in zip((real, fake), sums, strict=True)
    ]
    expected = float(means[0] + means[1] - 2 * (weights * sums[0] * sums[1]).sum() / (300 * 170))
    assert kernel.kid(real, fake) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("block", [1, 1000, 2_000_000])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    real, fake = some_features(150, seed=1), some_features(90, seed=2, scale=1.2)
    monkeypatch.setattr(kernel, "_BLOCK", block)
    assert kernel.kid(real, fake) == pytest.approx(kid_by_matrices(real, fake), rel=1e-12)
    kid = kernel.jackknifed_kid(real, fake, groups_of(90))
    assert kid.value == pytest.approx(kid_by_matrices(real, fake), rel=1e-12)


def test_a_set_against_itself_falls_short_of_zero_by_the_pairs_left_out() -> None:
    features = some_features()
    diagonal = float((features.square().mean(1) + 1).pow(3).mean())
    expected = 2 * (kernel.kernel_mean(features) - diagonal) / 200
    assert kernel.kid(features, features) == pytest.approx(expected, rel=1e-10)


def test_order_of_sets_and_of_faces_does_not_matter() -> None:
    real, fake = some_features(seed=1), some_features(120, seed=2, scale=1.3)
    value = kernel.kid(real, fake)
    assert kernel.kid(fake, real) == pytest.approx(value, rel=1e-12)
    order = torch.randperm(120, generator=torch.Generator().manual_seed(3))
    assert kernel.kid(real, fake[order]) == pytest.approx(value, rel=1e-12)
    assert kernel.kid(real, fake, real_mean=kernel.kernel_mean(real)) == value


def test_two_samples_of_one_distribution_average_to_zero_at_any_size() -> None:
    for faces in (5, 40):
        values = [kernel.kid(some_features(30, 3, seed), some_features(faces, 3, seed + 1000)) for seed in range(500)]
        error = float(np.std(values)) / math.sqrt(500)
        assert abs(np.mean(values)) < 3 * error
        assert min(values) < 0


def test_average_over_samples_is_the_distance_of_the_distributions() -> None:
    # One feature, N(0, 1) against N(m, s^2): 3 (difference of means)^2 + 3 (of second moments)^2 + (of third)^2.
    mean, scale = 0.4, 1.2
    exact = 3 * mean**2 + 3 * (mean**2 + scale**2 - 1) ** 2 + (mean**3 + 3 * mean * scale**2) ** 2
    values = [
        kernel.kid(some_features(50, 1, seed), some_features(60, 1, seed + 5000, scale) + mean) for seed in range(800)
    ]
    assert abs(np.mean(values) - exact) < 3 * float(np.std(values)) / math.sqrt(800)


def test_fakes_all_alike() -> None:
    real, face = some_features(), torch.full((1, 6), 0.5, dtype=DOUBLE)
    toward = float((real @ face[0] / 6 + 1).pow(3).mean())
    expected = kernel.kernel_mean(real) + (0.25 + 1) ** 3 - 2 * toward
    assert kernel.kid(real, face.repeat(50, 1)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_subsets_agree_with_torch_fidelity(dtype: torch.dtype) -> None:
    from torch_fidelity import metric_kid as reference  # not above: it imports torchvision

    real, fake = some_features(500, 64, seed=1).to(dtype), (some_features(400, 64, seed=2, scale=1.1) + 0.3).to(dtype)
    expected = reference.kid_features_to_metric(
        fake.double(), real.double(), kid_subsets=10, kid_subset_size=120, rng_seed=77, verbose=False
    )
    mean, deviation = kernel.kid_subsets(real, fake, subsets=10, size=120, seed=77)
    assert mean == pytest.approx(expected[reference.KEY_METRIC_KID_MEAN], rel=1e-6)
    assert deviation == pytest.approx(expected[reference.KEY_METRIC_KID_STD], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 0.09, 0.2, 1.0, 1e3, 1e6])
def test_subsets_in_float32_lose_nothing_that_a_subset_could_show(scale: float) -> None:
    # Of one distribution: KID is about 0, where an error of the kernel would be largest beside it.
    real, fake = some_features(700, 32, seed=1, scale=scale), some_features(700, 32, seed=2, scale=scale)
    mean, deviation = kernel.kid_subsets(real, fake, subsets=8, size=300, seed=5)
    random = np.random.RandomState(5)
    picks = [[torch.from_numpy(random.choice(700, 300, replace=False)) for _ in "fr"] for _ in range(8)]
    exact = [kernel.kid(real[of_real], fake[of_fake]) for of_fake, of_real in picks]
    assert abs(mean - np.mean(exact)) < 1e-5 * np.std(exact)
    assert deviation == pytest.approx(float(np.std(exact)), rel=1e-5)


def test_one_subset_of_all_is_the_whole_and_agrees_with_torch_fidelity() -> None:
    from torch_fidelity import metric_kid as reference  # not above: it imports torchvision

    real, fake = some_features(300, seed=1), some_features(300, seed=2, scale=1.2)
    expected = reference.kid_features_to_metric(fake, real, kid_subsets=1, kid_subset_size=300, verbose=False)
    assert kernel.kid(real, fake) == pytest.approx(expected[reference.KEY_METRIC_KID_MEAN], rel=1e-9)
    mean, deviation = kernel.kid_subsets(real, fake, subsets=1, size=300)
    assert mean == pytest.approx(kernel.kid(real, fake), rel=1e-6)
    assert deviation == 0


@pytest.mark.parametrize("sizes", ["equal", "unequal"])
def test_without_is_the_kid_of_the_other_faces(sizes: str) -> None:
    real, fake = some_features(seed=1), some_features(130, seed=2, scale=1.3)
    groups = groups_of(130, 7) if sizes == "equal" else torch.arange(130).sqrt().long()
    jackknifed = kernel.jackknifed_kid(real, fake, groups, real_mean=kernel.kernel_mean(real))
    remaining = [fake[groups != group] for group in range(int(groups.max()) + 1)]
    expected = torch.tensor([kernel.kid(real, part) for part in remaining], dtype=DOUBLE)
    assert jackknifed.value == pytest.approx(kernel.kid(real, fake), rel=1e-12)
    assert jackknifed.without.dtype == DOUBLE
    torch.testing.assert_close(jackknifed.without, expected, rtol=1e-10, atol=0)
    assert kernel.jackknifed_kid(real, fake, groups).value == jackknifed.value


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (some_features(), some_features(1), "1 faces are too few"),
        (some_features(1), some_features(), "1 faces are too few"),
        (some_features(), some_features(width=5), "one D"),
        (some_features(), torch.zeros(10), "shapes"),
        (some_features(), torch.full((10, 6), math.nan), "10 of 10 faces"),
    ],
)
def test_bad_features_are_refused_in_one_sentence(real: torch.Tensor, fake: torch.Tensor, words: str) -> None:
    for refuse in (
        lambda: kernel.kid(real, fake),
        lambda: kernel.jackknifed_kid(real, fake, torch.zeros(len(fake), dtype=torch.int64)),
        lambda: kernel.kid_subsets(real, fake, size=2),
    ):
        with pytest.raises(UsageError, match=words) as refused:
            refuse()
        assert "\n" not in str(refused.value)


def test_groups_and_subsets_that_cannot_be_made_are_refused() -> None:
    real, fake = some_features(), some_features(100)
    with pytest.raises(UsageError, match="two or more, numbered from 0"):
        kernel.jackknifed_kid(real, fake, torch.zeros(100, dtype=torch.int64))
    with pytest.raises(UsageError, match="100 subsets of 1000 out of 200 real and 100 fake"):
        kernel.kid_subsets(real, fake)
    with pytest.raises(UsageError, match="of two faces"):
        kernel.kid_subsets(real, fake, size=1)
    with pytest.raises(UsageError, match="one or more"):
        kernel.kid_subsets(real, fake, subsets=0, size=10)
