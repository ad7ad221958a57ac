"""What the course project claimed about GANs, each claim with a verdict from the registry's studies."""

from urllib.parse import quote

import streamlit as st

from dashboard import choose, data
from dashboard.charts.claims import FIGURES
from dashboard.charts.palette import PLOTLY_CONFIG
from dashboard.rows import rows_of
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


def show(verdict: Verdict, score: Score) -> None:
    """A claim with its verdict, its figure, its runs, and the commands that test it."""
    claim = verdict.claim
    st.subheader(claim.title, anchor=False)
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
        figure = FIGURES[claim.key](verdict.table, score, dark=choose.dark())
        st.plotly_chart(figure, width="stretch", theme=None, key=f"claim {claim.key}", config=PLOTLY_CONFIG)
        st.caption(READING[claim.key])
    left, right = st.columns(2, gap="medium")
    if verdict.run_ids:
        with left.expander("The runs"):
            show_runs(verdict.run_ids)
    with right.expander("Try it"):
        show_commands(claim.commands)


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


def show_runs(run_ids: tuple[str, ...]) -> None:
    """The runs, each leading to its page."""
    runs = data.runs()
    runs = runs[runs.id.isin(run_ids)].sort_values("name")
    table = runs[["name", "seed", "status", "epochs"]].assign(
        name=[f"run?run={row.id}#{quote(row.name)}" for row in rows_of(runs[["id", "name"]])]
    )
    link = st.column_config.LinkColumn("run", display_text=r"#(.*)$")
    st.dataframe(table, hide_index=True, width="stretch", column_config={"name": link})


choose.heading(
    "Claims",
    "The course project from which this laboratory grew drew four conclusions about GANs. Each is tested here by a "
    "study of several seeds; with fewer than five seeds a verdict is only suggested.",
)
key = st.segmented_control(
    "Score",
    list(SCORES),
    default="coverage",
    required=True,
    format_func=lambda key: SCORES[key].title,
    key="score",
    bind="query-params",
)
st.caption("Whether GANs converge is decided by FID, whichever score is chosen.")
for verdict in data.claims(key):
    show(verdict, SCORES["fid"] if verdict.claim.key == "convergence" else SCORES[key])
