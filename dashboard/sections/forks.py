"""A run's forks: what each changed, whether its parent's alarm recurred in it, and their curves on one chart."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts.forks import forks_figure
from dashboard.components.plotly_chart import plotly_chart
from dashboard.components.run_table import Column
from dashboard.rows import rows_of
from dashboard.sections import findings, listed_runs
from dashboard.sections.runs_columns import status_badges
from fergan_core.analysis.studies import forks

COLUMNS = (
    Column("name", "Run"),
    Column("epoch", "After epoch", number=True),
    Column("changed", "Changed"),
    Column("outcome", "Its parent's alarm", "If it lasted beyond the fork"),
    Column("alarms", "Own alarms"),
    Column("status", "Status"),
)
FIRST_METRICS = ("loss_g", "loss")
MAX_CURVES = 6
OUTCOMES: Mapping[forks.Outcome, str] = {
    "comes too": "recurred",
    "in part": "recurred in part",
    "stays away": "did not recur",
    "too short": "too short to tell",
    "one of its own": "another one occurred",
    "none in either": "none to compare",
}


def show(run_id: str) -> None:
    """The run's whole tree of forks; nothing for a run that neither is a fork nor has one."""
    tree = forks.family(data.runs(), run_id)
    if len(tree) > 1:
        st.header("Parents and forks", anchor=False)
        choose.fragment(show_tree, run_every=choose.live_every(*tree.status.dropna()))(run_id)


def show_tree(run_id: str) -> None:
    """The table of the tree and its curves."""
    runs = data.runs()
    tree = forks.family(runs, run_id)
    label = choose.run_label(runs)
    run_ids = list(tree.id[tree.known])
    run_findings = data.findings(run_ids)
    tree = forks.outcomes(tree, run_findings, data.recipes(list(tree.id)))
    show_table(tree[tree.known], {one: label(one) for one in run_ids}, run_id)
    gone = list(tree.id[~tree.known])
    if gone:
        st.caption(f"Branched from run {gone[0]}, which is not here: in the trash, deleted, or in another registry.")
    options = [one for one in run_ids if one != tree.id[0]]
    chosen = st.multiselect(
        "Forks to draw", options, sorted(options, key=lambda one: one != run_id)[:MAX_CURVES], format_func=label,
        key=f"forks to draw of {tree.id[0]}",
    )  # fmt: skip
    chosen_tree = tree[tree.known & tree.id.isin(with_ancestors(tree, chosen))]
    show_curves(chosen_tree, run_findings, {one: label(one) for one in chosen_tree.id})


def with_ancestors(tree: pd.DataFrame, chosen: Sequence[str]) -> set[str]:
    """Return the chosen runs, the tree's root, and all that lie between."""
    parents = dict(zip(tree.id, tree.parent, strict=True))
    ancestors = {tree.id[0]}
    for run_id in chosen:
        while run_id in parents and run_id not in ancestors:
            ancestors.add(run_id)
            run_id = parents[run_id]
    return ancestors


def show_table(tree: pd.DataFrame, labels: Mapping[str, str], run_id: str) -> None:
    """One row per run, forks under their parents."""
    rows = []
    for row in rows_of(tree):
        name = "↳ " * row.depth + labels[row.id] + (" (this run)" if row.id == run_id else "")
        is_fork = pd.notna(row.parent)
        rows.append(
            {
                "run_id": row.id,
                "name": name,
                "epoch": row.parent_step * row.epochs / max(1, row.steps) if is_fork else None,
                "changed": changed_words(row.changed) if is_fork else "",
                "outcome": OUTCOMES.get(row.outcome, "unknown") if is_fork else "",
                "alarms": alarm_words(row.alarms, row.passed),
                "status": status_badges({row.status: 1}, 0),
            }
        )
    listed_runs.show(
        pd.DataFrame(rows),
        COLUMNS,
        key=f"forks of {tree.id.iloc[0]}",
        label="The run and its forks: what each changed, and which alarms it had",
        chosen=[run_id],
    )
    st.caption(
        "A fork starts from its parent's exact state, so that only the change differs. "
        "It is still a single sample: fork again with another seed, or from another epoch, before you believe it."
    )


def changed_words(changed: Mapping[str, tuple[Any, Any]] | None) -> str:
    """Say which fields a fork changed, from what to what."""
    if changed is None:
        return "unknown"
    return ", ".join(f"{name} {old} → {new}" for name, (old, new) in changed.items()) or "nothing"


def alarm_words(alarms: Sequence[Mapping[str, Any]], passed: Sequence[str]) -> str:
    """Say which alarms a run had, each kind once with its emotions, and since when; and which collapses passed."""
    words = []
    for kind in dict.fromkeys(alarm["kind"] for alarm in alarms):
        of_kind = [alarm for alarm in alarms if alarm["kind"] == kind]
        emotions = ", ".join(filter(None, (alarm["emotion"] for alarm in of_kind)))
        since = f"{'from epoch' if len(of_kind) > 1 else 'epoch'} {min(alarm['epoch'] for alarm in of_kind)}"
        words.append(f"{since}: {findings.title(kind)}" + (f" ({emotions})" if emotions else ""))
    if passed:
        words.append(f"collapsed for a while: {', '.join(passed)}")
    return "; ".join(words) or "none"


def show_curves(tree: pd.DataFrame, run_findings: pd.DataFrame, labels: Mapping[str, str]) -> None:
    """One scalar of the chosen runs; opens at the diversity of an emotion that collapsed, if there is one."""
    metrics = data.metrics(tuple(labels))
    if not metrics:
        st.info("These runs have no points.")
        return
    died = [one["emotion"] for alarms in tree.alarms for one in alarms if one["emotion"]]
    dead = [f"pulse_diversity/{emotion}" for emotion in (*died, *tree.passed.explode().dropna())]
    first = next((name for name in (*dead, *FIRST_METRICS) if name in metrics), metrics[0])
    metric = st.selectbox("Curve", metrics, metrics.index(first), key="curve", bind="query-params", width=260)
    points = data.points(tuple(labels), (metric,), 400)
    figure = forks_figure(points, tree, run_findings, metric, labels, dark=choose.dark())
    plotly_chart(figure, "forks", "The curve of each run, branching off where it was forked")
    st.caption("Rings: where a fork branches off; diamonds: findings (red: alarm, orange: warning).")
