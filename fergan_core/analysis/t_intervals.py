"""Means over runs and differences of two groups' means: t intervals and p-values, by SciPy."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from fergan_core.analysis.families import LEVEL

Values = Sequence[float] | NDArray[np.float64]


class TInterval(NamedTuple):
    """An estimate with its interval, and the p-value of the two-sided test that it is 0."""

    value: float
    low: float
    high: float
    p: float


def mean_interval(values: Values, level: float = LEVEL) -> TInterval:
    """Return the mean of two or more values with Student's interval of confidence 1 - `level`.

    Where all values are the same the interval has no width, and `p` is 0, or 1 for a mean of 0.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not varies(numbers):
        mean = float(numbers[0])
        return TInterval(mean, mean, mean, float(mean == 0))
    with _nearly_equal_values():
        test = scipy.stats.ttest_1samp(numbers, 0)
        low, high = test.confidence_interval(1 - level)
    return TInterval(float(numbers.mean()), float(low), float(high), float(test.pvalue))


def difference_interval(first: Values, second: Values, level: float = LEVEL) -> TInterval:
    """Return the second group's mean less the first one's with Welch's interval (Welch 1947) of confidence 1 - `level`.

    Each group has two or more values. Where neither varies the interval has no width, and `p` is 1: values that are
    all the same are not independent ones, and show nothing.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    difference = float(b.mean() - a.mean())
    if not varies(a) and not varies(b):
        return TInterval(difference, difference, difference, 1.0)
    with _nearly_equal_values():
        test = scipy.stats.ttest_ind(b, a, equal_var=False)
        low, high = test.confidence_interval(1 - level)
    return TInterval(difference, float(low), float(high), float(test.pvalue))


def varies(values: NDArray[np.float64]) -> bool:
    """Tell whether not all values are the same; by their variance, rounding of the mean alone would say so."""
    return bool(np.ptp(values) > 0)


@contextmanager
def _nearly_equal_values() -> Iterator[None]:
    """Silence SciPy's warning of a group without spread: it is usual, as where all runs have a share of 0."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        yield
