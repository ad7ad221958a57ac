"""The page Studies: which settings die and when, what a score depends on, and every trial."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import studies as charts
from dashboard.components.plotly_chart import plotly_chart
from dashboard.components.run_table import Column
from dashboard.sections import findings, listed_runs
from dashboard.sections.runs_columns import column, status_badges
from fergan_core.analysis.studies import sensitivity, survival
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.registry import studies_of

FIRST_SCORE = "fid"
SURVIVAL_ALT = "Share of runs still without an alarm over the images seen, a line for each value of the field"
SHARES_ALT = "Each field's share of the score's variance, with its 95 % interval"
_MIN_SCORED = 4  # trials with a score, below which shares are not estimated


def show() -> None:
    """Choose a study; its survival, its sensitivity, its trials."""
    names = data.study_names()
    if not names:
        st.info("No study yet. A study trains many settings with several seeds each; this one has six trials:")
        st.code(
            "python -m trainers.sweep --study rates --vary d_lr=2e-4,2e-3 --seeds 3", language=None, wrap_lines=True
        )
        return
    runs = data.runs()
    trials = runs.tags.map(studies_of).explode().value_counts()
    most = names.index(max(names, key=lambda name: int(trials.get(name, 0))))
    name = st.selectbox("Study", names, most, key="study", bind="query-params", width=260)
    statuses = runs.status[[name in studies_of(tags) for tags in runs.tags]]
    choose.fragment(show_study, run_every=choose.live_every(*statuses))(name)


def show_study(name: str) -> None:
    """All of one study; read anew while its trials run."""
    study = data.study_trials(name)
    trials, varied = study.table, study.varied
    if trials.empty:
        st.info("No trial of this study has ended yet: they appear here one by one.")
        return
    if varied:
        varied = most_influential_first(trials, varied)
        show_survival(trials, varied)
        show_sensitivity(trials, varied, study.protocol)
    else:
        st.info("All trials that have ended share one setting, so that nothing can be said of what a setting does.")
    show_trials(name, trials, varied, study.protocol)


def most_influential_first(trials: pd.DataFrame, varied: Sequence[str]) -> list[str]:
    """Put first the field on which the score that is selected at first depends most."""
    if FIRST_SCORE not in trials or trials[FIRST_SCORE].notna().sum() < _MIN_SCORED:
        return list(varied)
    shares = sensitivity.shares(trials, varied, FIRST_SCORE).set_index("parameter").share.fillna(-1)
    return sorted(varied, key=lambda field: -shares[field])


def show_survival(trials: pd.DataFrame, varied: Sequence[str]) -> None:
    """The share of runs still without an alarm over the images seen, by the values of a field."""
    st.header("Which settings survive", anchor=False)
    field = st.selectbox("By", varied, key="by", bind="query-params", width=260)
    runs = data.runs()
    trial_runs = runs[runs.id.isin(trials.run_id)]
    sizes = {run_id: int(recipe.get("batch_size", 0)) for run_id, recipe in data.recipes(list(trial_runs.id)).items()}
    lived = survival.lives(trial_runs, data.findings(list(trial_runs.id)), sizes)
    ordered = trials.sort_values(field)
    groups = dict(zip(ordered.run_id, sensitivity.grouped(ordered[field]), strict=True))
    lived = lived.set_index("run_id").loc[list(groups)].reset_index()
    figure = charts.survival_figure(survival.curves(lived, groups), field, dark=choose.dark())
    plotly_chart(figure, "survival", SURVIVAL_ALT)
    causes = lived.cause.dropna().value_counts()
    died = "; ".join(f"{findings.title(str(kind))}: {count}" for kind, count in causes.items()) or "none"
    st.caption(
        choose.plain(f"{lived.died.sum()} of {len(lived)} runs died ({died}). ")
        + "A run dies at its first alarm, or when it diverges or fails; strokes: runs that ended alive there. Band: "
        "95 % interval (Kaplan and Meier 1958), wide if the runs are few: no death among three proves little."
    )


def show_sensitivity(trials: pd.DataFrame, varied: Sequence[str], protocol: str) -> None:
    """What a score depends on, and how often each value fails."""
    st.header("What a score depends on", anchor=False)
    scored = [key for key in CATALOGUE if key in trials and trials[key].notna().sum() >= _MIN_SCORED]
    if scored:
        first = scored.index(FIRST_SCORE) if FIRST_SCORE in scored else 0
        score = st.selectbox(
            "Score", scored, first, format_func=lambda key: CATALOGUE[key].title, key="score", bind="query-params",
            width=260, help=choose.measures_help(scored),
        )  # fmt: skip
        shares = sensitivity.shares(trials, varied, score)
        figure = charts.shares_figure(shares, CATALOGUE[score].title, dark=choose.dark())
        plotly_chart(figure, "shares", SHARES_ALT)
        unknown = shares.parameter[shares.share.isna()]
        without = f" Not estimable from these trials: {', '.join(unknown)}." if len(unknown) else ""
        lost = len(trials) - int(trials[score].notna().sum())
        left_out = (
            f" Left out, without the score: {lost} trial{'s' if lost > 1 else ''}; see the failures." if lost else ""
        )
        st.caption(
            choose.plain(
                "Each field's share of the score's variance over the trials, with its 95 % interval. Grey: the seed's "
                "share, between trials of the same setting. The remainder is interaction between fields. "
                f"Scores by {protocol}.{without}{left_out}"
            )
        )
    else:
        st.info(f"Shares need {_MIN_SCORED} or more ended trials with the same score.")
    st.header("Failures", anchor=False)
    percent = st.column_config.NumberColumn(format="percent", width=75)
    st.dataframe(
        sensitivity.failures(trials, varied, "failed"),
        hide_index=True,
        width="stretch",
        height="content",
        alt="How many trials failed, by each field's value",
        column_config={
            "parameter": st.column_config.TextColumn("Field", width=110),
            "value": st.column_config.TextColumn("Value", width=110),
            "trials": st.column_config.NumberColumn("Trials", width=65),
            "failed": st.column_config.NumberColumn("Failed", width=65, help="Ended early, or has an alarm"),
            "share": percent | {"label": "Share"},
            "low": percent | {"label": "Low", "help": "Lower end of the 95 % interval"},
            "high": percent | {"label": "High", "help": "Upper end of the 95 % interval"},
        },
    )


def show_trials(study: str, trials: pd.DataFrame, varied: Sequence[str], protocol: str) -> None:
    """Every trial: its setting, how it ended, its scores; a click on one opens its run."""
    st.header("Trials", anchor=False)
    scores = [key for key in CATALOGUE if key in trials and key not in varied]
    settings = {f"recipe:{field.removeprefix('set ')}": trials[field] for field in varied}
    table = pd.DataFrame(
        {
            "run_id": trials.run_id,
            "name": trials["name"],
            **settings,
            "seed": trials.seed,
            "status": [status_badges({status: 1}, 0) for status in trials.status],
            "kinds": [
                [{"text": findings.title(str(kind)), "colour": "gray"} for kind in kinds] for kinds in trials.kinds
            ],
            **{f"score:{key}": trials[key] for key in scores},
        }
    )
    listed_runs.show(
        table,
        [
            Column("name", "Run"),
            *(column(key) for key in settings),
            Column("seed", "Seed", number=True),
            Column("status", "Status"),
            Column("kinds", "Findings"),
            *(column(f"score:{key}") for key in scores),
        ],
        key=f"trials of {study}",
        label="The study's trials with their settings, how they ended, what was found, and their scores",
    )
    columns = ["run_id", "name", *varied, "seed", "status", *scores]
    csv = trials[columns].to_csv(index=False).encode()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("Download CSV", csv, f"fergan-study-{study}.csv", "text/csv", on_click="ignore")
        if scores:
            st.caption(choose.plain(f"Scores by {protocol}, of each run's newest evaluation."))
