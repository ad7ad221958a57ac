"""Colours: one per emotion, the same everywhere and safe for the colour-blind; one per run; Plotly's two themes."""

import re
from functools import cache
from typing import Any

import plotly.graph_objects as go
import plotly.io

# As themselves, since they are part of this palette.
from fergan_core.colours import RUN_COLOURS as RUN_COLOURS
from fergan_core.colours import run_colour as run_colour

# Each figure takes one of the two templates below; Plotly would first give it a copy of its own, in 4 ms.
plotly.io.templates.default = None

# Okabe and Ito's palette (2008), made for all forms of colour blindness; neutral takes grey.
EMOTION_COLOURS: dict[str, str] = {
    "angry": "#d55e00",
    "disgust": "#009e73",
    "fear": "#cc79a7",
    "happy": "#e69f00",
    "sad": "#0072b2",
    "surprise": "#56b4e9",
    "neutral": "#8c8c8c",
}

# Text, grid and ground as in dashboard/.streamlit/config.toml.
_LIGHT = ("#0c1114", "#e4e1d8", "#fbfaf7")
_DARK = ("#e3e5e2", "#2b3338", "#14181b")
FAINT_INK = "#808890"

# Dragging zooms and a double click goes back, so that the toolbar needs two buttons alone, and Streamlit's full screen.
PLOTLY_CONFIG: dict[str, Any] = {"modeBarButtonsToRemove": ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d"]}


def emotion_colour(name: str) -> str:
    """Return an emotion's colour; for a class beyond the seven, one of the runs' colours, always the same."""
    return EMOTION_COLOURS.get(name) or run_colour(sum(name.encode()))


def emotion_label(emotion: str) -> str:
    """Return Markdown: a square in the emotion's colour, its name in ink (some colours are too faint for writing)."""
    name = re.sub(r"([\\`*_{}\[\]()#+\-.!$~:<>|&])", r"\\\1", emotion)
    return f':color[■]{{foreground="{emotion_colour(emotion)}"}} **{name}**'


def ink(dark: bool) -> str:
    """Return the colour of text in the dashboard's light or dark theme."""
    return (_DARK if dark else _LIGHT)[0]


@cache
def paper_template() -> dict[str, Any]:
    """Return the light theme's figure template on white, for a picture that leaves the dashboard."""
    template: dict[str, Any] = plotly_template(dark=False).to_plotly_json()
    template["layout"] |= dict.fromkeys(("paper_bgcolor", "plot_bgcolor"), "#ffffff")
    return template


@cache
def plotly_template(dark: bool) -> go.layout.Template:
    """Return the figure template that fits the dashboard's light or dark theme."""
    text, grid, ground = _DARK if dark else _LIGHT
    axis: dict[str, Any] = dict.fromkeys(("gridcolor", "linecolor", "zerolinecolor", "tickcolor"), grid)
    axis |= {"spikecolor": FAINT_INK, "spikethickness": 1, "spikedash": "solid"}
    axis |= {"title": {"standoff": 8, "font": {"size": 13}}, "separatethousands": True, "automargin": True}
    layout = go.Layout(
        paper_bgcolor=ground,
        plot_bgcolor=ground,
        font={"color": text, "size": 13, "family": '"Source Sans", sans-serif'},
        colorway=list(RUN_COLOURS),
        xaxis=axis,
        yaxis=axis,
        hoverlabel={"bgcolor": ground, "bordercolor": grid, "font": {"color": text}},
        legend={"bgcolor": "rgba(0,0,0,0)", "orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        # The toolbar stands upright in the right margin: a telephone shows it always, over the legend or the data.
        margin={"l": 8, "r": 32, "t": 8, "b": 8},
        hovermode="x unified",
        modebar={"orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": FAINT_INK, "activecolor": text},
    )
    return go.layout.Template(layout=layout)
