"""The columns of the list of runs, and what stands in them: tables -> cells; pure functions of tables."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from dashboard import choose
from dashboard.components.run_table import Column
from dashboard.rows import rows_of
from fergan_core import protocols
from fergan_core.metrics.catalogue import CATALOGUE, written
from fergan_core.recipe import UNITS, flat
from fergan_core.registry.run_list import SORTS, recipe_fields
from fergan_core.registry.summaries import HEADLINE, newest_evaluations

Cell = dict[str, Any]

FIXED = ("faces", "name", "status", "epoch", "score:fid", "score:accuracy", "score:is", "curve")
"""The columns that the list always has, in order."""

_RUN_COLUMNS = {
    "Data": "data",
    "Preset": "preset",
    "Method": "method",
    "Tags": "tags",
    "Begun": "created",
    "Scores by": "protocol",
    "Seed": "seed",
    "Images seen": "images_seen",
    "Notes": "notes",
    "Id": "id",
    "Device": "device",
    "Parent": "parent",
}
OPTIONAL = (
    _RUN_COLUMNS
    | {f"Score: {metric.title}": f"score:{key}" for key, metric in CATALOGUE.items() if key not in HEADLINE}
    | {f"Recipe: {name}": f"recipe:{name}" for name in sorted(recipe_fields())}
)
"""The columns that can be asked for: key by title."""

DEFAULT = ("Data", "Preset", "Tags", "Begun", "Scores by")

_TITLES = {
    "faces": "Newest faces",
    "name": "Run",
    "status": "Status",
    "epoch": "Epoch",
    "curve": "IS over epochs",
    "restore": "Trash",
}
_HELP = {
    "faces": "One face of each emotion, of the newest sheet",
    "status": "With the alarms among its findings, such as a collapse of an emotion",
    "curve": "Inception Score of the run's checkpoints, by the judge and protocol of its other scores; from 1 up, on "
    "one axis for all runs of that judge and protocol",
    "protocol": "Judge and protocol of all scores of the row; only scores of one judge and protocol compare",
    "created": "In UTC",
}
_NUMBERS = {"epoch", "seed", "images_seen", "notes", "created"}


def sortable(key: str) -> bool:
    """Tell whether runs can be sorted by a column."""
    kind, _, name = key.partition(":")
    if kind in ("score", "recipe"):
        return name in (CATALOGUE if kind == "score" else recipe_fields())
    return key in SORTS


def first_descending(key: str) -> bool:
    """Tell whether a column is at first sorted with the highest first: the better ones, or the newer."""
    kind, _, name = key.partition(":")
    if kind == "score":
        return CATALOGUE[name].better != "lower"
    return key in ("created", "alarms", "epoch", "images_seen")


def column(key: str) -> Column:
    """Return a column by its key."""
    kind, _, name = key.partition(":")
    if kind == "score":
        title = CATALOGUE[name].title
        return Column(key, title[0].upper() + title[1:], choose.measure_help(name), number=True)
    if kind == "recipe":
        unit = f", in {UNITS[name]}" if name in UNITS else ""
        return Column(key, name, f"The recipe's {name}{unit}", number=True)
    titles = {column_key: title for title, column_key in _RUN_COLUMNS.items()}
    return Column(key, _TITLES.get(key) or titles[key], _HELP.get(key, ""), sortable(key), key in _NUMBERS)


def run_cells(
    runs: pd.DataFrame,
    evaluations: pd.DataFrame,
    scores: pd.DataFrame,
    recipes: Mapping[str, Mapping[str, Any]],
    pictures: Mapping[str, str],
    columns: Sequence[str],
) -> dict[str, dict[str, Cell]]:
    """Return by run the cells of the columns.

    `runs` are `run_list.run_rows`, `evaluations` the runs' `summaries.preferred_evaluations`, `scores` these
    evaluations' scores, `pictures` data addresses of the newest faces.
    """
    newest = newest_evaluations(evaluations)
    steps = dict(zip(newest["run_id"], newest["step"], strict=True))
    by = {str(row["run_id"]): protocols.words(row) for _, row in newest.iterrows()}
    last = scores[scores["step"] == scores["run_id"].map(steps)]
    of_run: dict[str, dict[str, Any]] = {}
    for row in rows_of(last):
        of_run.setdefault(row.run_id, {})[row.metric] = row
    curves = _curves(scores[scores["metric"] == "is"], by)
    shared = set(runs["name"][runs["name"].duplicated()])
    fields = {run_id: flat(recipe) for run_id, recipe in recipes.items()}
    cells: dict[str, dict[str, Cell]] = {}
    for run in rows_of(runs):
        known = {
            "faces": {"picture": pictures.get(run.id, ""), "help": f"Newest faces of {run.name}"},
            "name": {"text": run.name, "small": run.id if run.name in shared else ""},
            "status": {"badges": status_badges({run.status: 1}, run.alarms), "help": run.reason},
            "epoch": {} if run.literature else _progress(run),
            "curve": curves.get(run.id, {}),
            "protocol": {"text": by.get(run.id, "")},
            "created": {"text": _date(run.created)},
            "tags": {"badges": [{"text": tag, "colour": "gray"} for tag in run.tags]},
            "restore": {"button": "Restore"},
            "images_seen": {"text": f"{run.images_seen:,}"},
        }
        cells[run.id] = {}
        for key in columns:
            kind, _, name = key.partition(":")
            if kind == "score":
                score = of_run.get(run.id, {}).get(name)
                cells[run.id][key] = {} if score is None else score_cell(score)
            elif kind == "recipe":
                cells[run.id][key] = _field_cell(fields.get(run.id, {}).get(name))
            else:
                cells[run.id][key] = known[key] if key in known else {"text": _text(getattr(run, key))}
    return cells


def group_cells(
    title: str, members: pd.DataFrame, newest: pd.DataFrame, scores: pd.DataFrame, columns: Sequence[str]
) -> dict[str, Cell]:
    """Return the cells of a group's row: its size, its runs' statuses, and each score's range over its runs.

    `members` are `run_list.members` of the group, `newest` their newest evaluations and `scores` the scores of these.
    """
    statuses = {str(status): int(count) for status, count in members["status"].value_counts().items()}
    count = len(members)
    cells: dict[str, Cell] = {
        "name": {"text": title, "small": f"{count} run{'s' if count != 1 else ''}"},
        "status": {"badges": status_badges(statuses, int(members["alarms"].sum()))},
        "created": {"text": _date(members["created"].max()), "help": "The newest"},
    }
    alike = len(newest) and protocols.numbers(newest, "data").nunique() == 1
    if len(newest):
        cells["protocol"] = {"text": protocols.words(newest.iloc[0]) if alike else "several judges or protocols"}
    for key in columns:
        kind, _, name = key.partition(":")
        values = scores.loc[scores["metric"] == name, "value"].dropna() if kind == "score" else pd.Series(dtype=float)
        if len(values) and alike:
            low, high = written(values.min(), CATALOGUE[name]), written(values.max(), CATALOGUE[name])
            cells[key] = {"text": low if low == high else f"{low} – {high}", "help": "Lowest and highest of its runs"}
        elif len(values):
            cells[key] = {"text": "–", "help": "Its runs' scores are of several judges, protocols or datasets"}
    return cells


def score_cell(score: Any) -> Cell:
    """Return a score's cell: its value, below it its interval, and real faces' value on hovering."""
    metric = CATALOGUE[score.metric]
    if pd.isna(score.value):
        return {}
    text, _, interval = written(score.value, metric, score.low, score.high).partition(" [")
    helps = [f"Epoch {score.epoch}"]
    if interval:
        helps.append(f"95 % interval {interval.removesuffix(']').replace(', ', ' to ')}")
    if not pd.isna(score.real):
        helps.append(f"real faces {written(score.real, metric)}")
    small = f"{interval.removesuffix(']').replace(', ', ' – ')}" if interval else ""
    return {"text": text, "small": small, "help": "; ".join(helps)}


def status_badges(statuses: Mapping[str, int], alarms: int) -> list[dict[str, str]]:
    """Return the badges of one run's status, or of several runs' with their numbers, and of their alarms."""
    one = sum(statuses.values()) == 1
    badges = [
        {"text": status if one else f"{count} {status}", "colour": choose.STATUS_COLOURS.get(status, "gray")}
        for status, count in statuses.items()
    ]
    if alarms:
        badges.append({"text": f"{alarms} alarm{'s' if alarms != 1 else ''}", "colour": "red"})
    return badges


def _curves(scores: pd.DataFrame, by: Mapping[str, str]) -> dict[str, Cell]:
    """Return by run the course of a score, from 1 to the highest of the runs of its judge and protocol."""
    scores = scores.dropna(subset=["value"])
    highest = scores.groupby(scores["run_id"].map(by))["value"].max()
    lines: dict[str, list[list[float]]] = {}
    for row in rows_of(scores.sort_values("step")):
        lines.setdefault(row.run_id, []).append([int(row.epoch), float(row.value)])
    cells = {}
    for run_id, line in lines.items():
        (first, begun), (last, ended) = line[0], line[-1]
        words = by[run_id]
        course = f"{begun:.3f} at epoch {first}" + (f", {ended:.3f} at epoch {last}" if len(line) > 1 else "")
        count = f"{len(line)} checkpoint{'s' if len(line) > 1 else ''}"
        cells[run_id] = {
            "line": line, "low": 1.0, "high": float(highest[words]), "help": f"IS {course}, by {words}; {count}",
        }  # fmt: skip
    return cells


def _progress(run: Any) -> Cell:
    return {"text": f"{run.epoch} / {run.epochs}"}


def _field_cell(value: Any) -> Cell:
    if value is None:
        return {}
    if isinstance(value, list):
        return {"text": ", ".join(map(str, value))}
    return {
        "text": f"{value:g}"
        if isinstance(value, float)
        else str(value)
        if isinstance(value, str)
        else json.dumps(value)
    }


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
