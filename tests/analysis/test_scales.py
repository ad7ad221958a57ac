"""Scales on which scores are compared: round trips, edge cases, and how they are described."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from fergan_core.analysis.scales import Scale, apart, in_words, turned_back
from fergan_core.analysis.studies.groups import compare


def test_a_mean_of_log_odds_by_hand() -> None:
    # Odds of 1/4, 1 and 4: the middle one is the mean of the logarithms.
    assert Scale("share").mean([0.2, 0.5, 0.8]) == pytest.approx(0.5)
    assert Scale("share").mean([0.5, 16 / 17]) == pytest.approx(0.8)  # odds 1 and 16
    assert Scale("ratio").mean([4.0, 9.0]) == pytest.approx(6)
    assert Scale().mean([4.0, 9.0]) == 6.5


def test_none_and_all_are_off_by_half_a_face_where_the_number_of_faces_is_known() -> None:
    kind, (log_odds,) = Scale("share", 200).applied([0.0, 0.5, 1.0])
    assert kind == "share"
    assert log_odds == pytest.approx([-math.log(399), 0, math.log(399)])
    kind, (log_odds,) = Scale("share").applied([0.0, 0.5, 1.0])
    assert (kind, log_odds.tolist()) == ("difference", [0.0, 0.5, 1.0])


@pytest.mark.parametrize(("kind", "values"), [("ratio", [1.0, 0.0]), ("ratio", [1.0, -1.0]), ("share", [0.5, 1.01])])
def test_scores_that_do_not_fit_a_scale_are_compared_as_they_are(kind, values: list[float]) -> None:
    used, (first, second) = Scale(kind, 100).applied(values, [1.0, 2.0])
    assert (used, first.tolist(), second.tolist()) == ("difference", values, [1.0, 2.0])


def test_the_test_is_welchs_of_log_odds_and_the_interval_in_points_agrees_with_it() -> None:
    source = np.random.default_rng(0)
    for shift in (0.0, 0.5, 1.0, 2.0, 4.0):
        a, b = (1 / (1 + np.exp(-source.normal(middle, 1, 5))) for middle in (1, 1 + shift))
        difference = compare(a.tolist(), b.tolist(), Scale("share"))
        p = ttest_ind(np.log(b / (1 - b)), np.log(a / (1 - a)), equal_var=False).pvalue
        assert difference.p == pytest.approx(p)
        assert (difference.verdict == "shows") == (not difference.low <= 0 <= difference.high) == (p < 0.05)
        assert difference.difference == pytest.approx(difference.second - difference.first)
        assert -1 <= difference.low < difference.difference < difference.high <= 1
        back = compare(b.tolist(), a.tolist(), Scale("share"))
        assert (back.difference, back.low, back.high) == pytest.approx(
            (-difference.difference, -difference.high, -difference.low)
        )


def test_no_difference_is_none_on_every_scale() -> None:
    assert [apart(kind, (0.3, 0.3), 0.0) for kind in ("difference", "ratio", "share")] == [0, 1, 0]
    assert turned_back("share", 0.0) == 0.5


def test_the_sentence_about_scales_names_the_scores() -> None:
    assert in_words([], []) == ""
    assert in_words(["FID"], []).startswith("FID: compared as a ratio")
    assert in_words([], ["accuracy", "coverage", "recall"]).startswith(
        "accuracy, coverage and recall: tested on log odds"
    )
