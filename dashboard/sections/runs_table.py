"""The list of runs itself: a page of it is read, laid out in rows, and acted on when something is clicked."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from dashboard import choose, data
from dashboard.charts.thumbnail import thumbnail
from dashboard.components import run_table
from dashboard.components.run_table import Row
from dashboard.rows import rows_of
from dashboard.sections import run_actions, runs_query
from dashboard.sections.runs_columns import column, group_cells, run_cells
from fergan_core.errors import FerganError
from fergan_core.registry import summaries
from fergan_core.registry.run_list import RunList, RunQuery, members, run_list
from fergan_core.registry.studies import studies_of


def show(
    query: RunQuery, columns: Sequence[str], picked: Sequence[str], on_pick: Callable[[list[str]], None]
) -> RunList:
    """Show a page of the list, with these runs picked; `on_pick` gets the others that a person picks."""
    evaluations = data.preferred_evaluations(trashed=query.trashed)
    listed = run_list(data.reader(), query, evaluations)
    if not listed.total:
        return listed
    if query.trashed:
        columns = [*columns[:2], "restore", *columns[2:]]
    rows = _rows(query, listed, columns, evaluations)
    opened = run_table.show(
        [column(key) for key in columns],
        rows,
        label="Runs in the trash" if query.trashed else "Runs",
        sort=query.sort,
        descending=query.descending,
        picked=picked,
        key="trash table" if query.trashed else "run table",
        on_pick=on_pick,
        on_sort=runs_query.sort_by,
        on_toggle=runs_query.toggle,
        on_button=lambda run_id: run_actions.restore([run_id]),
    )
    if opened:
        choose.open_page("run", [opened], run=opened)
    return listed


def _rows(query: RunQuery, listed: RunList, columns: Sequence[str], evaluations: pd.DataFrame) -> list[Row]:
    """Lay out the page's runs and groups, below each open group its runs."""
    reader = data.reader()
    keys = [key for key in listed.rows["key"] if key is not None]
    of_groups = members(reader, query, keys) if keys else pd.DataFrame({"key": [], "run_id": []})
    opened = [key for key in keys if key in runs_query.open_groups()]
    below = {key: list(_within(query, key, evaluations).rows["run_id"]) for key in opened}
    singles = [run_id for run_id in listed.rows["run_id"] if run_id is not None]
    cells = _cells_of([*singles, *(run_id for ids in below.values() for run_id in ids)], evaluations, columns)
    newest = summaries.newest_evaluations(evaluations)
    newest = newest[newest["run_id"].isin(of_groups["run_id"])]
    metrics = [key.removeprefix("score:") for key in columns if key.startswith("score:")]
    scores = summaries.with_scores(reader, newest, metrics)

    def run_row(run_id: str, level: int) -> Row:
        return Row(run_id, [run_id], cells[run_id], "" if query.trashed else f"run?run={run_id}", level)

    rows = []
    for entry in rows_of(listed.rows):
        if entry.run_id is not None:
            rows += [run_row(entry.run_id, 0)] if entry.run_id in cells else []
            continue
        inside = of_groups[of_groups["key"] == entry.key]
        ids = list(inside["run_id"])
        about = group_cells(
            _title(query.group, entry.key, inside), inside, newest[newest["run_id"].isin(ids)],
            scores[scores["run_id"].isin(ids)], columns,
        )  # fmt: skip
        rows.append(Row(entry.key, ids, about, open=entry.key in opened))
        rows += [run_row(run_id, 1) for run_id in below.get(entry.key, ()) if run_id in cells]
    return rows


def _within(query: RunQuery, key: str, evaluations: pd.DataFrame) -> RunList:
    """Return the runs of a group, sorted as the list is."""
    inside = replace(query, within=(str(query.group), key), group=None, page=1, page_size=1000)
    return run_list(data.reader(), inside, evaluations)


def _title(group: str | None, key: str, inside: pd.DataFrame) -> str:
    """Name a group."""
    if group == "study":
        return f"Study {studies_of([key])[0]}"
    if group == "parent":
        names = inside.loc[inside["run_id"] == key, "name"]
        return f"{names.iloc[0]} and its forks" if len(names) else f"Forks of {key}"
    return key or f"No {group}"


def _cells_of(
    run_ids: Sequence[str], evaluations: pd.DataFrame, columns: Sequence[str]
) -> dict[str, dict[str, dict[str, object]]]:
    """Read and lay out the cells of some runs."""
    reader = data.reader()
    runs = data.run_rows(list(dict.fromkeys(run_ids)))
    of_runs = evaluations[evaluations["run_id"].isin(runs["id"])]
    metrics = [key.removeprefix("score:") for key in columns if key.startswith("score:")]
    scores = summaries.with_scores(reader, of_runs, metrics)
    recipes = reader.recipes(list(runs["id"])) if any(key.startswith("recipe:") for key in columns) else {}
    return run_cells(runs, of_runs, scores, recipes, newest_faces(runs), columns)


def newest_faces(runs: pd.DataFrame) -> dict[str, str]:
    """Return by run its newest sheet, one face an emotion, as a data address; none where it has no sheet."""
    addresses = {}
    for run in rows_of(runs):
        if run.sheet_path is not None:
            try:
                picture = data.small_sheet(
                    run.sheet_path, run.sheet_sha256, partial(thumbnail, columns=run.sheet_columns)
                )
            except (OSError, FerganError):
                # A damaged file must not hide the table; `fergan runs verify` and the run's own page name it.
                continue
            addresses[run.id] = "data:image/webp;base64," + base64.b64encode(picture).decode()
    return addresses
