"""The Instability page's figures as pure functions: checked by what they hold, not by how it looks."""

import math

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.instruments import SEVERITY_COLOURS, events_of, phase_figure, spectra_figure, timeline_figure
from dashboard.charts.palette import run_colour
from fergan_core.analysis.findings.timeline import Statement
from fergan_core.scalars import panels_of


def points(**lines: dict[int, float]) -> pd.DataFrame:
    rows = [(metric.replace("__", "/"), step, mean) for metric, line in lines.items() for step, mean in line.items()]
    table = pd.DataFrame(rows, columns=["metric", "step", "mean"])
    return table.assign(low=table["mean"], high=table["mean"], nans=table["mean"].isna().astype(int))


TOLD = [
    Statement("saturation", "the discriminator saturates", 10, 1, "warning", "D is sure.", (1,)),
    Statement("global-collapse", "the whole generator collapses", 20, 2, "alarm", "It collapsed.", (2,)),
    Statement("collapse", "collapsed and recovered", 20, 2, "info", "happy collapsed.", (0, 3), "happy"),
]
EVENTS = events_of(TOLD)


def figure_of(recorded: pd.DataFrame, events: pd.DataFrame = EVENTS, **others) -> go.Figure:
    return timeline_figure(recorded, panels_of(recorded.metric), events, dark=False, **others)


def titles(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def test_only_what_was_measured_has_a_panel_and_all_share_one_axis() -> None:
    recorded = points(
        loss_d={10: 1.0, 20: 2.0}, grad_norm_g={10: 5.0}, jacobian={20: 30.0}, images_per_second={10: 300.0}
    )
    figure = figure_of(recorded)
    assert [title.partition("<br>")[0] for title in titles(figure)] == [
        "<b>Losses</b>",
        "<b>Gradient norms</b>",
        "<b>Log condition number of the generator's Jacobian</b>",
        "<b>Images per second</b>",
    ]
    assert titles(figure)[0].endswith(f'<span style="color:{run_colour(0)}">━</span> loss of D   ')
    axes = [getattr(figure.layout, f"xaxis{place}") for place in ("", 2, 3, 4)]
    assert {axis.matches for axis in axes} == {"x5"}
    scales = [getattr(figure.layout, f"yaxis{place}").type for place in (2, 3, 4, 5)]
    assert scales == ["linear", "log", "linear", "linear"]
    # A single point is not a line.
    modes = {trace.name: trace.mode for trace in figure.data if trace.name}
    assert modes == {
        "loss of D": "lines", "gradient of G": "markers", "ln of the condition number": "markers",
        "images per second": "markers",
    }  # fmt: skip


def test_what_was_found_at_one_step_is_one_mark_and_a_line_through_all_panels() -> None:
    figure = figure_of(points(loss_d={10: 1.0, 20: 2.0}, r_t={10: 0.1}))
    marks = figure.data[0]
    assert (list(marks.x), list(marks.customdata)) == ([10, 20], [10, 20])
    assert list(marks.text) == [
        "epoch 1: The discriminator saturates", "epoch 2: The whole generator collapses, and 1 more",
    ]  # fmt: skip
    assert list(marks.marker.color) == [SEVERITY_COLOURS["warning"], SEVERITY_COLOURS["alarm"]]
    assert [(shape.x0, shape.yref, shape.line.color) for shape in figure.layout.shapes] == [
        (10, "paper", SEVERITY_COLOURS["warning"]), (20, "paper", SEVERITY_COLOURS["alarm"]),
    ]  # fmt: skip
    assert EVENTS.places.to_list() == [[0], [1, 2]]
    assert events_of(TOLD[2:]).title.to_list() == ['"happy" collapsed and recovered']


def test_panels_and_marks_are_drawn_along_epochs_too() -> None:
    figure = figure_of(points(loss_d={10: 1.0, 20: 2.0}), along="epoch", steps_per_unit=10.0)
    assert list(figure.data[0].x) == [1.0, 2.0]
    assert list(next(trace for trace in figure.data if trace.name == "loss of D").x) == [1.0, 2.0]
    assert [shape.x0 for shape in figure.layout.shapes] == [1.0, 2.0]
    assert figure.layout.xaxis2.title.text == "epoch"


def test_what_is_not_a_number_is_a_gap_and_marked_in_its_panel() -> None:
    recorded = points(loss_d={10: 1.0, 20: math.inf, 30: math.nan, 40: 2.0})
    figure = figure_of(recorded, EVENTS[:0])
    (line,) = (trace for trace in figure.data if trace.name)
    assert line.name == "loss of D, not a number at step 20"
    assert [(shape.x0, shape.yref) for shape in figure.layout.shapes] == [(20, "y2 domain")]
    assert "loss of D, not a number at step 20" in titles(figure)[0]
    by_epoch = figure_of(recorded, EVENTS[:0], along="epoch", steps_per_unit=8.0)
    assert [shape.x0 for shape in by_epoch.layout.shapes] == [2.5]
    assert "at step 20" in titles(by_epoch)[0]
    assert [math.isfinite(value) for value in line.y] == [True, False, False, True]
    assert not any(math.isinf(value) for value in line.y)


def test_one_loss_against_the_other_takes_steps_that_have_both() -> None:
    trace = phase_figure(points(loss_d={1: 1.0, 2: 2.0}, loss_g={2: 3.0, 3: 4.0}), dark=False).data[0]
    assert (list(trace.x), list(trace.y), list(trace.customdata)) == ([2.0], [3.0], [2])
    assert not phase_figure(points(loss={1: 1.0}), dark=False).data


def test_spectra_are_a_line_a_layer_and_one_word_a_network() -> None:
    figure = spectra_figure(points(spectral_g__a={1: 2.0}, spectral_g__b={1: 3.0}, spectral_d__a={1: 4.0}), dark=False)
    assert [(trace.name, trace.showlegend) for trace in figure.data] == [("D", True), ("G", True), ("G", False)]


def test_zeros_stand_at_the_foot_of_a_logarithmic_panel() -> None:
    figure = figure_of(points(grad_norm_g={1: 4.0, 2: 0.0, 3: 100.0}), EVENTS[:0])
    (line,) = (trace for trace in figure.data if trace.name == "gradient of G")
    assert (list(line.y), list(line.customdata)) == ([4.0, 2.0, 100.0], [4.0, 0.0, 100.0])
    assert list(line.marker.symbol)[1] == "triangle-down"
    assert (figure.layout.yaxis2.tickvals[0], figure.layout.yaxis2.ticktext[0]) == (2.0, "≤ 0")
    spectra = spectra_figure(points(spectral_g__a={1: 2.0, 2: math.nan}, spectral_g__b={1: 0.0}), dark=False)
    assert {trace.name for trace in spectra.data} == {"G, not a number at step 2"}
    assert [trace.y[0] for trace in spectra.data] == [2.0, 1.0]
