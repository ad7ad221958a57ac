"""The Inception Score over the epochs of any runs, in three readings, and how each emotion is read."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import scores as charts
from dashboard.charts.palette import PLOTLY_CONFIG, emotion_label
from dashboard.rows import rows_of
from dashboard.sections import sample_size
from fergan_core.analysis.ranking import judge_disagreements_of_runs
from fergan_core.emotions import EMOTIONS
from fergan_core.protocols import by_words, once, preferred, preferred_of_each_run

DARK = st.context.theme.type == "dark"
READINGS = {"IS": "is", "KL": "kl_nats", "KL ratio": "kl_ratio"}


def show_scores(chosen: list[str], literature: list[str], reading: str) -> None:
    """The chart of one judge's scores with its caption, the report's caveat, and what lies behind the score."""
    if not chosen:
        st.info("Choose one or more runs.")
        return
    scores = choose.scored(chosen)
    if scores is None:
        return
    of_report = scores.run_id.isin(literature)
    everything = one_judge(scores[~of_report], reading)
    judged = preferred_of_each_run(everything)
    displayed = pd.concat([judged, scores[of_report]]) if len(judged) else scores
    colours = choose.colours(chosen)
    figure = charts.inception_figure(displayed, reading, colours, literature, dark=DARK)
    st.plotly_chart(
        figure,
        width="stretch",
        theme=None,
        key="inception score",
        config=PLOTLY_CONFIG,
        alt="The score of each run over its epochs, with its 95 % interval, beside real faces",
    )
    if unscored := [data.run(run_id)["name"] for run_id in chosen if run_id not in set(displayed.run_id)]:
        whose = " by this judge" if judged.judge_sha256.nunique() < scores[~of_report].judge_sha256.nunique() else ""
        st.caption(choose.plain(f"No score{whose} yet: {', '.join(unscored)}."))
    for protocol in by_words(judged):
        st.caption(choose.plain(f"{protocol}; band: 95 % bootstrap interval."))
    if len(judged) < len(once(everything)):
        st.caption("Some of these epochs were also scored under another protocol: the page Scores shows all.")
    for run_id in literature:
        for note in data.run(run_id)["notes"]:
            st.caption(choose.plain(note["text"]))
    show_emotions(judged, colours)
    sample_size.show(everything, colours)


def one_judge(scores: pd.DataFrame, reading: str) -> pd.DataFrame:
    """Ask for one judge of the scores, where there are several, and warn of runs that they put in another order."""
    judges = charts.by_judge(scores)
    if len(judges) < 2:
        return scores
    names = list(judges)
    first_judge = preferred(scores).judge_sha256.iloc[0]
    first = next(name for name in names if judges[name].judge_sha256.iloc[0] == first_judge)
    name = st.segmented_control("Judge", names, default=first, required=True, key="judge", bind="query-params")
    st.caption("Scores by different judges cannot be compared with each other; only the rankings they give can.")
    for row in rows_of(judge_disagreements_of_runs(scores, reading)):
        st.warning(choose.plain(disagreement(row._asdict())))
    return judges[name]


def disagreement(flip: Mapping[str, Any]) -> str:
    """Say which two runs two judges put in opposite orders, and whether by more than chance."""
    names = (flip["run_name_a"], flip["run_name_b"])
    editions = flip["judge_1"] == flip["judge_2"]
    opinions = []
    for judge in ("1", "2"):
        values = (flip[f"value_a_{judge}"], flip[f"value_b_{judge}"])
        above = int(values[0] < values[1])
        whose = flip[f"judge_{judge}"] + (f" ({flip[f'judge_sha256_{judge}'][:8]})" if editions else "")
        opinions.append(f"by {whose}, {names[above]} is ahead ({max(values):.3f} to {min(values):.3f})")
    chance = "by both, the intervals do not overlap" if flip["clear"] else "the intervals overlap, so it may be chance"
    return f"The judges disagree at epoch {flip['epoch_a']}: {', '.join(opinions)}; {chance}."


def show_emotions(scores: pd.DataFrame, colours: dict[str, str]) -> None:
    """Accuracy by emotion as small multiples, the runs in the large chart's colours."""
    by_emotion = scores[(scores.metric == "accuracy") & scores.emotion.notna()]
    if by_emotion.empty:
        return
    st.header("Faces recognised as requested")
    with st.container(horizontal=True):
        for emotion in EMOTIONS:
            if (by_emotion.emotion == emotion).any():
                with st.container(width=145, gap="xsmall"):
                    st.markdown(emotion_label(emotion))
                    st.altair_chart(
                        charts.emotion_accuracy(by_emotion, emotion, colours),
                        width="stretch",
                        alt=f"Share of {emotion} faces recognised as {emotion}, by epoch",
                    )
    st.caption(
        "Share of faces in which the same judge recognises the requested emotion, by epoch; colours as above; dashed: "
        "real faces of that emotion."
    )


choose.heading("Inception Score", "How clear and how varied are the faces, epoch by epoch?")
runs = data.runs()
if choose.any_trained(runs):
    trained = list(runs.id[~runs.literature])
    chosen = choose.several_runs(runs, default=[*trained[:4], *runs.id[runs.literature]])
    reading = st.segmented_control(
        "Reading", list(READINGS), default="IS", required=True, key="reading", bind="query-params"
    )
    st.caption(
        "One quantity in three forms: IS = exp(KL), and KL ratio = KL / ln K, where K is the number of emotions: the "
        "judge's seven, for the report's points its five."
    )
    statuses = runs.status[runs.id.isin(chosen)]
    literature = [run_id for run_id in chosen if run_id not in trained]
    choose.fragment(show_scores, run_every=choose.live_every(*statuses))(chosen, literature, READINGS[reading])
