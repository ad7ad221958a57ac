"""The Scores page's table of checkpoints by metrics, with real faces and noise; the best one; parallel coordinates."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose
from dashboard.charts import parallel
from dashboard.charts import score_table as charts
from dashboard.components import chart_tools
from dashboard.components.plotly_chart import plotly_chart
from dashboard.sections import curve_choices
from fergan_core.analysis.ranking import Best, best
from fergan_core.metrics.catalogue import ARROWS, CATALOGUE, Metric, written

PARALLEL_ALT = "Each run's scores as a line over the metrics, scaled so that noise is 0 and real faces are 1"


def show(labels: Mapping[str, str]) -> None:
    """Choose protocol, emotion and metrics; the table with its best row, and the runs side by side."""
    scores = choose.scored(labels)
    if scores is None:
        return
    scores = choose.one_protocol(scores)
    known, scored_runs = set(scores.metric), set(scores.run_id)
    scored = [key for key in CATALOGUE if key in known]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        of = choose.faces()
        chosen = st.multiselect(
            "Metrics",
            scored,
            [key for key in charts.DEFAULT_METRICS if key in scored],
            format_func=lambda key: CATALOGUE[key].title,
            key="metrics",
            bind="query-params",
            help=choose.measures_help(scored),
            width=700,
        )
    metrics = [key for key in charts.metrics_of(scores, of) if key in chosen]
    if not metrics:
        st.info("These faces have none of the chosen metrics: choose others, or all faces together.")
        return
    show_table(scores, metrics, labels, of)
    if missing := [label for run_id, label in labels.items() if run_id not in scored_runs]:
        st.caption(choose.plain(f"Not scored under this protocol: {', '.join(missing)}."))
    first = metrics.index("fid") if "fid" in metrics else 0
    by = st.selectbox(
        "Best by", metrics, first, format_func=lambda key: CATALOGUE[key].title, key="by", bind="query-params",
        width=260,
        help="The metric by which the best checkpoint is chosen, of all runs and of each run.",
    )  # fmt: skip
    ranked = best(scores, by, CATALOGUE[by].better, of)
    if ranked is not None:
        st.markdown(sentence(ranked, CATALOGUE[by], labels))
    show_parallel(charts.of_emotion(scores, of), metrics, by, labels)


def show_table(scores: pd.DataFrame, metrics: Sequence[str], labels: Mapping[str, str], of: str | None) -> None:
    """The table and its CSV."""
    cells = charts.score_cells(scores, metrics, labels, of)
    config = {
        "run": st.column_config.TextColumn("Run", width=choose.names_width(cells.run), pinned=True),
        "epoch": st.column_config.NumberColumn("Epoch", width=58),
    }
    config |= {key: column(CATALOGUE[key]) for key in metrics}
    st.dataframe(
        charts.styled(cells, metrics, dark=choose.dark()),
        hide_index=True,
        placeholder="",
        width="stretch",
        height="content" if len(cells) <= 14 else 520,
        column_config=config,
        alt="Scores of real faces, of noise and of each checkpoint, with their 95 % intervals",
    )
    directions = "↑ higher is better, ↓ lower, ≈ nearer to real faces; in brackets the 95 % interval."
    with st.container(horizontal=True, vertical_alignment="center"):
        csv = charts.as_csv(scores, metrics, of)
        st.download_button("Download CSV", csv, "fergan-scores.csv", "text/csv", on_click="ignore")
        st.caption(f"{directions} Rest on a column's name to read what it measures.")
    if any(isinstance(cell, charts.Cell) and cell.beyond for key in metrics for cell in cells[key]):
        st.caption(
            "⚠ Better than real faces, scored in the same way: not a success, but a sign that the generator pleases "
            "the judge without resembling them, for instance with faces that are all exaggerated, or too much alike."
        )


def column(metric: Metric) -> Any:
    """A metric's column: title with its direction, its meaning as help."""
    title = f"{metric.title} {ARROWS[metric.better]}"
    return st.column_config.NumberColumn(title, help=choose.measure_help(metric.key), width=165)


def sentence(ranked: Best, metric: Metric, labels: Mapping[str, str]) -> str:
    """Say which checkpoint is best, whether its interval separates it from the next, and whether to believe it."""

    def named(row: Mapping[str, Any]) -> str:
        value = written(row["value"], metric, row["low"], row["high"])
        return choose.plain(f"{labels[row['run_id']]}, epoch {row['epoch']}: {value}")

    first, second = ranked.first, ranked.second
    text = f"**{named(first)}**"
    text += "" if pd.isna(first["real"]) else f" (real faces {written(first['real'], metric)})"
    if second is None:
        return f"{text}. It is the only checkpoint with this score."
    verdict = {
        True: "The intervals do not overlap: more faces would hardly change the order.",
        False: "The intervals overlap: with this many faces the two cannot be told apart.",
        None: "Without intervals it is unknown whether they differ by more than chance.",
    }
    return f"{text}. Next: {named(second)}. {verdict[ranked.apart]}"


def show_parallel(scores: pd.DataFrame, metrics: Sequence[str], by: str, labels: Mapping[str, str]) -> None:
    """Each run's best or last checkpoint over all metrics, scaled by noise and real faces."""
    st.header("Runs side by side", anchor=False)
    scored_runs = set(scores.run_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Epoch of each run", ["best", "last"], default="best", required=True, key="epoch_of_each",
            bind="query-params",
        )  # fmt: skip
        names = curve_choices.ask_pinned([label for run_id, label in labels.items() if run_id in scored_runs])
    pinned = [run_id for run_id, label in labels.items() if label in names]
    chosen = [rows for run_id in labels if len(rows := of_one_epoch(scores[scores.run_id == run_id], by, which))]
    table = pd.concat(chosen) if chosen else scores.iloc[:0]
    scaled = set(parallel.heights(table, metrics).metric)
    if len(scaled) < 2:
        st.info("This chart needs two or more metrics with known values of real faces and of noise.")
        return
    colours = choose.colours([*pinned, *(run_id for run_id in labels if run_id not in pinned)])
    figure = parallel.parallel_figure(table, metrics, labels, colours, dark=choose.dark(), pinned=pinned)
    with chart_tools.around("parallel"):
        plotly_chart(figure, "parallel", PARALLEL_ALT)
        csv = charts.as_csv(table, metrics, None if table.emotion.isna().all() else table.emotion.iloc[0])
        chart_tools.show("parallel", "runs-side-by-side", csv.decode)
    left_out = [CATALOGUE[key].title for key in metrics if key not in scaled]
    st.caption(
        f"Each metric is scaled so that noise is 0 and real faces are 1, whichever way is better; best: by "
        f"{CATALOGUE[by].title}. A triangle points to a value beyond the edge; hover over a point for the true values."
        + (f" Without such a scale: {', '.join(left_out)}." if left_out else "")
    )


def of_one_epoch(scores: pd.DataFrame, by: str, which: str) -> pd.DataFrame:
    """Return a run's scores of its best checkpoint by a metric, or of its last."""
    emotion = None if scores.emotion.isna().all() else scores.emotion.iloc[0]
    ranked = best(scores, by, CATALOGUE[by].better, emotion) if which == "best" else None
    step = scores.step.max() if ranked is None else ranked.first["step"]
    rows: pd.DataFrame = scores[scores.step == step]
    return rows.drop_duplicates("metric", keep="last")
