"""Curves as pure functions of points: checked by what they draw, not by how it looks."""

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import curve_figures, curves
from dashboard.charts.curves import Axes, Line
from dashboard.charts.palette import FAINT_INK, RUN_COLOURS, ink
from fergan_core.analysis.pace import Pace

NAN = math.nan
PACE = Pace(10.0, 64.0, np.empty(0), np.empty(0))
AXES = Axes("step", "loss")


def points(values: list[float], nans: int = 0, spread: float = 0.0) -> pd.DataFrame:
    table = pd.DataFrame({"step": [10 * (place + 1) for place in range(len(values))], "mean": values})
    table["nans"] = [0] * (len(values) - 1) + [nans]
    return table.assign(low=table["mean"] - spread, high=table["mean"] + spread)


def line(values: list[float], name: str = "a", colour: str = "#112233", half_life: float = 0, **how: float) -> Line:
    return curves.run_line(points(values, **how), name, colour, PACE, "step", half_life)  # type: ignore[arg-type]


def named(figure: object) -> dict[str, object]:
    return {trace.name: trace for trace in figure.data if trace.name}  # type: ignore[attr-defined]


def test_a_curve_is_its_mean_with_its_extremes_as_a_band() -> None:
    figure = curve_figures.curves_figure([line([1.0, 2.0], spread=1.0), line([3.0, 4.0], "b")], AXES, dark=False)
    assert list(named(figure)) == ["a", "b"]
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    assert list(band.y) == [2.0, 3.0, 1.0, 0.0]
    assert not figure.layout.shapes
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("step", "loss")


@pytest.mark.parametrize(("unit", "x"), [("step", [10, 20]), ("epoch", [1, 2]), ("images", [640, 1280])])
def test_a_curve_is_drawn_over_any_axis(unit: curves.Unit, x: list[float]) -> None:
    assert curves.run_line(points([1.0, 2.0]), "a", "#112233", PACE, unit).points.x.to_list() == x
    assert curves.run_line(points([1.0, 2.0]), "a", "#112233", PACE, "seconds").points.empty


def test_a_divergence_is_marked_where_it_began_and_named_in_the_legend() -> None:
    lost = [line([1.0, math.inf]), line([3.0, NAN, NAN], "b", nans=1)]
    figure = curve_figures.curves_figure(lost, AXES, dark=True)
    assert list(named(figure)) == ["a, not a number at step 20", "b, not a number at step 30"]
    assert [shape.x0 for shape in figure.layout.shapes] == [20, 30]
    by_epoch = curves.run_line(points([1.0, NAN], nans=1), "a", "#112233", PACE, "epoch")
    assert by_epoch.lost == (2.0, "not a number at step 20")


def test_the_moving_average_halves_weights_and_begins_unbiased() -> None:
    assert curves.smoothed([1, 2, 3], [5.0, 5.0, 5.0], 1).tolist() == [5.0, 5.0, 5.0]
    # Of weights 1/4, 1/2 and 1, and of a gap of two half-lives.
    assert curves.smoothed([1, 2, 3], [0.0, 0.0, 7.0], 1)[-1] == pytest.approx(4.0)
    assert curves.smoothed([1, 3], [0.0, 5.0], 1)[-1] == pytest.approx(4.0)
    np.testing.assert_array_equal(curves.smoothed([1, 2, 3], [2.0, NAN, 2.0], 5), [2.0, NAN, 2.0])
    assert curves.smoothed([1, 2], [1.0, 9.0], 0).tolist() == [1.0, 9.0]


def test_smoothing_leaves_spikes_in_the_band_and_in_a_faint_line() -> None:
    spiky = line([1.0] * 50 + [99.0] + [1.0] * 50, half_life=200, spread=0.5)
    assert spiky.points.value.max() < 10
    figure = curve_figures.curves_figure([spiky], AXES, dark=False)
    band, unsmoothed, smooth = figure.data
    assert (max(band.y), max(unsmoothed.y)) == (99.5, 99.0)
    assert max(smooth.y) < 10
    assert unsmoothed.line.color == "rgba(17, 34, 51, 0.4)"


def test_all_runs_have_stretches_of_one_width_a_multiple_of_the_widest() -> None:
    assert curves.common_width(1, 400, 1, 500) == 1
    assert curves.common_width(1, 10_000, 1, 500) == 20
    assert curves.common_width(1, 10_000, 23, 500) == 23
    assert curves.common_width(1, 12_000, 23, 500) == 46
    assert curves.common_width(101, 200, 597, 500) == 597


def test_a_groups_mean_has_a_band_from_the_lowest_run_to_the_highest() -> None:
    runs = [line([1.0, 2.0, 3.0]), line([3.0, 6.0]), line([5.0, NAN], nans=1)]
    group = curves.group_line("seeds", "#445566", runs, "extremes")
    assert group.points.x.to_list() == [10, 20, 30]
    assert group.points.value.to_list() == [3.0, 4.0, 3.0]
    assert group.points.runs.to_list() == [3, 2, 1]
    np.testing.assert_array_equal(group.points[["low", "high"]], [[1, 5], [2, 6], [NAN, NAN]])
    assert group.name == "seeds"
    assert group.lost == (20.0, "not a number in 1 of 3 runs")


def test_a_groups_interval_is_students_of_the_mean() -> None:
    group = curves.group_line("seeds", "#445566", [line([1.0]), line([2.0]), line([3.0])], "interval")
    # t of two degrees of freedom at 97.5 %, by the standard error 1 / sqrt(3).
    assert group.points.high[0] - 2.0 == pytest.approx(4.302653 / math.sqrt(3))
    assert 2.0 - group.points.low[0] == pytest.approx(4.302653 / math.sqrt(3))


def test_runs_that_share_no_x_are_interpolated_within_their_own_span() -> None:
    tables = [
        pd.DataFrame({"x": x, "value": x, "mean": x, "low": x, "high": x, "runs": 1})
        for x in (np.linspace(0, 8, 9), np.linspace(0.5, 4.5, 9), np.linspace(0.3, 7.9, 9))
    ]
    group = curves.group_line("g", "#445566", [Line("a", "#112233", table) for table in tables], "extremes")
    np.testing.assert_allclose(group.points.value, group.points.x)
    assert set(group.points.runs[group.points.x.between(0.5, 4.5)]) == {3}
    assert set(group.points.runs[group.points.x > 7.95]) == {1}


@pytest.mark.parametrize(
    ("values", "present", "absent"), [([4.0, 190.0], [5, 20, 100], [0.5]), ([1e-5, 1e6], [1e-5, 1, 1e6], [2, 50])]
)
def test_a_logarithmic_axis_writes_its_numbers_in_full(
    values: list[float], present: list[float], absent: list[float]
) -> None:
    axis = curve_figures.curves_figure([line(values)], Axes("step", log_y=True), dark=False).layout.yaxis
    assert all(np.isclose(axis.tickvals, tick, atol=0).any() for tick in present)
    assert not any(np.isclose(axis.tickvals, tick, atol=0).any() for tick in absent)
    assert "100" in axis.ticktext


def test_a_logarithmic_x_axis_leaves_out_what_is_at_0() -> None:
    table = pd.DataFrame({"x": [0.0, 1.0, 10.0], "value": 1.0, "mean": 1.0, "low": 1.0, "high": 1.0, "runs": 1})
    figure = curve_figures.curves_figure([Line("a", "#112233", table)], Axes("epoch", log_x=True), dark=False)
    assert list(figure.data[0].x) == [1.0, 10.0]
    assert (figure.layout.xaxis.type, figure.layout.xaxis.title.text) == ("log", "epoch (logarithmic)")


def test_a_span_shows_what_is_in_it_alone() -> None:
    axes = replace(AXES, x_range=(15.0, None))
    figure = curve_figures.curves_figure([line([1.0, 2.0, 3.0]), line([9.0], "b")], axes, dark=False)
    assert list(named(figure)) == ["a"]
    assert list(figure.data[0].x) == [20, 30]
    assert figure.layout.xaxis.range[0] == 15.0
    assert curves.drawn([line([1.0, 2.0, 3.0])], axes)["step"].to_list() == [20, 30]


def test_past_the_colours_lines_are_grey_but_for_the_chosen_ones() -> None:
    many = [line([1.0, 2.0], f"run {place}", RUN_COLOURS[place % 8], spread=1.0) for place in range(12)]
    figure = curve_figures.curves_figure(many, AXES, dark=False, pinned=["run 3"])
    coloured = [trace.name for trace in figure.data if trace.name and trace.line.color != FAINT_INK]
    assert coloured == ["run 3"]
    assert figure.data[-1].name == "run 3"  # over the others
    assert len([trace for trace in figure.data if trace.fill == "toself"]) == 1
    assert [trace.name for trace in figure.data if trace.name and trace.showlegend is not False] == ["run 3"]
    assert len(named(figure)) == 12
    eight = curve_figures.curves_figure(many[:8], AXES, dark=False)
    assert len({trace.line.color for trace in eight.data if trace.name}) == 8


def test_small_charts_have_a_line_each_in_ink_on_the_same_axes() -> None:
    many = [line([1.0, 2.0], f"run <{place}>", RUN_COLOURS[place % 8]) for place in range(10)]
    figure = curve_figures.small_multiples(many, AXES, dark=True)
    assert {trace.line.color for trace in figure.data} == {ink(True)}
    assert len({trace.xaxis for trace in figure.data}) == 10
    assert figure.layout.annotations[9].text == "run &lt;9&gt;"
    assert {axis.matches for axis in figure.select_yaxes()} == {None, "y10"}
    # The last chart of each column writes the numbers of x.
    written = [place for place, axis in enumerate(figure.select_xaxes()) if axis.showticklabels is not False]
    assert written == [7, 8, 9]
    more = [line([1.0], f"run {place}") for place in range(50)]
    assert len(curve_figures.small_multiples(more, AXES, dark=True).data) == curve_figures.MOST_SMALL


def test_a_reference_reaches_across_the_chart_and_is_in_its_table() -> None:
    real = curves.reference("real faces 2.50", FAINT_INK, 2.5, "dash")
    figure = curve_figures.curves_figure([line([1.0, 2.0]), real], AXES, dark=False)
    assert (list(figure.data[-1].x), list(figure.data[-1].y)) == ([0.0, 20.0], [2.5, 2.5])
    spanned = replace(AXES, x_range=(12.0, None), log_x=True)
    assert list(curve_figures.curves_figure([line([1.0, 2.0]), real], spanned, dark=False).data[-1].x) == [12.0, 20.0]
    small = curve_figures.small_multiples([line([1.0]), line([2.0], "b"), real], AXES, dark=False)
    assert [list(trace.y) for trace in small.data] == [[2.5, 2.5], [1.0], [2.5, 2.5], [2.0]]
    assert curves.drawn([line([1.0]), real], AXES)["value"].to_list() == [1.0, 2.5]
    assert not curve_figures.curves_figure([real], AXES, dark=False).data


def test_long_curves_go_to_the_page_in_half_the_bytes_unless_that_changes_whole_numbers() -> None:
    trace = curve_figures.curves_figure([line([1.0] * 200)], AXES, dark=False).data[0]
    assert (trace.x.dtype, trace.y.dtype) == (np.float32, np.float32)
    images = curves.run_line(points([1.0] * 200), "a", "#112233", replace(PACE, images_per_step=1e5), "images")
    exact = curve_figures.curves_figure([images], AXES, dark=False).data[0]
    assert exact.x.dtype == np.float64
    assert exact.x[-1] == 2e8


def test_the_table_of_a_chart_has_all_that_is_drawn() -> None:
    lines = [line([1.0, 2.0], spread=0.5), line([3.0], "b, c")]
    table = pd.read_csv(io.StringIO(curves.drawn(lines, Axes("epoch")).to_csv(index=False)))
    assert table.to_dict("list") == {
        "line": ["a", "a", "b, c"], "epoch": [10, 20, 10], "value": [1.0, 2.0, 3.0],
        "low": [0.5, 1.5, 3.0], "high": [1.5, 2.5, 3.0],
    }  # fmt: skip
    smooth = curves.drawn([line([1.0, 2.0], half_life=10)], AXES)
    assert smooth.unsmoothed.to_list() == [1.0, 2.0]
    group = curves.drawn([curves.group_line("g", "#112233", [line([1.0]), line([2.0])], "extremes")], AXES)
    assert group.runs.to_list() == [2]
    assert curves.drawn([], AXES).empty


def test_nothing_to_draw_is_an_empty_chart() -> None:
    assert not curve_figures.curves_figure([], AXES, dark=False).data


def test_other_peoples_names_are_not_read_as_html() -> None:
    figure = curve_figures.curves_figure([line([1.0], "my<b>metric/a")], Axes("step", "<i>"), dark=False)
    assert list(named(figure)) == ["my&lt;b&gt;metric/a"]
    assert figure.layout.yaxis.title.text == "&lt;i&gt;"
