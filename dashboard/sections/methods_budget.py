"""Methods at an equal budget: scores over what was spent, and which method is better where all had spent as much."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import methods as charts
from dashboard.charts.score_table import of_emotion
from dashboard.components.plotly_chart import plotly_chart
from dashboard.sections.groups import SPENT, STAGES
from fergan_core.analysis import comparison, elsewhere, families, scales
from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, Budget, with_cost
from fergan_core.analysis.comparison import PairedComparison
from fergan_core.metrics.catalogue import CATALOGUE, Metric, written
from fergan_core.protocols import once, real_faces

METRICS = ("fid", "fid_pixels", "fid_random", "accuracy", "coverage", "recall", "precision", "kid")


def show(chosen: pd.DataFrame) -> None:
    """All of the chosen runs (id, name, preset, data_hash, seed, steps) at one budget."""
    run_ids = tuple(chosen.id)
    of_all_protocols = choose.scored(run_ids, by_emotion=False)
    if of_all_protocols is None:
        return
    scores = choose.one_protocol(of_all_protocols)
    recipes = data.recipes(run_ids)
    run_ids_of = comparison.group_by_recipe(chosen, recipes)
    if len(run_ids_of) < 2:
        st.info("These runs share one recipe: choose runs of two recipes or methods.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        budget = st.segmented_control(
            "Budget", list(SPENT), default="seconds", required=True, key="budget", bind="query-params",
            format_func=lambda stage: STAGES[stage].removeprefix("at "),
        )  # fmt: skip
        emotion = choose.faces()
        if emotion is not None:
            of_all_protocols = of_faces(data.scores(run_ids), emotion)
            scores = once(of_all_protocols[of_all_protocols.evaluation.isin(scores.evaluation)])
        metric = choose_score(scores, emotion)
        unit, name = SPENT[budget]
        amount = st.number_input(
            name.partition(",")[0].capitalize(), 0.0, None, None, format="%.0f", key=f"equal_{budget}",
            bind="query-params", placeholder="what all have spent", width=220,
        )  # fmt: skip
    if metric is None:
        return
    title = metric.title + (f" of {emotion} faces" if emotion else "")
    # None and 0 both mean what the shortest training had spent.
    at = amount * unit if amount else None
    points = data.points(run_ids, (SPEED, COST), STRETCHES)
    seeds = dict(zip(chosen.id, chosen.seed, strict=True))
    scores = with_cost(scores, recipes, points)
    matched = comparison.matched(scores, run_ids_of, seeds, budget, at)
    missing = list(chosen.name[~chosen.id.isin(matched.run_id)])
    if missing:
        st.warning(
            f"Left out: {choose.plain(', '.join(missing))}. These runs have no score by this judge, or were trained by "
            "an older version of FerGAN, which did not record the cost."
        )
    if matched.rival.nunique() < 2:
        st.info("Fewer than two methods or recipes can be compared at this budget.")
        return
    unlike = comparison.unequal(matched), comparison.cut_short(matched, chosen, recipes)
    for warning in filter(None, (*unlike, real_faces(scores))):
        st.warning(choose.sentence(warning))
    spending = scores[scores.metric == metric.key].dropna(subset=[budget])
    spending = spending.assign(method=spending.run_id.map(labels_of(run_ids_of)), spent=spending[budget])
    compared_at = at or float(spending.groupby("run_id").spent.max().min())
    figure = charts.budget_figure(
        spending, metric, colours_of(run_ids_of), SPENT[budget], compared_at, dark=choose.dark()
    )
    alt = f"{title} of each run over the {SPENT[budget][1]} that its training had taken"
    plotly_chart(figure, "budget figure", alt)
    st.caption(
        "Each line is a run. Dashed: the budget at which all are compared, each by its nearest evaluation; unless you "
        "set one, it is what the shortest training had spent."
    )
    show_table(matched, budget)
    other_judges = elsewhere.by_other_judges(of_all_protocols, scores, matched)
    show_verdicts(matched, metric, title, scales.faces_of(scores), other_judges)
    lacking = elsewhere.unscored(matched, {key: CATALOGUE[key].title for key in elsewhere.other_spaces(metric.key)})
    for sentence in [*lacking, *([] if other_judges else [elsewhere.one_judge(scores)])]:
        st.caption(choose.sentence(sentence))


def of_faces(scores: pd.DataFrame, emotion: str | None) -> pd.DataFrame:
    """Return the scores of an emotion's faces, as if they were all (None: those of all)."""
    chosen = of_emotion(scores, emotion).assign(emotion=None)
    # Faces a second have no score by emotion.
    speeds = of_emotion(scores[scores.metric == "speed"], None)
    return chosen if emotion is None else pd.concat([chosen, speeds])


def choose_score(scores: pd.DataFrame, emotion: str | None) -> Metric | None:
    """Ask for a score of these, which are an emotion's or of all faces; the address keeps it. None where none is
    known."""
    known = set(scores.metric.unique())
    scored = [key for key in METRICS if key in known]
    key = st.selectbox(
        "Score", scored, format_func=lambda key: CATALOGUE[key].title, key="score", bind="query-params", width=200,
        help=choose.measures_help(scored),
    )  # fmt: skip
    if key is None:
        st.info(
            f"These runs have no scores of {emotion} faces alone." if emotion else "These runs have no such scores."
        )
        return None
    return CATALOGUE[key]


def show_table(matched: pd.DataFrame, budget: Budget) -> None:
    """One row per method: its seeds, what they had spent, the means of its scores."""
    unit, name = SPENT[budget]
    rows = []
    for method, rows_of_method in matched.groupby("rival", sort=False):
        spent = (rows_of_method.spent / unit).round()
        ends = f"{spent.min():,.0f}" + (f" to {spent.max():,.0f}" if spent.max() > spent.min() else "")
        means = rows_of_method.groupby("metric").value.mean()
        row = {"method": method, "seeds": rows_of_method.seed.nunique(), "spent": ends}
        rows.append(row | {key: written(means[key], CATALOGUE[key]) for key in METRICS if key in means})
    text = st.column_config.TextColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height="content",
        alt=f"The methods' mean scores where all had spent equally many {name}",
        column_config={
            "method": text("Method", width=choose.names_width(matched.rival), pinned=True),
            "seeds": st.column_config.NumberColumn("Seeds", width=60),
            "spent": text(name.partition(",")[0].capitalize(), width=150),
        }
        | {key: score_column(CATALOGUE[key]) for key in METRICS},
    )


def show_verdicts(
    matched: pd.DataFrame, metric: Metric, title: str, faces: int | None, other_judges: Mapping[str, pd.DataFrame]
) -> None:
    """A sentence for every two methods that says which is better, how certain that is, and where the order is the other
    way round: first the best of them beside each other one, then, folded, the others. `faces` as in `Scale`, other
    judges' scores as `elsewhere.by_other_judges` gives them."""
    better = metric.direction

    def compared(rows: pd.DataFrame, key: str) -> list[PairedComparison]:
        return comparison.family(rows, [(key, better, scales.Scale(metric.compared_by, faces))])[key]

    verdicts = compared(matched, metric.key)
    places = {place: compared(matched, key) for key, place in elsewhere.other_spaces(metric.key).items()}
    places |= {place: compared(rows, metric.key) for place, rows in other_judges.items()}
    means = {rival: mean for pair in verdicts for rival, mean in zip(pair.rivals, pair.means, strict=True)}
    best = (max if better == "higher" else min)(means, key=lambda rival: means[rival])

    def listed(pairs: Sequence[PairedComparison]) -> str:
        def formatted(value: float) -> str:
            return written(value, metric)

        sentences = [
            " ".join([pair.sentence(title, formatted), *elsewhere.contradictions(pair, places, formatted)])
            for pair in pairs
        ]
        return "\n".join(f"- {choose.plain(sentence)}" for sentence in sentences)

    st.markdown(listed([pair for pair in verdicts if best in pair.rivals]))
    others = [pair for pair in verdicts if best not in pair.rivals]
    if others:
        with st.expander(f"The others among themselves: {len(others)} comparison{'s' if len(others) > 1 else ''}"):
            st.markdown(listed(others))
    st.caption(
        "Runs with the same seed are paired, and the interval is over the pairs. A single pair says something about "
        "those two runs alone; five pairs show what fewer only suggest. "
        + families.corrected(max((pair.compared for pair in verdicts), default=0))
        + " "
        + scales.in_words(
            *([metric.title] if any(pair.kind == kind for pair in verdicts) else [] for kind in ("ratio", "share"))
        )
    )


def score_column(metric: Metric) -> Any:
    """A column of a metric's written values, with what it measures as its help."""
    width = choose.column_width(metric.title)
    return st.column_config.TextColumn(metric.title, width=width, help=choose.measure_help(metric.key))


def colours_of(run_ids_of: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return each method's colour: that of its first run, the same on all pages."""
    return dict(zip(run_ids_of, choose.colours([run_ids[0] for run_ids in run_ids_of.values()]).values(), strict=True))


def labels_of(run_ids_of: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the name of each run's method by the run's id."""
    return {run_id: name for name, run_ids in run_ids_of.items() for run_id in run_ids}
