"""Runs' sheets as the pages play them: read through the cache, opened at ?epoch=N, the address following the slider."""

from collections.abc import Sequence

import streamlit as st

from dashboard import choose, data
from dashboard.charts import player


def reel(run_id: str, name: str) -> player.Reel | None:
    """Read a run's sheets, one an epoch; None when it has drawn none."""
    table = data.sheets(run_id)
    if table.empty:
        return None
    table = table.sort_values("step").drop_duplicates("epoch", keep="last")
    frames = tuple((int(row.epoch), data.sheet_bytes(row.path, row.sha256)) for row in table.itertuples())
    return player.Reel(run_id, name, tuple(table.emotions.iloc[-1]), int(table["columns"].iloc[-1]), frames)


def play(reels: Sequence[player.Reel]) -> int:
    """Show the reels under one slider and return the epoch where it rests; at the newest, it follows a live run."""
    key = "player " + " ".join(reel.run_id for reel in reels)
    opened, place, end = f"opened {key}", f"place {key}", f"end {key}"
    state = st.session_state
    newest = max(reel.frames[-1][0] for reel in reels)
    if opened not in state:
        # Never changed after: pictures and opening epoch then stay one message, which the browser keeps.
        state[opened] = state[place] = _asked_epoch(min(reel.frames[0][0] for reel in reels), newest)
    elif state[place] == state[end]:
        state[place] = newest
    state[end] = newest

    def follow() -> None:
        epoch = state[key]["epoch"]
        if type(epoch) is int:
            state[place] = epoch
            st.query_params["epoch"] = str(epoch)

    player.play(reels, state[opened], key=key, on_rest=follow)
    return state[place]


def _asked_epoch(oldest: int, newest: int) -> int:
    """Return the epoch that the address asks for, the newest without one; say so where there is no sheet near it."""
    asked = st.query_params.get("epoch", "")
    if not asked:
        return newest
    epoch = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    if epoch is not None and oldest <= epoch <= newest:
        return epoch
    opened = newest if epoch is None else min(max(epoch, oldest), newest)
    st.warning(
        choose.plain(
            f"The address asks for epoch '{asked[:20]}', but sheets are of epochs {oldest} to {newest}: here is "
            f"{opened}."
        )
    )
    st.query_params["epoch"] = str(opened)
    return opened
