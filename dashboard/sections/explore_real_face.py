"""A real face in a generator's emotions: a face of the data or a person's picture is found, and shown in each."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from dashboard import choose, data, dataset_places, face_data
from dashboard.charts import sheets
from dashboard.charts.palette import emotion_label
from dashboard.face_client import Faces, Waiting
from dashboard.sections import dataset_faces, dataset_path, drawing
from fergan_core import recipe as recipes
from fergan_core.data.one_picture import face_of_picture
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import DataError
from fergan_core.recipe import Denoiser

_OF_THE_DATA, _OWN = "A face of the data", "A picture of yours"
_PICTURES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
_MOST_MB = 20
_SEARCH = "search for a real face"
_AS_READ = "as the judge reads it"
_SCALE = 4
_GUIDANCE = 3.0  # of the methods that can have any: a compromise between emotions that show and faces that stay


class Given(NamedTuple):
    """A real face, uint8 [48,48], what it is called in a sentence and in a file's name, and its emotion's code (None:
    as the judge reads it)."""

    face: Faces
    name: str
    file: str
    emotion: int | None


def show(run_id: str, step: int) -> None:
    """Choose a real face, find it in the generator, and see it in every emotion."""
    source = st.segmented_control(
        "Which face", [_OF_THE_DATA, _OWN], default=_OF_THE_DATA, required=True, key="which", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    st.caption(
        "What is shown is the generator's guess, made from what it learned of other people's faces: it says nothing "
        "about this person, neither how they feel nor how they would look. A picture that you upload stays in the "
        "memory of this session; it is written nowhere, and is gone when you close the page."
    )
    given = _of_the_data(run_id) if source == _OF_THE_DATA else _own(run_id)
    if given is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.image(sheets.face_grid(given.face[None], 1, 3), alt=f"The given face: {given.name}", width=144)
        with st.container(width=420):
            st.markdown(choose.plain(f"{given.name[0].upper()}{given.name[1:]}."))
            guidance = _guidance(run_id)
            searching = st.button("Find this face", type="primary")
    asked = (run_id, step, hashlib.sha256(given.face.tobytes()).hexdigest(), given.emotion, guidance)
    known, found = st.session_state.get(_SEARCH, (None, None))
    if searching:
        if found is not None:
            found.cancel()
        known, found = asked, drawing.wait_for(face_data.transfer(run_id, step, given.face, given.emotion, guidance))
        # In the session, and not in a cache of all sessions: it may be a person's picture.
        st.session_state[_SEARCH] = known, found
    if known == asked and found is not None:
        if found.ended(within=drawing.AT_ONCE):
            _show_found(run_id, given, found)
        else:
            drawing.show_progress(found, "steps done")


def _guidance(run_id: str) -> float | None:
    """Ask for the guidance of a run that draws in steps and can have any; None for the others."""
    method = recipes.from_dict(data.run(run_id)["recipe"]).method
    if not isinstance(method, Denoiser) or not method.guidable:
        return None
    guidance = st.number_input(
        "Guidance", 1.0, 20.0, _GUIDANCE, 0.5, key="face_guidance", bind="query-params", width=170,
        help="How much more of an emotion is drawn than the network learned: 1 changes a face hardly, and much more "
        "changes more of it than its emotion.",
    )  # fmt: skip
    return float(guidance)


def _of_the_data(run_id: str) -> Given | None:
    """Ask for a face of the run's dataset by split, emotion and number; None where there is none."""
    recorded = data.run(run_id)["dataset"]
    if not dataset_path.is_at_hand(recorded, "real face"):
        return None
    place = dataset_places.place_of(recorded)
    opened = None if place is None else dataset_path.read(place)
    if opened is None:
        return None
    learned = choose.emotions_of(run_id)
    unseen = next((split for split in opened.summary["counts"] if split != "train"), dataset_faces.EVERY)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        emotion, split = dataset_faces.emotion_and_split(opened, unseen)
        index = dataset_faces.chosen(opened, emotion, split)
        index = index[np.isin(opened.dataset.labels[index], [EMOTIONS.index(name) for name in learned])]
        if not len(index):
            st.info("No such face has an emotion that this run learned; choose another emotion or split.")
            return None
        if st.session_state.get("real_face", 1) > len(index):
            st.session_state["real_face"] = len(index)
        number = int(
            st.number_input(f"Face, of {len(index):,}", 1, len(index), key="real_face", bind="query-params", width=170)
        )
    at = int(index[number - 1])
    label, split_name = dataset_faces.label_of(opened, at), dataset_faces.split_of(opened, at)
    seen = " The run may have learned from it." if split_name == "train" else ""
    name = f"face {at:,} of the data, {label}, split {split_name}.{seen}".rstrip(".")
    return Given(opened.dataset.images[at], name, f"face-{at}", int(opened.dataset.labels[at]))


def _own(run_id: str) -> Given | None:
    """Ask for a picture and its emotion; None while there is none, or where it is none."""
    uploaded = st.file_uploader(
        "A picture of a face", _PICTURES, key="own face", max_upload_size=_MOST_MB,
        help="Its middle square is taken, in grey and at 48x48: cut it so that the face fills it, from the forehead to "
        "the chin, as FER2013's faces do.",
    )  # fmt: skip
    emotion = st.selectbox(
        "Emotion of the face", [_AS_READ, *choose.emotions_of(run_id)], key="own emotion", width=260,
        help="The generator draws the face with this emotion first, and then with the others.",
    )  # fmt: skip
    if uploaded is None:
        return None
    try:
        face = face_of_picture(uploaded.getvalue(), uploaded.name)
    except DataError as error:
        st.error(choose.sentence(f"{error}."))
        return None
    code = None if emotion == _AS_READ else EMOTIONS.index(emotion)
    return Given(face, "your picture, as the generator gets it", "picture", code)


def _show_found(run_id: str, given: Given, found: Waiting) -> None:
    """The given face, what the generator draws of it, and it with every emotion; under each what the judge reads."""
    if found.faces is None:
        drawing.show_failure(found)
        return
    facts, names = found.drawing.facts, choose.emotions_of(run_id)
    drawn, *shown = found.faces
    own = EMOTIONS[facts["emotion"]]
    st.header("The face in every emotion", anchor=False)
    st.markdown(choose.plain(error_in_words(facts)))
    expressions = dict(zip(names, zip(shown, facts["reads"], strict=True), strict=True))
    with st.container(horizontal=True, gap="small"):
        _tile(given.face, f"**given**, {own}", facts["reads_original"])
        _tile(drawn, f"**drawn** as {own}", None)
        for name, (face, reads) in expressions.items():
            if name != own:
                _tile(face, emotion_label(name), reads)
    st.caption(choose.plain(_how_made(facts)))
    rows = {"given": given.face[None], "drawn": drawn[None]}
    rows |= {name: face[None] for name, (face, _) in expressions.items() if name != own}
    png = sheets.labelled_sheet(rows, f"{given.file}, {own}", dark=choose.dark())
    file = f"fergan-{run_id}-{given.file}-in-every-emotion.png"
    st.download_button("Download PNG", png, file, "image/png", on_click="ignore")


def _tile(face: Faces, label: str, reads: list[float] | None) -> None:
    with st.container(width=150, gap="xsmall"):
        st.markdown(label)
        st.image(sheets.face_grid(face[None], 1, _SCALE), alt=f"The face, {label}", width=150)
        if reads is not None:
            best = max(range(len(EMOTIONS)), key=reads.__getitem__)
            st.caption(f"read as {EMOTIONS[best]}, {reads[best]:.0%}")


def _how_made(facts: dict[str, Any]) -> str:
    """Say how the faces were made, and who reads them."""
    if facts["candidate_difference"] is None:
        made = "The sampler was run backwards from the face to its noise, and forwards with each emotion."
    else:
        made = (
            "The face is changed only where the generator draws the emotion otherwise than the face's own: elsewhere "
            "it is the given picture."
        )
    return f"{made} Under each face is what the judge {facts['judge']} reads in it most."


def error_in_words(facts: dict[str, Any]) -> str:
    """Say how far what the generator draws is from the given face."""
    error, contrast = facts["difference"], facts["contrast"]
    if error < 0.2 * contrast:
        verdict = "The generator draws nearly this face"
    elif error < 0.6 * contrast:
        verdict = "The generator draws a face like this one, but not the same"
    else:
        verdict = "The generator does not draw this face: what it draws is another"
    sentence = (
        f"{verdict}. The pixels differ by {error:.0f} of 255 greys (root mean square); from even grey the given face "
        f"differs by {contrast:.0f}."
    )
    if facts["candidate_difference"] is not None:
        started = facts["candidate_difference"]
        sentence += f" The best of 1,000 random faces, from which the search began, differs by {started:.0f}."
    return sentence
