"""Which emotion lives, over a training: points of the pulse and findings -> maps; pure functions of tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.palette import FAINT_INK, plotly_template
from fergan_core.emotions import EMOTIONS

# What can be chosen, its points' prefix, and what a reader must know.
MEASURES: Mapping[str, tuple[str, str]] = {
    "variety": ("pulse_diversity", "mean distance of two faces' features, by that of real faces: 1 is as varied"),
    "read as asked": ("pulse_accuracy", "share of faces that the judge reads as the emotion asked for"),
    "repeats": ("pulse_repeats", "share of faces that are nearly another one's twin"),
}

# From each theme's ground, which is death, to a blue-green; for repeats, of which many are bad, the other way round.
_ALIVE = {
    False: [[0, "#a9322f"], [0.35, "#e9d9c9"], [1, "#2f8ba3"]],
    True: [[0, "#c2504c"], [0.35, "#39332e"], [1, "#3fa3bd"]],
}
_ONSET = "collapse"


def life(points: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Return a measure by emotion (rows, in their usual order) and step (columns); NaN where it was not taken."""
    rows = points[points.metric.str.startswith(f"{prefix}/")]
    rows = rows.assign(emotion=rows.metric.str.removeprefix(f"{prefix}/"))
    table = rows.pivot_table(index="emotion", columns="step", values="mean")
    return table.reindex([name for name in EMOTIONS if name in table.index])


def life_figure(
    table: pd.DataFrame, findings: pd.DataFrame, measure: str, steps_per_epoch: float, *, dark: bool, height: int = 300
) -> go.Figure:
    """Draw a measure as a heat map, emotion by epoch, with a mark where an emotion collapsed.

    `findings` has columns kind, step, numbers (with `emotion`), sentence. Epochs are steps by `steps_per_epoch`.
    """
    good = _ALIVE[dark]
    scale = [[1 - at, colour] for at, colour in reversed(good)] if measure == "repeats" else good
    epochs = [step / steps_per_epoch for step in table.columns]
    figure = go.Figure()
    figure.add_heatmap(
        x=epochs,
        y=list(table.index),
        z=table.to_numpy(),
        zmin=0,
        zmax=1,
        colorscale=scale,
        colorbar={"thickness": 10, "outlinewidth": 0, "title": {"text": measure, "side": "right"}},
        ygap=2,
        hovertemplate="%{y}, epoch %{x:.2f}: %{z:.2f}<extra></extra>",
    )
    onsets = findings[findings.kind == _ONSET]
    figure.add_scatter(
        x=[row.step / steps_per_epoch for row in onsets.itertuples()],
        y=[row.numbers["emotion"] for row in onsets.itertuples()],
        customdata=list(onsets.sentence),
        mode="markers",
        marker={"symbol": "x", "size": 11, "line": {"width": 1.5}, "color": plotly_template(dark).layout.font.color},
        name="collapse found",
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_layout(template=plotly_template(dark), height=height, hovermode="closest", showlegend=False)
    figure.update_xaxes(title="epoch", showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, title_font_color=FAINT_INK)
    return figure


def around(steps: list[int], onset: int, end: int | None) -> list[int]:
    """Choose of the steps that have sheets those before, at and after an onset: three or fewer, in order.

    The last before the onset, the first at or after it, and the last before `end` (None: the last of all).
    """
    before = [step for step in steps if step < onset]
    after = [step for step in steps if step >= onset]
    until = [step for step in after if end is None or step <= end] or after
    chosen = [*before[-1:], *after[:1], *until[-1:]]
    return sorted(set(chosen))


def spread(tables: Mapping[str, pd.DataFrame], emotion: str) -> pd.DataFrame:
    """Return one emotion's measure of several runs by step, and its mean, lowest and highest over them."""
    lines = {run: table.loc[emotion] for run, table in tables.items() if emotion in table.index}
    frame = pd.DataFrame(lines)
    if frame.empty:
        return frame
    values = frame.to_numpy(float)
    known = np.isfinite(values).any(axis=1)
    frame = frame[known]
    return frame.assign(mean=frame.mean(axis=1), low=frame.min(axis=1), high=frame.max(axis=1))
