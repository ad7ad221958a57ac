"""The Inception Score over the epochs of any runs, in three readings, and how each emotion is read."""

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.sections import inception_score, sample_size
from fergan_core.protocols import by_words, once, preferred_of_each_run

READINGS = {"IS": "is", "KL": "kl_nats", "KL ratio": "kl_ratio"}


def show_scores(runs: pd.DataFrame, reading: str) -> None:
    """The chart of one judge's scores with its caption, the report's caveat, and what lies behind the score."""
    if runs.empty:
        st.info("Choose one or more runs.")
        return
    scores = choose.scored(runs.id)
    if scores is None:
        return
    of_report = scores.run_id.isin(runs.id[runs.literature])
    everything = inception_score.one_judge(scores[~of_report], reading)
    judged = preferred_of_each_run(everything)
    displayed = pd.concat([judged, scores[of_report]], ignore_index=True) if len(judged) else scores
    colours = inception_score.show_charts(displayed, runs, reading)
    if unscored := list(runs.name[~runs.id.isin(displayed.run_id)]):
        whose = " by this judge" if judged.judge_sha256.nunique() < scores[~of_report].judge_sha256.nunique() else ""
        st.caption(choose.plain(f"No score{whose} yet: {', '.join(unscored)}."))
    for protocol in by_words(judged):
        st.caption(choose.plain(f"Scores by {protocol}; a run's own band: 95 % bootstrap interval."))
    if len(judged) < len(once(everything)):
        st.caption("Some of these epochs were also scored under another protocol: the page Scores shows all.")
    for run_id, name in runs.loc[runs.literature, ["id", "name"]].to_numpy():
        for note in data.run(run_id)["notes"]:
            st.caption(choose.plain(f"{name}: {note['text']}"))
    sample_size.show(everything, colours)


choose.heading("Inception Score", "How clear and how varied are the faces, epoch by epoch?")
runs = data.runs()
if choose.any_trained(runs):
    chosen = choose.several_runs(runs, default=inception_score.best_scored(runs))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        inception_score.ask_for_many(runs)
        reading = st.segmented_control(
            "Reading", list(READINGS), default="IS", required=True, key="reading", bind="query-params",
            help="One quantity in three forms: IS = exp(KL), and KL ratio = KL / ln K, where K is the number of "
            "emotions: the judge's seven, for the report's points its five.",
        )  # fmt: skip
    of_choice = runs.set_index("id", drop=False).loc[chosen]
    every = choose.live_every(*of_choice.status)
    choose.fragment(show_scores, run_every=every)(of_choice, READINGS[reading])
