"""All instruments of a training on one axis, the losses against each other, spectra; pure functions of tables."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.bands import plain
from dashboard.charts.lines import curve, log_axis, log_foot, mark_lost
from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour
from dashboard.rows import rows_of
from fergan_core.scalars import Panel, panels_of

SEVERITY_COLOURS = {"info": FAINT_INK, "warning": "#e69f00", "alarm": "#d0392f"}


def timeline_figure(points: pd.DataFrame, findings: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Draw the panels that have points, one above the other on one axis of steps, findings as marks across all.

    Where a scalar is first not a number a dotted line stands in its panel, and the legend says so.

    `points` are the registry's stretches; `findings` has columns kind, step, severity, sentence. The findings' marks
    on top can be clicked: their customdata is the finding's place in the table.
    """
    panels = panels_of(points.metric)
    figure = make_subplots(
        rows=len(panels) + 1, cols=1, shared_xaxes=True, vertical_spacing=0.04,
        row_heights=[0.35, *[1.0] * len(panels)], subplot_titles=["", *(plain(panel.title) for panel in panels)],
    )  # fmt: skip
    # Over its panel's corner: beside it, turned, a long title runs into the next one's on a telephone.
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    figure.add_scatter(
        x=findings.step,
        y=[0] * len(findings),
        customdata=list(range(len(findings))),
        text=list(findings.sentence),
        mode="markers",
        marker={"size": 13, "symbol": "diamond", "color": [SEVERITY_COLOURS[one] for one in findings.severity]},
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        row=1,
        col=1,
    )
    for place, panel in enumerate(panels, 2):
        _add_panel(figure, points, panel, place)
    for row in rows_of(findings):
        figure.add_vline(x=row.step, line={"color": SEVERITY_COLOURS[row.severity], "width": 1, "dash": "dot"})
    figure.update_layout(
        template=plotly_template(dark), height=90 + 150 * len(panels), hovermode="closest", showlegend=True
    )
    figure.update_xaxes(title="step", row=len(panels) + 1, col=1)
    figure.update_yaxes(visible=False, fixedrange=True, row=1, col=1)
    return figure


def _add_panel(figure: go.Figure, points: pd.DataFrame, panel: Panel, row: int) -> None:
    panel_points = points[points.metric.isin(panel.labels)]
    foot = log_foot(panel_points["mean"]) if panel.scale == "log" else None
    for place, (metric, label) in enumerate(panel.labels.items()):
        line = panel_points[panel_points.metric == metric].sort_values("step")
        if line.empty:
            continue
        colour = run_colour(place)
        figure.add_scatter(
            x=line.step,
            **curve(line["mean"], colour, foot),
            name=mark_lost(figure, line, plain(label), colour, row=row, col=1),
            line={"color": colour, "width": 1.4},
            customdata=line["mean"],
            hovertemplate=f"{plain(label)}: %{{customdata:.4g}}<extra></extra>",
            legendgroup=panel.title,
            legendgrouptitle_text=plain(panel.title),
            row=row,
            col=1,
        )
    axis = log_axis(panel_points["mean"], decades=True) if panel.scale == "log" else {"type": "linear"}
    figure.update_yaxes(**axis, row=row, col=1)


def phase_figure(points: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Draw D's loss against G's, from the first step to the last; a training that settles stays in one place."""
    pair = points[points.metric.isin(["loss_d", "loss_g"])].pivot_table(index="step", columns="metric", values="mean")
    figure = go.Figure()
    if {"loss_d", "loss_g"} <= set(pair.columns):
        pair = pair.dropna()
        figure.add_scatter(
            x=pair["loss_d"],
            y=pair["loss_g"],
            mode="lines+markers",
            line={"color": FAINT_INK, "width": 0.5},
            marker={
                "size": 5,
                "color": list(pair.index),
                "colorscale": "Cividis",
                "colorbar": {"title": "step", "thickness": 10},
            },
            customdata=list(pair.index),
            hovertemplate="step %{customdata:,}: D %{x:.3g}, G %{y:.3g}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(template=plotly_template(dark), height=360, hovermode="closest")
    figure.update_xaxes(title="loss of D")
    figure.update_yaxes(title="loss of G")
    return figure


def spectra_figure(points: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Draw the largest singular value of every layer over the steps: G's in one colour, D's in the other."""
    figure = go.Figure()
    spectra = points[points.metric.str.startswith("spectral_")]
    foot = log_foot(spectra["mean"])
    for key, of_network in spectra.groupby(spectra.metric.str.removeprefix("spectral_").str.partition("/")[0]):
        network = str(key).upper()
        colour = run_colour(1 if network == "G" else 0)
        name = mark_lost(figure, of_network, network, colour)
        for place, (metric, line) in enumerate(of_network.groupby("metric")):
            line = line.sort_values("step")
            figure.add_scatter(
                x=line.step,
                **curve(line["mean"], colour, foot),
                name=name,
                legendgroup=network,
                showlegend=place == 0,
                line={"color": colour, "width": 1.2},
                customdata=line["mean"],
                hovertemplate=f"{network} {str(metric).partition('/')[2]}, step %{{x:,}}: %{{customdata:.3g}}"
                "<extra></extra>",
            )
    figure.update_layout(template=plotly_template(dark), height=360, hovermode="closest", showlegend=True)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="largest singular value", **log_axis(spectra["mean"]))
    return figure
