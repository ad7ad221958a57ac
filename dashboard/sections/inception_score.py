"""The parts of the page Inception Score: runs to begin with, one judge's scores, and their charts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import scores as charts
from dashboard.charts.curves import MOST_COLOURS, TITLES
from dashboard.charts.palette import FAINT_INK
from dashboard.rows import rows_of
from dashboard.sections import curve_choices, curves
from fergan_core.analysis.pace import Unit
from fergan_core.analysis.ranking import judge_disagreements_of_runs
from fergan_core.protocols import preferred

UNITS: tuple[Unit, ...] = ("epoch", "images", "seconds")


def best_scored(runs: pd.DataFrame) -> list[str]:
    """Return the best runs with a score and the literature's, no more than there are colours."""
    literature = list(runs.id[runs.literature])
    return [*data.best_first(runs, "evaluations")[: MOST_COLOURS - len(literature)], *literature]


def ask_for_many(runs: pd.DataFrame) -> None:
    """Offer to choose all runs of a preset on a dataset, or of a tag, at once."""
    trained = runs[~runs.literature]
    sets: dict[str, list[str]] = {}
    evaluated = trained.id.isin(data.contents().query("evaluations > 0").index)
    for row in rows_of(trained.loc[evaluated, ["id", "preset", "data", "tags"]]):
        for name in (f"preset {row.preset} on {row.data}", *(f"tag {tag}" for tag in row.tags)):
            sets.setdefault(name, []).append(str(row.id))
    sets = {f"{name} ({len(ids)})": ids for name, ids in sorted(sets.items()) if len(ids) > 1}

    def take() -> None:
        name = st.session_state["all of"]
        if name is not None:
            choose.choose_runs(sets[name])
            st.query_params["runs"] = ",".join(sets[name])
        st.session_state["all of"] = None

    st.selectbox(
        "Or all of", list(sets), None, key="all of", on_change=take, placeholder="A preset or tag", width=230,
        help="Chooses all its runs that have a score.",
    )  # fmt: skip


def one_judge(scores: pd.DataFrame, reading: str) -> pd.DataFrame:
    """Ask for one judge of the scores, where there are several, and warn of runs that they put in another order."""
    judges = charts.by_judge(scores)
    if len(judges) < 2:
        return scores
    names = list(judges)
    first_judge = preferred(scores).judge_sha256.iloc[0]
    first = next(name for name in names if judges[name].judge_sha256.iloc[0] == first_judge)
    name = st.segmented_control("Judge", names, default=first, required=True, key="judge", bind="query-params")
    st.caption("Scores by different judges cannot be compared with each other; only the rankings they give can.")
    for row in rows_of(judge_disagreements_of_runs(scores, reading)):
        st.warning(choose.plain(disagreement(row._asdict())))
    return judges[name]


def disagreement(flip: Mapping[str, Any]) -> str:
    """Say which two runs two judges put in opposite orders, and whether by more than chance."""
    names = (flip["run_name_a"], flip["run_name_b"])
    editions = flip["judge_1"] == flip["judge_2"]
    opinions = []
    for judge in ("1", "2"):
        values = (flip[f"value_a_{judge}"], flip[f"value_b_{judge}"])
        above = int(values[0] < values[1])
        whose = flip[f"judge_{judge}"] + (f" ({flip[f'judge_sha256_{judge}'][:8]})" if editions else "")
        opinions.append(f"by {whose}, {names[above]} is ahead ({max(values):.3f} to {min(values):.3f})")
    chance = "by both, the intervals do not overlap" if flip["clear"] else "the intervals overlap, so it may be chance"
    return f"The judges disagree at epoch {flip['epoch_a']}: {', '.join(opinions)}; {chance}."


def show_charts(scores: pd.DataFrame, runs: pd.DataFrame, reading: str) -> dict[str, str]:
    """Ask how to draw scores of one protocol a run, and draw them, all faces together and by emotion; return the
    colours that the runs then have.

    `runs` are those chosen, in their order.
    """
    runs = runs[runs.id.isin(scores.run_id)]
    trained, literature = list(runs.id[~runs.literature]), list(runs.id[runs.literature])
    label = choose.run_label(data.runs())
    scores = scores.assign(run_name=scores.run_id.map(label))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        groups = curve_choices.ask_groups(runs[~runs.literature], data.recipes(tuple(trained)))
        choices = curve_choices.ask(UNITS, "epoch", smooth=False)
        spread = curve_choices.ask_spread(groups)
        small, pinned = curve_choices.ask_layout([*(groups or map(label, trained)), *map(label, literature)])
    drawn = {name: run_ids[0] for name, run_ids in groups.items()} or {label(run_id): run_id for run_id in trained}
    drawn |= {label(run_id): run_id for run_id in literature}
    drawn = dict(sorted(drawn.items(), key=lambda item: item[0] not in pinned))
    colours = choose.colours(list(dict.fromkeys([*drawn.values(), *trained])))
    x = _x(scores, runs, choices.unit)
    by_run = charts.inception_lines(scores, reading, colours, literature, x)
    lines = [by_run[run_id] for run_id in runs.id if run_id in by_run]
    if groups:
        lines = [
            *curves.grouped({run_id: by_run[run_id] for run_id in trained if run_id in by_run}, groups, spread, pinned),
            *(by_run[run_id] for run_id in literature if run_id in by_run),
        ]
    # A line's name may say more than the run's: its judge, or where it is not a number.
    pinned_lines = {*pinned, *(by_run[drawn[name]].name for name in pinned if not groups and drawn[name] in by_run)}
    curves.chart(
        [*lines, *charts.real_lines(scores, reading)],
        choices.axes(TITLES[choices.unit], charts.READINGS[reading], "linear"),
        key="inception score", file=f"inception-score-{reading}", height=460, small=small, pinned=pinned_lines,
        markers=6,
    )  # fmt: skip
    curves.say_what_is_missing([label(run_id) for run_id in runs.id if run_id not in by_run], choices.unit)
    if groups:
        st.caption(f"Line: the mean of a group's runs; band: {curve_choices.SPREAD_WORDS[spread]}.")
        colours |= {run_id: colours[run_ids[0]] for run_ids in groups.values() for run_id in run_ids}
    if len(lines) > MOST_COLOURS:
        grey = [one for name, run_id in drawn.items() if name not in pinned for one in groups.get(name, [run_id])]
        colours |= dict.fromkeys(grey, FAINT_INK)
    by_emotion = charts.emotion_lines(scores, colours, x)
    if by_emotion:
        st.header("Faces recognised as requested")
        axes = replace(choices.axes(TITLES[choices.unit], "", "linear"), share=True)
        curves.small_charts(by_emotion, axes, key="emotions", file="recognised-as-requested", in_a_row=4, markers=4)
        st.caption(
            "Share of faces in which the same judge recognises the requested emotion; a line a run, colours as above; "
            "dashed: real faces of that emotion."
        )
    return colours


def _x(scores: pd.DataFrame, runs: pd.DataFrame, unit: Unit) -> pd.Series:
    """Return where each row of the scores stands on the x axis."""
    if unit == "epoch":
        return scores.epoch.astype(float)
    pace = curves.run_paces(runs, unit)
    x = pd.Series(np.nan, index=scores.index)
    for run_id, rows in scores.groupby("run_id"):
        x[rows.index] = pace[str(run_id)].at(unit, rows.step)
    return x
