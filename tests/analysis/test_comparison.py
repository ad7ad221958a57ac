"""Recipes at an equal budget: which runs are one rival, which evaluations are compared, how sure the verdict is."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import ttest_rel
from statsmodels.stats.multitest import multipletests

from fergan_core.analysis.budgets import COST, SPEED, with_cost
from fergan_core.analysis.comparison import cut_short, family, front, group_by_recipe, matched, pairs
from fergan_core.analysis.families import corrected
from fergan_core.analysis.scales import Scale
from fergan_core.recipe import PRESETS, to_dict

RECIPES = {
    f"{kind}{seed}": {"batch_size": 10, "seed": seed, "eval_every": seed + 1, "method": {"kind": kind, "lr": 1.0}}
    for kind in ("gan", "flow")
    for seed in range(3)
}
RUNS = pd.DataFrame(
    {"id": run_id, "name": f"run {run_id}", "preset": run_id[:-1], "data_hash": "d", "seed": int(run_id[-1])}
    for run_id in RECIPES
)
SEEDS = dict(zip(RUNS.id, RUNS.seed, strict=True))


def score(run_id: str, step: int, value: float, judge: str = "j", reach: float = 0.5) -> dict[str, object]:
    protocol = {"count": 2000, "prior": "natural", "seed": 0, "truncation": 1.0}
    about = {"run_id": run_id, "run_name": run_id, "epoch": step // 10, "step": step, "judge": judge}
    ends = {"low": value - reach, "high": value + reach, "real": 0.1}
    return about | {"judge_sha256": judge, **protocol, "metric": "fid", "emotion": None, "value": value, **ends}


def points(speeds: dict[str, float], costs: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"run_id": run_id, "metric": SPEED, "step": 1000, "mean": speed} for run_id, speed in speeds.items()]
        + [{"run_id": run_id, "metric": COST, "step": 1, "mean": cost} for run_id, cost in costs.items()]
    )


def without_costs(scores: list[dict[str, object]]) -> pd.DataFrame:
    """Scores of runs that recorded neither their speed nor what an image costs."""
    return with_cost(pd.DataFrame(scores), RECIPES, pd.DataFrame(columns=["run_id", "metric", "step", "mean"]))


def test_runs_of_one_recipe_are_one_rival_whatever_they_record_and_a_changed_preset_is_another() -> None:
    assert group_by_recipe(RUNS, RECIPES) == {
        "gan": ["gan0", "gan1", "gan2"],
        "flow": ["flow0", "flow1", "flow2"],
    }
    other = RECIPES | {"gan2": RECIPES["gan2"] | {"method": {"kind": "gan", "lr": 2.0}}}
    assert list(group_by_recipe(RUNS, other)) == ["run gan0", "run gan2", "flow"]


def test_a_rival_is_named_after_what_it_changes_of_its_preset() -> None:
    quick = to_dict(PRESETS["quick"])
    recipes = {
        "gan0": quick,
        "gan1": quick | {"epochs": 3},
        "gan2": quick | {"method": quick["method"] | {"loss": "hinge"}},
        "flow0": quick | {"flip": True, "images": 100, "method": quick["method"] | {"loss": "lsgan"}},
    }
    runs = RUNS[RUNS.id.isin(recipes)].assign(preset="quick")
    assert list(group_by_recipe(runs, recipes)) == [
        "quick, 9 epochs", "quick, 3 epochs", "quick, loss hinge", "run flow0",
    ]  # fmt: skip
    assert list(group_by_recipe(runs[runs.id != "gan1"], recipes)) == ["quick", "quick, loss hinge", "run flow0"]


def test_a_rival_that_is_met_before_its_rate_has_fallen_is_named() -> None:
    recipes = {
        run_id: {"batch_size": 10, "seed": int(run_id[-1]), "method": {"kind": run_id[:-1], "lr_decay": "f" in run_id}}
        for run_id in RECIPES
    }
    runs = RUNS.assign(steps=400)
    rows = [score(run_id, 200 if run_id == "flow1" else 400, 1.0) for run_id in RECIPES]
    table = matched(without_costs(rows), group_by_recipe(RUNS, recipes), SEEDS, "images")
    assert "'flow' after 50% of it" in cut_short(table, runs, recipes)
    assert cut_short(table, RUNS.assign(steps=200), recipes) == ""
    gans = table[table.rival == "gan"]
    assert cut_short(gans, runs, recipes) == ""  # their rates were not planned to fall


@pytest.mark.parametrize(
    ("budget", "steps"),
    [
        ("images", {"gan0": 100, "flow0": 100}),
        ("seconds", {"gan0": 200, "flow0": 100}),
        ("flops", {"gan0": 200, "flow0": 50}),
    ],
)
def test_rivals_are_compared_where_they_had_spent_the_same(budget: str, steps: dict[str, int]) -> None:
    # A flow's image takes twice the time of a GAN's and four times its operations, and the GAN went to step 200.
    table = pd.DataFrame([score("gan0", step, 9.0) for step in (50, 100, 200)])
    table = pd.concat([table, pd.DataFrame([score("flow0", step, 5.0) for step in (50, 100)])], ignore_index=True)
    costs = points({"gan0": 100.0, "flow0": 50.0}, {"gan0": 1.0, "flow0": 4.0})
    rows = matched(with_cost(table, RECIPES, costs), {"gan": ["gan0"], "flow": ["flow0"]}, SEEDS, budget)
    assert dict(zip(rows.run_id, rows.step, strict=True)) == steps


def test_paired_seeds_show_what_their_spread_would_hide() -> None:
    levels = {0: 10.0, 1: 20.0, 2: 30.0}
    rows = [score(f"gan{seed}", 100, level) for seed, level in levels.items()]
    rows += [score(f"flow{seed}", 100, level - 2 - 0.1 * seed) for seed, level in levels.items()]
    table = matched(without_costs(rows), group_by_recipe(RUNS, RECIPES), SEEDS, "images")
    (comparison,) = pairs(table, "fid", "lower")
    assert comparison.rivals == ("gan", "flow")
    assert comparison.difference == pytest.approx(-2.1)
    reach = 4.302652729911275 * 0.1 / math.sqrt(3)
    assert (comparison.low, comparison.high) == (pytest.approx(-2.1 - reach), pytest.approx(-2.1 + reach))
    assert (comparison.pairs, comparison.answer, comparison.winner) == (3, "suggests", 1)
    assert "3 paired seeds suggest that 'flow' is better by " in comparison.sentence("FID")


def table_of(values: dict[str, list[float]], metric: str = "fid") -> pd.DataFrame:
    """Scores as `matched` returns them: one per rival and seed."""
    rows = [(name, metric, None, seed, value) for name, by_seed in values.items() for seed, value in enumerate(by_seed)]
    return pd.DataFrame(rows, columns=["rival", "metric", "emotion", "seed", "value"]).assign(low=0.0, high=0.0)


@pytest.mark.slow
def test_a_skewed_score_is_compared_as_a_ratio_and_described_as_one() -> None:
    table = table_of({"gan": [14.0, 28.0, 7.0, 15.0, 20.0], "flow": [10.0, 20.0, 5.0, 11.0, 14.0]})
    (comparison,) = family(table, [("fid", "lower", Scale("ratio"))])["fid"]
    assert comparison.kind == "ratio"
    assert comparison.winner == 1
    assert comparison.difference == pytest.approx((10 * 20 * 5 * 11 * 14 / (14 * 28 * 7 * 15 * 20)) ** 0.2)
    sentence = comparison.sentence("FID")
    assert "5 paired seeds show that 'flow' is better by a factor of 1.4 (95 % interval 1.37 to 1.43)." in sentence
    (turned,) = family(table.iloc[::-1], [("fid", "lower", Scale("ratio"))])["fid"]
    assert "'flow' is better by a factor of 1.4 (95 % interval 1.37 to 1.43)" in turned.sentence("FID")
    (below,) = family(table.assign(value=table.value - 5), [("fid", "lower", Scale("ratio"))])["fid"]
    assert below.kind == "difference"  # one score is 0
    assert "is better by 4.8 (95 % interval" in below.sentence("FID")


@pytest.mark.slow
def test_shares_are_tested_by_log_odds_and_the_verdict_is_in_points() -> None:
    table = table_of({"gan": [0.02, 0.03, 0.01, 0.02, 0.0], "flow": [0.4, 0.6, 0.5, 0.55, 0.3]}, "coverage")
    (comparison,) = family(table, [("coverage", "higher", Scale("share", 1000))])["coverage"]
    first, second = (logit(table[table.rival == name].value.clip(0.0005)) for name in ("gan", "flow"))
    assert comparison.kind == "share"
    assert comparison.p == pytest.approx(ttest_rel(first, second).pvalue)
    assert comparison.means == pytest.approx((expit(first.mean()), expit(second.mean())))
    assert comparison.difference == pytest.approx(comparison.means[1] - comparison.means[0])
    assert 0 < comparison.low < comparison.difference < comparison.high < 1
    sentence = comparison.sentence("coverage", lambda value: f"{value:.1%}")
    assert sentence.startswith(
        "coverage: 'gan' 0.9%, 'flow' 46.8%: 5 paired seeds show that 'flow' is better by 45.9 points ("
    )
    assert sentence.endswith(" points).")
    assert sentence.count("points") == 2
    (unknown,) = pairs(table, "coverage", "higher", Scale("share"))
    assert unknown.kind == "difference"  # one share is 0, of an unknown number of faces


@pytest.mark.slow
def test_ten_pairs_are_corrected_for_their_number_and_their_intervals_agree_with_it() -> None:
    source = np.random.default_rng(0)
    values = {f"r{place}": list(20 * np.exp(0.1 * source.normal(size=5) + (place == 0))) for place in range(5)}
    table = table_of(values)
    verdicts = family(table, [("fid", "lower", Scale("ratio"))])["fid"]
    rejected = multipletests(
        [comparison.p for comparison in pairs(table, "fid", "lower", Scale("ratio"))], method="holm"
    )[0]
    assert [comparison.winner is not None for comparison in verdicts] == rejected.tolist()
    assert [not comparison.low <= 1 <= comparison.high for comparison in verdicts] == rejected.tolist()
    assert 0 < rejected.sum() < 10
    assert "10 comparisons" in corrected(verdicts[0].compared)
    assert "(corrected 95 % interval " in verdicts[0].sentence("FID")


def test_one_run_of_each_is_compared_by_the_scores_own_intervals() -> None:
    def comparison(value: float) -> str:
        table = without_costs([score("gan0", 100, 10.0), score("flow0", 100, value)])
        rows = matched(table, {"gan": ["gan0"], "flow": ["flow0"]}, SEEDS, "images")
        return next(pairs(rows, "fid", "lower")).sentence("FID")

    assert "one run of each does not show which is better" in comparison(9.5)
    assert "of these two runs 'flow' is better" in comparison(9.0)
    assert comparison(9.0).endswith("; other seeds may differ.")


def test_a_point_is_on_the_front_where_no_other_is_both_cheaper_and_better() -> None:
    assert front([1, 2, 3, 3], [5, 7, 6, 4], "lower") == [True, False, False, True]
    assert front([1, 2, 2], [5, 7, 7], "higher") == [True, True, True]
