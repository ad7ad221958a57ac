"""A run's findings as statements: when, how bad, a sentence, the numbers behind it, and the faces before and after."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import sheets
from dashboard.rows import rows_of
from fergan_core.analysis.findings import KINDS, timeline
from fergan_core.analysis.findings.timeline import Statement, moments
from fergan_core.errors import FerganError
from fergan_core.sheets import by_emotion

BADGES = {"alarm": "red", "warning": "orange", "info": "gray"}
COLLAPSES = ("collapse", "global-collapse", "recovery", "repeats")
_READINGS = 5000  # stretches of steps, of which each probe has its own
_FACES = 10  # of an emotion, in a picture
_OF_EACH = 5  # of each emotion, in a picture of all

# What the numbers behind a finding are called.
NUMBERS = {
    "into": "recognised mostly as",
    "until": "until step",
    "before": "highest before",
    "metric": "scalar",
    "d_accuracy": "accuracy of D",
    "d_accuracy_old": "accuracy of D on earlier faces",
    "loss_d": "loss of D",
    "loss_g": "loss of G",
    "from": "lowest before",
    "to": "highest",
    "ct": "C_T",
    "real": "of real faces",
    "fid": "FID",
}


def title(kind: str) -> str:
    """Return what a kind of finding is called."""
    name = KINDS.get(kind, kind)
    return name[0].upper() + name[1:]


def of_run(run_id: str, kinds: Collection[str] | None = None) -> tuple[pd.DataFrame, list[Statement]]:
    """Return a run's findings, those of `kinds` alone if given, and what they tell, in order."""
    table = data.findings((run_id,))
    if kinds is not None:
        table = table[table.kind.isin(list(kinds))]
    table = table.reset_index(drop=True)
    collapsed = table.kind.isin(COLLAPSES).any()
    readings = timeline.readings_of(data.points((run_id,), timeline.DIVERSITY, _READINGS)) if collapsed else {}
    per_epoch = data.steps_per_epoch(data.run(run_id))
    return table, timeline.statements(table, readings, lambda step: int((step - 1) // per_epoch) + 1)


def badge(statement: Statement) -> str:
    """Return a statement's title as a badge in Markdown, in the colour of its severity."""
    words = statement.title[0].upper() + statement.title[1:]
    return f":{BADGES.get(statement.severity, 'gray')}-badge[{choose.plain(words)}]"


def show(statements: Sequence[Statement]) -> None:
    """List statements in their order."""
    if not statements:
        st.success("No findings.", icon=":material/check:")
    for statement in statements:
        st.markdown(f"{badge(statement)} {choose.plain(statement.sentence)}")


def show_with_faces(run_id: str, statement: Statement) -> None:
    """One statement, beside it the faces before and after: its emotion's alone, or some of each emotion."""
    run, saved = data.run(run_id), data.sheets(run_id).set_index("step", drop=False)
    shown = moments(statement, [int(step) for step in saved.index])
    words, *columns = st.columns([4, *[3] * max(2, len(shown))], gap="medium")
    words.markdown(f"**Epoch {statement.epoch}** {badge(statement)}")
    words.markdown(choose.plain(statement.sentence))
    if not any(when == "before" for when, _ in shown):
        at = f"before epoch {statement.epoch}" if len(saved) else "of this run"
        columns[0].caption(f"There is no sheet {at} here.")
        columns = columns[1:]
    for column, (when, step) in zip(columns, shown, strict=False):
        sheet = next(rows_of(saved.loc[[step]]))
        with column:
            moment = sheet_series.moment(run, sheet)
            st.markdown(f"**{when}: {moment}**")
            _show_faces(sheet, statement.emotion, f"{moment}, {when}")


def _show_faces(sheet: Any, emotion: str | None, when: str) -> None:
    """A sheet's faces of an emotion, or some of each emotion."""
    if emotion is not None and emotion not in sheet.emotions:
        st.caption(f"Its sheet has no {choose.plain(emotion)} faces.")
        return
    dark = choose.dark()

    def draw(picture: bytes) -> bytes:
        faces = by_emotion(picture, sheet.emotions, int(sheet.columns))
        if emotion is not None:
            return sheets.face_grid(faces[emotion][:_FACES], columns=_OF_EACH, scale=1)
        few = {name: images[:_OF_EACH] for name, images in faces.items()}
        return sheets.labelled_sheet(few, "", dark=dark, columns=_OF_EACH)

    try:
        drawn = data.small_sheet(sheet.path, sheet.sha256, draw, emotion or f"of each, dark {dark}")
    except (FerganError, OSError):
        sheet_series.faces(sheet)  # says what is wrong with it
        return
    whose = f"{_OF_EACH} faces of each emotion" if emotion is None else f"{emotion} faces"
    st.image(drawn, alt=f"{whose}, {when}", width="stretch")


def numbers_table(numbers: Mapping[str, Any]) -> pd.DataFrame:
    """Write the known numbers behind a finding for a person: in three digits, with names in words."""
    rows = {name: number_text(value) for name, value in numbers.items() if value is not None and value != ""}
    names = [NUMBERS.get(name, name if name in ("r_t", "r_v") else name.replace("_", " ")) for name in rows]
    return pd.DataFrame({"number": names, "value": list(rows.values())})


def number_text(value: Any) -> str:
    """Write a number in three digits, a whole one in full, a list by its members."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(number_text, value))
    return str(value)


def show_numbers(table: pd.DataFrame, statements: Sequence[Statement]) -> None:
    """The numbers behind statements, finding by finding; `table` has the findings that they tell of."""
    rows = []
    for place in (place for one in statements for place in one.places):
        finding = table.iloc[place]
        named = numbers_table({name: value for name, value in finding.numbers.items() if name != "emotion"})
        of = f", {finding.numbers['emotion']}" if "emotion" in finding.numbers else ""
        rows.append(named.assign(finding=title(finding.kind) + of))
    numbers = pd.concat(rows) if rows else pd.DataFrame()
    if len(numbers):
        part = st.expander("Numbers", type="compact", key=f"numbers {statements[0].step}")
        part.dataframe(
            numbers,
            hide_index=True,
            width="stretch",
            column_order=["finding", "number", "value"],
            column_config={"finding": "Finding", "number": "Number", "value": "Value"},
            alt="The numbers behind these findings",
        )
