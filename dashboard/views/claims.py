"""What the course project claimed about GANs, each claim with a verdict from the registry's studies."""

import plotly.graph_objects as go
import streamlit as st

from dashboard import choose, data
from dashboard.charts import claims as charts
from dashboard.charts.studies import shares_figure
from dashboard.components.plotly_chart import plotly_chart
from dashboard.components.run_table import Column
from dashboard.sections import listed_runs
from dashboard.sections.runs_columns import status_badges
from fergan_core.analysis.claims import SCORES, Score, Verdict

COLOURS: dict[str, choose.BadgeColour] = {
    "holds": "blue",
    "does not hold": "violet",
    "cannot tell": "orange",
    "not tried": "gray",
}
READING = {
    "convergence": "Points: evaluations; lines: running means over a quarter of them. A training that converges ends "
    "flat, at its best value.",
    "data": "Lines: the mean over the seeds; bands: from the lowest seed to the highest.",
    "steps": "Line: the mean over the seeds; band: from the lowest seed to the highest.",
    "parameters": "Bars: each field's share of the score's variance; whiskers: 95 % intervals.",
}

SHOWS = {
    "convergence": "The score of each seed over the epochs",
    "data": "The score over the images seen, by the number of training faces",
    "steps": "The score over the images seen",
    "parameters": "Each field's share of the score's variance",
}


def show(verdict: Verdict, score: Score) -> None:
    """A claim with its verdict, its figure, its runs, and the commands that test it."""
    claim = verdict.claim
    st.header(claim.title, anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        strength = ", suggested" if verdict.strength == "suggested" else ""
        st.badge(f"{verdict.verdict[0].upper()}{verdict.verdict[1:]}{strength}", color=COLOURS[verdict.verdict])
        if verdict.run_ids:
            st.caption(choose.plain(rests_on(verdict)))
    if verdict.verdict == "not tried":
        st.info("No run has tested this yet. Train its study; the verdict appears here by itself:")
        show_commands(claim.commands)
        return
    st.markdown(choose.plain(verdict.sentence))
    if len(verdict.table):
        plotly_chart(figure_of(verdict, score), f"claim {claim.key}", f"{SHOWS[claim.key]}: {score.title}")
        st.caption(READING[claim.key])
    left, right = st.columns(2, gap="medium")
    if verdict.run_ids:
        runs = left.expander("The runs", key=f"runs behind {claim.key}", on_change="rerun")
        # Hundreds of rows: only where they are looked at.
        if runs.open:
            with runs:
                show_runs(verdict.run_ids, claim.key)
    with right.expander("Try it"):
        show_commands(claim.commands)


def figure_of(verdict: Verdict, score: Score) -> go.Figure:
    """The figure of a verdict's table."""
    table, dark = verdict.table, choose.dark()
    if verdict.claim.key == "convergence":
        return charts.seeds_figure(table, score, choose.colours(list(dict.fromkeys(table.run_id))), dark=dark)
    if verdict.claim.key == "parameters":
        return shares_figure(table, f"log {score.title}" if score.kind == "distance" else score.title, dark=dark)
    return charts.sizes_figure(table, score, dark=dark)


def rests_on(verdict: Verdict) -> str:
    """Say how many runs and seeds, which data and judge a verdict rests on."""
    runs, seeds = len(verdict.run_ids), verdict.seeds
    counts = f"{runs} run{'s' if runs > 1 else ''}, {seeds} seed{'s' if seeds > 1 else ''}"
    return ", ".join(filter(None, [counts, verdict.data])) + (f"; {verdict.protocol}" if verdict.protocol else "")


def show_commands(commands: tuple[str, ...]) -> None:
    """The commands, one per line, to be copied."""
    st.code("\n".join(commands), language=None, wrap_lines=True)
    st.caption(
        "Without `--data fer2013.csv` the claim is tested on the built-in faces. The same command resumes a study that "
        "was stopped."
    )


def show_runs(run_ids: tuple[str, ...], claim: str) -> None:
    """The runs, each leading to its page."""
    runs = data.runs()
    runs = runs[runs.id.isin(run_ids)].sort_values("name").rename(columns={"id": "run_id"})
    listed_runs.show(
        runs.assign(status=runs.status.map(lambda status: status_badges({status: 1}, 0))),
        [
            Column("name", "Run"),
            Column("seed", "Seed", number=True),
            Column("status", "Status"),
            Column("epochs", "Epochs", number=True),
        ],
        key=f"runs of {claim}",
        label="The runs on which the verdict rests",
    )


choose.heading(
    "Claims",
    "Do the four conclusions hold that the course project behind this laboratory drew about GANs? Each is tested by a "
    "study of several seeds; with fewer than five a verdict is only suggested.",
)
key = st.segmented_control(
    "Score",
    list(SCORES),
    default="coverage",
    required=True,
    format_func=lambda key: SCORES[key].title,
    key="score",
    bind="query-params",
    help=choose.measures_help(SCORES),
)
st.caption("Whether GANs converge is decided by FID, whichever score is chosen.")
for verdict in data.claims(key):
    show(verdict, SCORES["fid"] if verdict.claim.key == "convergence" else SCORES[key])
