"""People's ratings as figures: values with their intervals, one below the other; pure functions of tables."""

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import plain
from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour

_ROW_PX, _AXIS_PX = 44, 70


def with_intervals(
    table: pd.DataFrame, *, dark: bool, title: str, narrow: bool, percent: bool = False,
    reference: tuple[float, str] | None = None,
) -> go.Figure:  # fmt: skip
    """Draw a point with its interval for each row (label, value, low, high), the first on top.

    `reference` is a value that others are read against, with what it is; a row without an interval is a point alone.
    In a `narrow` window labels are broken into lines.
    """
    template = plotly_template(dark)
    figure = go.Figure()
    labels = ["<br>".join(map(plain, textwrap.wrap(str(label), 16 if narrow else 40))) for label in table["label"]]
    values, low, high = (table[name].astype(float) for name in ("value", "low", "high"))
    form = ".1%" if percent else ".2f"
    figure.add_scatter(
        x=values,
        y=labels,
        mode="markers",
        marker={"size": 10, "color": run_colour(0)},
        error_x={
            "array": (high - values).fillna(0.0),
            "arrayminus": (values - low).fillna(0.0),
            "color": run_colour(0),
            "thickness": 2,
        },
        customdata=pd.DataFrame({"low": low, "high": high}),
        hovertemplate=f"%{{y}}: %{{x:{form}}}, 95 % interval %{{customdata[0]:{form}}} to %{{customdata[1]:{form}}}"
        "<extra></extra>",
        showlegend=False,
    )
    axis: dict[str, Any] = {"title": title, "fixedrange": True}
    if percent:
        axis |= {"range": [-0.02, 1.02], "tickformat": ".0%"}
    if reference is not None:
        where, words = reference
        figure.add_vline(
            x=where, line={"color": FAINT_INK, "dash": "dot"}, annotation_text=words, annotation_position="top"
        )
    height = _AXIS_PX + _ROW_PX * max(1, len(labels)) + (24 if reference else 0)
    figure.update_layout(template=template, height=height, hovermode="closest", dragmode=False)
    if reference is not None:
        figure.update_layout(margin={"t": 28})
    figure.update_xaxes(**axis)
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    return figure


def in_words(table: pd.DataFrame, columns: Sequence[str]) -> str:
    """Say a table's rows in one line, for who cannot see its figure."""
    return "; ".join(": ".join(str(row[name]) for name in columns) for row in table.to_dict("records"))
