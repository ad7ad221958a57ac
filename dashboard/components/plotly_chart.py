"""A Plotly chart as every page shows one: in the page's width and colours, with words for who cannot see it."""

from collections.abc import Callable
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from dashboard.charts.palette import PLOTLY_CONFIG


def plotly_chart(
    figure: go.Figure,
    key: str,
    alt: str,
    *,
    place: Any = st,
    toolbar: bool = True,
    on_select: Callable[[], None] | Literal["ignore"] = "ignore",
) -> None:
    """Show a figure in `place`, the page or a column; `alt` says in words what it shows, `on_select` takes clicks on
    its points, which are then in `st.session_state[key].selection`."""
    place.plotly_chart(
        figure,
        width="stretch",
        theme=None,
        key=key,
        config=PLOTLY_CONFIG if toolbar else PLOTLY_CONFIG | {"displayModeBar": False},
        on_select=on_select,
        selection_mode="points",
        alt=alt,
    )
