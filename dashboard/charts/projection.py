"""Generated faces among real ones in the plane in which the real ones vary most; pure functions of tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.palette import EMOTION_COLOURS, plotly_template
from fergan_core.emotions import EMOTIONS


def projected(answer: Mapping[str, Any]) -> pd.DataFrame:
    """Make a table of what `face_data.project` knows, one row per face: x, y, emotion, reads (as an emotion), real."""
    tables = []
    for part in ("real", "drawn"):
        faces = answer[part]
        at = pd.DataFrame(faces["at"], columns=["x", "y"])
        names = {"emotion": faces["labels"], "reads": faces["reads"]}
        tables.append(at.assign(**{name: [EMOTIONS[code] for code in codes] for name, codes in names.items()}))
    return pd.concat([tables[0].assign(real=True), tables[1].assign(real=False)], ignore_index=True)


def projection_figure(faces: pd.DataFrame, shares: Sequence[float], *, dark: bool) -> go.Figure:
    """Draw real faces, faint, and the generated ones over them, in their emotions' colours.

    `faces` is as `projected` makes it, `shares` the two axes' parts of the real faces' variance, 0 to 1.
    """
    figure = go.Figure()
    template = plotly_template(dark)
    for real in (True, False):
        for emotion in EMOTIONS:
            rows = faces[(faces.real == real) & (faces.emotion == emotion)]
            if rows.empty:
                continue
            marker = {"color": EMOTION_COLOURS[emotion], "size": 5, "opacity": 0.25}
            if not real:
                edge = {"width": 0.8, "color": template.layout.plot_bgcolor}
                marker |= {"size": 8, "opacity": 0.9, "line": edge}
            figure.add_scatter(
                x=rows.x,
                y=rows.y,
                customdata=rows.reads,
                name=emotion,
                mode="markers",
                marker=marker,
                legendgroup=emotion,
                showlegend=not real,
                hovertemplate=("real, labelled" if real else "requested")
                + f" {emotion}<br>recognised as %{{customdata}}<extra></extra>",
            )
    figure.update_layout(template=template, height=460, hovermode="closest", showlegend=True)
    figure.update_xaxes(title=f"{shares[0]:.0%} of the real faces' variance")
    # One unit is as long on both axes: what looks nearer is nearer.
    figure.update_yaxes(title=f"{shares[1]:.0%}", scaleanchor="x")
    return figure
