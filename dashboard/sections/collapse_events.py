"""The Mode collapse page's events: what happened to each emotion of a run, in order, and its faces then."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import choose, data
from dashboard.sections import findings
from fergan_core.analysis.findings.timeline import TITLES, End, Statement

_OPEN = 2  # runs whose events are shown at once
_ENDS: Mapping[End, str] = {"collapsed": "to the end", "recovered": "recovered", "low": "not fully recovered"}


def show(labels: Mapping[str, str]) -> None:
    """Each run's events; of several runs those after the first two are folded."""
    for place, (run_id, label) in enumerate(labels.items()):
        _, statements = findings.of_run(run_id, findings.COLLAPSES)
        if not statements:
            _say_none(run_id, label)
            continue
        if len(labels) == 1:
            st.markdown(f"**{choose.plain(summary(statements))}**")
            _list(run_id, statements)
            continue
        words = f"**{choose.plain(label)}**: {choose.plain(summary(statements))}"
        part = st.expander(words, expanded=place < _OPEN, key=f"events {run_id}", on_change="rerun")
        if part.open:
            with part:
                _list(run_id, statements)


def _list(run_id: str, statements: Sequence[Statement]) -> None:
    for statement in statements:
        findings.show_with_faces(run_id, statement)
    st.caption(
        "In every picture of an emotion the faces are drawn from the same latents, so that they can be compared."
    )


def _say_none(run_id: str, label: str) -> None:
    name = choose.plain(label)
    if data.has_probe(run_id):
        st.success(f"{name}: no emotion collapsed.", icon=":material/check:")
    else:
        st.info(f"{name} has no probe readings, so collapses were not looked for.")


def summary(statements: Sequence[Statement]) -> str:
    """Say how many emotions collapsed, when first, and what became of them."""
    emotions = [one for one in statements if one.kind == "collapse"]
    if not emotions:
        return statements[0].title
    numbers = Counter(one.title for one in emotions)
    counted = ", ".join(f"{numbers[TITLES[end]]} {words}" for end, words in _ENDS.items() if numbers[TITLES[end]])
    several = "emotion collapses" if len(emotions) == 1 else "emotions collapse"
    return f"{len(emotions)} {several}, first at epoch {min(one.epoch for one in emotions)} ({counted})"
