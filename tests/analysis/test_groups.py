"""Differences between groups of seeds by textbook formulas, and what few runs can show."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_ind

from fergan_core.analysis.studies.groups import compare
from fergan_core.errors import UsageError


def test_difference_and_interval_are_welchs() -> None:
    a, b = [1.0, 2.0, 4.0, 3.0, 2.5, 1.5], [4.0, 6.0, 9.0, 5.0, 7.0]
    difference = compare(a, b)
    expected = ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert difference.difference == pytest.approx(np.mean(b) - np.mean(a))
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
    assert difference.verdict == "shows"
    assert difference.needed is None


def test_swapping_the_groups_changes_the_sign() -> None:
    a, b = [1.0, 2.0, 3.0], [5.0, 6.0, 9.0]
    forth, back = compare(a, b), compare(b, a)
    assert (forth.difference, forth.low, forth.effect) == pytest.approx((-back.difference, -back.high, -back.effect))


@pytest.mark.slow
@pytest.mark.thorough
def test_hedges_g_is_unbiased() -> None:
    source = np.random.default_rng(0)
    effects = [compare(source.normal(0, 1, 3), source.normal(1, 1, 3)).effect for _ in range(1_000)]
    assert float(np.mean(effects)) == pytest.approx(1.0, abs=0.08)


def test_a_group_below_five_runs_at_most_suggests() -> None:
    assert compare([1.0, 1.1, 0.9], [5.0, 5.1, 4.9]).verdict == "suggests"
    assert compare([1.0, 1.1, 0.9], [5.0, 5.1, 4.9]).needed == 5
    assert compare([1.0, 1.1, 0.9, 1.0, 1.0], [5.0, 5.1, 4.9, 5.0, 5.0]).verdict == "shows"


@pytest.mark.slow
def test_what_the_seeds_explain_is_undecided_and_how_many_runs_would_decide_it() -> None:
    a, b = [1.0, 3.0, 2.0], [2.0, 4.0, 3.0]
    difference = compare(a, b)
    assert difference.verdict == "cannot tell"
    assert difference.needed is not None
    source = np.random.default_rng(1)
    # With as many runs, drawn with these means and spreads, the interval leaves 0 out four times out of five.
    groups = (source.normal(middle, 1, (2000, difference.needed)) for middle in (2, 3))
    apart = sum(compare(a, b).low > 0 for a, b in zip(*groups, strict=True))
    assert binom.ppf(0.0005, 2000, 0.8) <= apart <= binom.ppf(0.9995, 2000, 0.84)
    assert compare([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).needed is None


def test_what_is_undecided_needs_more_runs_than_there_are() -> None:
    difference = compare([0.0, 0.0001, 0.0002, 0.0001, 0.0001], [0.0, 2.4, 0.6, 0.1, 1.9])
    assert difference.verdict == "cannot tell"
    assert difference.needed is not None
    assert difference.needed > 5


@pytest.mark.parametrize("value", [1.0, 0.1])  # the mean of three times 0.1 is not 0.1: rounding is not spread
def test_runs_that_are_all_alike(value: float) -> None:
    difference = compare([value] * 3, [2 * value] * 3)
    assert np.isnan(difference.effect)
    assert (difference.verdict, difference.needed) == ("cannot tell", None)


@pytest.mark.parametrize(("a", "b"), [([1.0], [1.0, 2.0]), ([1.0, float("nan")], [1.0, 2.0])])
def test_one_run_is_not_a_group(a: list[float], b: list[float]) -> None:
    with pytest.raises(UsageError, match="two or more"):
        compare(a, b)
