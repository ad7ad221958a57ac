"""Runs' sheets as the pages play them: read through the cache, opened at ?epoch=N, the address following the slider."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from dashboard import choose, data
from dashboard.charts import sheets
from dashboard.components import player
from dashboard.rows import rows_of
from fergan_core.errors import FerganError


def faces(sheet: Any) -> dict[str, npt.NDArray[np.uint8]]:
    """Read a sheet's row: faces uint8 [columns, 48, 48] by emotion; none, with a warning, if the picture is damaged.

    One damaged picture must not take the page away from all the others.
    """
    try:
        return sheets.by_emotion(data.sheet_bytes(sheet.path, sheet.sha256), sheet.emotions)
    except (FerganError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        st.warning(choose.sentence(f"The sheet of epoch {sheet.epoch}, {sheet.path}, cannot be shown: {reason}."))
        return {}


def sheet_series(run_id: str, name: str) -> player.SheetSeries | None:
    """Read a run's sheets, one an epoch, of the emotions of the newest; None when it has drawn none.

    A picture that is missing, or is not a sheet of those emotions, is left out and named.
    """
    table = data.sheets(run_id)
    if table.empty:
        return None
    table = table.sort_values("step").drop_duplicates("epoch", keep="last")
    emotions = tuple(table.emotions.iloc[-1])
    readable = [row for row in rows_of(table) if tuple(row.emotions) == emotions and faces(row)]
    if not readable:
        return None
    frames = tuple((int(row.epoch), data.sheet_bytes(row.path, row.sha256)) for row in readable)
    return player.SheetSeries(run_id, name, emotions, int(table["columns"].iloc[-1]), frames)


def play(runs: Sequence[player.SheetSeries]) -> int:
    """Show the runs' sheets under one slider; return the epoch where it rests. At the newest it follows a live run."""
    key = "player " + " ".join(series.run_id for series in runs)
    opened, place, end = f"opened {key}", f"place {key}", f"end {key}"
    state = st.session_state
    newest = max(series.frames[-1][0] for series in runs)
    if opened not in state:
        # Never changed after: pictures and opening epoch then stay one message, which the browser keeps.
        state[opened] = state[place] = _asked_epoch(min(series.frames[0][0] for series in runs), newest)
    elif state[place] == state[end]:
        state[place] = newest
    state[end] = newest

    def follow() -> None:
        epoch = state[key]["epoch"]
        if type(epoch) is int:
            state[place] = epoch
            st.query_params["epoch"] = str(epoch)

    player.play(runs, state[opened], key=key, on_rest=follow)
    epoch: int = state[place]
    return epoch


def _asked_epoch(oldest: int, newest: int) -> int:
    """Return the epoch that the address asks for, the newest without one; say so if the sheets do not reach it."""
    text = st.query_params.get("epoch", "")
    if not text:
        return newest
    epoch = int(text) if text.isdecimal() and len(text) < 10 else None
    if epoch is not None and oldest <= epoch <= newest:
        return epoch
    opened = newest if epoch is None else min(max(epoch, oldest), newest)
    available = f"sheets are of epochs {oldest} to {newest}" if oldest < newest else f"only sheet is of epoch {newest}"
    warning = f"The address asks for epoch '{text[:20]}', but the {available}; this is epoch {opened}."
    st.warning(choose.plain(warning))
    st.query_params["epoch"] = str(opened)
    return opened
