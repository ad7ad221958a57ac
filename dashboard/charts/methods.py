"""Methods compared: a score over what the training had spent, and over the cost of a face; pure functions of tables."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import plain
from dashboard.charts.lines import curve, log_axis, log_foot, without_number
from dashboard.charts.palette import FAINT_INK, plotly_template
from fergan_core.metrics.catalogue import ARROWS, Metric


def budget_figure(
    scores: pd.DataFrame,
    metric: Metric,
    colours: Mapping[str, str],
    unit: tuple[float, str],
    budget: float,
    *,
    dark: bool,
) -> go.Figure:
    """Draw each run's score over what had been spent by its evaluation, one trace a method; dashed: the budget.

    `scores` has columns method, run_id, epoch, spent, value; `colours` gives each method's colour; `unit` is the size
    of the axis's unit in `spent` and its name. A distance has a logarithmic axis.
    """
    figure = go.Figure()
    foot = log_foot(scores.value) if _is_log(metric) else None
    for name, colour in colours.items():
        method_scores = scores[scores.method == name]
        if method_scores.empty:
            continue
        lines = _one_after_the_other(method_scores.sort_values(["run_id", "spent"]))
        figure.add_scatter(
            x=lines.spent / unit[0],
            **curve(lines.value, colour, foot, markers=6),
            name=plain(name) + without_number(method_scores.value, "evaluations"),
            line={"color": colour, "width": 1.8},
            customdata=lines[["epoch", "value"]],
            hovertemplate=f"{plain(name)}, epoch %{{customdata[0]}}: %{{customdata[1]:.4g}}<extra></extra>",
        )
    figure.add_vline(x=budget / unit[0], line={"color": FAINT_INK, "dash": "dash", "width": 1})
    figure.update_layout(template=plotly_template(dark), height=400, hovermode="closest", showlegend=True)
    figure.update_xaxes(title=unit[1], rangemode="tozero")
    _score_axis(figure, metric, scores.value)
    return figure


def cost_figure(samplings: pd.DataFrame, metric: Metric, colours: Mapping[str, str], *, dark: bool) -> go.Figure:
    """Draw a score over the faces drawn a second, one point per way of drawing; a ring: on the Pareto front.

    `samplings` has columns method, run_id, how, way (both in words), steps, guided, speed, value, front. A run's ways
    that differ only in their steps are joined and numbered; guided ones are diamonds without a number.
    """
    figure = go.Figure()
    foot = log_foot(samplings.value) if _is_log(metric) else None
    for name, colour in colours.items():
        # The first line is the legend's.
        method_points = samplings[samplings.method == name].sort_values("guided", kind="stable")
        for number, (_, line) in enumerate(method_points.groupby(["run_id", "how"], sort=False, dropna=False)):
            line = line.sort_values("speed")
            guided = bool(line.guided.iloc[0])
            figure.add_scatter(
                x=line.speed,
                y=curve(line.value, colour, foot)["y"],
                name=plain(name),
                legendgroup=name,
                showlegend=number == 0,
                mode="lines+markers+text",
                text=["" if guided or pd.isna(steps) else str(int(steps)) for steps in line.steps],
                textposition="top center",
                line={"color": colour, "width": 1.4},
                marker={
                    "symbol": "diamond" if guided else "circle",
                    "size": 9,
                    "color": colour,
                    "line": {
                        "color": plotly_template(dark).layout.font.color,
                        "width": [2 if on else 0 for on in line.front],
                    },
                },
                customdata=line[["way", "value"]],
                hovertemplate="%{customdata[0]}: %{customdata[1]:.4g}, %{x:,.0f} faces a second<extra></extra>",
            )
    figure.update_layout(template=plotly_template(dark), height=420, hovermode="closest", showlegend=True)
    figure.update_xaxes(title="faces a second", **log_axis(samplings.speed))
    _score_axis(figure, metric, samplings.value)
    return figure


def _one_after_the_other(scores: pd.DataFrame) -> pd.DataFrame:
    """Put an empty row after each run's scores, which lie together: the trace through all of them is broken there."""
    numbers = scores[["epoch", "spent", "value"]].reset_index(drop=True)
    last = ~scores.run_id.duplicated(keep="last").to_numpy()
    empty = pd.DataFrame(index=numbers.index[last] + 0.5, columns=numbers.columns, dtype=float)
    return pd.concat([numbers, empty]).sort_index()


def _score_axis(figure: go.Figure, metric: Metric, values: pd.Series) -> None:
    share = metric.unit == "share"
    figure.update_yaxes(title=f"{metric.title} {ARROWS[metric.better]}", tickformat=".0%" if share else None)
    if _is_log(metric):
        figure.update_yaxes(**log_axis(values))


def _is_log(metric: Metric) -> bool:
    return metric.better == "lower" and metric.unit != "share" and not metric.around_zero
