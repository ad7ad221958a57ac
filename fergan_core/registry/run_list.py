"""The list of runs, page by page: the database itself searches, filters, sorts and groups them.

What a list shows of a run is read for the runs of one page alone, so a thousand runs cost about what fifty cost.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fergan_core.recipe import Recipe, flat, kinds, to_dict
from fergan_core.registry.connect import sqlite_path
from fergan_core.registry.queries import CRASHED_SECONDS, Reader, current_status
from fergan_core.registry.schema import EvaluationRow, FindingRow, NoteRow, RunRow, ScoreRow, SheetRow, TagRow
from fergan_core.registry.studies import study_tag
from fergan_core.registry.summaries import newest_evaluations

PAGE_SIZE = 50
GROUPS = ("study", "preset", "method", "data", "tag", "parent")
"""What runs are grouped by. By study and by parent only some are; the others stand in the list by themselves."""

SORTS = ("created", "name", "status", "alarms", "epoch", "images_seen", "data", "preset", "method", "seed")
"""What runs are sorted by, beside `score:METRIC` and `recipe:FIELD`."""

_OF_RUN = aliased(TagRow)  # a run's tags in a condition, beside those that it is grouped by
_SINGLE = (None, "study", "parent")  # groupings in which a run can stand by itself
_COLUMNS = [column for column in RunRow.__table__.columns if not isinstance(column.type, sa.JSON)]
_ALARMS = (
    sa.select(sa.func.count())
    .where(FindingRow.run_key == RunRow.key, FindingRow.severity == "alarm")
    .correlate(RunRow)
    .scalar_subquery()
)


@dataclass(frozen=True)
class RunQuery:
    """Which runs to list, and how.

    Each of the `words` must be in the run's name, its id, a tag or a note. Of `statuses`, `presets`, `methods` and
    `data` one must be the run's, of `tags` all. `within` is a grouping and a group's key: only the runs of that group.
    `sort` is one of SORTS, `score:METRIC` or `recipe:FIELD`; `group` is one of GROUPS.
    """

    words: str = ""
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    trashed: bool = False
    within: tuple[str, str] | None = None
    sort: str = "created"
    descending: bool = True
    group: str | None = None
    page: int = 1
    page_size: int = PAGE_SIZE


@dataclass(frozen=True)
class RunList:
    """A page of the list.

    `rows` has one row a run or group, in order: `run_id` (None of a group), `key` (the group's; None of a run) and
    `runs` (how many). `total` counts the rows of all pages, `runs` the runs in them; `page` is the one that this is.
    """

    rows: pd.DataFrame
    total: int
    runs: int
    page: int


def run_list(reader: Reader, query: RunQuery, evaluations: pd.DataFrame) -> RunList:
    """Return a page of the runs that a query means; a page beyond the last is the last.

    `evaluations` are `summaries.preferred_evaluations`: runs are sorted by the scores of each one's newest. Runs
    without a value of what they are sorted by come last; a group counts by its first run in that order.
    """
    now = time.time()
    key = _key(query.group)
    source = _source(query.group)
    where = _where(query, now)
    counts = reader.table(
        sa.select(sa.func.count(key.distinct()).label("rows"), sa.func.count(RunRow.key.distinct()).label("runs"))
        .select_from(source)
        .where(*where)
    )
    total, runs = (int(counts[name].sum()) for name in ("rows", "runs"))
    page = max(1, min(query.page, -(-total // query.page_size)))
    value, source = _sort_value(reader, query, evaluations, source, now)
    first = (sa.func.max if query.descending else sa.func.min)(value)
    rows = reader.table(
        sa.select(key.label("key"), sa.func.max(RunRow.id).label("run_id"), sa.func.count().label("runs"))
        .select_from(source)
        .where(*where)
        .group_by(key)
        .order_by(sa.nulls_last(first.desc() if query.descending else first), sa.func.max(RunRow.created).desc(), key)
        .limit(query.page_size)
        .offset((page - 1) * query.page_size)
    ).astype(object)
    triples = zip(rows["key"], rows["run_id"], rows["runs"], strict=True)
    alone = [query.group in _SINGLE and count == 1 and group == run_id for group, run_id, count in triples]
    for column, empty in (("run_id", False), ("key", True)):
        values = [None if single == empty else value for single, value in zip(alone, rows[column], strict=True)]
        rows[column] = pd.Series(values, dtype=object, index=rows.index)
    return RunList(rows[["run_id", "key", "runs"]], total, runs, page)


def members(reader: Reader, query: RunQuery, keys: Sequence[str]) -> pd.DataFrame:
    """Return the runs in some groups of a query's list: columns key, run_id, name, status, created, alarms."""
    now = time.time()
    columns = [RunRow.id.label("run_id"), RunRow.name, RunRow.status, RunRow.created, RunRow.heartbeat]
    table = reader.table(
        sa.select(_key(query.group).label("key"), *columns, _ALARMS.label("alarms"))
        .select_from(_source(query.group))
        .where(*_where(query, now), _key(query.group).in_(keys))
        .order_by(RunRow.created.desc())
    )
    beats = table.pop("heartbeat")
    table["status"] = [current_status(*pair, now) for pair in zip(table["status"], beats, strict=True)]
    return table


def run_rows(reader: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    """Return runs in the order of their ids: a row a run, with all that the registry's runs have but JSON, and `tags`
    (list), `notes` and `alarms` (counts), `sheet_path`, `sheet_sha256` and `sheet_columns` of the newest sheet (or
    None)."""
    notes = sa.select(sa.func.count()).where(NoteRow.run_key == RunRow.key).correlate(RunRow).scalar_subquery()
    table = reader.table(
        sa.select(*_COLUMNS, notes.label("notes"), _ALARMS.label("alarms")).where(RunRow.id.in_(run_ids))
    )
    keys = [int(key) for key in table["key"]]
    tags = reader.table(sa.select(TagRow.run_key, TagRow.tag).where(TagRow.run_key.in_(keys)).order_by(TagRow.tag))
    lists = tags.groupby("run_key")["tag"].agg(list).to_dict()
    table["tags"] = pd.Series([lists.get(key, []) for key in keys], dtype=object, index=table.index)
    newest = (
        sa.select(SheetRow.run_key, sa.func.max(SheetRow.step).label("step"))
        .where(SheetRow.run_key.in_(keys))
        .group_by(SheetRow.run_key)
        .subquery()
    )
    sheets = reader.table(
        sa.select(SheetRow.run_key, SheetRow.path, SheetRow.sha256, SheetRow.columns).join(
            newest, (SheetRow.run_key == newest.c.run_key) & (SheetRow.step == newest.c.step)
        )
    ).set_index("run_key")
    for of_sheet in ("path", "sha256", "columns"):
        by_key = sheets[of_sheet].to_dict()
        table[f"sheet_{of_sheet}"] = pd.Series([by_key.get(key) for key in keys], dtype=object, index=table.index)
    now = time.time()
    table["status"] = [
        current_status(status, beat, now) for status, beat in zip(table["status"], table["heartbeat"], strict=True)
    ]
    places = {run_id: place for place, run_id in enumerate(run_ids)}
    return table.iloc[table["id"].map(places).argsort()].reset_index(drop=True)


def facets(reader: Reader, *, trashed: bool = False) -> dict[str, list[str]]:
    """Return the presets, methods, data and tags that runs have, each in order of the alphabet."""
    of_kind = _in_trash(trashed)
    found = {}
    for name, column in (("presets", RunRow.preset), ("methods", RunRow.method), ("data", RunRow.data)):
        found[name] = reader.table(sa.select(column.label("value")).where(of_kind).distinct())
    found["tags"] = reader.table(
        sa.select(TagRow.tag.label("value")).join(RunRow, RunRow.key == TagRow.run_key).where(of_kind).distinct()
    )
    return {name: sorted(str(value) for value in table["value"] if value) for name, table in found.items()}


def recipe_fields() -> list[str]:
    """Name the fields that a recipe of any method has."""
    return list(_field_defaults())


def _key(group: str | None) -> sa.ColumnElement[str]:
    """Return what runs of one row of the list have in common."""
    keys: dict[str | None, sa.ColumnElement[str]] = {
        None: RunRow.id.expression,
        "study": sa.func.coalesce(TagRow.tag, RunRow.id),
        "tag": sa.func.coalesce(TagRow.tag, sa.literal_column("''")),
        "parent": sa.func.coalesce(RunRow.parent, RunRow.id),
    }
    return keys[group] if group in keys else RunRow.__table__.c[str(group)]


def _source(group: str | None) -> sa.FromClause:
    runs = RunRow.__table__
    if group == "study":
        return runs.outerjoin(TagRow, (TagRow.run_key == RunRow.key) & TagRow.tag.startswith(study_tag("")))
    return runs.outerjoin(TagRow, TagRow.run_key == RunRow.key) if group == "tag" else runs


def _in_trash(trashed: bool) -> sa.ColumnElement[bool]:
    return RunRow.trashed.is_not(None) if trashed else RunRow.trashed.is_(None)


def _where(query: RunQuery, now: float) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a query sets."""
    where = [_in_trash(query.trashed)]
    for word in query.words.split():
        noted = sa.exists().where(NoteRow.run_key == RunRow.key, NoteRow.text.icontains(word, autoescape=True))
        where.append(
            RunRow.name.icontains(word, autoescape=True)
            | RunRow.id.icontains(word, autoescape=True)
            | _tagged(_OF_RUN.tag.icontains(word, autoescape=True))
            | noted.correlate(RunRow)
        )
    where += [_tagged(_OF_RUN.tag == tag) for tag in query.tags]
    for column, wished in (
        (_status(now), query.statuses),
        (RunRow.preset, query.presets),
        (RunRow.method, query.methods),
        (RunRow.data, query.data),
    ):
        if wished:
            where.append(column.in_(wished))
    if query.within is not None:
        group, key = query.within
        if group == "parent":
            where.append((RunRow.parent == key) | (RunRow.id == key))
        elif group in ("study", "tag"):
            where.append(_tagged(_OF_RUN.tag == key) if key else ~_tagged(sa.true()))
        else:
            where.append(RunRow.__table__.c[group] == key)
    return where


def _tagged(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(_OF_RUN.run_key == RunRow.key, condition).correlate(RunRow)


def _status(now: float) -> sa.ColumnElement[str]:
    """Return a run's status now, as `queries.current_status` does."""
    crashed = (RunRow.status == "running") & (RunRow.heartbeat < now - CRASHED_SECONDS)
    return sa.case((crashed, "crashed"), else_=RunRow.status)


def _sort_value(
    reader: Reader, query: RunQuery, evaluations: pd.DataFrame, source: sa.FromClause, now: float
) -> tuple[sa.ColumnElement[Any], sa.FromClause]:
    """Return what runs are sorted by, and the rows to select it from."""
    kind, _, name = query.sort.partition(":")
    if kind == "score":
        keys = [int(key) for key in newest_evaluations(evaluations)["evaluation"]]
        # As text in the statement: a database takes only so many parameters.
        chosen = ScoreRow.evaluation_key.in_(sa.bindparam("keys", keys, expanding=True, literal_execute=True))
        scores = (
            sa.select(EvaluationRow.run_key, ScoreRow.value)
            .join(EvaluationRow, EvaluationRow.key == ScoreRow.evaluation_key)
            .where(chosen, ScoreRow.metric == name, ScoreRow.emotion == "")
            .subquery()
        )
        return scores.c.value, source.outerjoin(scores, scores.c.run_key == RunRow.key)
    if kind == "recipe":
        return _recipe_value(reader, name), source
    if query.sort == "alarms":
        return _ALARMS, source
    return (_status(now) if query.sort == "status" else RunRow.__table__.c[query.sort]), source


def _recipe_value(reader: Reader, name: str) -> sa.ColumnElement[Any]:
    """Return a field of a run's recipe, or its default where an older recipe does not record it."""
    common, defaults = _field_defaults()[name]
    entry = RunRow.recipe[name] if common else RunRow.recipe[("method", name)]
    example = next(iter(defaults.values()))
    value: sa.ColumnElement[Any]
    if isinstance(example, bool):
        value = sa.cast(entry.as_boolean(), sa.Integer)
    else:
        value = entry.as_float() if isinstance(example, int | float) else entry.as_string()
    if sqlite_path(reader.url) is not None:
        # SQLite takes any text for JSON, and ends the query at text that is not.
        value = sa.case((sa.func.json_valid(RunRow.recipe) == 1, value))
    plain = {kind: json.dumps(entry) if isinstance(entry, list) else entry for kind, entry in defaults.items()}
    numbers = {kind: int(entry) if isinstance(entry, bool) else entry for kind, entry in plain.items()}
    return sa.func.coalesce(value, sa.case(numbers, value=RunRow.method))


@cache
def _field_defaults() -> dict[str, tuple[bool, dict[str, Any]]]:
    """Return by recipe field whether all methods have it in common, and its default by method."""
    common = set(to_dict(Recipe()))
    fields: dict[str, tuple[bool, dict[str, Any]]] = {}
    for kind in kinds():
        for name, value in flat({"method": {"kind": kind}}).items():
            if name not in ("kind", "preset", "seed"):
                fields.setdefault(name, (name in common, {}))[1][kind] = value
    return fields
