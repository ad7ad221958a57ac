"""Simulated raters of known skill: what they are is found again in their answers, within the intervals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fergan_core.rating import attention, correlation, preference, reading, realism, tables
from fergan_core.rating.realism import Share, mean_of_two, share_interval
from fergan_core.rating.session import TASKS, Plan
from tests.rating.simulated import Skill, items_table, rated, study_items

PLAN = Plan(seed=1, tasks=tuple(TASKS), trials=60, exposures=(500,))
ITEMS = study_items()
TABLE = items_table(ITEMS)
SKILL = Skill()


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return rated(PLAN, ITEMS, [SKILL] * 16, seed=0)


def test_hype_is_the_mean_of_both_halves_and_holds_the_true_rates(answers: pd.DataFrame) -> None:
    found = realism.hype(answers, TABLE).set_index("source")
    assert list(found.index) == ["a@1", "b@2", "c@3"]  # the most deceiving first
    for source, row in found.iterrows():
        truth = (SKILL.errs[str(source)] + SKILL.errs["real"]) / 2
        assert row.low <= truth <= row.high
        assert row.value == pytest.approx((row.generated + row.real) / 2)
        assert row.high - row.low < 0.15
    assert (found.generated_answers == 160).all()
    assert (found.real_answers == 480).all()


def test_a_share_without_clusters_has_wilsons_interval_and_alike_answers_of_a_person_a_wider_one() -> None:
    hits = [True] * 3 + [False] * 7
    share = share_interval(hits, ["one"] * 10)
    assert share[1:3] == pytest.approx((0.1078, 0.6032), abs=1e-4)  # statsmodels, method="wilson"
    apart = share_interval([True] * 10 + [False] * 10, ["a"] * 10 + ["b"] * 10)
    mixed = share_interval([True, False] * 10, ["a"] * 10 + ["b"] * 10)
    assert apart.high - apart.low > 1.5 * (mixed.high - mixed.low)
    assert np.isnan(share_interval([], []).value)
    assert share_interval([True] * 5, ["a"] * 5).high == 1.0


def test_the_mean_of_two_equal_halves_is_surer_than_either() -> None:
    half = Share(0.3, 0.2, 0.4, 50)
    both = mean_of_two(half, half)
    assert both.value == pytest.approx(0.3)
    assert both.high - both.low == pytest.approx(0.2 / np.sqrt(2))


def test_intervals_hold_for_people_who_differ() -> None:
    random = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        chances = random.beta(6, 14, size=12)
        hits = np.concatenate([random.random(20) < chance for chance in chances])
        share = share_interval(hits, [at for at in range(12) for _ in range(20)])
        held += share.low <= 0.3 <= share.high
    assert held >= 180


def test_people_recognise_emotions_as_often_as_they_do(answers: pd.DataFrame) -> None:
    found = reading.recognition(answers, TABLE).set_index("source")
    for source, truth in SKILL.recognises.items():
        assert found.value[source] == pytest.approx(truth, abs=0.07)
        assert found.low[source] < found.value[source] < found.high[source]
    assert (found.judge == 1).all()
    generated = reading.generated_only(tables.of_single_faces(answers, TABLE, "emotion"), True)
    shares = reading.confusion(generated, "answer")
    assert shares.shape == (7, 8)
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1)
    assert np.diag(reading.confusion(generated, "read_as")).tolist() == [1.0] * 7


def test_agreement_is_one_for_the_same_answers_and_nought_for_chance(answers: pd.DataFrame) -> None:
    sure = Skill(dict.fromkeys(SKILL.errs, 1e-9), dict.fromkeys(SKILL.recognises, 1.0))
    alike = reading.agreement(rated(PLAN, ITEMS, [sure] * 5)).set_index("task").alpha
    chance = reading.agreement(rated(PLAN, ITEMS, [replace(SKILL, attention=0.0)] * 8)).set_index("task").alpha
    assert alike.to_dict() == {"real": 1.0, "emotion": 1.0}
    assert chance.abs().max() < 0.08
    assert reading.agreement(answers[answers.rater == "p0"]).empty


def test_agreement_is_krippendorffs_own_example() -> None:
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, example C: nominal alpha 0.743."""
    import krippendorff

    rows = [[1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
            [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]]  # fmt: skip
    data = np.array(rows, dtype=float)
    assert krippendorff.alpha(reliability_data=data, level_of_measurement="nominal") == pytest.approx(0.743, abs=1e-3)


@pytest.mark.parametrize("task", ["pair_real", "pair_emotion"])
def test_strengths_and_their_order_are_found_again(answers: pd.DataFrame, task: str) -> None:
    found = preference.ranking(answers, TABLE, task)
    assert list(found.source) == ["real", "a@1", "b@2", "c@3"]
    truth = np.array([SKILL.worth[source] for source in found.source])
    truth -= truth.mean()
    assert found.strength.to_numpy() == pytest.approx(truth, abs=0.35)
    assert ((found.low < found.strength) & (found.strength < found.high)).all()
    assert found.comparisons.sum() == 2 * 16 * 60


def test_a_face_that_always_wins_has_a_finite_strength_and_two_people_no_interval(answers: pd.DataFrame) -> None:
    best = Skill(worth={"real": 50.0, "a@1": 0.0, "b@2": 0.0, "c@3": 0.0})
    found = preference.ranking(rated(PLAN, ITEMS, [best] * 2), TABLE, "pair_real")
    assert found.source[0] == "real"
    assert np.isfinite(found.strength).all()
    assert found.low.isna().all()
    assert preference.ranking(answers.iloc[:0], TABLE, "pair_real").empty


def test_spearman_is_scipys_with_an_interval_that_few_checkpoints_make_wide() -> None:
    from scipy.stats import spearmanr

    random = np.random.default_rng(4)
    first = pd.Series(random.normal(size=12))
    second = first + pd.Series(random.normal(size=12))
    value, low, high = correlation.spearman(first, second)
    assert value == pytest.approx(spearmanr(first, second).statistic)
    assert -1 < low < value < high < 1
    few = correlation.spearman(first[:4], first[:4])
    assert few[0] == 1.0
    assert few[1] < 0
    assert np.isnan(correlation.spearman(first[:2], second[:2])[0])


def test_every_metric_is_correlated_with_people_over_the_checkpoints_that_both_know() -> None:
    people = {"taken for real": pd.DataFrame({"source": ["a@1", "b@2", "c@3", "x@9"], "value": [0.6, 0.3, 0.1, 0.5]})}
    rows = [("a", 1, "fid", None, 1.0), ("b", 2, "fid", None, 2.0), ("c", 3, "fid", None, 9.0)]
    rows += [("a", 1, "fid", "happy", 7.0), ("a", 1, "is", None, 2.0), ("b", 2, "is", None, 1.0)]
    scores = pd.DataFrame(rows, columns=["run_id", "step", "metric", "emotion", "value"])
    (found,) = correlation.with_metrics(people, scores).to_dict("records")
    assert (found["metric"], found["value"], found["checkpoints"]) == ("fid", pytest.approx(-1.0), 3)


def test_who_does_not_attend_is_flagged_and_counted() -> None:
    ratings = rated(PLAN, ITEMS, [SKILL, replace(SKILL, attention=0.0), SKILL], seed=1)
    ratings.loc[ratings.rater == "p2", "response_ms"] = 90.0
    found = attention.people(ratings).set_index("rater")
    assert found.reasons["p0"] == ""
    assert "attention checks" in found.reasons["p1"]
    assert "90 ms" in found.reasons["p2"]
    assert found.answers.min() == found.answers.max()
    assert set(tables.counted(ratings, list(TASKS)).rater) == {"p0", "p1", "p2"}
