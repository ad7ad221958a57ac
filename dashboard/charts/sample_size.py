"""The Inception Score of one evaluation over the number of faces, with which it grows; a pure function of a table."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.palette import FAINT_INK, plotly_template

PARTIAL = "is_at_"  # metrics that are named after their number of faces


def sizes(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one evaluation's Inception Scores by number of faces: columns faces, value, low, high, real, ascending.

    All its faces together, which alone have an interval, and all real faces, which are fewer, have a row each or share
    one. Empty where the scores of fewer faces are not known.
    """
    overall = scores[scores.emotion.isna()].drop_duplicates("metric", keep="last")
    partial = overall[overall.metric.str.startswith(PARTIAL)]
    partial = partial.assign(faces=partial.metric.str.removeprefix(PARTIAL).astype(float))
    complete = overall[overall.metric == "is"] if len(partial) else overall.iloc[:0]
    parts = pd.concat(
        [
            partial[["faces", "value", "real"]],
            complete.assign(faces=complete["count"])[["faces", "value", "low", "high"]],
            complete.assign(faces=complete.real_count)[["faces", "real"]],
        ]
    )
    # Of a size that occurs twice, the last value.
    return parts.dropna(subset=["faces"]).astype(float).groupby("faces", as_index=False).last()


def sample_size_figure(table: pd.DataFrame, colour: str, *, dark: bool) -> go.Figure:
    """Draw `sizes`: generated faces in `colour`, real ones dashed, over the number of faces on a logarithmic axis."""
    figure = go.Figure()
    generated = table.dropna(subset=["value"])
    figure.add_scatter(
        x=generated.faces,
        y=generated.value,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": generated.high - generated.value,
            "arrayminus": generated.value - generated.low,
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        name="generated faces",
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": 7},
        hovertemplate="%{y:.3f}",
    )
    real = table.dropna(subset=["real"])
    if len(real):
        figure.add_scatter(
            x=real.faces,
            y=real.real,
            name="real faces",
            mode="lines+markers",
            line={"color": FAINT_INK, "width": 1.5, "dash": "dash"},
            marker={"color": FAINT_INK, "size": 5},
            hovertemplate="%{y:.3f}",
        )
    ticks = [int(faces) for faces in generated.faces]
    figure.update_layout(template=plotly_template(dark), height=340, showlegend=True)
    figure.update_xaxes(title="number of faces", type="log", tickvals=ticks, ticktext=[f"{tick:,}" for tick in ticks])
    figure.update_yaxes(title="IS")
    return figure
