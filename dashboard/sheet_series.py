"""Runs' sheets as the pages play them: read through the cache, lined up on one axis; the address follows the player."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import film_files
from dashboard.charts.film import Axis, Film, FilmRun, Picture, all_emotions, number, words
from dashboard.components import parcels, player
from dashboard.rows import rows_of
from fergan_core import sheets
from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, with_cost
from fergan_core.errors import FerganError
from fergan_core.recipe import OWN_SCRIPT

_ALL = "all"
_WIPE = "Wipe"
_TYPES = {
    "PNG": ("png", "image/png"),
    "strip": ("png", "image/png"),
    "GIF": ("gif", "image/gif"),
    "MP4": ("mp4", "video/mp4"),
}


def faces(sheet: Any) -> dict[str, npt.NDArray[np.uint8]]:
    """Read a sheet's row: faces uint8 [columns, side, side], of colours [..., 3], by emotion or other class; none,
    with a warning, if the picture is damaged.

    One damaged picture must not take the page away from all the others.
    """
    try:
        return sheets.by_emotion(data.sheet_bytes(sheet.path, sheet.sha256), sheet.emotions, int(sheet.columns))
    except (FerganError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        st.warning(choose.sentence(f"The sheet of epoch {sheet.epoch}, {sheet.path}, cannot be shown: {reason}."))
        return {}


def moment(run: Mapping[str, Any], sheet: Any) -> str:
    """Say when a sheet, a row of `data.sheets`, of a `data.run` was drawn: 'epoch 5', or 'step 500' without epochs."""
    return words("step", sheet.step) if data.counts_steps(run) else words("epoch", _epochs(run, sheet))


def _epochs(run: Mapping[str, Any], sheet: Any) -> float:
    """Return how many epochs a run had learned when a sheet was drawn, within an epoch with two decimals."""
    if run["method"] == OWN_SCRIPT:
        return float(sheet.epoch)
    return round(float(sheet.step) / data.steps_per_epoch(run), 2)


@dataclass(frozen=True)
class SheetSeries:
    """A run's sheets, rows of `data.sheets` of the same emotions, with their pictures; `in_steps` where they are told
    apart by their steps and not by their epochs."""

    run_id: str
    name: str
    in_steps: bool
    emotions: tuple[str, ...]
    columns: int
    sheets: tuple[tuple[Any, bytes], ...]


def sheet_series(run_id: str, name: str) -> SheetSeries | None:
    """Read a run's sheets, of the emotions and columns of the newest; None when it has drawn none.

    A picture that is missing, or is not a sheet of those emotions, is left out and named.
    """
    table = data.sheets(run_id)
    if table.empty:
        return None
    table = table.sort_values("step")
    # A script may draw several in an epoch of which the registry does not know where it began.
    run = data.run(run_id)
    in_steps = run["method"] == OWN_SCRIPT and bool(table.epoch.duplicated().any())
    in_steps |= data.counts_steps(run)
    emotions, columns = tuple(table.emotions.iloc[-1]), int(table["columns"].iloc[-1])
    of_these = [row for row in rows_of(table) if (tuple(row.emotions), row.columns) == (emotions, columns)]
    readable = tuple((row, picture) for row in of_these if (picture := _picture(row)) is not None)
    return SheetSeries(run_id, name, in_steps, emotions, columns, readable) if readable else None


def _picture(sheet: Any) -> bytes | None:
    """Return a sheet's picture; None, with a warning, where it is missing or has not a sheet's sides."""
    try:
        picture = data.sheet_bytes(sheet.path, sheet.sha256)
        sheets.check_sides(picture, len(sheet.emotions), int(sheet.columns))
    except (FerganError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        st.warning(choose.sentence(f"The sheet of epoch {sheet.epoch}, {sheet.path}, cannot be shown: {reason}."))
        return None
    return picture


def play(runs: Sequence[SheetSeries]) -> None:
    """Show the runs' sheets in one player, with the choice of what it shows; at the newest sheet it follows a live run.

    The address keeps the place (?epoch=N, or ?at=N of another axis), and the choices (?sheet=EMOTION, ?align=AXIS,
    ?view=Wipe, ?wipe=PERCENT). One player a page.
    """
    film = _chosen_film(runs)
    key = "player " + " ".join(series.run_id for series in runs)
    state = st.session_state
    opened, asked = f"opened {key}", f"asked {key}"
    if opened not in state:
        # Never changed after: a message that stays the same is one that the browser keeps.
        place, state[asked] = _asked_place(film)
        split = _number(st.query_params.get("wipe", ""))
        state[opened] = place, int(split) if split is not None and split <= 100 else 50
    place, split = state[opened]
    if state[asked]:
        st.warning(choose.plain(state[asked]))
    player.play(
        film, opening=place, split=split, key=key,
        on_rest=partial(_follow, film, key, asked), on_save=partial(_save, film, key, choose.dark()),
    )  # fmt: skip
    if saved := state.get(f"saved {key}"):
        content, about = saved
        parcels.deliver(key, content, **about)


def _chosen_film(runs: Sequence[SheetSeries]) -> Film:
    """Ask what the player shows of the runs; the address keeps it."""
    emotions = all_emotions([series.emotions for series in runs])
    bound: dict[str, Any] = {"bind": "query-params", "required": True}
    in_order: Axis = "step" if any(series.in_steps for series in runs) else "epoch"
    axis, view = in_order, ""
    with st.container(horizontal=True, gap="medium"):
        emotion = st.pills("Faces", [_ALL, *emotions], default=_ALL, key="sheet", wrap=True, **bound)
        if len(runs) > 1:
            axis = st.segmented_control(
                "Line up by", [in_order, "images seen", "seconds"], default=in_order, key="align", **bound,
                help=f"What the runs have in common at a place of the slider: the {in_order}, the number of images "
                "that the networks have learned from, or the seconds of training, without evaluations.",
            )  # fmt: skip
            view = st.segmented_control(
                "Show", ["Side by side", _WIPE], default="Side by side", key="view", **bound,
                help="Wipe lays the first two runs over each other in one frame: drag the line between them.",
            )  # fmt: skip
    wipe = view == _WIPE
    if wipe and len(runs) > 2:
        st.caption(choose.plain(f"The wipe is between the first two runs: {runs[0].name} and {runs[1].name}."))
    values = {series.run_id: _values(series, axis) for series in runs}
    if unknown := [series.name for series in runs if np.isnan(values[series.run_id]).any()]:
        st.info(choose.plain(f"Lined up by {in_order}: the {axis} of {', '.join(unknown)} were not recorded."))
        axis, values = in_order, {series.run_id: _values(series, in_order) for series in runs}
    colours = choose.colours([series.run_id for series in runs])
    shown = tuple(
        _film_run(series, axis, values[series.run_id], colours[series.run_id])
        for series in (runs[:2] if wipe else runs)
    )
    return Film(shown, axis, (emotion,) if emotion in emotions else emotions, wipe)


def _values(series: SheetSeries, axis: Axis) -> list[float]:
    """Return where a run's sheets stand on an axis; NaN for seconds or images seen that were not recorded."""
    rows = [row for row, _ in series.sheets]
    if axis == "images seen":
        return [float(row.images_seen) if row.images_seen or not row.step else np.nan for row in rows]
    if axis != "seconds":
        run = data.run(series.run_id)
        return [_epochs(run, row) if axis == "epoch" else float(row.step) for row in rows]
    table = pd.DataFrame({"step": [row.step for row in rows]}).assign(run_id=series.run_id)
    run_ids = (series.run_id,)
    spent = with_cost(table, data.recipes(run_ids), data.points(run_ids, (SPEED, COST), STRETCHES)).seconds
    return [float(round(seconds)) if seconds == seconds else seconds for seconds in spent]


def _film_run(series: SheetSeries, axis: Axis, values: Sequence[float], colour: str) -> FilmRun:
    run = data.run(series.run_id)

    def said(row: Any, value: float) -> str:
        here = words("step", row.step) if series.in_steps else moment(run, row)
        return here if axis == ("step" if series.in_steps else "epoch") else f"{here}, {words(axis, value)}"

    pictures = tuple(
        Picture(value, said(row, value), row.sha256, content)
        for (row, content), value in zip(series.sheets, values, strict=True)
    )
    return FilmRun(series.run_id, series.name, colour, series.emotions, series.columns, pictures)


def _follow(film: Film, key: str, asked: str) -> None:
    """Let the address follow the place where the player rests."""
    view = st.session_state[key]["view"]
    if view["axis"] == film.axis:
        st.session_state[asked] = None
        by_epoch = film.axis == "epoch"
        st.query_params.pop("at" if by_epoch else "epoch", None)
        st.query_params["epoch" if by_epoch else "at"] = number(view["place"])
        if film.wipe:
            st.query_params["wipe"] = str(view["split"])


def _save(film: Film, key: str, dark: bool) -> None:
    """Make the file that the player asked for; the next drawing of the page delivers it."""
    asked = st.session_state[key]["save"]
    kind, place = cast(film_files.Format, asked["format"]), film.nearest(float(asked["place"]))
    of = [run.run_id for run in film.runs] + list(film.emotions if len(film.emotions) == 1 else ())
    of.append(film.words(place).replace(" ", "-") if kind == "PNG" else f"by-{film.axis.replace(' ', '-')}")
    try:
        look = film_files.Look(dark, int(asked["split"]))
        content = film_files.file_of(film, kind, place, look, int(asked["speed"]))
        ending, media_type = _TYPES[kind]
        done = f"Downloaded: {kind}, {len(content) / 1e6:.1f} MB."
        about = {"name": f"fergan-{'-'.join(of)}.{ending}", "type": media_type, "done": done}
    except FerganError as error:
        # The player shows text as it is: the backticks around a command would be seen.
        content, about = b"", {"refusal": f"No {kind} was made: {error}.".replace("`", "")}
    st.session_state[f"saved {key}"] = content, {"id": str(asked["id"]), **about}


def _asked_place(film: Film) -> tuple[float, str | None]:
    """Return the place that the address asks for, the newest without one, and a sentence where no sheet is there."""
    first, newest = film.places[0], film.places[-1]
    name = "epoch" if film.axis == "epoch" else "at"
    text = st.query_params.get(name, "")
    if not text:
        return newest, None
    value = _number(text)
    place = newest if value is None else film.nearest(value)
    if place == value:
        return place, None
    if len(film.places) == 1:
        there = f"the only sheet is of {film.words(first)}"
    elif value is None or not first < value < newest:
        there = f"the sheets are of {film.words(first)} to {film.words(newest)}"
    else:
        after = film.places[film.places.index(place) + 1]
        there = f"the nearest sheets are of {film.words(place)} and {film.words(after)}"
    st.query_params[name] = number(place)
    asked = f"epoch '{text[:20]}'" if film.axis == "epoch" else f"'{text[:20]}' {film.axis}"
    return place, f"The address asks for {asked}, but {there}; this is {film.words(place)}."


def _number(text: str) -> float | None:
    """Read a number of an address with two decimals at most, None for anything else."""
    return float(text) if re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,2})?", text) else None
