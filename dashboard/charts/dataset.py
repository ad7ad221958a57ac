"""What a dataset holds: counts, votes, factors -> figures, a face enlarged; pure functions of tables and arrays."""

import io
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots

from dashboard.charts.palette import emotion_colour, plotly_template, run_colour
from fergan_core.emotions import EMOTIONS

_BINS = 24


def counts_table(counts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Turn split -> emotion -> faces into a table: a row an emotion (and one unlabelled, if any), a column a split."""
    rows = [*EMOTIONS, *(["unlabelled"] if any("unlabelled" in of_split for of_split in counts.values()) else [])]
    return pd.DataFrame({split: [of.get(row, 0) for row in rows] for split, of in counts.items()}, index=rows)


def with_totals(counts: pd.DataFrame) -> pd.DataFrame:
    """Add a column 'all' and a row 'all' to a table of counts, and each emotion's share of all in percent."""
    table = counts.assign(all=counts.sum(axis=1))
    table.loc["all"] = table.sum()
    return table.assign(**{"%": (100 * table["all"] / max(1, counts.to_numpy().sum())).round(1)})


def balance_figure(counts: pd.DataFrame, *, shares: bool, dark: bool) -> go.Figure:
    """Draw faces by emotion, a bar a split: their numbers, or their shares of the split."""
    figure = go.Figure()
    for place, split in enumerate(counts.columns):
        number = counts[split]
        share = number / max(1, number.sum())
        figure.add_bar(
            x=list(counts.index),
            y=share if shares else number,
            name=str(split),
            marker={"color": run_colour(place)},
            customdata=np.column_stack([number, share]),
            hovertemplate="%{customdata[0]:,} faces, %{customdata[1]:.1%}",
        )
    figure.update_layout(template=plotly_template(dark), height=360, barmode="group", bargap=0.25, showlegend=True)
    figure.update_yaxes(title="share of the split" if shares else "faces", tickformat=".0%" if shares else ",")
    return figure


def votes_figure(for_label: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8], *, dark: bool) -> go.Figure:
    """Draw how many faces have which share of the votes for their label, float64 [n], stacked by label uint8 [n]."""
    figure = go.Figure()
    edges = np.linspace(0, 1, 11)
    names = [f"{low:.0%} to {high:.0%}" for low, high in pairwise(edges.tolist())]
    for code, emotion in enumerate(EMOTIONS):
        numbers, _ = np.histogram(for_label[labels == code], edges)
        figure.add_bar(x=names, y=numbers, name=emotion, marker={"color": emotion_colour(emotion)})
    figure.update_layout(template=plotly_template(dark), height=340, barmode="stack", bargap=0.1, showlegend=True)
    figure.update_xaxes(title="share of the votes that agree with the label")
    figure.update_yaxes(title="faces")
    return figure


def histogram_figure(values: Mapping[str, npt.NDArray[np.floating]], title: str, *, dark: bool) -> go.Figure:
    """Draw a factor's distribution, a line an emotion: what share of its faces lies in each of 24 bins."""
    figure = go.Figure()
    every = np.concatenate([*values.values()])
    edges = np.linspace(float(every.min()), float(every.max()) or 1.0, _BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    for emotion, of_emotion in values.items():
        numbers, _ = np.histogram(of_emotion, edges)
        figure.add_scatter(
            x=middles, y=numbers / max(1, len(of_emotion)), mode="lines", name=emotion,
            line={"color": emotion_colour(emotion), "width": 2, "shape": "hvh"}, hovertemplate="%{y:.1%}",
        )  # fmt: skip
    figure.update_layout(template=plotly_template(dark), height=320, showlegend=True)
    figure.update_xaxes(title=title)
    figure.update_yaxes(title="share of the emotion's faces", tickformat=".0%", rangemode="tozero")
    return figure


def factors_figure(factors: Mapping[str, npt.NDArray[np.generic]], *, dark: bool, columns: int = 5) -> go.Figure:
    """Draw every factor's distribution over all faces, a small panel each."""
    rows = -(-len(factors) // columns)
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=list(factors), vertical_spacing=0.35 / rows, horizontal_spacing=0.03
    )
    for place, (name, column) in enumerate(factors.items()):
        values = np.asarray(column, np.float64)
        distinct = np.unique(values)
        edges = (
            np.append(distinct - 0.5, distinct[-1] + 0.5)
            if column.dtype.kind in "iu"
            else np.linspace(values.min(), values.max(), _BINS + 1)
        )
        numbers, _ = np.histogram(values, edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2, y=numbers, width=np.diff(edges), name=name, marker={"color": run_colour(0)},
            hovertemplate="%{x:.3g}: %{y:,} faces", row=place // columns + 1, col=place % columns + 1,
        )  # fmt: skip
    figure.update_layout(
        template=plotly_template(dark), height=118 * rows, showlegend=False, bargap=0, margin={"t": 24},
        hovermode="closest",
    )  # fmt: skip
    figure.update_annotations(font_size=12)
    figure.update_xaxes(tickfont={"size": 10}, nticks=4)
    figure.update_yaxes(showticklabels=False, rangemode="tozero")
    return figure


def enlarged(face: npt.NDArray[np.uint8], scale: int = 8) -> bytes:
    """Enlarge a face uint8 [48,48] as a PNG, each of its pixels a square of `scale` px."""
    file = io.BytesIO()
    Image.fromarray(np.kron(face, np.ones((scale, scale), np.uint8))).save(file, "PNG")
    return file.getvalue()
