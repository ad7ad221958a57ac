"""Points -> curves with min/max bands; pure functions of tables."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from dashboard.charts.bands import add_band
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
    nothing; where one stops being a finite number, a dotted line stands and the legend says so.
    """
    figure = go.Figure()
    for place, metric in enumerate(GROUPS[group]):
        line = points[points.metric == metric].sort_values("step")
        if line.empty:
            continue
        colour = run_colour(place)
        finite = line[np.isfinite(line[["low", "high"]]).all(axis=1)]
        add_band(figure, list(finite.step), list(finite.low), list(finite.high), colour)
        lost = _first_lost(line)
        if lost is not None:
            figure.add_vline(x=lost, line={"color": colour, "dash": "dot"})
        figure.add_scatter(
            x=line.step,
            y=line["mean"].where(np.isfinite(line["mean"])),
            name=LABELS[metric] if lost is None else f"{LABELS[metric]}, no number from step {lost:,}",
            mode="lines" if len(line) > 1 else "markers",
            line={"color": colour, "width": 1.6},
            marker={"color": colour},
            hovertemplate="%{y:.4g}",
        )
    figure.update_layout(template=plotly_template(dark), height=270, showlegend=True)
    figure.update_xaxes(title="step")
    if group in _LOG:
        ticks = log_ticks(points.loc[points.metric.isin(GROUPS[group]), ["low", "high"]])
        figure.update_yaxes(type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    return figure


def _first_lost(line: pd.DataFrame) -> int | None:
    """Return the first step at which a scalar was NaN or infinite: a divergence must not be a mere gap."""
    lost = line[(line.nans > 0) | np.isinf(line[["low", "high"]]).any(axis=1)]
    return int(lost.step.iloc[0]) if len(lost) else None


def log_ticks(values: ArrayLike) -> list[float]:
    """List ticks for these values, 1, 2, 5, 10, ..., to be written in full: Plotly's own write 2 and 5 alone."""
    seen = np.asarray(values, dtype=float)
    seen = seen[np.isfinite(seen) & (seen > 0)]
    if not len(seen):
        return []
    first, last = math.floor(math.log10(seen.min())), math.ceil(math.log10(seen.max()))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    return [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
