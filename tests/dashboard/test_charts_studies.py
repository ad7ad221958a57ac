"""Figures and tables of studies, groups and forks as pure functions: checked by what they hold, not by how it looks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import forks, groups, studies
from dashboard.charts.instruments import SEVERITY_COLOURS
from fergan_core.analysis.scales import Scale
from fergan_core.analysis.studies import survival
from fergan_core.analysis.studies.groups import compare
from fergan_core.metrics.catalogue import CATALOGUE


def by_name(figure) -> dict:
    return {trace.name: trace for trace in figure.data if trace.name}


def score(run: str, metric: str, value: float, epoch: int = 2, **others: Any) -> dict[str, Any]:
    defaults = {"run_id": run, "epoch": epoch, "step": epoch * 9, "metric": metric, "value": value}
    return defaults | {"emotion": None, "real": 2.0, "spent": epoch, "count": 2000} | others


IN_GROUPS = {"A": ["a1", "a2", "a3"], "B": ["b1", "b2", "b3"]}


def of_groups(metric: str, a: list[float], b: list[float], real: float = 2.0) -> pd.DataFrame:
    pairs = [*zip(IN_GROUPS["A"], a, strict=False), *zip(IN_GROUPS["B"], b, strict=False)]
    return groups.in_groups(pd.DataFrame([score(run, metric, value, real=real) for run, value in pairs]), IN_GROUPS)


def test_the_groups_have_their_own_runs_scores_of_the_faces_asked_for() -> None:
    scores = pd.DataFrame(
        [
            score("a1", "fid", 30.0), score("a1", "fid", 99.0, emotion="happy"), score("a2", "fid", np.nan),
            score("b1", "fid", 20.0, epoch=5), score("stranger", "fid", 1.0),
        ]
    )  # fmt: skip
    values = groups.in_groups(scores, IN_GROUPS)
    assert values[["group", "run_id", "epoch", "value"]].to_numpy().tolist() == [["A", "a1", 2, 30], ["B", "b1", 5, 20]]
    assert groups.in_groups(scores, IN_GROUPS, "happy").value.to_list() == [99.0]


@pytest.mark.slow
def test_a_metrics_row_says_what_the_comparison_found() -> None:
    a, b = [30.0, 31.0, 32.0], [20.0, 21.0, 25.0]
    (row,) = groups.differences(of_groups("fid", a, b), ["fid"]).itertuples(index=False)
    comparison = compare(a, b, Scale("ratio"))
    # Geometric means, whose ratio is 0.707.
    assert (row.metric, row.a, row.b, row.runs) == ("FID ↓", "31.0", "21.9", "3 and 3")
    assert row.difference == f"0.707 times A [{comparison.low:.3g}, {comparison.high:.3g}]"
    assert row.effect == comparison.effect
    assert row.verdict == "suggests: B is better"
    assert row.needed == f"{comparison.needed} per group"


@pytest.mark.slow
def test_metrics_shown_together_are_corrected_for_their_number_and_a_score_of_0_is_compared_by_difference() -> None:
    a, b = [30.0, 31.0, 32.0], [20.0, 21.0, 25.0]
    values = pd.concat([of_groups("fid", a, b), of_groups("is", [1.0, 1.1, 1.3], [1.1, 1.3, 1.0])])
    alone, both = groups.differences(values, ["fid"]), groups.differences(values, ["fid", "is", "kid"])
    assert groups.compared(values, ["fid", "is", "kid"]) == 2
    wider = compare(a, b, Scale("ratio"), level=0.025)
    assert both.difference[0] == f"0.707 times A [{wider.low:.3g}, {wider.high:.3g}]" != alone.difference[0]
    zero = groups.differences(of_groups("fid_infinity", [0.0, 0.1, 0.2], [5.0, 5.1, 5.2]), ["fid_infinity"])
    assert "times" not in zero.difference[0]
    assert zero.verdict[0] == "suggests: A is better"


def test_shares_are_compared_by_log_odds_and_their_difference_is_in_points() -> None:
    a, b = [0.62, 0.64, 0.63], [0.93, 0.97, 0.96]
    values = of_groups("coverage", a, b)
    (row,) = groups.differences(values, ["coverage"]).itertuples(index=False)
    comparison = compare(a, b, Scale("share", 2000))
    assert (row.a, row.b) == ("63.0%", "95.6%")  # the odds' geometric means
    assert row.difference == f"32.6 points [{100 * comparison.low:.1f}, {100 * comparison.high:.1f}]"
    assert row.verdict == "suggests: B is better"
    means = by_name(groups.strip_figure(values, "coverage", {run: run for run in values.run_id}, dark=True))
    assert means["mean of B"].y[0] == pytest.approx(comparison.second)


def test_what_cannot_be_told_or_compared_names_no_better_group() -> None:
    alike = groups.differences(of_groups("fid", [30.0, 31.0, 35.0], [29.0, 31.0, 35.0]), ["fid"])
    assert alike.verdict.to_list() == ["cannot tell"]
    few = groups.differences(of_groups("fid", [30.0, 31.0], [20.0]), ["fid", "kid"])
    assert few.verdict.to_list() == ["too few runs", "too few runs"]
    assert few.runs.to_list() == ["2 and 1", "0 and 0"]
    assert few.a.to_list() == ["30.5", "–"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "a", "b", "which"),
    [
        ("fid", [30.0, 31.0, 32.0], [20.0, 21.0, 22.0], "B"),
        ("is", [2.0, 2.1, 2.2], [1.0, 1.1, 1.2], "A"),
        ("vendi", [2.1, 1.9, 2.0], [5.0, 5.1, 5.2], "A"),  # real faces have 2
        ("vendi", [1.0, 1.01, 1.02], [3.0, 2.99, 2.98], ""),  # as far above as below
    ],
)
def test_the_better_group_is_by_the_metrics_direction(metric: str, a: list[float], b: list[float], which: str) -> None:
    values = of_groups(metric, a, b)
    first, second = (values[values.group == name] for name in "AB")
    assert groups.better(first, second, CATALOGUE[metric]) == which
    verdict = groups.differences(values, [metric]).verdict.iloc[0]
    assert verdict == (f"suggests: {which} is better" if which else "suggests a difference")


def test_the_strip_has_a_point_a_run_each_groups_mean_and_real_faces() -> None:
    labels = {run: f"<i>{run}</i>" for run_ids in IN_GROUPS.values() for run in run_ids}
    values = of_groups("fid", [30.0, 30.0, 33.0], [20.0, 21.0, 25.0])
    figure = groups.strip_figure(values, "fid", labels, dark=True)
    traces = by_name(figure)
    assert sorted(traces["group A"].y) == [30, 30, 33]
    assert len(set(traces["group A"].x)) == 3  # no point hides another
    assert max(traces["group A"].x) < 0.5 < min(traces["group B"].x)
    geometric = (20 * 21 * 25) ** (1 / 3)  # as FID is compared
    assert list(traces["mean of B"].y) == pytest.approx([geometric, geometric])
    assert list(traces["real faces"].y) == [2, 2]
    assert traces["group A"].customdata[0] == "&lt;i&gt;a1&lt;/i&gt;, epoch 2"
    only_b = groups.strip_figure(values[values.group == "B"].assign(real=[1.0, 2.0, 3.0]), "fid", labels, dark=False)
    assert set(by_name(only_b)) == {"group B", "mean of B"}


def test_survival_steps_down_at_deaths_within_its_interval() -> None:
    lived = pd.DataFrame({"run_id": list("abc"), "images": [10, 20, 30], "died": [True, False, True]})
    curves = survival.curves(lived, {"a": "2", "b": "1", "c": "1"})
    figure = studies.survival_figure(curves, "d_steps", dark=False)
    line = by_name(figure)["d_steps 1"]
    assert (list(line.x), list(line.y), line.line.shape) == ([0, 20, 30], [1, 1, 0], "hv")
    low, high = (trace for trace in figure.data if trace.legendgroup == "d_steps 1" and trace.line.width == 0)
    assert all(a <= b <= c for a, b, c in zip(low.y, line.y, high.y, strict=True))
    (stroke,) = (trace for trace in figure.data if trace.marker.symbol == "line-ns-open" and len(trace.x))
    assert (list(stroke.x), list(stroke.y)) == ([20], [1])


def test_shares_stand_in_order_with_the_seed_beneath() -> None:
    shares = pd.DataFrame(
        {
            "parameter": ["x", "y", "z", "seed"], "share": [0.1, 0.6, np.nan, 0.2],
            "low": [0.0, 0.4, np.nan, 0.1], "high": [0.3, 0.7, np.nan, 0.5],
        }
    )  # fmt: skip
    figure = studies.shares_figure(shares, "FID", dark=False)
    (bars,) = figure.data
    assert list(bars.y) == ["the seed alone", "x", "y"]  # Plotly draws from below
    assert list(bars.error_x.array) == pytest.approx([0.3, 0.2, 0.1])
    assert list(bars.error_x.arrayminus) == pytest.approx([0.1, 0.1, 0.2])
    assert bars.marker.color[0] != bars.marker.color[1] == bars.marker.color[2]
    assert figure.layout.xaxis.range[1] == pytest.approx(1.08 * 0.7)
    assert figure.layout.xaxis.title.text == "share of the variance of FID"
    assert studies.shares_figure(shares[:1], "FID", dark=True).layout.xaxis.range[1] == pytest.approx(0.324)


TREE = pd.DataFrame(
    {"id": ["p", "f", "g", "none"], "parent": [None, "p", "gone", "p"], "parent_step": [None, 20, 15, 10]}
)
LABELS = {"p": "parent", "f": "a <b>fork</b>", "g": "orphan", "none": "no points"}


def fork_points() -> pd.DataFrame:
    rows = [("p", step, step / 10) for step in (10, 18, 30, 40)] + [("f", step, 9.0) for step in (25, 35)]
    rows += [("g", 16, 5.0), ("g", 26, np.inf)]
    table = pd.DataFrame(rows, columns=["run_id", "step", "mean"]).assign(metric="loss_g", nans=0)
    return table.assign(low=table["mean"], high=table["mean"])


def test_a_fork_branches_off_its_parents_curve() -> None:
    none = pd.DataFrame(columns=["run_id", "step", "severity", "sentence"])
    figure = forks.forks_figure(fork_points(), TREE, none, "loss_g", LABELS, dark=False)
    traces = by_name(figure)
    assert set(traces) == {"parent", "a &lt;b&gt;fork&lt;/b&gt;", "orphan, not a number at step 26"}
    traces["orphan"] = traces.pop("orphan, not a number at step 26")
    assert list(traces["parent"].x) == [10, 18, 30, 40]
    branch = traces["a &lt;b&gt;fork&lt;/b&gt;"]
    assert list(zip(branch.x, branch.y, strict=True)) == [(20, 1.8), (25, 9), (35, 9)]
    assert list(traces["orphan"].x) == [15, 16, 26]
    assert traces["orphan"].y[1] == 5.0
    assert np.isnan(traces["orphan"].y[2])
    rings = {trace.legendgroup: (trace.x[0], trace.y[0]) for trace in figure.data if trace.marker.symbol}
    assert rings == {"f": (20, 1.8), "g": (15, 5.0)}
    assert len({trace.line.color for trace in traces.values()}) == 3
    assert figure.layout.yaxis.title.text == "loss of G"


def test_findings_are_diamonds_on_the_curve() -> None:
    rows = [("p", 32, "alarm", "dead <i>now</i>"), ("p", 5, "warning", "early"), ("p", 33, "info", "nothing to mark")]
    findings = pd.DataFrame(rows, columns=["run_id", "step", "severity", "sentence"])
    figure = forks.forks_figure(fork_points(), TREE, findings, "loss_g", LABELS, dark=False)
    (diamonds,) = (trace for trace in figure.data if trace.marker.symbol == "diamond")
    assert list(zip(diamonds.x, diamonds.y, strict=True)) == [(32, 3.0), (5, 1.0)]
    assert list(diamonds.marker.color) == [SEVERITY_COLOURS["alarm"], SEVERITY_COLOURS["warning"]]
    assert diamonds.customdata[0] == "dead &lt;i&gt;now&lt;/i&gt;"


def test_a_groups_course_is_its_runs_mean_with_a_band_and_needs_more_than_one_evaluation() -> None:
    rows = [score(run, "fid", value + epoch, epoch) for run, value in (("a1", 1.0), ("a2", 3.0)) for epoch in (2, 4)]
    rows += [score("b1", "fid", 9.0), score("a1", "fid", 99.0, emotion="happy"), score("a1", "is", 99.0)]
    lines = groups.group_lines(pd.DataFrame(rows), IN_GROUPS, "fid", "epoch", "extremes")
    (line,) = lines
    assert (line.name, line.colour) == ("group A", groups.COLOURS["A"])
    assert line.points[["x", "value", "low", "high", "runs"]].to_numpy().tolist() == [[2, 4, 3, 5, 2], [4, 6, 5, 7, 2]]
    happy = groups.group_lines(pd.DataFrame(rows), IN_GROUPS, "fid", "epoch", "extremes", "happy")
    assert happy == []
