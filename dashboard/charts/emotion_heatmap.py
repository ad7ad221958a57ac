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
        "pulse_diversity",
        "mean distance between two faces' features, relative to real faces: 1 is as diverse, and an emotion below "
        "0.35 has collapsed; higher is better",
    ),
    "recognised as requested": Measure(
        "pulse_accuracy",
        "share of faces in which the judge recognises the emotion that was requested; higher is better",
    ),
    "repeats": Measure("pulse_repeats", "share of faces with a near-duplicate among the others; lower is better"),
    "coverage": Measure(
        "coverage",
        "share of real faces with a generated one nearby, relative to real faces: 1 is as many; higher is better",
        scored=True,
    ),
}


class Axis(NamedTuple):
    """What runs are drawn along: the axis's title, and how a place on it is written behind 'at'."""

    title: str
    place: str


ALONG: Mapping[str, Axis] = {
    "epoch": Axis("epoch", "epoch %{x:.2f}"),
    "images": Axis("images seen", "%{x:,.0f} images"),
    "share": Axis("share of the training, %", "%{x:.0f} % of the training"),
}

# From red over the theme's ground to blue-green; reversed for repeats, of which many are bad.
_SCALES: dict[bool, list[tuple[float, str]]] = {
    False: [(0, "#a9322f"), (0.35, "#e9d9c9"), (1, "#2f8ba3")],
    True: [(0, "#c2504c"), (0.35, "#39332e"), (1, "#3fa3bd")],
}


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
    table: pd.DataFrame,
    marks: pd.DataFrame,
    measure: str,
    steps_per_unit: float,
    *,
    dark: bool,
    along: str = "epoch",
    height: int = 300,
) -> go.Figure:
    """Draw a measure as a heat map, emotion by place along a key of ALONG, with marks of collapses and recoveries.

    `marks` has columns emotion, step, kind ('collapse' or 'recovery'), sentence; a unit of the axis is `steps_per_unit`
    steps.
    """
    good = _SCALES[dark]
    scale = [(1 - share, colour) for share, colour in reversed(good)] if measure == "repeats" else good
    axis, ink = ALONG[along], plotly_template(dark).layout.font.color
    figure = go.Figure()
    figure.add_heatmap(
        x=(table.columns.to_numpy(dtype=float) / steps_per_unit).tolist(),
        y=list(table.index),
        z=table.to_numpy(),
        zmin=0,
        zmax=1,
        colorscale=scale,
        colorbar={"thickness": 10, "outlinewidth": 0, "title": {"text": measure, "side": "right"}},
        ygap=2,
        hovertemplate=f"%{{y}}, {axis.place}: %{{z:.2f}}<extra></extra>",
    )
    for kind, symbol in (("collapse", "x"), ("recovery", "circle-open")):
        of_kind = marks[(marks.kind == kind) & marks.emotion.isin(list(table.index))]
        figure.add_scatter(
            x=[row.step / steps_per_unit for row in rows_of(of_kind)],
            y=list(of_kind.emotion),
            customdata=[plain(sentence) for sentence in of_kind.sentence],
            mode="markers",
            marker={"symbol": symbol, "size": 11, "line": {"width": 1.5}, "color": ink},
            name=kind,
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(template=plotly_template(dark), height=height, hovermode="closest", showlegend=False)
    figure.update_xaxes(title=axis.title, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, title_font_color=FAINT_INK)
    return figure


def lines(tables: Mapping[str, pd.DataFrame], steps_per_unit: Mapping[str, float], emotion: str) -> pd.DataFrame:
    """Return one emotion's measure of several runs, one column per run, by the place along an axis (index).

    `tables` are by run, as `emotion_table` makes them; a unit of the axis is a run's `steps_per_unit` steps, such as
    those of an epoch. Where only other runs have a value, a run has the linear interpolation of its own, and NaN before
    its first and after its last.
    """
    courses = {run: table.loc[emotion].dropna() for run, table in tables.items() if emotion in table.index}
    along = {run: line.set_axis(line.index / steps_per_unit[run]) for run, line in courses.items()}
    frame = pd.DataFrame(along, dtype=float).sort_index()
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
    of_runs: pd.DataFrame,
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    emotion: str,
    measure: str,
    *,
    dark: bool,
    along: str = "epoch",
) -> go.Figure:
    """Draw an emotion's `lines`: each run's in its colour, their mean and the band from the lowest run to the highest.

    The mean and the band are in the emotion's colour.
    """
    figure = go.Figure()
    over, axis = spread(of_runs), ALONG[along]
    colour = emotion_colour(emotion)
    add_band(figure, list(over.index), list(over.low), list(over.high), colour)
    for run in of_runs:
        line = of_runs[run].dropna()
        figure.add_scatter(
            x=line.index,
            y=line,
            name=plain(labels[str(run)]),
            mode="lines" if len(line) > 1 else "markers",
            line={"color": colours[str(run)], "width": 1.2},
            hovertemplate=f"%{{fullData.name}}, {axis.place}: %{{y:.2f}}<extra></extra>",
        )
    figure.add_scatter(
        x=over.index,
        y=over["mean"],
        customdata=over.runs,
        name="mean",
        mode="lines" if len(over) > 1 else "markers",
        line={"color": colour, "width": 3},
        hovertemplate=f"mean of %{{customdata}} runs, {axis.place}: %{{y:.2f}}<extra></extra>",
    )
    figure.update_layout(template=plotly_template(dark), height=330, hovermode="closest", showlegend=True)
    figure.update_xaxes(title=axis.title, rangemode="tozero")
    figure.update_yaxes(title=measure, rangemode="tozero")
    return figure
