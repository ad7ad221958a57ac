"""The figures behind the verdicts: scores over images seen, FID seed by seed; pure functions."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band, faint
from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour
from fergan_core.analysis.claims import Score

_LOG = {"type": "log", "dtick": "D2", "tickformat": ",.4~g"}
# How many times higher than all runs' shares real faces' may be before the axis leaves them out.
_FAR_ABOVE = 2.0


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
    _add_real(figure, table, "images_seen", score)
    figure.update_layout(template=plotly_template(dark), height=340, showlegend=True)
    figure.update_xaxes(title="images seen", **(_LOG | {"tickformat": "~s"}))
    _name_axis(figure, table, score)
    return figure


def seeds_figure(table: pd.DataFrame, score: Score, colours: Mapping[str, str], *, dark: bool) -> go.Figure:
    """Draw FID over the epochs: a seed's evaluations as points, its running mean over a quarter of them as the line.

    `table` has columns run_id, seed, epoch, value, mean, real; `colours` are the runs'.
    """
    figure = go.Figure()
    for run_id, rows in table.sort_values(["seed", "epoch"]).groupby("run_id", sort=False):
        colour, name = colours[str(run_id)], f"seed {rows['seed'].iloc[0]}"
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
    _add_real(figure, table, "epoch", score)
    figure.update_layout(template=plotly_template(dark), height=340, showlegend=True)
    figure.update_xaxes(title="epoch", rangemode="tozero")
    _name_axis(figure, table, score)
    return figure


def _add_real(figure: go.Figure, table: pd.DataFrame, column: str, score: Score) -> None:
    """Add real faces' value, dashed, where it is known; where it lies far above the runs', the legend says it alone."""
    real = table["real"].dropna()
    if real.empty:
        return
    beyond = f", {real.mean():.0%}, beyond the axis" if _end(table, score) is not None else ""
    figure.add_scatter(
        x=[table[column].min(), table[column].max()],
        y=[real.mean()] * 2,
        name=f"real faces{beyond}",
        mode="lines",
        line={"color": FAINT_INK, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )


def _end(table: pd.DataFrame, score: Score) -> float | None:
    """Return where the upright axis of a share ends, None where it also shows real faces' value.

    Beside real faces' 90 %, shares of 0 to 7 % would be one flat line.
    """
    highest, real = float(table["value"].max()), float(table["real"].mean())
    return 1.08 * highest if score.kind == "share" and 0 < highest < real / _FAR_ABOVE else None


def _name_axis(figure: go.Figure, table: pd.DataFrame, score: Score) -> None:
    """Name the upright axis; a distance runs over decades."""
    end = _end(table, score)
    axis = {"tickformat": ".0%", "rangemode": "tozero"} if score.kind == "share" else _LOG
    figure.update_yaxes(title=score.title, **axis, range=None if end is None else [0, end])
