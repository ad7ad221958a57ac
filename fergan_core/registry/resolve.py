"""Which run a text means: one with that id, else one with that name, else one whose id begins so."""

import difflib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from fergan_core.errors import NoRun

Trashed = Literal["first", "last", "never"]


def no_run(text: str, hint: str = "`fergan runs list` names them") -> NoRun:
    """Return the error for an id or name that no run has."""
    return NoRun(f"no run '{text}' in the registry; {hint}")


def resolve(text: str, rows: Iterable[Sequence[Any]], trashed: Trashed) -> str:
    """Return the id of the run that `text` means among rows (id, name, created, trashed) in order of time.

    `trashed` is as in `Reader.resolve`. Raises NoRun where no run answers to the text, or several do.
    """
    columns = ["id", "name", "created", "trashed"]
    readable_rows = [(_readable(run_id), _readable(name), created, since) for run_id, name, created, since in rows]
    runs = pd.DataFrame(readable_rows, columns=columns, dtype=object)
    matches = (runs["id"] == text, runs["name"] == text, runs["id"].str.startswith(text) if text else None)
    candidates = next((runs[match] for match in matches if match is not None and match.any()), None)
    if candidates is not None:
        return _choose(text, candidates, trashed)
    near = difflib.get_close_matches(text, [*runs["id"], *runs["name"]], n=1)
    raise no_run(text, f"did you mean '{near[0]}'?") if near else no_run(text)


def _choose(text: str, candidates: pd.DataFrame, trashed: Trashed) -> str:
    """Choose the run that is meant of those that answer to a text."""
    in_trash = candidates["trashed"].notna()
    preferred = candidates[in_trash if trashed == "first" else ~in_trash]
    rows = (preferred if len(preferred) else candidates).to_dict("records")
    if len(rows) > 1:
        listed = ", ".join(
            f"{row['id']} of {_date(row['created'])}" + ("" if pd.isna(row["trashed"]) else ", in the trash")
            for row in rows[:5]
        )
        raise NoRun(f"'{text}' means {len(rows)} runs ({listed}{', ...' if len(rows) > 5 else ''}); give an id")
    run_id = str(rows[0]["id"])
    if trashed == "never" and not pd.isna(rows[0]["trashed"]):
        raise NoRun(f"run '{text}' is in the trash; `fergan runs restore {run_id}` brings it back")
    return run_id


def _readable(value: Any) -> str:
    """Return a name as text, with a question mark for each byte that is not UTF-8."""
    return str(value).encode("utf-8", "replace").decode()


def _date(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M %z}"
    except (OverflowError, OSError, ValueError):
        return "unknown date"
