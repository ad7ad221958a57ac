"""What commands and pages assume of a row, column by column.

A registry may hold rows that another program, another version or a damaged disk wrote. A reader leaves out a row that
breaks these rules, and names it; an archive with such a row is refused.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from fergan_core.registry.faults import is_text, kinds_of

LATEST = 7_258_118_400.0  # the year 2200: beyond some such date neither Python nor a browser has a calendar
SEVERITIES = ("info", "warning", "alarm")  # of a finding, the least first
PROTOCOL_FIELDS = ("count", "prior", "seed")  # without which two evaluations cannot be compared
MOST = 2**53  # the largest number up to which a browser counts exactly

_ID = re.compile(r"[a-z0-9]{1,16}")
_SCORE_OF_FEWER = re.compile(r"is_at_(?!\d+$)")

Row = Sequence[Any]
Rule = Callable[[Any], str | None]


def time_fault(value: float) -> str | None:
    """Return what is wrong with a time, in seconds since 1970; None where nothing is."""
    return None if 0 <= value <= LATEST else "not a time between 1970 and 2200"


def count_fault(value: int, least: int = 0) -> str | None:
    """Return what is wrong with a count, such as an epoch, a step or a size."""
    return None if least <= value <= MOST else f"not between {least} and 2^53"


def _id_fault(value: str) -> str | None:
    return None if _ID.fullmatch(value) else "not an id of 1 to 16 small letters and digits"


def names_fault(value: Any) -> str | None:
    """Return what is wrong with the names of a sheet's rows or of a recipe's emotions; any names will do."""
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
        return "not a list of names"
    return None if len(set(value)) == len(value) else "a list that names one twice"


def _is_integer(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MOST


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# The fields of JSON columns that pages read, where they are present.
_FIELDS: Mapping[str, Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "recipe": {
        "batch_size": (lambda value: _is_integer(value, 1), "not a number of images"),
        "emotions": (lambda value: names_fault(value) is None, "not a list of different names"),
        "method": (lambda value: isinstance(value, dict), "not an object"),
    },
    "dataset": {"images": (lambda value: _is_integer(value, 0), "not a number of images")},
    "provenance": {},
    "protocol": {
        "count": (lambda value: value is None or _is_integer(value, 0), "not a number of faces"),
        "real_count": (lambda value: value is None or _is_integer(value, 0), "not a number of faces"),
        "seed": (lambda value: value is None or _is_integer(value, -MOST), "not a whole number"),
        "prior": (lambda value: value is None or isinstance(value, str), "not a word"),
        "truncation": (lambda value: value is None or _finite(value), "not a number"),
        "sampling": (
            lambda value: (
                isinstance(value, dict)
                and isinstance(value.get("sampler", ""), str)
                and _is_integer(value.get("steps", 1), 1)
                and _finite(value.get("guidance", 1.0))
            ),
            "not a sampler with its steps and guidance",
        ),
    },
    "numbers": {
        "emotion": (lambda value: isinstance(value, str), "not a name"),
        "until": (lambda value: _is_integer(value, 0), "not a step"),
    },
}


def fields_fault(column: str, value: Any) -> str | None:
    """Return what is wrong with the value of a JSON column that holds an object."""
    if not isinstance(value, dict):
        return "not an object"
    for name, (right, why) in _FIELDS[column].items():
        if name in value and not right(value[name]):
            return f"one whose '{name}' is {value[name]!r:.60}, {why}"
    return None


def metric_fault(value: str) -> str | None:
    """Return what is wrong with the name of a score."""
    return "not the name of a score" if not value or _SCORE_OF_FEWER.match(value) else None


_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("created", "finished", "heartbeat", "trashed"), time_fault),
    **dict.fromkeys(
        ("epoch", "epochs", "step", "steps", "images_seen", "bytes", "state_bytes", "parent_step"), count_fault
    ),
    **{name: partial(fields_fault, name) for name in _FIELDS},
    **dict.fromkeys(("id", "parent"), _id_fault),
    "emotions": names_fault,
    "columns": lambda value: count_fault(value, 1),
    "kind": lambda value: None if value else "empty",
    "severity": lambda value: None if value in SEVERITIES else f"not one of {', '.join(SEVERITIES)}",
}


def rule_of(column: Any) -> Rule | None:
    """Return the rule for a selected column of one of our tables, beside that of its type; None where there is none."""
    table = getattr(column, "table", None)
    if getattr(table, "name", None) == "scores" and column.name == "metric":
        return metric_fault
    if getattr(table, "name", None) == "points" or table is None:
        return None
    return _RULES.get(column.name)


def _fault(value: Any, allowed: frozenset[type], rule: Rule | None) -> str | None:
    """Return what is wrong with a value of a column, None where nothing is."""
    if type(value) not in allowed:
        return f"of the type {type(value).__name__}"
    if value is None:
        return None
    if str in allowed and not is_text(value):
        return "not UTF-8"
    return rule(value) if rule is not None else None


def _all_right(values: Sequence[Any], allowed: frozenset[type], rule: Rule | None) -> bool:
    """Tell whether `_fault` finds nothing in any value; each different one is looked at once, and texts as one text."""
    if not set(map(type, values)) <= allowed:
        return False
    if rule is None and str not in allowed:
        return True
    different = values if dict in allowed else set(values) - {None}
    if rule is None:
        return is_text("".join(different))
    return not any(_fault(value, allowed, rule) for value in different)


def valid_rows(rows: Sequence[Row], columns: Sequence[Any], whose: str | None = None) -> tuple[list[Row], list[str]]:
    """Return the rows that keep the rules, and a sentence for each other row.

    `columns` are those selected; `whose` is the id of the run whose rows they are, where the rows do not say it.
    """
    faults: dict[int, tuple[int, str]] = {}
    values_of = list(zip(*rows, strict=True))
    for position, selected in enumerate(columns if values_of else ()):
        column = getattr(selected, "element", selected)
        allowed, rule = kinds_of(column), rule_of(column)
        if not allowed or _all_right(values_of[position], allowed, rule):
            continue
        for number, value in enumerate(values_of[position]):
            why = _fault(value, allowed, rule)
            if why is not None:
                faults.setdefault(number, (position, why))
    if not faults:
        return list(rows), []
    keys = [selected.key for selected in columns]
    owner = next((keys.index(name) for name in ("run_id", "id") if name in keys), None)
    sentences = []
    for number, (position, why) in sorted(faults.items()):
        row, column = rows[number], getattr(columns[position], "element", columns[position])
        run_id = whose if owner is None else row[owner]
        table = getattr(getattr(column, "table", None), "name", "points")
        whom = "" if run_id is None else f"run {run_id!s:.40}: "
        sentences.append(
            f"{whom}a row of '{table}' is left out: its '{keys[position]}' is {row[position]!r:.60}, {why}"
        )
    return [row for number, row in enumerate(rows) if number not in faults], sentences


def leave_out(frame: pd.DataFrame, faulty: "pd.Series[bool]", sentence: str) -> pd.DataFrame:
    """Return a table that has a column run_id without its faulty rows, whose runs `attrs["left_out"]` names."""
    if not faulty.any():
        return frame
    remaining = frame[~faulty].reset_index(drop=True)
    runs = frame.loc[faulty, "run_id"].unique()
    remaining.attrs["left_out"] = [*frame.attrs.get("left_out", []), *(f"run {run_id}: {sentence}" for run_id in runs)]
    return remaining
