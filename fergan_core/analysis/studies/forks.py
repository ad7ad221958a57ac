"""Forks: which runs branch from which, what each changed, and whether its parent's alarm came to it too."""

import math
from collections.abc import Hashable, Mapping
from typing import Any, Literal

import pandas as pd

from fergan_core.analysis.alarms import alarms
from fergan_core.analysis.findings.thresholds import LIMITS
from fergan_core.recipe import changes

Outcome = Literal["comes too", "in part", "stays away", "one of its own", "too short", "none in either"]


def family(runs: pd.DataFrame, run_id: str) -> pd.DataFrame:
    """Return the whole tree of runs that a run belongs to, each run followed by its forks in order of their making.

    `runs` has a row a run with at least id, parent (None or NaN: none), parent_step and created. Columns: id, depth
    (0: the root), known, and those of `runs`. A parent that is not in `runs`, since it was purged or lies in another
    registry, has a row too: `known` is False and the rest is empty.
    """
    parents = _parents(runs)
    children: dict[str, list[str]] = {}
    for child in runs.sort_values("created", kind="stable")["id"]:
        if child in parents:
            children.setdefault(parents[child], []).append(child)
    rows: list[dict[str, Any]] = []
    waiting, met = [(root(parents, run_id), 0)], set()
    while waiting:
        one, depth = waiting.pop()
        if one in met:  # an imported run can name any parent, even itself
            continue
        met.add(one)
        rows.append({"id": one, "depth": depth})
        waiting += [(child, depth + 1) for child in reversed(children.get(one, []))]
    frame = pd.DataFrame(rows)
    return frame.assign(known=frame["id"].isin(runs["id"])).merge(runs, on="id", how="left")


def roots(runs: pd.DataFrame) -> dict[str, str]:
    """Return the root of each run's tree by the run's id: runs of one root shared a part of their training."""
    parents = _parents(runs)
    return {run_id: root(parents, run_id) for run_id in runs["id"]}


def root(parents: Mapping[str, str], run_id: str) -> str:
    """Follow a run's parents up to the last that is known by its id."""
    met = [run_id]
    while (above := parents.get(met[-1])) is not None:
        if above in met:  # a circle has no beginning: the least id stands for one
            return min(met[met.index(above) :])
        met.append(above)
    return met[-1]


def outcomes(tree: pd.DataFrame, findings: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return a family with what each run changed, the alarms it had, and what became of its parent's.

    `tree` is what `family` returns, with status, step and epoch; `findings` those of its runs; `recipes` by run.
    Further columns: changed (as `recipe.changes` gives it; None without the parent's recipe), alarms (list of dicts
    kind, emotion, step, until, epoch), passed (the emotions whose collapse ended), outcome. That is of the alarms that
    the parent had after the branch: 'comes too', 'in part' (some of them), 'stays away', 'too short' (the fork was not
    trained past the first of them for LIMITS.long images, or as far as the parent), 'one of its own' (another in their
    place), 'none in either'. None where the parent is not known.
    """
    all_alarms = alarms(tree[tree["known"]], findings).groupby("run_id")
    alarms_of = {str(name): rows.drop(columns="run_id").to_dict("records") for name, rows in all_alarms}
    steps = dict(zip(tree["id"], tree["step"].where(tree["known"]), strict=True))
    changed: list[dict[str, tuple[Any, Any]] | None] = []
    became: list[Outcome | None] = []
    for row in tree.itertuples():
        before, after = recipes.get(str(row.parent)), recipes.get(str(row.id))
        changed.append(None if before is None or after is None else changes(before, after))
        if pd.isna(steps.get(row.parent, math.nan)):
            became.append(None)
            continue
        threats = [one for one in alarms_of.get(str(row.parent), []) if one["until"] > row.parent_step]
        since = max([row.parent_step, *(one["step"] for one in threats[:1])])
        enough = min(since + LIMITS.long // int(recipes[str(row.id)].get("batch_size", 1)), steps[row.parent])
        became.append(_outcome(threats, alarms_of.get(str(row.id), []), row.step >= enough))
    tree = tree.copy()
    tree["changed"] = pd.Series(changed, index=tree.index, dtype=object)
    tree["alarms"] = pd.Series([alarms_of.get(run_id, []) for run_id in tree["id"]], index=tree.index, dtype=object)
    ended = findings[(findings["kind"] == "collapse") & (findings["severity"] != "alarm")].groupby("run_id")["numbers"]
    passed = {str(name): [one["emotion"] for one in numbers] for name, numbers in ended}
    tree["passed"] = pd.Series([passed.get(run_id, []) for run_id in tree["id"]], index=tree.index, dtype=object)
    tree["outcome"] = pd.Series(became, index=tree.index, dtype=object)
    return tree


def _outcome(
    parent_alarms: list[dict[Hashable, Any]], fork_alarms: list[dict[Hashable, Any]], far_enough: bool
) -> Outcome:
    feared, came = ({(one["kind"], one["emotion"]) for one in some} for some in (parent_alarms, fork_alarms))
    if feared & came:
        return "comes too" if feared <= came else "in part"
    if came:
        return "one of its own"
    if not feared:
        return "none in either"
    return "stays away" if far_enough else "too short"


def _parents(runs: pd.DataFrame) -> dict[str, str]:
    forks = runs.dropna(subset=["parent"])
    return dict(zip(forks["id"].astype(str), forks["parent"].astype(str), strict=True))
