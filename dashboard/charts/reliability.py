"""A judge's reliability diagram: accuracy over confidence, in bins; a pure function of its card."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour

_STAGES = {"before": ("before scaling", "dot"), "after": ("after scaling", "solid")}


def reliability_figure(reliability: Mapping[str, Sequence[Sequence[Any]]], *, dark: bool) -> go.Figure:
    """Draw accuracy over mean confidence before and after temperature scaling; dashed: perfect calibration.

    `reliability` maps `before` and `after` to bins [faces, mean confidence, accuracy]; those without faces are left
    out. A point is the larger, the more faces its bin has.
    """
    figure = go.Figure()
    diagonal = {"color": FAINT_INK, "width": 1.5, "dash": "dash"}
    figure.add_scatter(x=[0, 1], y=[0, 1], name="perfect calibration", mode="lines", line=diagonal, hoverinfo="skip")
    for place, (stage, (name, dash)) in enumerate(_STAGES.items()):
        bins = [bin_ for bin_ in reliability[stage] if bin_[0]]
        most = max((count for count, _, _ in bins), default=1)
        figure.add_scatter(
            x=[confidence for _, confidence, _ in bins],
            y=[accuracy for _, _, accuracy in bins],
            customdata=[count for count, _, _ in bins],
            name=name,
            mode="lines+markers",
            line={"color": run_colour(1 - place), "width": 2, "dash": dash},
            marker={
                "color": run_colour(1 - place),
                "size": [5 + 11 * (count / most) ** 0.5 for count, _, _ in bins],
                "line": {"width": 0},
            },
            hovertemplate="confidence %{x:.0%}, accuracy %{y:.0%}, %{customdata:,} faces",
        )
    figure.update_layout(template=plotly_template(dark), height=380, showlegend=True, hovermode="closest")
    figure.update_xaxes(title="confidence", range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(title="accuracy", range=[0, 1.02], tickformat=".0%")
    return figure
