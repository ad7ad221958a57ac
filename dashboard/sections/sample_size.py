"""The Inception Score page's figure of a bias: the score grows with the number of faces."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard import choose, data
from dashboard.charts.sample_size import PARTIAL, sample_size_figure, sizes
from dashboard.components import chart_tools
from dashboard.components.plotly_chart import plotly_chart
from dashboard.rows import rows_of
from fergan_core.protocols import numbers, words


def show(scores: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Choose one evaluation of those that know it; its score over the number of faces, beside real faces'."""
    evaluations = _evaluations(scores, list(colours))
    if not evaluations:
        return
    st.header("The score grows with the number of faces")
    name = st.selectbox("Evaluation", list(evaluations), key="evaluation", bind="query-params", width=640)
    run_id, places = evaluations[name]
    table = sizes(scores.iloc[places])
    figure = sample_size_figure(table, colours[run_id], dark=choose.dark())
    with chart_tools.around("sample size"):
        plotly_chart(figure, "sample size", "Inception Score by the number of faces, of generated and of real faces")
        chart_tools.show("sample size", f"inception-score-by-faces-{name}", lambda: table.to_csv(index=False))
    st.caption(
        "Over few faces, the mean of p(y|x) is nearer to each of them than the true p(y) is: the KL, and with it the "
        "score, come out too small, for generated and real faces alike (Barratt & Sharma 2018, arXiv 1801.01973). Only "
        "scores of equally many faces can be compared."
    )


def _evaluations(scores: pd.DataFrame, run_ids: Sequence[str]) -> dict[str, tuple[str, NDArray[np.intp]]]:
    """Return by its name each evaluation that knows its score of fewer faces, a run's newest first: its run, and the
    places of its scores among all of them."""
    known = scores[scores.metric.str.startswith(PARTIAL) & scores.emotion.isna()]
    if known.empty:
        return {}
    label = choose.run_label(data.runs())
    scores = scores.assign(protocol=numbers(scores))
    order = {run_id: place for place, run_id in enumerate(run_ids)}
    known = scores.loc[known.index].drop_duplicates(["run_id", "step", "protocol"])
    known = known.sort_values(["protocol", "step"], ascending=[True, False], kind="stable")
    known = known.sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")
    # The number of faces alone names a protocol, unless several share it.
    alike = known.groupby("count").protocol.nunique().max() > 1
    places = scores.groupby(["run_id", "step", "protocol"]).indices
    return {
        f"{label(row.run_id)}, epoch {row.epoch}, "
        + (words(known.loc[index]) if alike else f"{int(row.faces):,} faces"): (
            row.run_id,
            np.asarray(places[row.run_id, row.step, row.protocol]),
        )
        for index, row in zip(known.index, rows_of(known.rename(columns={"count": "faces"})), strict=True)
    }
