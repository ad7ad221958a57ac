"""Which emotion is recognised as which: shares or counts -> a heat map; pure functions of tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.palette import plotly_template
from fergan_core.emotions import EMOTIONS

_READ_AS = "read_as_"

# From each theme's ground to a blue-green that is no emotion's colour, and on which the theme's ink stays readable.
_SCALES = {False: [[0, "#fbfaf7"], [1, "#5fb0c6"]], True: [[0, "#14181b"], [1, "#1f6a80"]]}


def confusion(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return one evaluation's shares, rows requested, columns recognised as; `column` is value, real or noise.

    One row per requested emotion, all seven columns; NaN where the share is not known.
    """
    rows = scores[scores.metric.str.startswith(_READ_AS) & scores.emotion.notna()]
    rows = rows.assign(read=rows.metric.str.removeprefix(_READ_AS)).drop_duplicates(["emotion", "read"], keep="last")
    requested = [name for name in EMOTIONS if name in set(rows.emotion)]
    return rows.pivot(index="emotion", columns="read", values=column).reindex(index=requested, columns=list(EMOTIONS))


def shares_of_counts(counts: Sequence[Sequence[int]]) -> pd.DataFrame:
    """Turn a judge's counts, rows true, columns read, into shares; an emotion without faces has no row."""
    table = pd.DataFrame(np.asarray(counts, dtype=float), index=list(EMOTIONS), columns=list(EMOTIONS))
    totals = table.sum(axis=1)
    return table[totals > 0].div(totals[totals > 0], axis=0)


def confusion_figure(
    shares: pd.DataFrame, *, dark: bool, rows: str, chosen: tuple[str, str] | None = None, height: int = 430
) -> go.Figure:
    """Draw shares as a heat map, `rows` saying what a row is ("requested", "labelled"); a frame around `chosen`.

    Invisible points lie over it, one per cell, since a heat map's own cells cannot be selected by a click.
    """
    read, true = list(shares.columns), list(shares.index)
    template = plotly_template(dark)
    figure = go.Figure()
    figure.add_heatmap(
        x=read,
        y=true,
        z=shares.to_numpy(),
        zmin=0,
        zmax=1,
        colorscale=_SCALES[dark],
        showscale=False,
        text=[["" if np.isnan(share) else f"{share:.0%}" for share in row] for row in shares.to_numpy()],
        texttemplate="%{text}",
        textfont={"color": template.layout.font.color},
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    cells = [(emotion, name, shares.loc[emotion, name]) for emotion in true for name in read]
    figure.add_scatter(
        x=[name for _, name, _ in cells],
        y=[emotion for emotion, _, _ in cells],
        customdata=[share for _, _, share in cells],
        mode="markers",
        marker={"size": 30, "opacity": 0, "symbol": "square"},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate=f"{rows} %{{y}}, recognised as %{{x}}: %{{customdata:.1%}}<extra></extra>",
        showlegend=False,
    )
    if chosen is not None and chosen[0] in true:
        x, y = read.index(chosen[1]), true.index(chosen[0])
        frame = {"color": "#e69f00", "width": 3}
        figure.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=frame)
    figure.update_layout(template=template, height=height, hovermode="closest", hoverdistance=-1, dragmode=False)
    plain_axis = {"showgrid": False, "fixedrange": True}
    figure.update_xaxes(title="recognised as", side="top", tickangle=-45, **plain_axis)
    figure.update_yaxes(title=rows, autorange="reversed", **plain_axis)
    return figure


def cell(probabilities: np.ndarray, read_as: str) -> np.ndarray:
    """Return which faces a judge reads as an emotion, the most confident first; `probabilities` float [n,7]."""
    code = EMOTIONS.index(read_as)
    indices = np.flatnonzero(probabilities.argmax(axis=1) == code)
    return indices[np.argsort(-probabilities[indices, code], kind="stable")]
