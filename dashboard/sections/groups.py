"""Compare's groups: two sets of runs, such as seeds of two recipes, and whether they differ by more than chance."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import groups as charts
from dashboard.charts.compare import recipe_differences
from dashboard.charts.palette import PLOTLY_CONFIG
from dashboard.charts.score_table import DEFAULT_METRICS, metrics_of
from fergan_core.analysis import families
from fergan_core.analysis.alarms import alarms
from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, Budget, at_budget, with_cost
from fergan_core.analysis.studies import forks
from fergan_core.analysis.studies.groups import ENOUGH
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.protocols import real_faces, words
from fergan_core.recipe import NON_TRAINING_FIELDS
from fergan_core.registry import studies_of

Groups = Mapping[str, Sequence[str]]

STAGES: Mapping[Budget, str] = {
    "newest": "at its end",
    "images": "at equal images",
    "seconds": "at equal seconds",
    "flops": "at equal FLOPs",
}

# What a stage is told in: how much is one, and its name.
SPENT: Mapping[Budget, tuple[float, str]] = {
    "images": (1, "images seen"),
    "seconds": (1, "seconds of training, evaluations not counted"),
    "flops": (1e12, "TFLOP of training, evaluations not counted"),
}


def choose_groups(runs: pd.DataFrame) -> dict[str, list[str]]:
    """Ask for the runs of both groups, one by one or all of a preset or tag; the address keeps them."""
    chosen, prepared = {}, prepared_groups(runs)
    for name, column in zip(charts.GROUPS, st.columns(2, gap="medium"), strict=True):
        with column:
            st.selectbox(
                f"Fill {name} with all runs of", list(prepared), None, placeholder="A preset or tag",
                key=f"fill {name}", on_change=_fill, args=(name, prepared),
            )  # fmt: skip
            chosen[name] = choose.several_runs(runs, [], f"Group {name}", name)
    return chosen


def prepared_groups(runs: pd.DataFrame) -> dict[str, list[str]]:
    """Return the groups to be had at once: the runs of each preset on each data set, forks left out, of each tag,
    and of each setting of a study."""
    prepared = {
        f"preset {preset} on {dataset}": list(rows.id)
        for (preset, dataset), rows in runs[runs.parent.isna()].groupby(["preset", "data"])
    }
    for tag, rows in runs[["id", "tags"]].explode("tags").dropna().groupby("tags"):
        prepared[f"tag {tag}"] = list(rows.id)
        for study in studies_of([str(tag)]):
            for run_id, setting in varied(list(rows.id)).items():
                words = ", ".join(f"{name}={value}" for name, value in setting.items())
                prepared.setdefault(f"study {study}: {words}", []).append(str(run_id))
    return {f"{words} ({len(run_ids)})": run_ids for words, run_ids in prepared.items()}


def varied(run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the fields in which the runs' recipes differ, but for the seed: a row a field, a column a run."""
    table = recipe_differences(data.recipes(run_ids)).set_index("field")
    return table.drop(list(NON_TRAINING_FIELDS), errors="ignore")


def _fill(name: str, run_ids_of: Mapping[str, Sequence[str]]) -> None:
    if st.session_state[f"fill {name}"] is not None:
        st.query_params[name] = ",".join(run_ids_of[st.session_state[f"fill {name}"]])
    st.session_state[f"fill {name}"] = None


def show(runs: pd.DataFrame, groups: Groups) -> None:
    """Both groups' newest scores against each other, with what must be known to believe them."""
    if min(map(len, groups.values())) < 2:
        st.info(
            "Choose two runs or more for each group, best five, such as seeds of two recipes. "
            "This trains five seeds each of two:"
        )
        st.code("python -m trainers.sweep --study losses --vary loss=hinge,lsgan --seeds 5", language=None)
        return
    label = choose.run_label(runs)
    shared = [run_id for run_id in groups["A"] if run_id in groups["B"]]
    if shared:
        names = choose.plain(", ".join(map(label, shared)))
        st.warning(f"Both groups have {names}: take it out of one. A run does not differ from itself.")
        return
    scores = choose.scored({run_id: label(run_id) for run_ids in groups.values() for run_id in run_ids})
    if scores is None:
        return
    scores = choose.one_protocol(scores)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stage: Budget = st.segmented_control(
            "Each run", list(STAGES), default="newest", required=True, format_func=STAGES.__getitem__, key="at",
            bind="query-params",
        )  # fmt: skip
        emotion = choose.faces()
    scored = tuple(scores.run_id.unique())
    spent = with_cost(scores, data.recipes(scored), data.points(scored, (SPEED, COST), STRETCHES))
    scores = at_budget(spent, stage)
    if scores.empty:
        st.info("These runs did not record what they spent of that: they are of an older FerGAN. Choose another stage.")
        return
    values = charts.in_groups(scores, groups, emotion)
    warnings = [*_of_runs(runs, groups, label), *_of_scores(values, groups, label, stage), real_faces(scores)]
    warnings = [warning for warning in warnings if warning]
    if warnings:
        st.warning("\n".join(f"- {choose.sentence(warning)}" for warning in warnings))
    scored_metrics = metrics_of(scores, emotion)
    chosen = st.multiselect(
        "Metrics", scored_metrics, [key for key in DEFAULT_METRICS if key in scored_metrics],
        format_func=lambda key: CATALOGUE[key].title, key="metrics", bind="query-params",
    )  # fmt: skip
    metrics = [key for key in scored_metrics if key in chosen]
    if not metrics:
        st.info("Choose a metric or more.")
        return
    source = f"{_at(values, stage)} by {words(scores.iloc[0])}"
    show_table(charts.differences(values, metrics), source, charts.compared(values, metrics))
    metric = st.selectbox(
        "Runs by", metrics, format_func=lambda key: CATALOGUE[key].title, key="strip", bind="query-params", width=260
    )
    labels = {run_id: label(run_id) for run_id in values.run_id}
    figure = charts.strip_figure(values, metric, labels, dark=choose.dark())
    st.plotly_chart(figure, width="stretch", theme=None, key="strip figure", config=PLOTLY_CONFIG)
    st.caption("A point: a run's score. A bar: its group's mean.")


def _at(values: pd.DataFrame, stage: Budget) -> str:
    """Say which evaluation of each run is compared, and what the groups' runs had spent by then."""
    if stage == "newest":
        return "Each run's newest evaluation"
    unit, what = SPENT[stage]
    spans = (values.groupby("group").spent.agg(["min", "max"]) / unit).round().astype(int)
    spent = [f"{name} {low:,}" + (f" to {high:,}" if high > low else "") for name, low, high in spans.itertuples()]
    return f"Each run's evaluation nearest to where the one that trained least ended ({', '.join(spent)} {what}),"


def show_table(table: pd.DataFrame, source: str, count: int) -> None:
    """The differences of `count` metrics compared, where they are from, and how to read them."""
    text, effect = st.column_config.TextColumn, st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        alt="Differences of the two groups' mean scores, with their 95 % intervals and what they tell",
        column_config={
            "metric": text("Metric", width=120, pinned=True),
            "verdict": text("The runs' verdict", width=150),
            "a": text("Mean of A", width=85),
            "b": text("Mean of B", width=85),
            "difference": text(
                "B less A",
                width=170,
                help="With its 95 % interval (Welch's t), corrected for the metrics shown. Ratios are tested by "
                "logarithms, points of shares by log odds; the means are those scales', turned back.",
            ),
            "effect": effect(
                "Hedges' g", format="%.2f", width=85, help="B less A in the runs' own standard deviations"
            ),
            "needed": text(
                "Runs needed", width=110, help="For a difference of this size to be shown four times out of five"
            ),
            "runs": text("Runs", width=80, help="Of A and of B, with this score"),
        },
        column_order=["metric", "verdict", "a", "b", "difference", "effect", "needed", "runs"],
    )
    st.caption(
        choose.plain(f"{source}. ")
        + f"Shows: the interval leaves out 'no difference' (0, or a ratio of 1), and both groups have {ENOUGH} runs. "
        "Suggests: it does, with fewer runs. Cannot tell: the spread of the runs alone explains such a difference. "
        + families.corrected(count)
        + " Decide beforehand which metric counts, and choose it alone."
    )


def _of_runs(runs: pd.DataFrame, groups: Groups, label: Callable[[str], str]) -> Iterator[str]:
    """Say what makes the groups' runs other than so many independent seeds of two recipes."""
    table = runs.set_index("id")
    run_ids_of_both = [run_id for run_ids in groups.values() for run_id in run_ids]
    sets = table.loc[run_ids_of_both, ["data", "data_hash"]].drop_duplicates()
    if len(sets) > 1:
        names = ", ".join(sorted(sets["data"].unique()))
        yield f"The runs learnt from {len(sets)} data sets ({names}): what differs can be the data's doing."
    root = forks.roots(runs)
    begun = pd.Series([root[run_id] for run_id in run_ids_of_both], index=run_ids_of_both)
    related = [label(run_id) for run_id in begun.index[begun.duplicated(keep=False)]]
    if related:
        yield f"{', '.join(related)} are forks of one training and share a part of it: they are not independent runs."
    recipes = data.recipes(run_ids_of_both)
    for name, run_ids in groups.items():
        if len({repr((recipes[run_id], table.data_hash[run_id])) for run_id in run_ids}) < len(run_ids):
            yield f"Group {name} has runs of one recipe and one seed: the same run again is not another seed."
        apart = list(varied(run_ids).index)
        if apart:
            yield f"The runs of group {name} differ in more than the seed: {', '.join(apart)}. So does their spread."
    few = [name for name, run_ids in groups.items() if len(run_ids) < ENOUGH]
    if few:
        yield f"Group {' and '.join(few)}: fewer than {ENOUGH} runs, by which a difference is at most suggested."
    alarmed = set(alarms(runs[runs.id.isin(run_ids_of_both)], data.findings(run_ids_of_both)).run_id)
    if alarmed:
        counts = [f"{len(alarmed & set(run_ids))} of {len(run_ids)} in {name}" for name, run_ids in groups.items()]
        yield f"Runs with an alarm or that broke off: {', '.join(counts)}. The means below do not show it."


def _of_scores(values: pd.DataFrame, groups: Groups, label: Callable[[str], str], stage: Budget) -> Iterator[str]:
    """Say which runs are missing, since they have no score of this judge, and whose scores are of other epochs."""
    missing = [label(run_id) for run_ids in groups.values() for run_id in run_ids if run_id not in set(values.run_id)]
    if missing:
        yield (
            f"Without a score by this judge, and so left out: {', '.join(missing)}. `fergan evaluate` adds it. A group "
            "looks better than it is where the runs that broke off have none."
        )
    epochs = values.groupby("group").epoch.agg(["min", "max"])
    if stage == "newest" and len(epochs) and epochs["min"].min() != epochs["max"].max():
        spans = [f"{name} {low}" + (f" to {high}" if high > low else "") for name, low, high in epochs.itertuples()]
        yield f"The newest evaluations are of different epochs ({', '.join(spans)}): some runs learnt for longer."
