"""Scores -> the Inception Score over the epochs, and accuracy emotion by emotion; pure functions of tables.

All take the registry's score table: run_id, run_name, epoch, judge, judge_sha256, count, prior, seed, truncation,
metric, emotion, value, low, high, real.
"""

from collections.abc import Collection, Mapping

import altair as alt
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band, plain
from dashboard.charts.lines import without_number
from dashboard.charts.palette import FAINT_INK, plotly_template
from fergan_core.protocols import by_words, numbers, words

# One quantity in three readings: the mean KL divergence of p(y|x) from p(y) over K emotions.
READINGS: dict[str, str] = {
    "is": "IS = exp(KL)",
    "kl_nats": "KL in nats",
    "kl_ratio": "KL / ln K",
}

# One a line of real faces.
_REAL_DASHES = ("dash", "dot", "dashdot")


def inception_figure(
    scores: pd.DataFrame, reading: str, colours: Mapping[str, str], literature: Collection[str], *, dark: bool
) -> go.Figure:
    """Draw one reading over the epochs: a line with its interval's band a run and protocol, the real images' line.

    `colours` maps run ids to colours, in the legend's order. Runs in `literature` are drawn as points alone: their
    judge is not known.
    """
    order = {run_id: place for place, run_id in enumerate(colours)}
    chosen = scores[scores.metric == reading].sort_values("epoch")
    chosen = chosen.sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")
    figure = go.Figure()
    differing = _what_differs(chosen[~chosen.run_id.isin(literature)])
    for (key, _), line in chosen.groupby(["run_id", numbers(chosen)], sort=False):
        run_id = str(key)
        name = str(line.run_name.iloc[0])
        if different := differing.get(words(line.iloc[0])):
            name += f" ({different})"
        _add_run(figure, line, plain(name), colours[run_id], as_points=run_id in literature)
    _add_real_lines(figure, chosen)
    figure.update_layout(template=plotly_template(dark), height=460, showlegend=True)
    figure.update_xaxes(title="epoch", rangemode="tozero")
    figure.update_yaxes(title=READINGS[reading])
    return figure


def _what_differs(scores: pd.DataFrame) -> dict[str, str]:
    """Return by protocol in words those words that not all the protocols of a table share."""
    parts = {protocol: protocol.split(", ") for protocol in by_words(scores)}
    shared = set.intersection(*map(set, parts.values())) if parts else set()
    return {
        protocol: ", ".join(word for word in its_words if word not in shared) for protocol, its_words in parts.items()
    }


def emotion_accuracy(scores: pd.DataFrame, emotion: str, colours: Mapping[str, str]) -> alt.LayerChart:
    """Draw how many faces asked to show `emotion` the judge reads as it, over the epochs; dashed: real faces.

    Each run has its colour of the large chart, of whose legend this one then needs no copy.
    """
    chosen = scores[(scores.metric == "accuracy") & (scores.emotion == emotion)]
    # In one column, since Vega draws no line where one that it is split by is called count.
    table = chosen[["run_id", "run_name", "epoch", "value", "real"]].assign(protocol=numbers(chosen).map(str))
    share = alt.Y("value:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=3))
    epoch = alt.X("epoch:Q", title=None, axis=alt.Axis(tickCount=4, format="d"), scale=alt.Scale(domainMin=0))
    base = alt.Chart(table).encode(x=epoch)
    run = alt.Color("run_id:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None)
    tooltip = [
        alt.Tooltip("run_name:N", title="run"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("value:Q", title="recognised as requested", format=".0%"),
        alt.Tooltip("real:Q", title="real faces", format=".0%"),
    ]
    lines = base.mark_line(strokeWidth=2).encode(y=share, color=run, detail="protocol:N")
    points = base.mark_circle(size=36, opacity=1).encode(y=share, color=run, tooltip=tooltip)
    real = alt.Chart(table.dropna(subset=["real"])[["real"]].drop_duplicates())
    rule = real.mark_rule(strokeDash=[4, 3], color=FAINT_INK).encode(y="real:Q")
    return alt.LayerChart(layer=[rule, lines, points]).properties(height=150)


def by_judge(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Take scores apart by judge, named with its weights' hash where two of them share the name."""
    rows = scores.groupby(["judge", "judge_sha256"])
    weights = scores.groupby("judge").judge_sha256.nunique().to_dict()
    return {
        str(judge) if weights[judge] == 1 else f"{judge} ({str(sha256)[:8]})": of_judge
        for (judge, sha256), of_judge in rows
    }


def _add_run(figure: go.Figure, line: pd.DataFrame, name: str, colour: str, *, as_points: bool) -> None:
    banded = line.dropna(subset=["low", "high"])
    if not as_points and len(banded):
        add_band(figure, list(banded.epoch), list(banded.low), list(banded.high), colour)
    figure.add_scatter(
        x=line.epoch,
        y=line.value,
        name=name + without_number(line.value, "epochs"),
        mode="markers" if as_points else "lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": 11 if as_points else 6, "symbol": "diamond-open" if as_points else "circle"},
        customdata=line[["low", "high"]],
        hovertemplate="%{y:.3f}" if as_points else "%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]",
    )


def _add_real_lines(figure: go.Figure, chosen: pd.DataFrame) -> None:
    # A trace and not a shape: the axis must make room for it, and the legend must name it.
    with_real = chosen.dropna(subset=["real"])
    lines = with_real.assign(real=with_real.real.round(4)).groupby(["judge", "judge_sha256", "real"], sort=False)
    judges = with_real.judge_sha256.nunique()
    for place, ((judge, _, real), line) in enumerate(lines):
        # By one judge it differs where runs learned other emotions or were scored under another prior.
        runs = list(line.run_name.unique())
        whose = [str(judge)] if judges > 1 else []
        if len(lines) > judges:
            whose.append(runs[0] if len(runs) == 1 else f"{len(runs)} runs")
        name = f"real faces {real:.2f}" + (f" ({plain(', '.join(whose))})" if whose else "")
        figure.add_scatter(
            x=[0, chosen.epoch.max()],
            y=[real, real],
            name=name,
            mode="lines",
            line={"color": FAINT_INK, "width": 1.5, "dash": _REAL_DASHES[place % len(_REAL_DASHES)]},
            hoverinfo="skip",
        )
