"""A run's scalars and scores as charts: losses over the training, scores over the epochs, emotion by emotion."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from fergan_core.analysis.findings.timeline import DIVERSITY
from fergan_core.analysis.pace import Pace, Unit
from fergan_core.emotions import EMOTIONS
from fergan_core.metrics.catalogue import ARROWS, CATALOGUE, written
from fergan_core.registry import Reader
from fergan_core.registry.summaries import HEADLINE
from fergan_core.report.contents import Chart, Figure, Floats, Line
from fergan_core.scalars import MAIN_PANELS, panels_of

UNIT_TITLES: Mapping[Unit, str] = {"step": "step", "epoch": "epoch", "images": "images seen"}

_OVER_TRAINING = (*HEADLINE, "coverage")
_STRETCHES = 150  # of a curve: more are not seen on paper
_MOST_PANELS = 12


def training_figure(reader: Reader, run_id: str, pace: Pace, unit: Unit) -> Figure | None:
    """Return a run's losses and main scalars over the training, None where it has no points."""
    panels = panels_of(reader.metrics([run_id]), MAIN_PANELS)
    left_out = [panel.title for panel in panels[_MOST_PANELS:]]
    panels = panels[:_MOST_PANELS]
    metrics = [metric for panel in panels for metric in panel.labels]
    points = reader.points([run_id], metrics, buckets=_STRETCHES) if metrics else pd.DataFrame()
    if points.empty:
        return None
    by_metric = dict(iter(points.groupby("metric")))
    charts = []
    for panel in panels:
        lines = tuple(
            _of_points(by_metric[metric], label, place, pace, unit)
            for place, (metric, label) in enumerate(panel.labels.items())
            if metric in by_metric
        )
        if lines:
            charts.append(
                Chart(panel.title, UNIT_TITLES[unit], panel.unit, lines, _alt(panel.title, lines), scale=panel.scale)
            )
    note = "Line: the mean of a stretch of steps; band: the lowest and the highest value in it."
    if left_out:
        note += f" Not drawn: {', '.join(left_out)}."
    return Figure("Losses and main scalars", tuple(charts), note)


def scores_figure(scores: pd.DataFrame, labels: Mapping[str, str], x: pd.Series, unit: Unit) -> Figure | None:
    """Return FID, recognised as requested, IS and coverage over the training, a line a run; None where no run has two.

    `scores` are of one protocol, `labels` the runs' names by id, `x` where each row of the scores stands.
    """
    charts = []
    for metric in _OVER_TRAINING:
        entry = CATALOGUE[metric]
        rows = scores[(scores["metric"] == metric) & scores["emotion"].isna()].assign(x=x)
        lines = _by_run(rows, labels)
        if max((len(line.x) for line in lines), default=0) < 2:
            continue
        real = _real(rows)
        title = f"{entry.title[0].upper()}{entry.title[1:]} {ARROWS[entry.better]}"
        alt = _alt(title, lines) + "".join(f"; real faces {written(value, entry)}" for value in real)
        charts.append(
            Chart(
                title,
                UNIT_TITLES[unit],
                "",
                tuple(lines),
                alt,
                real=tuple(real),
                share=entry.unit == "share",
                marked=True,
            )
        )
    if not charts:
        return None
    return Figure(
        "Scores over the training",
        tuple(charts),
        "Points: evaluations; band: 95 % interval; dashed line: real faces, scored in the same way.",
    )


def emotions_figure(scores: pd.DataFrame, x: pd.Series, unit: Unit) -> Figure | None:
    """Return how many faces of each emotion are recognised as requested over the training; None without two values."""
    rows = scores[(scores["metric"] == "accuracy") & scores["emotion"].notna()].assign(x=x)
    charts = []
    for emotion in EMOTIONS:
        of_emotion = rows[rows["emotion"] == emotion]
        lines = _by_run(of_emotion, dict.fromkeys(of_emotion["run_id"], "recognised as requested"))
        if lines and len(lines[0].x) > 1:
            real = _real(of_emotion)
            alt = _alt(f"{emotion}, recognised as requested", lines)
            alt += "".join(f"; real faces {value:.0%}" for value in real)
            charts.append(
                Chart(
                    emotion,
                    UNIT_TITLES[unit],
                    "",
                    tuple(lines),
                    alt,
                    real=tuple(real),
                    share=True,
                    marked=True,
                    span=(0.0, 1.0),
                )
            )
    if not charts:
        return None
    note = (
        "Share of the faces of each emotion that the judge recognises as it, with 95 % intervals; dashed: real faces."
    )
    return Figure("Recognised as requested, by emotion", tuple(charts), note, small=True)


def diversity_figure(reader: Reader, run_id: str, pace: Pace, unit: Unit) -> Figure | None:
    """Return how varied the faces of each emotion are over the training, by the probe; None where there is none."""
    points = reader.points([run_id], DIVERSITY, buckets=_STRETCHES)
    charts = []
    for metric, emotion in zip(DIVERSITY, EMOTIONS, strict=True):
        rows = points[points["metric"] == metric].dropna(subset=["mean"])
        if len(rows) > 1:
            line = _of_points(rows, "diversity", 0, pace, unit)
            alt = _alt(f"Diversity of {emotion} faces relative to real faces'", [line])
            charts.append(Chart(emotion, UNIT_TITLES[unit], "", (line,), alt, real=(1.0,)))
    if not charts:
        return None
    highest = max(1.0, *(float(np.nanmax(chart.lines[0].y)) for chart in charts))
    charts = [replace(chart, span=(0.0, 1.05 * highest)) for chart in charts]
    note = (
        "How far two faces of an emotion are apart in the judge's features, divided by the same for real faces "
        "(dashed), in the small batch that is read during the training: near 0 the generator draws one face."
    )
    return Figure("Diversity, by emotion", tuple(charts), note, small=True)


def unit_of(run: Mapping[str, Any]) -> Literal["epoch", "step"]:
    """Return what a training is measured in: epochs, or steps where it has less than two epochs or each is a step."""
    epochs, steps = int(run["epochs"]), int(run["steps"])
    return "epoch" if 1 < epochs < steps or run["literature"] else "step"


def _by_run(rows: pd.DataFrame, labels: Mapping[str, str]) -> list[Line]:
    rows = rows.dropna(subset=["x", "value"]).sort_values("x", kind="stable")
    by_run = {str(run_id): of_run for run_id, of_run in rows.groupby("run_id", sort=False)}
    return [
        Line(label, place, *(by_run[run_id][column].to_numpy(dtype=float) for column in ("x", "value", "low", "high")))
        for place, (run_id, label) in enumerate(labels.items())
        if run_id in by_run
    ]


def _of_points(points: pd.DataFrame, label: str, place: int, pace: Pace, unit: Unit) -> Line:
    y, low, high = (points[column].to_numpy(dtype=float) for column in ("mean", "low", "high"))
    return Line(label, place, pace.at(unit, points["step"]), y, _finite(low), _finite(high))


def _finite(values: Floats) -> Floats:
    """Return an end of a band without infinities, which cannot be drawn."""
    return np.where(np.isfinite(values), values, np.nan)


def _real(rows: pd.DataFrame) -> list[float]:
    """Return real faces' values, one where all agree."""
    return [float(value) for value in sorted(rows["real"].dropna().astype(float).round(4).unique())]


def _alt(title: str, lines: Sequence[Line]) -> str:
    """Say in words where each line begins and ends."""
    parts = []
    for line in lines:
        y = line.y[np.isfinite(line.y)]
        if len(y):
            parts.append(f"{line.name} from {y[0]:.3g} to {y[-1]:.3g}")
    return f"{title}: {'; '.join(parts) or 'no finite value'}"
