"""Points -> curves with min/max bands; pure functions of tables."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band
from dashboard.charts.lines import at_least, curve, log_axis, log_foot, mark_lost
from dashboard.charts.palette import plotly_template, run_colour

# What belongs on one chart.
GROUPS: Mapping[str, Sequence[str]] = {
    "Losses": ("loss", "loss_d", "loss_g"),
    "D's opinion": ("d_real", "d_fake", "d_accuracy", "d_wrong"),
    "Seen and unseen faces": (
        "loss_train/low",
        "loss_held_out/low",
        "loss_train/middle",
        "loss_held_out/middle",
        "loss_train/high",
        "loss_held_out/high",
        "bits_per_dim/train",
        "bits_per_dim/held_out",
    ),
    "Gradient norms": ("grad_norm", "grad_norm_d", "grad_norm_g", "grad_ratio"),
    "Speed": ("images_per_second",),
}

LABELS: Mapping[str, str] = {
    "loss": "loss",
    "loss_d": "loss of D",
    "loss_g": "loss of G",
    "d_real": "D(real)",
    "d_fake": "D(fake)",
    "d_accuracy": "accuracy of D",
    "d_wrong": "D(real, wrong emotion)",
    "loss_train/low": "loss in little noise, seen",
    "loss_held_out/low": "loss in little noise, unseen",
    "loss_train/middle": "in some, seen",
    "loss_held_out/middle": "in some, unseen",
    "loss_train/high": "in much, seen",
    "loss_held_out/high": "in much, unseen",
    "bits_per_dim/train": "bits a pixel, seen",
    "bits_per_dim/held_out": "bits a pixel, unseen",
    "grad_norm": "gradient",
    "grad_norm_d": "gradient of D",
    "grad_norm_g": "gradient of G",
    "grad_ratio": "G's by D's",
    "images_per_second": "images a second",
}

# A gradient's norm runs over decades before it explodes.
_LOG = {"Gradient norms"}


def groups_of(metrics: Collection[str]) -> list[str]:
    """Return the groups of which a run has any metric: a method has those of its own kind."""
    return [group for group, names in GROUPS.items() if any(name in metrics for name in names)]


def group_figure(points: pd.DataFrame, group: str, *, dark: bool) -> go.Figure:
    """Draw one group's metrics of one run over the steps: the mean as a line, the bucket's extremes as a band.

    `points` are the registry's buckets: metric, step, low, high, mean, nans. A metric that was never recorded draws
    nothing; where one stops being a finite number, a dotted line stands and the legend says so. On a logarithmic axis
    what is 0 or below stands at its foot.
    """
    figure = go.Figure()
    own = points[points.metric.isin(GROUPS[group])]
    values = own[["low", "high", "mean"]]
    foot = log_foot(values) if group in _LOG else None
    for place, metric in enumerate(GROUPS[group]):
        line = own[own.metric == metric].sort_values("step")
        if line.empty:
            continue
        colour = run_colour(place)
        finite = line[np.isfinite(line[["low", "high"]]).all(axis=1)]
        add_band(figure, list(finite.step), at_least(finite.low, foot), at_least(finite.high, foot), colour)
        name = mark_lost(figure, line, LABELS[metric], colour)
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
    if group in _LOG:
        figure.update_yaxes(**log_axis(values))
    return figure
