"""A line with a band around it, the form of every curve that has an interval or a spread."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike


def add_band(
    figure: go.Figure, x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str, **place: Any
) -> None:
    """Fill between `low` and `high` over `x` in a faint `colour` ('#rrggbb'); draws no entry in the legend.

    `place` is the panel: its row and column.
    """
    figure.add_trace(band(x, low, high, colour), **place)


def band(x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str) -> dict[str, Any]:
    """Return the trace of such a band: there and back again."""
    return {
        "type": "scatter",
        "x": np.concatenate([np.asarray(x), np.flip(x)]),
        "y": np.concatenate([np.asarray(high), np.flip(low)]),
        "fill": "toself",
        "fillcolor": faint(colour),
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def faint(colour: str, opacity: float = 0.18) -> str:
    """Turn '#rrggbb' into the same colour at an opacity."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def plain(text: str) -> str:
    """Keep a person's text from being read as Plotly's own small HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
