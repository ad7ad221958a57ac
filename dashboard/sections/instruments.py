"""The Instability page's instruments: those that moved first, the others folded, and what was found on top of all."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import instruments
from dashboard.components.plotly_chart import plotly_chart
from dashboard.sections import findings
from fergan_core.analysis.findings.first_moves import Move, first_moves, panels_in_order
from fergan_core.analysis.findings.timeline import Statement
from fergan_core.scalars import GPU_USE, MEMORY, SPEED, Panel, label_of, panels_of, scalar

CLICKED = "instruments"
_BUCKETS = 300
_FIRST = 3  # panels shown at once
_NAMED = 3  # scalars named as those that moved first
OF_MACHINE = (SPEED, MEMORY, GPU_USE)  # panels that tell of the machine and not of the training
ALONG = ("epoch", "step", "images seen")


def show(run_id: str) -> None:
    """What was found, what moved first, the instruments, and every event with its faces and numbers."""
    run = data.run(run_id)
    names = [name for name in data.metrics((run_id,)) if not name.startswith("pulse_")]
    points = data.points((run_id,), tuple(names), _BUCKETS)
    if points.empty:
        st.info("No points yet: they appear a second after the first step.")
        return
    table, statements = findings.of_run(run_id)
    events = instruments.events_of(statements)
    event, moves = moved_before(points, events)
    say(events, event, moves)
    along = st.segmented_control("Along", ALONG, default="epoch", required=True, key="along", bind="query-params")
    unit = steps_per_unit(run, along)
    panels = panels_in_order(panels_of(points.metric), moves)
    figure = instruments.timeline_figure(
        points, panels[:_FIRST], events, dark=choose.dark(), along=along, steps_per_unit=unit
    )

    def open_clicked() -> None:
        places = [point.get("customdata") for point in st.session_state[CLICKED].selection.points]
        if steps := [place for place in places if place in set(events.step)]:
            open_only(run_id, steps[0], list(events.step))

    plotly_chart(
        figure,
        CLICKED,
        f"Over the training: {', '.join(panel.title for panel in panels[:_FIRST])}",
        on_select=open_clicked,
    )
    st.caption(
        "Line: the mean over a span of steps; band: its lowest and highest value. Diamonds and dotted lines: what was "
        "found (red: alarm, orange: warning). Click a diamond to open its events below."
    )
    show_others(points, panels[_FIRST:], events, along, unit)
    show_events(run_id, table, statements, events)
    show_networks(points)


def steps_per_unit(run: Mapping[str, Any], along: str) -> float:
    """Return how many steps a unit of the axis has."""
    if along == "epoch":
        return max(1.0, int(run["steps"]) / max(1, int(run["epochs"])))
    return 1.0 if along == "step" else max(1, int(run["step"])) / max(1, int(run["images_seen"]))


def moved_before(points: pd.DataFrame, events: pd.DataFrame) -> tuple[int | None, list[Move]]:
    """Return the place of the first event before which a scalar left its usual range, and the moves before it."""
    entries = {name: scalar(name) for name in points.metric.unique()}
    logarithmic = {name for name, entry in entries.items() if entry is not None and entry.scale == "log"}
    machine = [name for name, entry in entries.items() if entry is not None and entry.panel in OF_MACHINE]
    points = points[~points.metric.isin(machine)]
    for place, step in enumerate(events.step):
        if moves := first_moves(points, int(step), logarithmic):
            return place, moves
    return None, []


def say(events: pd.DataFrame, event: int | None, moves: Sequence[Move]) -> None:
    """Say what was found first, and what moved before it."""
    if events.empty:
        st.success("No findings.", icon=":material/check:")
        return
    first = events.iloc[0]
    text = f"**First found, at epoch {first.epoch}:** {choose.plain(first.title)}."
    if event is None:
        st.markdown(text)
        st.caption("No scalar left its usual range before; or too few points were recorded by then to tell.")
        return
    when = "before that" if event == 0 else f"before epoch {events.epoch.iloc[event]}"
    named = "; ".join(
        f"{label_of(move.metric)} {move.direction}"
        + (
            ""
            if move.direction == "not a number"
            else f" to {move.value:.3g} (usual: {move.low:.3g} to {move.high:.3g})"
        )
        + f" at step {move.step:,}"
        for move in moves[:_NAMED]
    )
    more = f" {len(moves) - _NAMED} more scalars followed." if len(moves) > _NAMED else ""
    st.markdown(
        f"{text} **Moved first, {when}:** {choose.plain(named)}.{more}",
        help="A scalar moves when it stays for three spans of steps outside its usual range: that of the first half of "
        "the time before, from three quartile ranges below the first quartile to as many above the third (Tukey's "
        "outer fence).",
    )


def show_others(points: pd.DataFrame, panels: Sequence[Panel], events: pd.DataFrame, along: str, unit: float) -> None:
    """The panels that did not move first, folded; they are drawn when they are asked for."""
    if not panels:
        return
    names = ", ".join(panel.title for panel in panels)
    others = st.expander(
        f"{len(panels)} more: {choose.plain(names)}", key="more", bind="query-params", on_change="rerun"
    )
    if others.open:
        figure = instruments.timeline_figure(
            points, panels, events, dark=choose.dark(), along=along, steps_per_unit=unit
        )
        plotly_chart(figure, "other instruments", f"Over the training: {names}", place=others)


def open_only(run_id: str, step: int, steps: Sequence[int]) -> None:
    """Open the list of what was found at a step, and close the others."""
    for one in steps:
        st.session_state[_key(run_id, one)] = one == step


def _key(run_id: str, step: int) -> str:
    return f"event {run_id} {step}"


def show_events(run_id: str, table: pd.DataFrame, statements: Sequence[Statement], events: pd.DataFrame) -> None:
    """What was found, a list a step, in order: statements with their faces and numbers; the first is open."""
    if events.empty:
        return
    st.header("What was found", anchor=False)
    for place, row in enumerate(events.to_dict("records")):
        label = f"**Epoch {row['epoch']}**, step {row['step']:,}: {choose.plain(row['title'])}"
        event = st.expander(label, expanded=place == 0, key=_key(run_id, row["step"]), on_change="rerun")
        if event.open:
            with event:
                for one in row["places"]:
                    findings.show_with_faces(run_id, statements[one])
                findings.show_numbers(table, [statements[one] for one in row["places"]])


def show_networks(points: pd.DataFrame) -> None:
    """One loss against the other and the layers' spectra, folded; only of a training of two networks."""
    if not (points.metric == "loss_d").any():
        return
    networks = st.expander(
        "Both networks: one loss against the other, largest singular values by layer", key="networks",
        bind="query-params", on_change="rerun",
    )  # fmt: skip
    if not networks.open:
        return
    left, right = networks.columns(2, gap="medium")
    left.markdown("**One loss against the other**")
    figure = instruments.phase_figure(points, dark=choose.dark())
    plotly_chart(figure, "phase", "One loss against the other, step by step", place=left)
    right.markdown("**Largest singular values by layer**")
    if not points.metric.str.startswith("spectral_").any():
        right.info("Not measured in this run: `--watch-every` was 0, or the run is older than the instruments.")
        return
    figure = instruments.spectra_figure(points, dark=choose.dark())
    plotly_chart(figure, "spectra", "The largest singular value of each layer over the training", place=right)
