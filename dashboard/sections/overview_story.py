"""The story in three pictures: a collapse, what prevented it, GAN against diffusion; each links to the page that tells.

What the registry does not hold is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.rows import rows_of
from dashboard.sections import run_faces
from dashboard.sections.overview_best import Best
from dashboard.sections.run_scores import text_of
from fergan_core.analysis.studies import forks
from fergan_core.recipe import in_steps

_COLLAPSES = ("global-collapse", "collapse")
_MOST_RUNS = 12  # whose findings are read for a collapse that shows
_ROWS = 2  # of faces in a picture


@dataclass(frozen=True)
class Picture:
    """A run's sheet at a step, some faces of each emotion or those of one, and what to say above it."""

    run_id: str
    step: int
    caption: str
    emotion: str | None = None


@dataclass(frozen=True)
class Story:
    """Two pictures with a title, a sentence and the page that tells more, with its runs."""

    title: str
    pictures: tuple[Picture, Picture]
    sentence: str
    page: str
    link: str
    run_ids: tuple[str, ...]


def show(bests: Sequence[Best], runs: pd.DataFrame) -> None:
    """The stories that the registry holds, beside each other; nothing where it holds none."""
    label = choose.run_label(runs)
    collapse = collapse_story(runs)
    candidates = [collapse, prevention_story(collapse, bests, runs), methods_story(bests, runs)]
    stories = [story for story in candidates if story is not None]
    if not stories:
        return
    st.header("The story in pictures", anchor=False)
    for column, story in zip(st.columns(3, gap="large"), stories, strict=False):
        with column:
            st.markdown(f"**{story.title}**")
            for picture in story.pictures:
                _show_picture(picture, label(picture.run_id))
            st.markdown(story.sentence)
            parameters = {"runs": ",".join(story.run_ids)}
            st.page_link(
                f"views/{story.page}.py", label=story.link, icon=":material/arrow_forward:", query_params=parameters
            )


def _show_picture(picture: Picture, name: str) -> None:
    saved = data.sheets(picture.run_id)
    sheet = next(row for row in rows_of(saved) if row.step == picture.step)
    st.caption(choose.plain(picture.caption))
    if faces := sheet_series.faces(sheet):
        if picture.emotion in faces:
            faces = {name: images for name, images in faces.items() if name == picture.emotion}
        alt = f"{name} at {sheet_series.moment(data.run(picture.run_id), sheet)}: {', '.join(faces)}"
        st.image(run_faces.few_of_each(faces, _ROWS, sheet.sha256), width="stretch", alt=alt)


def collapse_story(runs: pd.DataFrame) -> Story | None:
    """A run that collapsed with a sheet before it and the newest one after it: of photographs rather than of drawn
    faces, and the whole generator's collapse rather than an emotion's."""
    counts = data.contents().reindex(runs.id)
    candidates = counts[(counts.sheets > 1) & (counts.findings > 0)].sort_values("sheets", ascending=False).index
    table = data.findings(tuple(candidates[:_MOST_RUNS]))
    table = table[table.kind.isin(_COLLAPSES)]
    drawn = table.run_id.map(dict(zip(runs.id, runs.data == "synthfer", strict=True)))
    order = table.assign(drawn=drawn, place=table.kind.map(_COLLAPSES.index))
    for row in rows_of(order.sort_values(["drawn", "place", "step"], kind="stable")):
        saved = data.sheets(row.run_id)
        before, after = saved[saved["step"] < row.step], saved[saved["step"] >= row.step]
        if before.empty or after.empty:
            continue
        emotion = row.numbers.get("emotion")
        around = next(rows_of(before[-1:])), next(rows_of(after[-1:]))
        run = data.run(row.run_id)
        pictures = tuple(
            Picture(row.run_id, sheet.step, f"{sheet_series.moment(run, sheet).capitalize()}, {when}", emotion)
            for sheet, when in zip(around, ("before", "after"), strict=True)
        )
        sentence = f"{choose.plain(choose.run_label(runs)(row.run_id))}: {choose.plain(row.sentence)}"
        page, link = "collapse", "When, and of which emotions"
        return Story("A collapse", (pictures[0], pictures[1]), sentence, page, link, (row.run_id,))
    return None


def prevention_story(collapse: Story | None, bests: Sequence[Best], runs: pd.DataFrame) -> Story | None:
    """What went well where another run collapsed: a fork in which the collapse did not recur, else the best run of the
    same data that has no alarm."""
    if collapse is None:
        return None
    (collapsed,) = collapse.run_ids
    label, after = choose.run_label(runs), collapse.pictures[1]
    fork = _fork_without(collapsed, runs)
    if fork is not None:
        run_id, changed = fork
        words = f"Forked from it with {changed}, the collapse did not recur."
    else:
        ours = runs[runs.id == collapsed].iloc[0]
        alarms, sheets = data.contents().alarms, data.contents().sheets
        alike = set(runs.id[(runs.data == ours.data) & (runs.method == ours.method)])
        ranking = next((best.ranking for best in bests if best.data == ours.data), pd.DataFrame({"run_id": []}))
        calm = [one for one in ranking.run_id if one in alike and not alarms.get(one, 0) and sheets.get(one, 0)]
        if not calm:
            return None
        run_id = calm[0]
        preset = runs.preset[runs.id == run_id].iloc[0]
        words = f"On the same data the preset {preset} had no alarm to its end."
    newest = int(data.sheets(run_id)["step"].iloc[-1])
    pictures = (
        Picture(collapsed, after.step, f"{label(collapsed)}: collapsed", after.emotion),
        Picture(run_id, newest, f"{label(run_id)}: not", after.emotion),
    )
    return Story(
        "What prevented it", pictures, choose.plain(words), "compare", "What differs between the two",
        (collapsed, run_id),
    )  # fmt: skip


def _fork_without(run_id: str, runs: pd.DataFrame) -> tuple[str, str] | None:
    """Return a fork of a run with a sheet in which its alarms did not recur, and what it changed; None if none is."""
    tree = forks.family(runs, run_id)
    ids = list(tree.id[tree.known])
    if len(ids) < 2:
        return None
    tree = forks.outcomes(tree, data.findings(tuple(ids)), data.recipes(tuple(ids)))
    sheets = data.contents().sheets
    for row in rows_of(tree[(tree.outcome == "stays away") & (tree.parent == run_id)]):
        if sheets.get(row.id, 0):
            return row.id, ", ".join(f"{name} {new} instead of {old}" for name, (old, new) in row.changed.items())
    return None


def methods_story(bests: Sequence[Best], runs: pd.DataFrame) -> Story | None:
    """The best GAN and the best method that draws in steps, as diffusion does, of the first data set that has both."""
    methods: Mapping[str, str] = dict(zip(runs.id, runs.method, strict=True))
    label, sheets = choose.run_label(runs), data.contents().sheets
    for best in bests:
        ranking = best.ranking[best.ranking.run_id.map(lambda one: sheets.get(one, 0) > 0)]
        kinds = ranking.run_id.map(methods)
        gans, denoisers = ranking[kinds == "gan"], ranking[kinds.map(in_steps).astype(bool)]
        if len(gans) and len(denoisers):
            chosen = [gans.iloc[0], denoisers.iloc[0]]
            pictures = [
                Picture(
                    row.run_id,
                    int(data.sheets(row.run_id)["step"].iloc[-1]),
                    f"{label(row.run_id)}: FID {text_of('fid', row.value)}",
                )
                for row in chosen
            ]
            kind = methods[chosen[1].run_id]
            sentence = f"The best GAN and the best {kind} on {choose.plain(best.data)}."
            ids = tuple(row.run_id for row in chosen)
            pair = (pictures[0], pictures[1])
            return Story(f"GAN against {kind}", pair, sentence, "compare", "The two side by side", ids)
    return None
