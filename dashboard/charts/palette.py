"""Colours: one an emotion, the same everywhere, told apart by the colour-blind; one a run; Plotly's two themes."""

import plotly.graph_objects as go

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

# Tol's 'bright' scheme without its grey, darkened a little where it is faint on white.
_RUN_COLOURS = ("#4477aa", "#ee6677", "#228833", "#b8a12f", "#aa3377", "#3ba7c9")

# Text, grid and ground as in .streamlit/config.toml.
_LIGHT = ("#20272c", "#e4e1d8", "#fbfaf7")
_DARK = ("#e3e5e2", "#2b3338", "#14181b")


def run_colour(place: int) -> str:
    """Return the colour of the run at a place in a list; they repeat after six."""
    return _RUN_COLOURS[place % len(_RUN_COLOURS)]


def plotly_template(dark: bool) -> go.layout.Template:
    """Return the figure template that fits the dashboard's light or dark theme."""
    text, grid, ground = _DARK if dark else _LIGHT
    axis = dict.fromkeys(("gridcolor", "linecolor", "zerolinecolor", "tickcolor"), grid)
    axis |= {"title": {"standoff": 8, "font": {"size": 13}}}
    layout = go.Layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": text, "size": 13, "family": '"Source Sans", sans-serif'},
        colorway=list(_RUN_COLOURS),
        xaxis=axis,
        yaxis=axis,
        hoverlabel={"bgcolor": ground, "bordercolor": grid, "font": {"color": text}},
        legend={"bgcolor": "rgba(0,0,0,0)"},
    )
    return go.layout.Template(layout=layout)
