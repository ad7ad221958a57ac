"""Intervals by textbook formulas, and in simulation: how often they cover, and what a bootstrap would do instead."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from scipy.stats import binom
from scipy.stats import t as student

from fergan_core.errors import UsageError
from fergan_core.metrics import bins, copying, diversity, frechet, inception_score, intervals, kernel, neighbours
from fergan_core.metrics.vendi import vendi, vendi_without

DOUBLE = torch.float64
WIDTH, FACES = 8, 300
REAL = torch.randn(500, WIDTH, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
STATISTICS, REAL_MEAN = frechet.statistics(REAL), kernel.kernel_mean(REAL)
UNSEEN = torch.randn(300, WIDTH, generator=torch.Generator().manual_seed(11), dtype=DOUBLE)
SCALES = torch.linspace(0.6, 1.4, WIDTH, dtype=DOUBLE)
BINS, TRAINING = bins.make_bins(REAL, k=20), copying.training_set(REAL, UNSEEN, cells=3)

Scored = Callable[[torch.Tensor, torch.Tensor], tuple[float, torch.Tensor]]


def fid_scored(fake: torch.Tensor, groups: torch.Tensor) -> tuple[float, torch.Tensor]:
    value = frechet.fid_from_statistics(STATISTICS, frechet.statistics(fake))
    return value, frechet.fid_without(STATISTICS, fake, groups)


def fid_infinity_scored(fake: torch.Tensor, groups: torch.Tensor) -> tuple[float, torch.Tensor]:
    value = frechet.fid_infinity(STATISTICS, fake, sizes=8)
    return value, frechet.fid_infinity_without(STATISTICS, fake, groups, sizes=8)


def kid_scored(fake: torch.Tensor, groups: torch.Tensor) -> tuple[float, torch.Tensor]:
    kid = kernel.jackknifed_kid(REAL, fake, groups, real_mean=REAL_MEAN)
    return kid.value, kid.without


def kid_value(fake: torch.Tensor) -> float:
    return kernel.kid(REAL, fake, real_mean=REAL_MEAN)


def vendi_scored(fake: torch.Tensor, groups: torch.Tensor) -> tuple[float, torch.Tensor]:
    return vendi(fake), vendi_without(fake, groups)


def scored_by(measure: Callable[[torch.Tensor, torch.Tensor], object], name: str) -> Scored:
    """Score by one field of what `measure` returns, and its values `without` each group."""
    without = "without" if name == "value" else f"{name}_without"

    def scored(fake: torch.Tensor, groups: torch.Tensor) -> tuple[float, torch.Tensor]:
        scores = measure(fake, groups)
        return getattr(scores, name), getattr(scores, without)

    return scored


def ct_scored(fake: torch.Tensor, groups: torch.Tensor) -> tuple[float, torch.Tensor]:
    scores = copying.copying(TRAINING, fake, groups)
    assert torch.equal(scores.least, scores.most)  # every cell counts in all draws
    return scores.ct, scores.most[1:]


ndb_scored = scored_by(partial(bins.binned, BINS), "ndb")
js_scored = scored_by(partial(bins.binned, BINS), "js")
distance_scored = scored_by(diversity.jackknifed_distance, "value")
COUNTS = {
    "js": js_scored,
    "ct": ct_scored,
    "distance": distance_scored,
}


def times_covered(scored: Scored, repeats: int, blocks: int, like_real: bool) -> int:
    """Count the repeats whose interval holds the mean of the value over all repeats, which is practically the truth."""
    generator = torch.Generator().manual_seed(5)
    block_intervals = []
    for repeat in range(repeats):
        parts = []
        for _ in range(blocks):
            fake = torch.randn(FACES, WIDTH, generator=generator, dtype=DOUBLE)
            parts.append(scored(fake if like_real else fake * SCALES + 0.2, intervals.groups_of(FACES, repeat)))
        values = torch.tensor([value for value, _ in parts], dtype=DOUBLE)
        block_intervals.append(intervals.interval_of_blocks(values, torch.stack([without for _, without in parts])))
    truth = sum(interval.value for interval in block_intervals) / repeats
    return sum(interval.low <= truth <= interval.high for interval in block_intervals)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("scored", "repeats", "blocks"),
    [
        (fid_scored, 300, 1),
        (fid_infinity_scored, 200, 1),
        (kid_scored, 200, 1),
        (vendi_scored, 300, 1),
        (vendi_scored, 200, 3),
    ],
)
def test_interval_covers_the_truth_about_as_often_as_it_says(scored: Scored, repeats: int, blocks: int) -> None:
    # Were each interval right with probability 0.95, the count would lie outside these bounds once in 500 trials.
    fewest, most = binom.ppf([0.001, 0.999], repeats, 0.95)
    assert fewest <= times_covered(scored, repeats, blocks, like_real=False) <= most


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("scored", [*COUNTS.values(), ndb_scored], ids=[*COUNTS, "ndb"])
def test_interval_of_a_count_covers_at_least_as_often_as_it_says(scored: Scored) -> None:
    assert times_covered(scored, 200, 1, like_real=False) >= binom.ppf(0.001, 200, 0.95)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize(
    "scored", [fid_scored, kid_scored, vendi_scored, *COUNTS.values()], ids=["fid", "kid", "vendi", *COUNTS]
)
def test_interval_is_wide_rather_than_narrow_for_faces_drawn_as_the_real_ones(scored: Scored) -> None:
    # There a score's first derivative is 0, and a jackknife overestimates curvature: there is no upper bound.
    assert times_covered(scored, 100, 1, like_real=True) >= binom.ppf(0.001, 100, 0.95)


@pytest.mark.parametrize(("scored", "value_of", "side"), [(kid_scored, kid_value, 1), (vendi_scored, vendi, -1)])
def test_a_bootstrap_would_be_outside_the_interval(
    scored: Scored, value_of: Callable[[torch.Tensor], float], side: int
) -> None:
    # A resample repeats faces, which are nearest to themselves: KID is too large, diversity too small, by more than
    # the error. That is why these scores have a jackknife.
    generator = torch.Generator().manual_seed(2)
    groups = intervals.groups_of(FACES)
    for _ in range(10):
        fake = torch.randn(FACES, WIDTH, generator=generator, dtype=DOUBLE)
        value, without = scored(fake, groups)
        interval = intervals.interval_of_blocks(torch.tensor([value], dtype=DOUBLE), without[None])
        resamples = torch.randint(FACES, (40, FACES), generator=generator)
        mean = sum(value_of(fake[index]) for index in resamples) / 40
        assert mean > interval.high if side > 0 else mean < interval.low


def test_jackknife_error_of_a_mean_is_the_textbook_standard_error() -> None:
    values = torch.randn(60, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    one_each = torch.stack([values[torch.arange(60) != face].mean() for face in range(60)])
    assert intervals.jackknife_error(one_each) == pytest.approx(float(values.std()) / math.sqrt(60), rel=1e-12)
    groups = intervals.groups_of(60, groups=12)
    without = torch.stack([values[groups != group].mean() for group in range(12)])
    means = torch.stack([values[groups == group].mean() for group in range(12)])
    assert intervals.jackknife_error(without) == pytest.approx(float(means.std()) / math.sqrt(12), rel=1e-12)
    assert intervals.jackknife_error(torch.full((5,), 2.5)) == 0


def test_groups_are_equal_random_and_repeatable() -> None:
    groups = intervals.groups_of(207, seed=3)
    assert groups.dtype == torch.int64
    assert sorted(torch.bincount(groups).tolist()) == [10] * 13 + [11] * 7
    assert torch.equal(groups, intervals.groups_of(207, seed=3))
    assert not torch.equal(groups, intervals.groups_of(207, seed=4))
    assert not torch.equal(groups, torch.arange(207) % 20)
    assert sorted(intervals.groups_of(20).tolist()) == list(range(20))


def test_fewer_faces_than_groups_are_refused() -> None:
    with pytest.raises(UsageError, match="19 faces do not fill 20 groups"):
        intervals.groups_of(19)


def test_interval_of_blocks_is_their_mean_with_students_error() -> None:
    values = torch.tensor([1.0, 2.0, 4.5], dtype=DOUBLE)
    without = torch.randn(3, 10, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    error = math.sqrt(sum(0.9 * float((row - row.mean()).square().sum()) for row in without)) / 3
    reach = float(student.ppf(0.975, 27)) * error
    interval = intervals.interval_of_blocks(values, without)
    assert interval.value == pytest.approx(2.5, rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx((2.5 - reach, 2.5 + reach), rel=1e-12)
    assert intervals.interval_of_blocks(values, without, low=2.4, high=2.6) == intervals.Interval(2.5, 2.4, 2.6)


def test_interval_of_mean_is_students() -> None:
    values = torch.tensor([1, 2, 3, 6])  # mean 3, variance 14/3
    reach = float(student.ppf(0.975, 3)) * math.sqrt(14 / 3 / 4)
    interval = intervals.interval_of_mean(values)
    assert (interval.low, interval.value, interval.high) == pytest.approx((3 - reach, 3, 3 + reach), rel=1e-12)
    assert intervals.interval_of_mean(torch.tensor([7.0])) == intervals.Interval(7, 7, 7)
    assert intervals.interval_of_mean(torch.full((9,), 2.0)) == intervals.Interval(2, 2, 2)


RARE = (0.0005, 0.001, 0.002, 0.005, 0.01)


@pytest.mark.parametrize("truth", [*RARE, 0.3, 0.5, *(1 - truth for truth in RARE)])
@pytest.mark.parametrize("trials", [60, 350, 2000])
def test_interval_of_a_share_covers_every_truth(truth: float, trials: int) -> None:
    # No simulation: every number of hits with its probability. Wilson's interval covers 84 % at 0.0005 of 360.
    hits = torch.arange(trials + 1, dtype=DOUBLE)
    likely = torch.from_numpy(binom.pmf(hits.numpy(), trials, truth))
    share_intervals = [intervals.interval_of_share(float(hit) / trials, trials) for hit in hits[likely > 1e-9]]
    covered = torch.tensor([interval.low <= truth <= interval.high for interval in share_intervals])
    assert float(likely[likely > 1e-9][covered].sum()) >= 0.95
    assert all(0 <= interval.low <= interval.value <= interval.high <= 1 for interval in share_intervals)


@pytest.mark.parametrize("truth", [*RARE, 0.3, 0.9])
def test_interval_of_counts_covers_every_truth(truth: float) -> None:
    # A face inside any ball is inside 1 to 20 of them, as in 64 dimensions, where some faces are hubs.
    generator = torch.Generator().manual_seed(3)
    sizes = torch.tensor([1, 1, 2, 2, 3, 4, 5, 6, 10, 20], dtype=DOUBLE) / 5
    sampled_sizes = sizes[torch.randint(10, (1000, 300), generator=generator)]
    counts = sampled_sizes * (torch.rand(1000, 300, generator=generator) < truth / float(sizes.mean()))
    mean_intervals = [intervals.interval_of_counts(row) for row in counts]
    assert sum(interval.low <= truth <= interval.high for interval in mean_intervals) >= binom.ppf(0.001, 1000, 0.95)
    assert all(0 <= interval.low <= interval.value <= interval.high for interval in mean_intervals)
    assert sum(interval.high - interval.low for interval in mean_intervals) / 1000 < 0.05 + 0.5 * truth


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("share", [0.0004, 0.002, 0.1, 1.0])
def test_interval_of_coverage_covers_the_truth_near_none_and_near_all(share: float) -> None:
    # A share of the fakes is like real faces and the rest far away. There are more fakes than real faces, so that a
    # share of 1 reaches nearly all.
    real = REAL[:100, :3]
    generator = torch.Generator().manual_seed(4)
    coverages = []
    for _ in range(200):
        fake = torch.randn(200, 3, generator=generator, dtype=DOUBLE)
        fake[torch.rand(200, generator=generator) >= share] += 100
        coverages.append(neighbours.interval_of_reached([neighbours.neighbourhoods(real, fake).coverage]))
    truth = sum(interval.value for interval in coverages) / 200
    assert sum(interval.low <= truth <= interval.high for interval in coverages) >= binom.ppf(0.001, 200, 0.95)
    assert all(0 <= interval.low <= interval.value <= interval.high <= 1 for interval in coverages)
    # A normal interval would be as wide as 3.92 of the standard deviations that the shares really have.
    spread = float(torch.tensor([interval.value for interval in coverages]).std())
    assert sum(interval.high - interval.low for interval in coverages) / 200 < 0.25 + 1.5 * 3.92 * spread


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("how", ["copies", "far away", "about 20 in a cell", "about 16 in a cell"])
def test_interval_of_ct_covers_where_all_faces_are_at_one_end_or_a_cell_counts_in_some_draws_only(how: str) -> None:
    generator = torch.Generator().manual_seed(6)
    # Away from the third cell's centre, in which 106 unseen faces are.
    away = -TRAINING.centres[2] / TRAINING.centres[2].norm()
    ct_intervals = []
    for repeat in range(100):
        fake = torch.randn(FACES, WIDTH, generator=generator, dtype=DOUBLE)
        if how in ("copies", "far away"):
            near = REAL[torch.randint(500, (FACES,), generator=generator)]
            fake = near + (1e-3 if how == "copies" else 4) * fake
        else:
            fake = fake + (1.12 if how.startswith("about 20") else 1.25) * away
        ct_intervals.append(
            copying.interval_of_ct([copying.copying(TRAINING, fake, intervals.groups_of(FACES, repeat))])
        )
    truth = sum(interval.value for interval in ct_intervals) / 100
    assert sum(interval.low <= truth <= interval.high for interval in ct_intervals) >= 93
    assert all(interval.low <= interval.value <= interval.high for interval in ct_intervals)


@pytest.mark.parametrize("sure", [0.0, 0.3, 5.0])
def test_interval_of_the_inception_score_holds_its_own_value_and_covers(sure: float) -> None:
    # Of few faces, where the percentiles of resamples were below the score itself.
    generator = torch.Generator().manual_seed(7)
    scores = [
        inception_score.score(sure * torch.randn(30, 7, generator=generator, dtype=DOUBLE), repeats=200, seed=repeat)
        for repeat in range(200)
    ]
    truth = sum(score.kl_nats.value for score in scores) / 200
    for score in scores:
        for interval in (score.kl_nats, score.inception_score, score.kl_ratio):
            assert interval.low <= interval.value <= interval.high
    assert sum(score.kl_nats.low <= truth <= score.kl_nats.high for score in scores) >= 0.88 * 200
