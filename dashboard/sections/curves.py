"""Curves, the same on every page that has some: a chart or several, and the choices of what they show.

Two functions are for pages: `show`, chosen scalars of several runs, one chart a scalar, and `panels`, the panels of one
run. Both ask for the x axis, smoothing, scales and the span shown, and keep all of it in the address; a page passes
runs and nothing else. Call each once on a page, within the page's live fragment if it has one.
"""

from collections.abc import Collection, Mapping

import streamlit as st

from dashboard import choose, data
from dashboard.charts import compare, curves
from dashboard.charts.palette import PLOTLY_CONFIG
from fergan_core.scalars import MAIN_PANELS, panels_of

FIRST_METRICS = ("loss_g", "loss")


def show(labels: Mapping[str, str]) -> None:
    """Show chosen scalars of several runs, one chart a scalar; `labels` are the runs' names in the legend by id.

    Opens at the generator's loss, or the only loss. The runs' colours are those of `choose.colours`.
    """
    metrics = data.metrics(tuple(labels))
    if not metrics:
        st.info("These runs have no points.")
        return
    first = metrics.index(next((name for name in FIRST_METRICS if name in metrics), metrics[0]))
    metric = st.selectbox("Metric", metrics, first, key="metric", bind="query-params", width=260)
    colours = choose.colours(list(labels))
    points = data.points(tuple(labels), (metric,), 400)
    figure = compare.metric_curves(points, metric, labels, colours, dark=choose.dark())
    st.plotly_chart(figure, width="stretch", theme=None, key="curves", config=PLOTLY_CONFIG)
    st.caption(
        "Line: the mean over a span of steps; band: its lowest and highest value. Drag over the chart to zoom, "
        "double-click to reset."
    )


def panels(run_id: str, limit_to: Collection[str] | None = MAIN_PANELS) -> None:
    """Show one run's panels, two in a row: those titled in `limit_to` (None: all) and those of unlisted scalars.

    Where the run has no points yet, or ended before its first, a sentence says so instead.
    """
    shown = panels_of(data.metrics((run_id,)), limit_to)
    points = data.points((run_id,), tuple(name for panel in shown for name in panel.labels))
    if points.empty:
        training = data.run(run_id)["status"] == "running"
        yet = "No points yet: they appear a second after the first step."
        st.info(yet if training else "This run ended before its first point was recorded.")
        return
    for first in range(0, len(shown), 2):
        for column, panel in zip(st.columns(2, gap="medium"), shown[first : first + 2], strict=False):
            column.subheader(choose.plain(panel.title), anchor=False)
            figure = curves.panel_figure(points, panel, dark=choose.dark())
            column.plotly_chart(figure, width="stretch", theme=None, key=f"panel {panel.title}", config=PLOTLY_CONFIG)
    st.caption(
        "Line: the mean over a span of steps; band: its lowest and highest value, so that no spike is lost. "
        "Drag over a chart to zoom, double-click to reset."
    )
