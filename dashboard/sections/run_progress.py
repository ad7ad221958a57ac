"""How far a training is: progress, speed, time left, and what it does while it does not step."""

import time
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from fergan_core.analysis.pace import duration
from fergan_core.recipe import OWN_SCRIPT
from fergan_core.registry import Activity

_EPOCHS = 5  # by whose pace the time left is told


def show(run: dict[str, Any]) -> None:
    """A running run's progress bar with its pace, and its activity; `run` is the registry's record."""
    if not run["steps"]:
        return
    if run["method"] == OWN_SCRIPT and not {"epochs", "steps_per_epoch"} <= set(run["recipe"]):
        st.caption(f"Step {run['step']:,}; how many there will be, its script has not said.")
        return
    done = min(1.0, run["step"] / run["steps"])
    st.progress(done, text=choose.plain(words(run)))
    if (activity := data.reader().activity(run["id"])) is not None:
        st.info(activity_words(activity, time.time()), icon=":material/hourglass_top:")


def words(run: dict[str, Any]) -> str:
    """Say how far a running run is, how fast it is, and how long it will take."""
    parts = [f"Epoch {run['epoch'] + 1} of {run['epochs']}, step {run['step']:,} of {run['steps']:,}"]
    if run["epoch"] >= run["epochs"]:
        parts = [f"Epoch {run['epochs']} of {run['epochs']}, step {run['step']:,} of {run['steps']:,}"]
    speed = images_per_second(run["id"])
    if speed is not None:
        parts.append(f"{speed:,.0f} images/s" if speed >= 10 else f"{speed:.1f} images/s")
    batch = run["recipe"].get("batch_size")
    by_speed = None if speed is None or not batch else speed / batch
    left = seconds_left(run["step"], run["steps"], data.sheets(run["id"]), by_speed)
    if left is not None:
        parts.append(f"{duration(left)} left")
    return " · ".join(parts)


def images_per_second(run_id: str) -> float | None:
    """Return a run's speed over its last steps, None where it recorded none."""
    points = data.points((run_id,), ("images_per_second",), 100)
    return None if points.empty else float(points["mean"].iloc[-1])


def seconds_left(step: int, steps: int, sheets: pd.DataFrame, steps_per_second: float | None) -> float | None:
    """Return how long a training will still take, None where nothing tells.

    By the pace from one sheet to the next, with the scoring between them; before the second sheet by the speed of its
    steps alone. `sheets` has step and created.
    """
    recent = sheets.sort_values("step").tail(_EPOCHS + 1)
    apart = recent[["step", "created"]].diff().dropna()
    apart = apart[(apart["step"] > 0) & (apart["created"] > 0)]
    # The median: a run that was stopped for a night has one pace that is none.
    if len(apart):
        return (steps - step) * float((apart["created"] / apart["step"]).median())
    return (steps - step) / steps_per_second if steps_per_second else None


def activity_words(activity: Activity, now: float) -> str:
    """Say what a training does instead of stepping, and for how long: 'Scoring, 40 s so far'."""
    doing = activity.doing[:1].upper() + activity.doing[1:]
    return f"{choose.plain(doing)}, {duration(max(0.0, now - activity.since))} so far."
