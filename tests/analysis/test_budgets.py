"""Runs at equal images or seconds, on hand-made runs of known speed."""

import pandas as pd
import pytest

from fergan_core.analysis.budgets import SPEED, at_budget, with_cost

RECIPES = {"slow": {"batch_size": 100}, "fast": {"batch_size": 50}}


def scores(**of_runs: list[int]) -> pd.DataFrame:
    """Two scores an evaluation of each run, at the given steps; an epoch is ten steps."""
    return pd.DataFrame(
        [
            {"run_id": run_id, "step": step, "epoch": step // 10, "metric": metric, "emotion": None, "value": 1.0}
            for run_id, steps in of_runs.items()
            for step in steps
            for metric in ("fid", "is")
        ]
    )


def speed(**of_runs: list[tuple[int, float]]) -> pd.DataFrame:
    rows = [(run_id, SPEED, step, value) for run_id, points in of_runs.items() for step, value in points]
    return pd.DataFrame(rows, columns=["run_id", "metric", "step", "mean"])


SPEEDS = speed(slow=[(step, 100.0) for step in range(1, 41)], fast=[(20, 100.0), (80, 200.0)])


def test_what_was_spent_is_images_and_the_seconds_of_each_step() -> None:
    # A step of 100 images at 100 images/s takes a second; 20 steps of 50 take ten, the 60 after them 15.
    spent = with_cost(scores(slow=[10, 40], fast=[10, 80]), RECIPES, SPEEDS).drop_duplicates(["run_id", "step"])
    assert spent.images.to_list() == [1_000, 4_000, 500, 4_000]
    assert spent.seconds.to_list() == pytest.approx([10.0, 40.0, 5.0, 25.0])


def chosen(stage: str, **of_runs: list[int]) -> dict[str, tuple[int, float]]:
    rows = at_budget(with_cost(scores(**of_runs), RECIPES, SPEEDS), stage)  # type: ignore[arg-type]
    assert rows.groupby("run_id").metric.nunique().eq(2).all()
    assert len(rows) == 2 * rows.run_id.nunique()
    return {str(row.run_id): (int(row.step), float(row.spent)) for row in rows.itertuples()}


def test_each_run_is_taken_at_the_evaluation_nearest_to_the_smallest_budget() -> None:
    steps = {"slow": [10, 20, 30, 40], "fast": [20, 40, 60, 80]}
    assert chosen("newest", **steps) == {"slow": (40, 4.0), "fast": (80, 8.0)}
    assert chosen("images", **steps) == {"slow": (40, 4_000.0), "fast": (80, 4_000.0)}
    # The fast one ends at 25 seconds; 20 and 30 are equally near, and the later one counts.
    assert chosen("seconds", **steps) == {"slow": (30, 30.0), "fast": (80, 25.0)}
    assert at_budget(with_cost(scores(**steps), RECIPES, SPEEDS), "seconds", 11.0).step.to_list() == [10, 10, 20, 20]
    assert chosen("images", slow=[10, 40], fast=[20, 40]) == {"slow": (10, 1_000.0), "fast": (40, 2_000.0)}


def test_a_run_of_unknown_speed_is_left_out_only_at_equal_seconds() -> None:
    spent = with_cost(scores(slow=[10], fast=[20]), RECIPES, SPEEDS[SPEEDS.run_id == "slow"])
    assert set(at_budget(spent, "seconds").run_id) == {"slow"}
    assert set(at_budget(spent, "images").run_id) == {"slow", "fast"}
