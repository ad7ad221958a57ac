"""Survival of trainings: textbook curves, intervals at and beyond the formula's edges, and which runs count as dead."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, binom

from fergan_core.analysis.studies.survival import curves, lives


def lived(died: list[float], left: list[float]) -> pd.DataFrame:
    """Runs that died, and runs that were censored, after so many images."""
    images = [*died, *left]
    flags = [True] * len(died) + [False] * len(left)
    return pd.DataFrame({"run_id": [f"r{i}" for i in range(len(images))], "images": images, "died": flags})


def curve(died: list[float], left: list[float]) -> pd.DataFrame:
    runs = lived(died, left)
    return curves(runs, dict.fromkeys(runs["run_id"], "all"))


def findings(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["run_id", "kind", "severity", "step"])
    return table.assign(epoch=1, numbers=[{} for _ in rows])


RUNS = pd.DataFrame(
    [("a", "finished", 100), ("b", "diverged", 40), ("c", "crashed", 70), ("d", "failed", 0), ("e", "interrupted", 5)],
    columns=["id", "status", "step"],
).assign(epoch=1)


def test_a_run_dies_at_its_first_alarm_or_where_it_broke_off_by_itself() -> None:
    recorded = findings(("a", "nan", "alarm", 60), ("a", "collapse", "alarm", 30), ("c", "plateau", "warning", 10))
    table = lives(RUNS, recorded, {"a": 64, "b": 32, "c": 64, "d": 64, "e": 64}).set_index("run_id")
    assert table["images"].to_dict() == {"a": 30 * 64, "b": 40 * 32, "c": 70 * 64, "d": 0, "e": 5 * 64}
    assert table["died"].to_dict() == {"a": True, "b": True, "c": False, "d": True, "e": False}
    assert table["cause"].dropna().to_dict() == {"a": "collapse", "b": "diverged", "d": "failed"}


def test_the_curve_is_kaplan_and_meiers() -> None:
    # Conover, Practical nonparametric statistics (1999), p. 91: ten fan belts.
    table = curve([77, 47, 81, 56, 80], [62, 60, 43, 71, 37]).set_index("images")
    assert table["alive"].to_dict() == pytest.approx(
        {0: 1, 37: 1, 43: 1, 47: 0.875, 56: 0.75, 60: 0.75, 62: 0.75, 71: 0.75, 77: 0.5, 80: 0.25, 81: 0}
    )
    assert table["at_risk"].to_list() == [10, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert table.index[table["left"] == 1].to_list() == [37, 43, 60, 62, 71]
    assert table.index[table["died"] == 1].to_list() == [47, 56, 77, 80, 81]
    # Exponential Greenwood at 56: log(-log S) +- z sqrt(1/8/7 + 1/7/6) / |log S|.
    reach = 1.959964 * np.sqrt(1 / 56 + 1 / 42) / -np.log(0.75)
    assert table.loc[56, ["low", "high"]].to_list() == pytest.approx([0.75 ** np.exp(reach), 0.75 ** np.exp(-reach)])


def test_no_death_among_few_is_no_proof() -> None:
    table = curve([], [10, 20, 20])
    assert table["alive"].to_list() == [1, 1, 1]
    # Clopper and Pearson's interval of 3 of 3, and of the 2 that came as far as 20.
    assert table["low"].to_list() == pytest.approx([beta.ppf(0.025, 3, 1)] * 2 + [beta.ppf(0.025, 2, 1)])
    assert table["high"].to_list() == [1, 1, 1]


def test_when_all_are_dead_the_interval_keeps_its_upper_end() -> None:
    table = curve([10, 20], [])
    assert table["alive"].to_list() == [1, 0.5, 0]
    assert (table["low"].iloc[-1], table["high"].iloc[-1]) == (0, table["high"].iloc[-2])
    assert curve([10, 10], [])[["alive", "low", "high"]].iloc[-1].to_list() == [0, 0, 1]


@pytest.mark.slow
@pytest.mark.thorough
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    source, held, tries = np.random.default_rng(0), 0, 300
    for _ in range(tries):
        death, end = source.exponential(1.0, 12), source.uniform(0.2, 2.0, 12)
        table = curve(list(death[death <= end]), list(end[death > end]))
        at = table[table["images"] <= 0.5].iloc[-1]
        held += bool(at["low"] <= np.exp(-0.5) <= at["high"])
    assert held >= binom.ppf(0.001, tries, 0.95)


def test_each_group_has_its_own_curve_in_order_of_appearance() -> None:
    runs = lived([5.0], [9.0, 9.0])
    table = curves(runs, {"r0": "z", "r1": "a", "r2": "z"})
    assert table["group"].unique().tolist() == ["z", "a"]
    assert table[table["group"] == "z"]["alive"].to_list() == [1, 0.5, 0.5]
    assert curves(runs.iloc[:0], {}).empty
