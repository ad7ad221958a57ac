"""What stands under a chart: its data as CSV, the chart as SVG and PNG; and a drag that asks for a span of it.

The pictures are drawn anew by the page's own Plotly, with the layout that is on the screen but in the light theme on
white: the SVG as wide as a column of a paper, with letters that can be read there, the PNG as wide as on the screen,
with twice its pixels. A component of Streamlit's second generation, since these do not leave the browser.
"""

import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.charts.palette import ink, paper_template
from dashboard.components import component

_tools = component("chart_tools", "tools")


def around(key: str) -> Any:
    """Return the container of a chart and its tools."""
    return st.container(key=f"chart {key}", gap="xsmall")


def show(
    key: str,
    file: str,
    csv: Callable[[], str],
    *,
    log_x: bool = False,
    on_span: Callable[[float, float], None] | None = None,
    on_all: Callable[[], None] | None = None,
) -> None:
    """Show the buttons of the one chart in this container; `file` names its files, `csv` writes its data.

    `on_span` is told of a span of the x axis that was dragged over, `on_all` of a double click.
    """
    name = re.sub(r"[^\w-]+", "-", file).strip("-").lower()
    state_key = f"tools {key}"

    def follow() -> None:
        span = st.session_state[state_key].get("span")
        if span is not None and span["all"] and on_all is not None:
            on_all()
        elif span is not None and not span["all"] and on_span is not None:
            on_span(span["from"], span["to"])

    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.download_button(
            "CSV", csv, f"{name}.csv", "text/csv", key=f"csv {key}", type="tertiary", on_click="ignore",
            icon=":material/download:", help="What the chart shows, as a table",
        )  # fmt: skip
        _tools(
            data={"file": name, "paper": paper_template(), "light": ink(False), "dark": ink(True), "logX": log_x},
            key=state_key,
            on_span_change=follow,
            width="content",
        )
