"""How each emotion fares over a training: probe points, scores and findings -> maps, and the spread over seeds."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band, plain
from dashboard.charts.palette import FAINT_INK, emotion_colour, plotly_template
from dashboard.rows import rows_of
from fergan_core.emotions import EMOTIONS


class Measure(NamedTuple):
    """A measure of an emotion's faces: the prefix of its points or the key of its score, and what it means."""

    key: str
    meaning: str
    scored: bool = False


MEASURES: Mapping[str, Measure] = {
    "diversity": Measure(
        "pulse_diversity", "mean distance between two faces' features, relative to real faces: 1 is as diverse"
    ),
    "recognised as requested": Measure(
        "pulse_accuracy", "share of faces in which the judge recognises the emotion that was requested"
    ),
    "repeats": Measure("pulse_repeats", "share of faces with a near-duplicate among the others"),
    "coverage": Measure(
        "coverage", "share of real faces with a generated one nearby, relative to real faces: 1 is as many", scored=True
    ),
}

# From red over the theme's ground to blue-green; reversed for repeats, of which many are bad.
_SCALES: dict[bool, list[tuple[float, str]]] = {
    False: [(0, "#a9322f"), (0.35, "#e9d9c9"), (1, "#2f8ba3")],
    True: [(0, "#c2504c"), (0.35, "#39332e"), (1, "#3fa3bd")],
}
_ONSET = "collapse"


def emotion_table(points: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Return a measure by emotion (rows, in their usual order) and step (columns); NaN where it was not taken."""
    rows = points[points.metric.str.startswith(f"{prefix}/")]
    rows = rows.assign(emotion=rows.metric.str.removeprefix(f"{prefix}/"))
    table = rows.pivot_table(index="emotion", columns="step", values="mean")
    return table.reindex([name for name in EMOTIONS if name in table.index])


def scored_emotion_table(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a score by real faces' value, by emotion (rows) and step (columns), of one run's scores of one protocol.

    What has no real value above 0 beside it is left out.
    """
    rows = scores[(scores.metric == metric) & scores.emotion.notna() & (scores.real > 0)]
    table = rows.assign(ratio=rows.value / rows.real).pivot_table(index="emotion", columns="step", values="ratio")
    return table.reindex([name for name in EMOTIONS if name in table.index])


def emotion_heatmap(
    table: pd.DataFrame, findings: pd.DataFrame, measure: str, steps_per_epoch: float, *, dark: bool, height: int = 300
) -> go.Figure:
    """Draw a measure as a heat map, emotion by epoch, with a mark where an emotion collapsed.

    `findings` has columns kind, step, numbers (with `emotion`), sentence. Epochs are steps by `steps_per_epoch`.
    """
    good = _SCALES[dark]
    scale = [(1 - share, colour) for share, colour in reversed(good)] if measure == "repeats" else good
    epochs = (table.columns.to_numpy(dtype=float) / steps_per_epoch).tolist()
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
        x=[row.step / steps_per_epoch for row in rows_of(onsets)],
        y=[row.numbers["emotion"] for row in rows_of(onsets)],
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


def lines(tables: Mapping[str, pd.DataFrame], steps_per_epoch: Mapping[str, float], emotion: str) -> pd.DataFrame:
    """Return one emotion's measure of several runs, one column per run, by epoch as a fraction (index).

    `tables` are by run, as `emotion_table` makes them. At epochs where only other runs have a value, a run has the
    linear interpolation of its own, and NaN before its first and after its last.
    """
    courses = {run: table.loc[emotion].dropna() for run, table in tables.items() if emotion in table.index}
    by_epoch = {run: line.set_axis(line.index / steps_per_epoch[run]) for run, line in courses.items()}
    frame = pd.DataFrame(by_epoch, dtype=float).sort_index()
    return frame.interpolate("index", limit_area="inside")


def spread(of_runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean, low (the lowest), high and runs (their number) of `lines` by epoch, where two runs have a value."""
    table = pd.DataFrame(
        {
            "mean": of_runs.mean(axis=1),
            "low": of_runs.min(axis=1),
            "high": of_runs.max(axis=1),
            "runs": of_runs.count(axis=1),
        }
    )
    return table[table.runs >= 2]


def spread_figure(
    of_runs: pd.DataFrame, labels: Mapping[str, str], emotion: str, measure: str, *, dark: bool
) -> go.Figure:
    """Draw an emotion's `lines`: each run's, faint, their mean and the band from the lowest run to the highest."""
    figure = go.Figure()
    over = spread(of_runs)
    colour = emotion_colour(emotion)
    add_band(figure, list(over.index), list(over.low), list(over.high), colour)
    for run in of_runs:
        line = of_runs[run].dropna()
        figure.add_scatter(
            x=line.index,
            y=line,
            name=plain(labels[str(run)]),
            mode="lines" if len(line) > 1 else "markers",
            line={"color": FAINT_INK, "width": 1},
            hovertemplate="%{fullData.name}, epoch %{x:.2f}: %{y:.2f}<extra></extra>",
        )
    figure.add_scatter(
        x=over.index,
        y=over["mean"],
        customdata=over.runs,
        name="mean",
        mode="lines" if len(over) > 1 else "markers",
        line={"color": colour, "width": 2.5},
        hovertemplate="mean of %{customdata} runs, epoch %{x:.2f}: %{y:.2f}<extra></extra>",
    )
    figure.update_layout(template=plotly_template(dark), height=300, hovermode="closest", showlegend=False)
    figure.update_xaxes(title="epoch", rangemode="tozero")
    figure.update_yaxes(title=measure, rangemode="tozero")
    return figure
