"""t intervals by textbook formulas, and where a sample has no spread."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from fergan_core.analysis.t_intervals import difference_interval, mean_interval


@pytest.mark.parametrize("level", [0.05, 0.001])
def test_the_interval_of_a_mean_is_students(level: float) -> None:
    estimate = mean_interval([1, 2, 3, 6], level)  # mean 3, variance 14/3
    error = math.sqrt(14 / 3 / 4)
    half_width = student.isf(level / 2, 3) * error
    assert estimate == pytest.approx((3, 3 - half_width, 3 + half_width, 2 * student.sf(3 / error, 3)))


@pytest.mark.parametrize("level", [0.05, 0.001])
def test_the_interval_of_a_difference_is_welchs(level: float) -> None:
    a, b = np.array([1.0, 2, 4, 3, 2.5, 1.5]), np.array([4.0, 6, 9, 5, 7])
    parts = np.array([a.var(ddof=1) / 6, b.var(ddof=1) / 5])
    freedom = parts.sum() ** 2 / (parts**2 / [5, 4]).sum()  # Satterthwaite
    difference, error = b.mean() - a.mean(), math.sqrt(parts.sum())
    half_width = student.isf(level / 2, freedom) * error
    p = 2 * student.sf(difference / error, freedom)
    estimate = difference_interval(a, b, level)
    assert estimate == pytest.approx((difference, difference - half_width, difference + half_width, p))


@pytest.mark.filterwarnings("error")
def test_without_spread_an_interval_has_no_width() -> None:
    # The mean of three times 0.1 is not 0.1 in floating point: by it the values would vary.
    assert mean_interval([0.1] * 3) == (0.1, 0.1, 0.1, 0)
    assert mean_interval([0.0, 0.0]) == (0, 0, 0, 1)
    value, low, high, p = difference_interval([0.1] * 3, [0.2] * 3)
    assert (low, high, p) == (value, value, 1)
    assert value == pytest.approx(0.1)


@pytest.mark.filterwarnings("error")
def test_one_group_without_spread_is_compared_as_any_other() -> None:
    estimate = difference_interval([0.1] * 3, [0.2, 0.3, 0.4])
    half_width = student.isf(0.025, 2) * 0.1 / math.sqrt(3)
    assert estimate[:3] == pytest.approx((0.2, 0.2 - half_width, 0.2 + half_width))
