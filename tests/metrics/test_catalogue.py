"""Which direction of each score is better, and when a score is beyond real faces'."""

import pytest

from fergan_core.metrics.catalogue import CATALOGUE

NAN = float("nan")


@pytest.mark.parametrize(
    ("key", "value", "low", "high", "real", "beyond"),
    [
        ("density", 1.4, 1.3, 1.5, 0.98, True),
        ("density", 1.4, 0.9, 1.9, 0.98, False),  # the interval holds real faces' value
        ("fid", 0.01, 0.0, 0.02, 0.03, True),
        ("fid", 0.01, 0.0, 0.05, 0.03, False),
        ("fid", 0.5, 0.4, 0.6, 0.03, False),
        ("modes", 448.0, NAN, NAN, 440.0, True),  # no interval: the value itself
        ("modes", 440.0, None, None, 440.0, False),
        ("vendi", 9.0, 8.9, 9.1, 5.0, False),  # best near real faces: too high is not better
        ("density", 1.4, 1.3, 1.5, None, False),
        ("density", 1.4, 1.3, 1.5, NAN, False),
    ],
)
def test_beyond_real_faces(
    key: str, value: float, low: float | None, high: float | None, real: float | None, beyond: bool
) -> None:
    assert CATALOGUE[key].beyond_real(value, low, high, real) is beyond


def test_nothing_is_a_multiple_of_zero() -> None:
    assert CATALOGUE["density"].ratio(0.5, 1.0) == 0.5
    assert CATALOGUE["density"].ratio(0.5, None) is None
    assert CATALOGUE["density"].ratio(0.5, 0.0) is None
    assert CATALOGUE["kid"].ratio(0.5, 1e-4) is None  # real faces' KID is 0 but for chance, and as often below
