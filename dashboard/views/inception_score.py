"""The Inception Score over the epochs of any runs, in three readings, and how each emotion is read."""

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import scores as charts
from dashboard.charts.palette import PLOTLY_CONFIG, emotion_label, run_colour
from fergan_core.emotions import EMOTIONS

DARK = st.context.theme.type == "dark"
READINGS = {"IS": "is", "KL": "kl_nats", "KL ratio": "kl_ratio"}


def show_scores(chosen: list[str], literature: list[str], reading: str) -> None:
    """The chart with its caption, the report's caveat, and the small multiples of accuracy."""
    if not chosen:
        st.info("Choose a run or more.")
        return
    scores = data.scores(tuple(chosen))
    if scores.empty:
        st.info("No score yet: a run is scored at --eval-every epochs, or by `fergan evaluate RUN@all`.")
        return
    judged = scores[~scores.run_id.isin(literature)]
    judges = charts.judges(judged)
    if len(judges) > 1:
        names = choose.plain(", ".join(judges))
        st.warning(f"These scores come from different judges ({names}): they cannot be compared with each other.")
    colours = {run_id: run_colour(place) for place, run_id in enumerate(chosen)}
    figure = charts.inception_figure(scores, reading, colours, literature, dark=DARK)
    st.plotly_chart(figure, width="stretch", theme=None, key="inception score", config=PLOTLY_CONFIG)
    if unscored := [data.run(run_id)["name"] for run_id in chosen if run_id not in set(scores.run_id)]:
        st.caption(choose.plain(f"Without a score yet: {', '.join(unscored)}."))
    for protocol in charts.protocols(judged):
        st.caption(choose.plain(f"{protocol}; band: 95 % bootstrap interval."))
    for run_id in literature:
        for note in data.run(run_id)["notes"]:
            st.caption(choose.plain(note["text"]))
    show_emotions(judged, colours)


def show_emotions(scores: pd.DataFrame, colours: dict[str, str]) -> None:
    """Accuracy by emotion as small multiples, the runs in the large chart's colours."""
    by_emotion = scores[(scores.metric == "accuracy") & scores.emotion.notna()]
    if by_emotion.empty:
        return
    st.subheader("Faces read as the emotion asked for")
    with st.container(horizontal=True):
        for emotion in EMOTIONS:
            if (by_emotion.emotion == emotion).any():
                with st.container(width=170, gap="xsmall"):
                    st.markdown(emotion_label(emotion))
                    st.altair_chart(charts.emotion_accuracy(by_emotion, emotion, colours), width="stretch")
    st.caption(
        "Share read so by the same judge, over the epochs; runs in their colours of above; dashed: real faces of that "
        "emotion."
    )


st.title("Inception Score")
runs = data.runs()
if choose.any_trained(runs):
    trained = list(runs.id[~runs.literature])
    chosen = choose.several_runs(runs, default=[*trained[:4], *runs.id[runs.literature]])
    reading = st.segmented_control(
        "Reading", list(READINGS), default="IS", required=True, key="reading", bind="query-params"
    )
    st.caption(
        "One quantity, three readings: IS = exp(KL); KL ratio = KL / ln K, K being the judge's seven emotions "
        "(for the report's points its five)."
    )
    statuses = runs.status[runs.id.isin(chosen)]
    literature = [run_id for run_id in chosen if run_id not in trained]
    st.fragment(show_scores, run_every=choose.live_every(*statuses))(chosen, literature, READINGS[reading])
