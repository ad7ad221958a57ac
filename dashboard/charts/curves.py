"""Points -> curves with min/max bands; pure functions of tables."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band
from dashboard.charts.palette import plotly_template, run_colour

# What belongs on one chart.
GROUPS: Mapping[str, Sequence[str]] = {
    "Losses": ("loss_d", "loss_g"),
    "D's opinion": ("d_real", "d_fake", "d_accuracy"),
    "Gradient norms": ("grad_norm_d", "grad_norm_g"),
    "Speed": ("images_per_second",),
}

LABELS: Mapping[str, str] = {
    "loss_d": "loss of D",
    "loss_g": "loss of G",
    "d_real": "D(real)",
    "d_fake": "D(fake)",
    "d_accuracy": "accuracy of D",
    "grad_norm_d": "gradient of D",
    "grad_norm_g": "gradient of G",
    "images_per_second": "images a second",
}

# A gradient's norm runs over decades before it explodes.
_LOG = {"Gradient norms"}


def group_figure(points: pd.DataFrame, group: str, *, dark: bool) -> go.Figure:
    """Draw one group's metrics of one run over the steps: the mean as a line, the bucket's extremes as a band.

    `points` are the registry's buckets: metric, step, low, high, mean, nans. A metric that was never recorded draws
    nothing; where one stops being a finite number, a dotted line says so.
    """
    figure = go.Figure()
    for place, metric in enumerate(GROUPS[group]):
        line = points[points.metric == metric].sort_values("step")
        if line.empty:
            continue
        colour = run_colour(place)
        finite = line[np.isfinite(line[["low", "high"]]).all(axis=1)]
        add_band(figure, list(finite.step), list(finite.low), list(finite.high), colour)
        figure.add_scatter(
            x=line.step,
            y=line["mean"].where(np.isfinite(line["mean"])),
            name=LABELS[metric],
            mode="lines" if len(line) > 1 else "markers",
            line={"color": colour, "width": 1.6},
            marker={"color": colour},
            hovertemplate="%{y:.4g}",
        )
        _mark_lost(figure, line, LABELS[metric], colour)
    figure.update_layout(template=plotly_template(dark), height=270, hovermode="x unified")
    figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}, showlegend=True)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
    figure.update_xaxes(title="step", automargin=True)
    figure.update_yaxes(automargin=True)
    if group in _LOG:
        figure.update_yaxes(type="log", dtick="D2", exponentformat="none")
    return figure


def _mark_lost(figure: go.Figure, line: pd.DataFrame, label: str, colour: str) -> None:
    """Mark the first step at which a scalar was no number or infinite: a divergence must not be a mere gap."""
    lost = line[(line.nans > 0) | np.isinf(line[["low", "high"]]).any(axis=1)]
    if len(lost):
        figure.add_vline(
            x=int(lost.step.iloc[0]), line={"color": colour, "dash": "dot"}, annotation_text=f"{label}: NaN or infinite"
        )
