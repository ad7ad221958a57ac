"""The figures behind the verdicts: scores over images seen, FID seed by seed, shares of variance; pure functions."""

from collections.abc import Callable, Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band, faint, plain
from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour
from fergan_core.analysis.claims import Score
from fergan_core.analysis.studies.sensitivity import SEED

_LOG = {"type": "log", "dtick": "D2", "tickformat": ",.4~g"}


def sizes_figure(table: pd.DataFrame, score: Score, *, dark: bool) -> go.Figure:
    """Draw a score over the images seen: one line per data size, the mean over seeds; band: from lowest to highest.

    `table` has columns images, seed, images_seen, value, real.
    """
    figure = go.Figure()
    for place, (images, rows) in enumerate(table.groupby("images")):
        colour = run_colour(place)
        line = rows.groupby("images_seen")["value"].agg(["mean", "min", "max"])
        add_band(figure, list(line.index), list(line["min"]), list(line["max"]), colour)
        seeds = rows["seed"].nunique()
        figure.add_scatter(
            x=line.index,
            y=line["mean"],
            customdata=line[["min", "max"]],
            name=f"{int(str(images)):,} faces, {seeds} seed{'s' if seeds > 1 else ''}",
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"color": colour, "size": 5},
            hovertemplate="%{y:.3~g} [%{customdata[0]:.3~g}, %{customdata[1]:.3~g}]",
        )
    _add_real(figure, table, "images_seen")
    figure.update_layout(template=plotly_template(dark), height=340, showlegend=True)
    figure.update_xaxes(title="images seen", **(_LOG | {"tickformat": "~s"}))
    _title(figure, score)
    return figure


def seeds_figure(table: pd.DataFrame, score: Score, *, dark: bool) -> go.Figure:
    """Draw FID over the epochs: a seed's evaluations as points, its running mean over a quarter of them as the line.

    `table` has columns run_id, seed, epoch, value, mean, real.
    """
    figure = go.Figure()
    for place, (_, rows) in enumerate(table.sort_values("epoch").groupby("run_id", sort=False)):
        colour, name = run_colour(place), f"seed {rows['seed'].iloc[0]}"
        figure.add_scatter(
            x=rows["epoch"],
            y=rows["value"],
            name=name,
            legendgroup=name,
            showlegend=False,
            mode="markers",
            marker={"color": faint(colour), "size": 5, "line": {"color": colour, "width": 1}},
            hovertemplate="%{y:.3~g}",
        )
        figure.add_scatter(
            x=rows["epoch"],
            y=rows["mean"],
            name=name,
            legendgroup=name,
            mode="lines",
            line={"color": colour, "width": 2},
            hoverinfo="skip",
        )
    _add_real(figure, table, "epoch")
    figure.update_layout(template=plotly_template(dark), height=340, showlegend=True)
    figure.update_xaxes(title="epoch", rangemode="tozero")
    _title(figure, score)
    return figure


def shares_figure(table: pd.DataFrame, score: Score, *, dark: bool) -> go.Figure:
    """Draw each field's share of the score's variance as a bar with its interval, the largest on top, the seed's last.

    `table` has columns parameter, share, low, high; a parameter without a share is left out.
    """
    with_share = table.dropna(subset=["share"])
    fields = with_share[with_share["parameter"] != SEED].sort_values("share")
    rows = pd.concat([with_share[with_share["parameter"] == SEED], fields])
    colours = [FAINT_INK if name == SEED else run_colour(0) for name in rows["parameter"]]
    figure = go.Figure()
    figure.add_bar(
        x=rows["share"],
        y=[plain(name) if name != SEED else "the seed alone" for name in rows["parameter"]],
        orientation="h",
        marker={"color": colours},
        customdata=rows[["low", "high"]],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (rows["high"] - rows["share"]).clip(lower=0),
            "arrayminus": (rows["share"] - rows["low"]).clip(lower=0),
            "color": plotly_template(dark).layout.font.color,
            "thickness": 1.5,
            "width": 4,
        },
        hovertemplate="%{x:.0%} [%{customdata[0]:.0%}, %{customdata[1]:.0%}]<extra></extra>",
    )
    figure.update_layout(template=plotly_template(dark), height=110 + 38 * len(rows), hovermode="y", showlegend=False)
    scale = f"log {score.title}" if score.kind == "distance" else score.title
    figure.update_xaxes(title=f"share of the variance of {scale}", tickformat=".0%", range=[0, 1], fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


# By a claim's key.
FIGURES: Mapping[str, Callable[..., go.Figure]] = {
    "convergence": seeds_figure,
    "data": sizes_figure,
    "steps": sizes_figure,
    "parameters": shares_figure,
}


def _add_real(figure: go.Figure, table: pd.DataFrame, column: str) -> None:
    """Add real faces' value, dashed, where it is known."""
    real = table["real"].dropna()
    if real.empty:
        return
    figure.add_scatter(
        x=[table[column].min(), table[column].max()],
        y=[real.mean()] * 2,
        name="real faces",
        mode="lines",
        line={"color": FAINT_INK, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )


def _title(figure: go.Figure, score: Score) -> None:
    """Name the upright axis; a distance runs over decades."""
    axis = {"tickformat": ".0%", "rangemode": "tozero"} if score.kind == "share" else _LOG
    figure.update_yaxes(title=score.title, **axis)
