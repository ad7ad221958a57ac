"""Compare's groups: two sets of runs, such as seeds of two recipes, and whether they differ by more than chance."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import groups as charts
from dashboard.charts.curves import Axes, Spread
from dashboard.charts.score_table import DEFAULT_METRICS, metrics_of
from dashboard.components.plotly_chart import plotly_chart
from dashboard.sections import curves
from fergan_core.analysis import families
from fergan_core.analysis.alarms import alarms
from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, Budget, at_budget, with_cost
from fergan_core.analysis.settings import recipe_differences
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

ALONG = {"epoch": "epoch", "images": "images seen"}
BANDS: Mapping[Spread, str] = {"extremes": "lowest to highest run", "interval": "95 % interval of the mean"}

# The unit of each budget: its size, and its name.
SPENT: Mapping[Budget, tuple[float, str]] = {
    "images": (1, "images seen"),
    "seconds": (1, "seconds of training, evaluations not counted"),
    "flops": (1e12, "TFLOP of training, evaluations not counted"),
}


def choose_groups(runs: pd.DataFrame) -> dict[str, list[str]]:
    """Ask for the runs of both groups, one by one or all of a preset or tag; the address keeps them."""
    chosen, prepared = {}, prepared_groups(runs)
    first = first_pair(prepared)
    for name, column in zip(charts.GROUPS, st.columns(2, gap="medium"), strict=True):
        with column:
            st.selectbox(
                f"Fill {name} with all runs of", list(prepared), None, placeholder="A preset, tag or study's setting",
                key=f"fill {name}", on_change=_fill, args=(name, prepared),
            )  # fmt: skip
            chosen[name] = choose.several_runs(runs, first[name], f"Group {name}", name)
    return chosen


def prepared_groups(runs: pd.DataFrame) -> dict[str, list[str]]:
    """Return the groups to be had at once: the runs of each preset on each dataset, forks left out, of each tag,
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


def first_pair(prepared: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the groups at which the page opens: the two largest settings of a study, or presets on the same data, that
    share no run; empty ones where there are no two of several runs."""
    kinds: dict[str, list[Sequence[str]]] = {}
    for name, run_ids in prepared.items():
        if len(run_ids) > 1 and not name.startswith("tag "):
            kind = name.partition(":")[0] if name.startswith("study ") else name.rpartition(" on ")[2].split(" (")[0]
            kinds.setdefault(kind, []).append(run_ids)
    pairs = []
    studied = {kind: groups for kind, groups in kinds.items() if kind.startswith("study ") and len(groups) > 1}
    for groups in (studied or kinds).values():
        first, *others = sorted(groups, key=len, reverse=True)
        pairs += [(first, other) for other in others if not set(first) & set(other)][:1]
    best = max(pairs, key=lambda pair: min(map(len, pair)), default=((), ()))
    return dict(zip(charts.GROUPS, best, strict=True))


def varied(run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the fields in which the runs' recipes differ, but for the seed: one row per field, one column per run."""
    table = recipe_differences(data.recipes(run_ids)).set_index("field")
    return table.drop(list(NON_TRAINING_FIELDS), errors="ignore")


def _fill(name: str, run_ids_of: Mapping[str, Sequence[str]]) -> None:
    if st.session_state[f"fill {name}"] is not None:
        st.query_params[name] = ",".join(run_ids_of[st.session_state[f"fill {name}"]])
    st.session_state[f"fill {name}"] = None


def show(runs: pd.DataFrame, groups: Groups) -> None:
    """Both groups' scores against each other, with warnings of what weakens the comparison."""
    if min(map(len, groups.values())) < 2:
        st.info(
            "Choose two or more runs for each group, ideally five, such as the seeds of two recipes. "
            "This trains five seeds of each of two recipes:"
        )
        st.code(
            "python -m trainers.sweep --study losses --vary loss=hinge,lsgan --seeds 5", language=None, wrap_lines=True
        )
        return
    label = choose.run_label(runs)
    shared = [run_id for run_id in groups["A"] if run_id in groups["B"]]
    if shared:
        names = choose.plain(", ".join(map(label, shared)))
        st.warning(f"Both groups have {names}: take it out of one, since a run does not differ from itself.")
        return
    scores = choose.scored({run_id: label(run_id) for run_ids in groups.values() for run_id in run_ids})
    if scores is None:
        return
    scores = choose.one_protocol(scores)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stage: Budget = st.segmented_control(
            "Each run", list(STAGES), default="newest", required=True, format_func=STAGES.__getitem__, key="at",
            bind="query-params", wrap=True,
        )  # fmt: skip
        emotion = choose.faces()
    scored = tuple(scores.run_id.unique())
    spent = with_cost(scores, data.recipes(scored), data.points(scored, (SPEED, COST), STRETCHES))
    scores = at_budget(spent, stage)
    if scores.empty:
        st.info(
            "An older version of FerGAN trained these runs and did not record this cost: compare them at their ends."
        )
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
        st.info("Choose one or more metrics.")
        return
    source = f"{_at(values, stage)} by {words(scores.iloc[0])}"
    show_table(charts.differences(values, metrics), source, charts.compared(values, metrics))
    metric = st.selectbox(
        "Runs by",
        metrics,
        format_func=lambda key: CATALOGUE[key].title,
        key="strip",
        bind="query-params",
        width=260,
        help="\n".join(f"- {CATALOGUE[key].title}: {choose.measure_help(key)}" for key in metrics),
    )
    labels = {run_id: label(run_id) for run_id in values.run_id}
    figure = charts.strip_figure(values, metric, labels, dark=choose.dark())
    plotly_chart(figure, "strip figure", f"{CATALOGUE[metric].title} of each run, and each group's mean")
    st.caption("Points: the runs' scores; bars: the groups' means.")
    show_over_training(spent[spent.run_id.isin(labels)], groups, metric, emotion, values)


def show_over_training(
    scores: pd.DataFrame, groups: Groups, metric: str, emotion: str | None, values: pd.DataFrame
) -> None:
    """The groups' means of a metric over the runs' evaluations, with bands."""
    st.header(f"{CATALOGUE[metric].title} over the training", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.segmented_control(
            "Along", list(ALONG), default="images", required=True, key="along", bind="query-params",
            format_func=ALONG.__getitem__,
        )  # fmt: skip
        spread: Spread = st.segmented_control(
            "Band", list(BANDS), default="extremes", required=True, key="band", bind="query-params",
            format_func=BANDS.__getitem__,
        )  # fmt: skip
    lines = charts.group_lines(scores, groups, metric, unit, spread, emotion)
    if not lines:
        st.info("These runs have one evaluation each by this judge; `fergan evaluate RUN@all` scores every checkpoint.")
        return
    axes = Axes(ALONG[unit], CATALOGUE[metric].title)
    curves.chart(
        lines, axes, key="groups over training", file=f"groups-{metric}",
        finish=lambda figure: charts.add_real(figure, values, metric),
    )  # fmt: skip
    left_out = [name for name in charts.GROUPS if not any(line.name == f"group {name}" for line in lines)]
    st.caption(
        f"Line: the mean of the group's runs at their evaluations, interpolated between them; band: {BANDS[spread]}."
        + (f" Left out, with one evaluation a run: group {left_out[0]}." if left_out else "")
    )


def _at(values: pd.DataFrame, stage: Budget) -> str:
    """Say which evaluation of each run is compared, and what the groups' runs had spent by then."""
    if stage == "newest":
        return "Each run's newest evaluation"
    unit, what = SPENT[stage]
    spans = (values.groupby("group").spent.agg(["min", "max"]) / unit).round().astype(int)
    spent = [f"{name} {low:,}" + (f" to {high:,}" if high > low else "") for name, low, high in spans.itertuples()]
    return f"Each run's evaluation nearest to the end of the shortest training ({', '.join(spent)} {what}),"


def show_table(table: pd.DataFrame, source: str, count: int) -> None:
    """The differences of `count` metrics, their source, and how to read them."""
    text, effect = st.column_config.TextColumn, st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        alt="Differences of the two groups' mean scores, with their 95 % intervals and what they tell",
        column_config={
            "metric": text("Metric", width=185, pinned=True),
            "verdict": text("Verdict", width=150),
            "a": text("Mean of A", width=85),
            "b": text("Mean of B", width=85),
            "difference": text(
                "B minus A",
                width=170,
                help="With its 95 % interval (Welch's t-test), corrected for the metrics shown. Ratios are tested on "
                "logarithms and shares on log odds; means are taken on the same scale and transformed back.",
            ),
            "effect": effect(
                "Hedges' g", format="%.2f", width=85, help="B minus A, in standard deviations between runs"
            ),
            "needed": text(
                "Runs needed", width=110, help="Per group, to show a difference of this size with a power of 80 %"
            ),
            "runs": text("Runs", width=80, help="Of A and of B, with this score"),
        },
        column_order=["metric", "verdict", "a", "b", "difference", "effect", "needed", "runs"],
    )
    st.caption(
        choose.plain(f"{source}. ")
        + f"Shows: the interval excludes no difference (0, or a ratio of 1), and both groups have at least {ENOUGH} "
        "runs. Suggests: the same with fewer runs. Cannot tell: the spread of the runs alone can explain the "
        "difference. " + families.corrected(count) + " Decide beforehand which metric counts, and choose only that one."
    )


def _of_runs(runs: pd.DataFrame, groups: Groups, label: Callable[[str], str]) -> Iterator[str]:
    """Say in what the groups' runs are not independent seeds of two recipes."""
    table = runs.set_index("id")
    run_ids_of_both = [run_id for run_ids in groups.values() for run_id in run_ids]
    sets = table.loc[run_ids_of_both, ["data", "data_hash"]].drop_duplicates()
    if len(sets) > 1:
        names = ", ".join(sorted(sets["data"].unique()))
        yield f"The runs were trained on {len(sets)} datasets ({names}), which alone may explain a difference."
    root = forks.roots(runs)
    begun = pd.Series([root[run_id] for run_id in run_ids_of_both], index=run_ids_of_both)
    related = [label(run_id) for run_id in begun.index[begun.duplicated(keep=False)]]
    if related:
        yield f"{', '.join(related)} are forks of one training and share a part of it: they are not independent runs."
    recipes = data.recipes(run_ids_of_both)
    for name, run_ids in groups.items():
        if len({repr((recipes[run_id], table.data_hash[run_id])) for run_id in run_ids}) < len(run_ids):
            yield f"Group {name} has several runs of the same recipe and seed: together they count as one seed."
        apart = list(varied(run_ids).index)
        if apart:
            yield f"The runs of group {name} differ in more than the seed, and so their spread: {', '.join(apart)}."
    few = [name for name, run_ids in groups.items() if len(run_ids) < ENOUGH]
    if few:
        yield f"Group {' and '.join(few)}: fewer than {ENOUGH} runs, so a difference is at most suggested."
    alarmed = set(alarms(runs[runs.id.isin(run_ids_of_both)], data.findings(run_ids_of_both)).run_id)
    if alarmed:
        counts = [f"{len(alarmed & set(run_ids))} of {len(run_ids)} in {name}" for name, run_ids in groups.items()]
        yield f"Runs with an alarm or that ended early: {', '.join(counts)}. The means below do not show this."


def _of_scores(values: pd.DataFrame, groups: Groups, label: Callable[[str], str], stage: Budget) -> Iterator[str]:
    """Say which runs have no score by this judge, and whether the scores are of different epochs."""
    scored = set(values.run_id)
    missing = [label(run_id) for run_ids in groups.values() for run_id in run_ids if run_id not in scored]
    if missing:
        yield (
            f"Left out, without a score by this judge: {', '.join(missing)}; `fergan evaluate` adds it. A group looks "
            "better than it is if the runs that ended early have no score."
        )
    epochs = values.groupby("group").epoch.agg(["min", "max"])
    if stage == "newest" and len(epochs) and epochs["min"].min() != epochs["max"].max():
        spans = [f"{name} {low}" + (f" to {high}" if high > low else "") for name, low, high in epochs.itertuples()]
        yield f"The newest evaluations are of different epochs ({', '.join(spans)}): some runs were trained for longer."
