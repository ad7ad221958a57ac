"""Instability: one run's instruments and findings on one axis."""

import pandas as pd
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import instruments, sheets
from dashboard.charts.palette import PLOTLY_CONFIG
from dashboard.rows import rows_of
from dashboard.sections import fields, findings
from fergan_core.recipe import UNITS

CLICKED = "instruments"


def show_instruments(run_id: str, labels: dict[str, str]) -> None:
    """The instruments with the findings on top, and the chosen finding in detail."""
    names = data.metrics((run_id,))
    points = data.points((run_id,), tuple(name for name in names if not name.startswith("pulse_")))
    if points.empty:
        st.info("No points yet: they appear a second after the first step.")
        return
    run_findings = data.findings((run_id,)).reset_index(drop=True)
    figure = instruments.timeline_figure(points, run_findings, dark=choose.dark())
    st.plotly_chart(
        figure,
        width="stretch",
        theme=None,
        key=CLICKED,
        config=PLOTLY_CONFIG,
        on_select="rerun",
        selection_mode="points",
    )
    st.caption("Diamonds and dotted lines: findings (red: alarm, orange: warning). Click a diamond, or choose below.")
    findings.show(findings.of_run(run_id)[1])
    if len(run_findings):
        show_finding(run_id, run_findings)
    if "loss_d" not in names:
        return  # what follows needs two networks
    left, right = st.columns(2, gap="medium")
    left.subheader("One loss against the other", anchor=False)
    left.plotly_chart(
        instruments.phase_figure(points, dark=choose.dark()),
        width="stretch",
        theme=None,
        key="phase",
        config=PLOTLY_CONFIG,
    )
    right.subheader("Largest singular values by layer", anchor=False)
    if not points.metric.str.startswith("spectral_").any():
        right.info("Not measured in this run: `--watch-every` was 0, or the run is older than the instruments.")
        return
    figure = instruments.spectra_figure(points, dark=choose.dark())
    right.plotly_chart(figure, width="stretch", theme=None, key="spectra", config=PLOTLY_CONFIG)


def show_finding(run_id: str, run_findings: pd.DataFrame) -> None:
    """One finding: the sheets before and after it, its numbers, and the recipe."""
    clicked = [point.get("customdata") for point in st.session_state[CLICKED].selection.points]
    clicked = [place for place in clicked if type(place) is int and 0 <= place < len(run_findings)]
    options = list(range(len(run_findings)))
    words = [
        findings.title(row.kind) + (f" ({row.numbers['emotion']})" if "emotion" in row.numbers else "")
        for row in rows_of(run_findings)
    ]
    place = st.selectbox(
        "Finding", options, clicked[0] if clicked else 0,
        format_func=lambda one: f"{words[one]}, epoch {run_findings.epoch[one]}",
    )  # fmt: skip
    row = run_findings.iloc[place]
    saved = data.sheets(run_id)
    before, after = saved[saved.step < row.step].tail(1), saved[saved.step >= row.step].head(1)
    for column, part, when in zip(st.columns(2, gap="medium"), (before, after), ("before", "after"), strict=True):
        for sheet in rows_of(part):
            column.markdown(f"**{when}: epoch {sheet.epoch}**")
            with column:
                faces = sheet_series.faces(sheet)
            if faces:
                picture = sheets.labelled_sheet(faces, f"epoch {sheet.epoch}", dark=choose.dark())
                column.image(picture, alt=f"all faces of epoch {sheet.epoch}", width="stretch")
    numbers, recipe = st.tabs(["Numbers", "Recipe"])
    fields.show(numbers, row.numbers)
    fields.show(recipe, data.run(run_id)["recipe"], UNITS)


def show_run(runs: pd.DataFrame) -> None:
    """Choose a run; its instruments."""
    trained = runs[~runs.literature]
    run_id = choose.one_run(trained, data.best_first(trained, "findings"))
    status = str(trained.set_index("id").loc[run_id, "status"])
    labels = {run_id: choose.run_label(runs)(run_id)}
    choose.fragment(show_instruments, run_every=choose.live_unless_held(status))(run_id, labels)


choose.heading("Instability", "What went wrong in a training, when, and what moved first?")
runs = data.runs()
if choose.any_trained(runs):
    show_run(runs)
