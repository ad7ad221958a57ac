"""Points -> curves with min/max bands; pure functions of tables."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band, plain
from dashboard.charts.lines import at_least, curve, log_axis, log_foot, mark_lost
from dashboard.charts.palette import plotly_template, run_colour
from fergan_core.scalars import Panel


def panel_figure(points: pd.DataFrame, panel: Panel, *, dark: bool) -> go.Figure:
    """Draw one panel's scalars of one run over the steps: the mean as a line, the bucket's extremes as a band.

    `points` are the registry's buckets: metric, step, low, high, mean, nans. A scalar that was never recorded draws
    nothing; where one stops being a finite number, a dotted line stands and the legend says so. On a logarithmic axis
    what is 0 or below stands at its foot.
    """
    figure = go.Figure()
    panel_points = points[points.metric.isin(panel.labels)]
    values = panel_points[["low", "high", "mean"]]
    foot = log_foot(values) if panel.scale == "log" else None
    for place, (metric, label) in enumerate(panel.labels.items()):
        line = panel_points[panel_points.metric == metric].sort_values("step")
        if line.empty:
            continue
        colour = run_colour(place)
        finite = line[np.isfinite(line[["low", "high"]]).all(axis=1)]
        add_band(figure, list(finite.step), at_least(list(finite.low), foot), at_least(list(finite.high), foot), colour)
        name = mark_lost(figure, line, plain(label), colour)
        figure.add_scatter(
            x=line.step,
            **curve(line["mean"], colour, foot),
            name=name,
            line={"color": colour, "width": 1.6},
            customdata=line["mean"],
            hovertemplate="%{customdata:.4g}",
        )
    figure.update_layout(template=plotly_template(dark), height=270, showlegend=True)
    figure.update_xaxes(title="step")
    if panel.unit:
        figure.update_yaxes(title=panel.unit)
    if panel.scale == "log":
        figure.update_yaxes(**log_axis(values))
    return figure
