"""What a plain line hides is seen all the same: single points, values that are not numbers, zeros on a log axis."""

import math

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import curve_figures, curves, lines, methods
from fergan_core.analysis.pace import Pace
from fergan_core.metrics.catalogue import CATALOGUE

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "mode", "marked"),
    [
        ([1.0, 2.0, 3.0], "lines", []),
        ([1.0], "markers", [0]),
        ([1.0, NAN, 3.0], "markers", [0, 2]),
        ([NAN, 1.0, NAN, 3.0, 4.0], "lines+markers", [1]),
        ([1.0, 2.0, math.inf], "lines", []),
    ],
)
def test_a_point_that_no_line_reaches_has_a_marker(values: list[float], mode: str, marked: list[int]) -> None:
    trace = lines.curve(pd.Series(values), "#112233")
    assert trace["mode"] == mode
    sizes = trace["marker"]["size"] if "marker" in trace else np.zeros(len(values))
    assert [place for place, value in enumerate(values) if math.isfinite(value) and sizes[place]] == marked
    assert not np.isinf(trace["y"]).any()


def test_zeros_stand_at_the_foot_of_a_logarithmic_axis_which_says_so() -> None:
    values = pd.Series([0.0, 8.0, -1.0, 1000.0])
    foot = lines.log_foot(values)
    assert foot == 4.0
    trace = lines.curve(values, "#112233", foot)
    assert list(trace["y"]) == [4.0, 8.0, 4.0, 1000.0]
    assert list(trace["marker"]["symbol"]) == ["triangle-down", "circle", "triangle-down", "circle"]
    axis = lines.log_axis(values)
    assert (axis["tickvals"][0], axis["ticktext"][0]) == (4.0, "≤ 0")
    assert min(axis["tickvals"][1:]) > 5
    assert lines.at_least([0.0, 9.0], foot) == [4.0, 9.0]


def test_without_zeros_there_is_no_foot_and_without_more_than_zeros_no_logarithm() -> None:
    assert lines.log_foot([1.0, NAN, 3.0]) is None
    assert lines.log_axis([1.0, 3.0])["ticktext"][0] == "1"
    assert lines.log_foot([0.0, 0.0]) is None
    assert lines.log_axis([0.0, 0.0]) == {"type": "linear"}
    assert lines.log_axis([]) == {"type": "linear"}


def test_a_runs_gradients_of_zero_are_drawn_with_their_band() -> None:
    table = pd.DataFrame({"step": [1, 2], "low": [0.0, 2.0], "high": [4.0, 8.0], "mean": [0.0, 5.0], "nans": 0})
    pace = Pace(1.0, 1.0, np.empty(0), np.empty(0))
    gradients = curves.run_line(table, "gradient", "#112233", pace, "step")
    figure = curve_figures.curves_figure([gradients], curves.Axes("step", log_y=True), dark=False)
    band, line = figure.data
    assert list(line.y) == [1.0, 5.0]
    assert [row[0] for row in line.customdata] == [0.0, 5.0]
    assert list(band.y) == [4.0, 8.0, 2.0, 1.0]
    assert figure.layout.yaxis.ticktext[0] == "≤ 0"


def test_a_distance_of_zero_and_one_that_is_not_a_number_are_told_of_beside_the_others() -> None:
    scores = pd.DataFrame({"method": "r", "run_id": "a", "epoch": [1, 2, 3], "spent": [1.0, 2.0, 3.0]})
    scores = scores.assign(value=[9.0, 0.0, NAN])
    figure = methods.budget_figure(scores, CATALOGUE["fid"], {"r": "#123456"}, (1, "images"), 3.0, dark=False)
    (line,) = figure.data
    assert line.name == "r, not a number in 1 of 3 evaluations"
    assert list(line.y[:2]) == [9.0, 4.5]
    assert figure.layout.yaxis.type == "log"


def test_a_methods_runs_are_one_trace_that_is_broken_from_run_to_run() -> None:
    scores = pd.DataFrame({"method": "r", "run_id": list("abab"), "epoch": [1, 1, 2, 2], "spent": [10.0, 30, 20, 60]})
    scores = scores.assign(value=[9.0, 8.0, 7.0, 6.0])
    colours = {"r": "#123456", "without scores": "#654321"}
    figure = methods.budget_figure(scores, CATALOGUE["fid"], colours, (10, "images"), 3.0, dark=False)
    (line,) = figure.data
    np.testing.assert_array_equal(line.x, [1, 2, NAN, 3, 6, NAN])
    np.testing.assert_array_equal(line.y, [9, 7, NAN, 8, 6, NAN])
    np.testing.assert_array_equal(line.customdata[:2], [[1, 9], [2, 7]])
    assert not line.connectgaps
