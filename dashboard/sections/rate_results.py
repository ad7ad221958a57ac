"""The page Rate's second part: what people's answers say, in tables and figures, each with a plain sentence."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import confusion as confusion_charts
from dashboard.charts import ratings as charts
from dashboard.components.plotly_chart import plotly_chart
from dashboard.components.window_follower import narrow
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.rating import reading, session
from fergan_core.rating.correlation import side_by_side
from fergan_core.rating.results import Results, exported

HYPE_HELP = (
    "The rate at which people err: the mean of the share of a checkpoint's faces that were taken for real and of the "
    "share of real faces that were taken for generated (Zhou et al. 2019, arXiv:1904.01121). 50 % is what guessing "
    "gives: people cannot tell. Shown until the answer it is HYPE-infinity. Higher is better."
)
ALPHA_HELP = (
    "Krippendorff's alpha: 1 where all people answer alike, 0 where they agree as often as by chance, below 0 where "
    "less often. Below 0.67 one does not draw conclusions from single faces; means over many faces can still be sure."
)
STRENGTH_HELP = (
    "Strength of the Bradley-Terry model: faces of strength a are chosen over faces of strength b with probability 1 / "
    "(1 + exp(b - a)); a difference of 1.1 is 3 of 4 times. The mean is 0. The interval is over people."
)
EMOTION_HELP = (
    "Rows are the emotion that was requested (of real faces: the label), columns what was seen. People may also answer "
    "unsure; the judge always names an emotion. Both judge the same faces."
)
CORRELATION_HELP = (
    "Spearman's rank correlation over the study's checkpoints: 1 where a score ranks them as people do, -1 where it "
    "ranks them the other way round, which is what a score should do of which lower is better, such as FID."
)


def show(study: Mapping[str, Any]) -> None:
    """All results of a study."""
    results = data.rating_results(study["id"])
    people = len(results.people)
    if not results.answers:
        began = f" {people} {'person has' if people == 1 else 'people have'} begun." if people else ""
        st.info(f"Nobody has answered yet.{began} Whoever opens the part Judge faces can take part.")
        return
    st.markdown(
        f"{_count(people, 'person', 'people')} gave {_count(results.answers, 'answer', 'answers')}; practice and "
        "attention checks are not counted, nor are simulated answers."
    )
    _show_hype(results)
    _show_emotions(results)
    _show_rankings(results)
    _show_agreement(results)
    _show_correlations(results)
    _show_people(results)
    csv = exported(data.reader(), study["id"]).to_csv(index=False).encode()
    st.download_button("Download all answers as CSV", csv, f"{study['id']}-answers.csv", "text/csv", on_click="ignore")


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _show_hype(results: Results) -> None:
    if results.hype.empty:
        return
    st.header("Can people tell?", anchor=False, help=HYPE_HELP)
    for wished in sorted(set(results.hype["wished_ms"].astype(int))):
        rows = results.hype[results.hype["wished_ms"] == wished]
        best = {str(name): value for name, value in rows.iloc[0].to_dict().items()}
        shown = f"for {wished} ms" if wished else "until the answer (HYPE-infinity)"
        st.markdown(
            choose.plain(
                f"Shown {shown}, people take {best['generated']:.0%} of the faces of {best['label']} for real, and "
                f"{best['real']:.0%} of real faces for generated: the mean of both is {best['value']:.0%} "
                f"(95 % interval {best['low']:.0%} to {best['high']:.0%})."
            )
        )
        figure = charts.with_intervals(
            rows,
            dark=choose.dark(),
            title="share of errors (HYPE)",
            percent=True,
            narrow=narrow(),
            reference=(0.5, "guessing"),
        )
        words = rows.assign(value=[f"{value:.0%}" for value in rows.value])
        alt = f"Share of errors, shown {shown}: {charts.in_words(words, ['label', 'value'])}"
        plotly_chart(figure, f"hype {wished}", alt, toolbar=False)
    table = results.hype
    st.dataframe(
        pd.DataFrame(
            {
                "checkpoint": table.label,
                "exposure": [f"{wished} ms" if wished else "until answered" for wished in table.wished_ms],
                "generated taken for real": _shares(table, "generated"),
                "real taken for generated": _shares(table, "real"),
                "seconds to answer": table.seconds.round(2),
                "answers": table["answers"],
            }
        ),
        hide_index=True,
        height="content",
    )


def _shares(table: pd.DataFrame, name: str) -> list[str]:
    columns = [table[name], table[f"{name}_low"], table[f"{name}_high"]]
    return [f"{value:.0%} ({low:.0%} to {high:.0%})" for value, low, high in zip(*columns, strict=True)]


def _show_emotions(results: Results) -> None:
    if results.recognition.empty:
        return
    st.header("Which emotion do people see?", anchor=False, help=EMOTION_HELP)
    for row in results.recognition.to_dict("records"):
        judge = "" if row["judge"] is None else f", the judge in {row['judge']:.0%}"
        asked = "labelled" if row["source"] == session.REAL else "requested"
        sentence = (
            f"{row['label']}: people see the emotion that was {asked} in "
            f"{row['value']:.0%} of {row['answers']} answers ({row['low']:.0%} to {row['high']:.0%}){judge}."
        )
        st.markdown(f"- {choose.plain(sentence)}")
    for title, rows, answers in (
        ("Generated faces", "requested", results.generated), ("Real faces", "labelled", results.real)
    ):  # fmt: skip
        if answers.empty:
            continue
        left, right = st.columns(2, gap="medium")
        for place, who, by in ((left, "people", "answer"), (right, "the judge", "read_as")):
            place.markdown(f"**{title}, by {who}**")
            shares = reading.confusion(answers, by)
            figure = confusion_charts.confusion_figure(shares, dark=choose.dark(), rows=rows)
            alt = f"Which emotion {who} see in {title.lower()} of each emotion, in shares"
            plotly_chart(figure, f"{title} by {who}", alt, place=place, toolbar=False)


def _show_rankings(results: Results) -> None:
    for title, name, table in (
        ("Which looks more real?", "looks real", results.looks_real),
        ("Which shows more of the emotion?", "shows more", results.shows_more),
    ):
        if table.empty:
            continue
        st.header(title, anchor=False, help=STRENGTH_HELP)
        first, second = table.label.iloc[0], table.label.iloc[1]
        sure = "" if table.low.notna().all() else " Intervals need answers of at least three people."
        compared = _count(int(table.comparisons.sum()) // 2, "comparison", "comparisons")
        st.markdown(choose.plain(f"Most chosen in {compared}: {first}; then {second}.{sure}"))
        rows = table.rename(columns={"strength": "value"})
        figure = charts.with_intervals(rows, dark=choose.dark(), title="Bradley-Terry strength", narrow=narrow())
        words = rows.assign(value=[f"{value:.2f}" for value in rows.value])
        plotly_chart(figure, name, f"{title} {charts.in_words(words, ['label', 'value'])}", toolbar=False)


def _show_agreement(results: Results) -> None:
    if results.agreement.empty:
        return
    st.header("Do people agree?", anchor=False, help=ALPHA_HELP)
    with st.container(horizontal=True):
        for row in results.agreement.to_dict("records"):
            st.metric(session.TASKS[row["task"]], f"{row['alpha']:.2f}", width="content")
    faces = ", ".join(f"{row['faces']} faces" for row in results.agreement.to_dict("records"))
    st.caption(f"Krippendorff's alpha, of {faces} that two people or more have judged.")


def _show_correlations(results: Results) -> None:
    known = results.correlations.dropna(subset=["value"])
    st.header("Do the scores agree with people?", anchor=False, help=CORRELATION_HELP)
    if known.empty:
        st.info(
            "This takes three judged checkpoints with scores of one protocol: `fergan evaluate RUN@all` adds scores."
        )
        return
    checkpoints = int(known.checkpoints.max())
    st.markdown(
        choose.plain(
            f"Over {checkpoints} checkpoints, by {results.protocol}."
            + (" With so few, nearly any correlation can be chance." if checkpoints < 10 else "")
        )
    )
    table = side_by_side(known)
    table.insert(0, "score", [CATALOGUE[key].title for key in table.index])
    width = choose.names_width(table["score"])
    st.dataframe(
        table, hide_index=True, height="content", column_config={"score": st.column_config.Column(width=width)}
    )


def _show_people(results: Results) -> None:
    st.header("Who took part", anchor=False)
    flagged = results.people[results.people.reasons != ""]
    for row in flagged.to_dict("records"):
        st.warning(choose.plain(f"{row['rater']} {row['reasons']}. The answers are counted all the same."))
    table = results.people
    st.dataframe(
        pd.DataFrame(
            {
                "pseudonym": table.rater,
                "answers": table.answers,
                "checks passed": [
                    f"{row['checks'] - row['failed']} of {row['checks']}" for row in table.to_dict("records")
                ],
                "repeated faces answered alike": [
                    f"{row['same']} of {row['repeats']}" for row in table.to_dict("records")
                ],
                "seconds to answer": (table.median_ms / 1000).round(2),
                "flagged": table.reasons,
            }
        ),
        hide_index=True,
        height="content",
    )
