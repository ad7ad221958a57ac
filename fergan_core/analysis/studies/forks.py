"""Forks: which runs branch from which, what each changed, and whether its parent's alarms recurred in it."""

import math
from collections.abc import Hashable, Mapping
from typing import Any, Literal

import pandas as pd

from fergan_core.analysis.alarms import alarms
from fergan_core.analysis.findings.thresholds import LIMITS
from fergan_core.recipe import changes

Outcome = Literal["comes too", "in part", "stays away", "one of its own", "too short", "none in either"]


def family(runs: pd.DataFrame, run_id: str) -> pd.DataFrame:
    """Return the whole tree of runs that a run belongs to, each run followed by its forks, oldest first.

    `runs` has one row per run with at least id, parent (None or NaN: none), parent_step and created. Columns: id, depth
    (0: the root), known, and those of `runs`. A parent that is missing from `runs` (purged, or in another registry) has
    a row too, in which `known` is False and the other columns are empty.
    """
    parents = _parents(runs)
    children: dict[str, list[str]] = {}
    for child in runs.sort_values("created", kind="stable")["id"]:
        if child in parents:
            children.setdefault(parents[child], []).append(child)
    rows: list[dict[str, Any]] = []
    pending, visited = [(root(parents, run_id), 0)], set()
    while pending:
        member, depth = pending.pop()
        if member in visited:  # an imported run can name any parent, even itself
            continue
        visited.add(member)
        rows.append({"id": member, "depth": depth})
        pending += [(child, depth + 1) for child in reversed(children.get(member, []))]
    frame = pd.DataFrame(rows)
    return frame.assign(known=frame["id"].isin(runs["id"])).merge(runs, on="id", how="left")


def roots(runs: pd.DataFrame) -> dict[str, str]:
    """Return the root of each run's tree by run id: runs of one root share a part of their training."""
    parents = _parents(runs)
    return {run_id: root(parents, run_id) for run_id in runs["id"]}


def root(parents: Mapping[str, str], run_id: str) -> str:
    """Return the id of a run's topmost known ancestor; the run's own where it has no parent."""
    line = [run_id]
    while (parent := parents.get(line[-1])) is not None:
        if parent in line:  # a circle has no beginning: its smallest id stands for one
            return min(line[line.index(parent) :])
        line.append(parent)
    return line[-1]


def outcomes(tree: pd.DataFrame, findings: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return a family with what each run changed, its alarms, and whether its parent's alarms recurred.

    `tree` is what `family` returns, with status, step and epoch; `findings` are its runs', `recipes` by run id. Further
    columns: changed (what `recipe.changes` returns; None without the parent's recipe), alarms (dicts of kind, emotion,
    step, until, epoch), passed (emotions whose collapse ended), outcome. The outcome concerns the parent's alarms after
    the branch: 'comes too' (all of them recur), 'in part' (some do), 'stays away', 'too short' (the fork was trained
    neither for LIMITS.long images past the first of them nor as far as the parent), 'one of its own' (other alarms
    instead), 'none in either'. None where the parent is not known.
    """
    all_alarms = alarms(tree[tree["known"]], findings).groupby("run_id")
    alarms_of = {str(name): rows.drop(columns="run_id").to_dict("records") for name, rows in all_alarms}
    steps = dict(zip(tree["id"], tree["step"].where(tree["known"]), strict=True))
    changed: list[dict[str, tuple[Any, Any]] | None] = []
    outcome: list[Outcome | None] = []
    for row in tree.itertuples():
        before, after = recipes.get(str(row.parent)), recipes.get(str(row.id))
        changed.append(None if before is None or after is None else changes(before, after))
        if pd.isna(steps.get(row.parent, math.nan)):
            outcome.append(None)
            continue
        parent_alarms = [alarm for alarm in alarms_of.get(str(row.parent), []) if alarm["until"] > row.parent_step]
        onset = max([row.parent_step, *(alarm["step"] for alarm in parent_alarms[:1])])
        enough = min(onset + LIMITS.long // int(recipes[str(row.id)].get("batch_size", 1)), steps[row.parent])
        outcome.append(_outcome(parent_alarms, alarms_of.get(str(row.id), []), row.step >= enough))
    tree = tree.copy()
    tree["changed"] = pd.Series(changed, index=tree.index, dtype=object)
    tree["alarms"] = pd.Series([alarms_of.get(run_id, []) for run_id in tree["id"]], index=tree.index, dtype=object)
    ended = findings[(findings["kind"] == "collapse") & (findings["severity"] != "alarm")].groupby("run_id")["numbers"]
    passed = {str(name): [number["emotion"] for number in numbers] for name, numbers in ended}
    tree["passed"] = pd.Series([passed.get(run_id, []) for run_id in tree["id"]], index=tree.index, dtype=object)
    tree["outcome"] = pd.Series(outcome, index=tree.index, dtype=object)
    return tree


def _outcome(
    parent_alarms: list[dict[Hashable, Any]], fork_alarms: list[dict[Hashable, Any]], far_enough: bool
) -> Outcome:
    expected, occurred = (
        {(alarm["kind"], alarm["emotion"]) for alarm in some_alarms} for some_alarms in (parent_alarms, fork_alarms)
    )
    if expected & occurred:
        return "comes too" if expected <= occurred else "in part"
    if occurred:
        return "one of its own"
    if not expected:
        return "none in either"
    return "stays away" if far_enough else "too short"


def _parents(runs: pd.DataFrame) -> dict[str, str]:
    forks = runs.dropna(subset=["parent"])
    return dict(zip(forks["id"].astype(str), forks["parent"].astype(str), strict=True))
