"""Runs at an equal budget (images seen, seconds or FLOPs of training), or each at its newest evaluation.

Recipes whose images cost different amounts are compared fairly in two ways: at equal images and at equal seconds.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from fergan_core.analysis.pace import seconds_by_step

Budget = Literal["newest", "images", "seconds", "flops"]

SPEED, COST = "images_per_second", "flops_per_image"
STRETCHES = 10_000  # of the speed's points: few steps share one, as the mean speed of many is not the time they took


def with_cost(scores: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]], points: pd.DataFrame) -> pd.DataFrame:
    """Add to the registry's scores what had been spent by their step: columns images (seen), seconds and flops.

    `recipes` are by run id, `points` the runs' of SPEED and COST in STRETCHES, as `Reader.points` returns them. Seconds
    are of training steps alone, without evaluations; a fork's first speed stands in for its parent's. Seconds or flops
    are NaN where a run has no such points.
    """
    points = points.dropna(subset=["mean"])
    batch = scores.run_id.map({run_id: recipe.get("batch_size", np.nan) for run_id, recipe in recipes.items()})
    seconds, steps = np.full(len(scores), np.nan), scores.step.to_numpy(dtype=float)
    places = scores.groupby("run_id").indices
    for run_id, speeds in points[points.metric == SPEED].groupby("run_id"):
        rows = places.get(run_id, [])
        spent = seconds_by_step(speeds, recipes[str(run_id)].get("batch_size", np.nan))
        seconds[rows] = np.interp(steps[rows], np.append(0, speeds.step), np.append(0.0, spent))
    images, costs = scores.step * batch, points[points.metric == COST].groupby("run_id")["mean"].last()
    return scores.assign(images=images, seconds=seconds, flops=images * scores.run_id.map(costs))


def at_budget(scores: pd.DataFrame, stage: Budget, at: float | None = None) -> pd.DataFrame:
    """Return the scores of one evaluation per run, with the column `spent` in the stage's own unit.

    `scores` are of one protocol, with `with_cost`'s columns. 'newest' takes each run's last evaluation and counts
    epochs; any other stage takes each run's evaluation nearest to the budget `at`, by default what the run that trained
    least had spent by its last evaluation. A run without that measure is left out.
    """
    measure = "epoch" if stage == "newest" else stage
    scores = scores.assign(spent=scores[measure]).dropna(subset=["spent"])
    last = scores.groupby("run_id").spent.transform("max")
    budget = last.min() if at is None else at
    distance = last - scores.spent if stage == "newest" else (scores.spent - budget).abs()
    nearest = scores[distance == distance.groupby(scores.run_id).transform("min")]
    # Of two equally near evaluations the later one.
    single = nearest[nearest.step == nearest.groupby("run_id").step.transform("max")]
    return single.drop_duplicates(["run_id", "metric", "emotion"], keep="last")
