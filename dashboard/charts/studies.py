"""A study's trials: how many survive for how long, and what a score depends on; pure functions of tables."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import faint, plain
from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour
from fergan_core.analysis.studies.sensitivity import SEED


def survival_figure(curves: pd.DataFrame, field: str, *, dark: bool) -> go.Figure:
    """Draw the share of runs still without an alarm over the images seen: a step curve with its interval a group.

    `curves` is what `fergan_core.analysis.studies.survival.curves` returns, its groups being values of `field`. An
    upright stroke: runs that ended there alive.
    """
    figure = go.Figure()
    for place, (group, line) in enumerate(curves.groupby("group", sort=False)):
        colour, name = run_colour(place), f"{field} {plain(str(group))}"
        for ends, fill in (("low", None), ("high", "tonexty")):
            figure.add_scatter(
                x=line.images,
                y=line[ends],
                mode="lines",
                line={"width": 0, "shape": "hv"},
                fill=fill,
                fillcolor=faint(colour),
                hoverinfo="skip",
                showlegend=False,
                legendgroup=name,
            )
        figure.add_scatter(
            x=line.images,
            y=line.alive,
            name=name,
            mode="lines",
            line={"color": colour, "width": 2, "shape": "hv"},
            customdata=line[["low", "high", "at_risk"]],
            hovertemplate="%{y:.0%} [%{customdata[0]:.0%}, %{customdata[1]:.0%}], %{customdata[2]} runs at risk",
            legendgroup=name,
        )
        left = line[line.left > 0]
        figure.add_scatter(
            x=left.images,
            y=left.alive,
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 10, "color": colour, "line": {"width": 2}},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )
    figure.update_layout(template=plotly_template(dark), height=360, showlegend=True)
    figure.update_xaxes(title="images seen", rangemode="tozero")
    figure.update_yaxes(title="runs without an alarm", range=[-0.03, 1.03], tickformat=".0%")
    return figure


def shares_figure(shares: pd.DataFrame, score: str, *, dark: bool) -> go.Figure:
    """Draw each field's share of a score's variance with its interval, the largest on top, the seed's below in grey.

    `shares` is what `fergan_core.analysis.studies.sensitivity.shares` returns; what has no share is left out. The axis
    ends behind the longest interval.
    """
    with_share = shares.dropna(subset=["share"])
    fields = with_share[with_share.parameter != SEED].sort_values("share")
    rows = pd.concat([with_share[with_share.parameter == SEED], fields])
    figure = go.Figure()
    figure.add_bar(
        x=rows.share,
        y=["the seed alone" if name == SEED else plain(name) for name in rows.parameter],
        orientation="h",
        marker={"color": [FAINT_INK if name == SEED else run_colour(0) for name in rows.parameter]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (rows.high - rows.share).clip(lower=0),
            "arrayminus": (rows.share - rows.low).clip(lower=0),
            "color": plotly_template(dark).layout.font.color,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=rows[["low", "high"]],
        hovertemplate="%{y}: %{x:.0%} [%{customdata[0]:.0%}, %{customdata[1]:.0%}]<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(template=plotly_template(dark), height=90 + 42 * len(rows), hovermode="closest")
    end = min(1.02, 1.08 * float(np.nanmax(rows[["share", "high"]].to_numpy(float)))) if len(rows) else 1.02
    figure.update_xaxes(title=f"share of the variance of {score}", range=[0, end], tickformat=".0%", fixedrange=True)
    figure.update_yaxes(showgrid=False, fixedrange=True, ticklabelstandoff=6)
    return figure
