"""The Inception Score page's figure of a bias: the score grows with the number of faces."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts.bands import plain
from dashboard.charts.palette import PLOTLY_CONFIG
from dashboard.charts.sample_size import sample_size_figure, sizes
from fergan_core.protocols import by_words


def show(scores: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Choose one evaluation of those that know it; its score over the number of faces, beside real faces'."""
    label = choose.run_label(data.runs())
    protocols = by_words(scores)
    evaluations = {
        f"{label(run_id)}, epoch {epoch}, {int(rows['count'].iloc[0]):,} faces"
        + (f" ({words})" if len(protocols) > len(set(scores["count"])) else ""): (run_id, table)
        for run_id in colours
        for words, protocol_scores in protocols.items()
        for (_, epoch), rows in reversed(
            [*protocol_scores[protocol_scores.run_id == run_id].groupby(["step", "epoch"])]
        )
        if len(table := sizes(rows))
    }
    if not evaluations:
        return
    st.header("The score grows with the number of faces")
    name = st.selectbox("Evaluation", list(evaluations), key="evaluation", bind="query-params", width=380)
    run_id, table = evaluations[name]
    figure = sample_size_figure(table, plain(name), colours[run_id], dark=choose.dark())
    st.plotly_chart(
        figure,
        width="stretch",
        theme=None,
        key="sample size",
        config=PLOTLY_CONFIG,
        alt="The score over the number of faces that it is measured on",
    )
    st.caption(
        "Over few faces, the mean of p(y|x) is nearer to each of them than the true p(y) is: the KL, and with it the "
        "score, come out too small, for generated and real faces alike (Barratt & Sharma 2018, arXiv 1801.01973). Only "
        "scores of equally many faces can be compared."
    )
