"""The Mode collapse page's tables and figures as pure functions: checked by what they hold, not by how it looks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import emotion_heatmap, projection
from dashboard.charts.palette import EMOTION_COLOURS
from fergan_core.emotions import EMOTIONS

SAD, HAPPY = EMOTIONS.index("sad"), EMOTIONS.index("happy")


def points(prefix: str, **of_emotion: dict[int, float]) -> pd.DataFrame:
    rows = [(f"{prefix}/{name}", step, value) for name, line in of_emotion.items() for step, value in line.items()]
    return pd.DataFrame(rows, columns=["metric", "step", "mean"])


def score(emotion: str | None, step: int, value: float, real: float | None, metric: str = "coverage") -> dict[str, Any]:
    return {"metric": metric, "emotion": emotion, "step": step, "value": value, "real": real}


def marks(*rows: tuple[str, int, str]) -> pd.DataFrame:
    named = [(emotion, step, kind, f"{emotion}: {kind} <b>") for kind, step, emotion in rows]
    return pd.DataFrame(named, columns=["emotion", "step", "kind", "sentence"])


def by_name(figure) -> dict:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_a_life_has_the_emotions_in_their_order_and_one_measure_alone() -> None:
    both = [points("pulse_diversity", sad={20: 0.5}, happy={10: 0.75, 20: 1.0}), points("pulse_repeats", sad={20: 0.9})]
    table = emotion_heatmap.emotion_table(pd.concat(both), "pulse_diversity")
    assert list(table.index) == ["happy", "sad"]
    assert list(table.columns) == [10, 20]
    assert table.loc["happy"].to_list() == [0.75, 1.0]
    assert np.isnan(table.loc["sad", 10])
    assert table.loc["sad", 20] == 0.5


def test_a_scored_life_is_the_ratio_to_real_faces_where_there_are_some() -> None:
    scores = pd.DataFrame(
        [
            score("sad", 30, 0.2, 0.8),
            score("happy", 30, 0.6, 0.75),
            score("happy", 60, 0.9, 0.75),
            score("fear", 30, 0.5, None),
            score("angry", 30, 0.5, 0.0),
            score(None, 30, 0.5, 0.9),
            score("sad", 30, 0.7, 0.9, metric="recall"),
        ]
    )
    table = emotion_heatmap.scored_emotion_table(scores, "coverage")
    assert list(table.index) == ["happy", "sad"]
    assert table.loc["happy"].to_list() == pytest.approx([0.8, 1.2])
    assert table.loc["sad", 30] == pytest.approx(0.25)
    assert emotion_heatmap.scored_emotion_table(scores.iloc[3:], "coverage").size == 0


def test_the_map_is_by_epoch_and_has_marks_where_an_emotion_collapsed_and_recovered() -> None:
    table = emotion_heatmap.emotion_table(
        points("pulse_diversity", happy={50: 0.9, 100: 0.2}, sad={50: 0.8, 100: 0.7}), "pulse_diversity"
    )
    at = marks(("collapse", 75, "happy"), ("recovery", 90, "happy"), ("collapse", 80, "gone"))
    for dark in (False, True):
        figure = emotion_heatmap.emotion_heatmap(table, at, "diversity", 50, dark=dark)
        heat, collapsed, recovered = figure.data
        assert list(heat.x) == [1.0, 2.0]
        assert list(heat.y) == ["happy", "sad"]
        assert heat.z[0].tolist() == [0.9, 0.2]
        assert (list(collapsed.x), list(collapsed.y)) == ([1.5], ["happy"])
        assert list(collapsed.customdata) == ["happy: collapse &lt;b&gt;"]
        assert (list(recovered.x), recovered.marker.symbol) == ([1.8], "circle-open")
    by_share = emotion_heatmap.emotion_heatmap(table, at, "diversity", 2, along="share", dark=False)
    assert list(by_share.data[0].x) == [25.0, 50.0]
    assert by_share.layout.xaxis.title.text == "share of the training, %"


def test_of_repeats_many_have_the_colour_that_little_variety_has() -> None:
    table = emotion_heatmap.emotion_table(points("pulse_repeats", happy={50: 0.9}), "pulse_repeats")
    variety, repeats = (
        emotion_heatmap.emotion_heatmap(table, marks(), name, 50, dark=False).data[0].colorscale
        for name in ("diversity", "repeats")
    )
    assert repeats[-1][1] == variety[0][1]
    assert repeats[0][1] == variety[-1][1]
    assert [at for at, _ in repeats] == sorted(at for at, _ in repeats)


def test_runs_of_other_step_lengths_meet_at_their_epochs() -> None:
    tables = {
        "a": emotion_heatmap.emotion_table(points("p", happy={50: 1.0, 100: 0.5, 150: 0.0}, sad={50: 9.0}), "p"),
        "b": emotion_heatmap.emotion_table(points("p", happy={150: 0.8, 300: 0.4}), "p"),
        "c": emotion_heatmap.emotion_table(points("p", sad={1: 1.0}), "p"),
    }
    of_runs = emotion_heatmap.lines(tables, {"a": 50, "b": 100, "c": 1}, "happy")
    assert list(of_runs.columns) == ["a", "b"]
    assert list(of_runs.index) == [1.0, 1.5, 2.0, 3.0]
    assert of_runs.a.to_list() == pytest.approx([1.0, 0.75, 0.5, 0.0])
    assert np.isnan(of_runs.b[1.0])
    assert of_runs.b[1.5:].to_list() == pytest.approx([0.8, 0.8 - 0.4 / 3, 0.4])


def test_the_spread_is_over_the_runs_that_are_known_and_never_over_one() -> None:
    of_runs = pd.DataFrame({"a": [0.2, 0.4, np.nan], "b": [0.4, 0.8, 0.6], "c": [np.nan, 0.9, np.nan]}, [1.0, 2.0, 3.0])
    over = emotion_heatmap.spread(of_runs)
    assert list(over.index) == [1.0, 2.0]
    assert over["mean"].to_list() == pytest.approx([0.3, 0.7])
    assert (over.low.to_list(), over.high.to_list(), over.runs.to_list()) == ([0.2, 0.4], [0.4, 0.9], [2, 3])


def test_the_spread_figure_draws_each_run_their_mean_and_the_band() -> None:
    of_runs = pd.DataFrame({"a": [0.2, 0.4], "b": [0.4, 0.8]}, [1.0, 2.0])
    figure = emotion_heatmap.spread_figure(
        of_runs, {"a": "<b>A</b>", "b": "B"}, {"a": "#111111", "b": "#222222"}, "happy", "diversity", dark=True
    )
    traces = by_name(figure)
    assert list(traces) == ["&lt;b&gt;A&lt;/b&gt;", "B", "mean"]
    assert list(traces["B"].y) == [0.4, 0.8]
    assert traces["B"].line.color == "#222222"
    assert list(traces["mean"].y) == pytest.approx([0.3, 0.6])
    assert traces["mean"].line.color == EMOTION_COLOURS["happy"]
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    assert list(band.x) == [1.0, 2.0, 2.0, 1.0]
    assert list(band.y) == [0.4, 0.8, 0.4, 0.2]


def test_without_any_run_there_is_no_line() -> None:
    assert emotion_heatmap.lines({}, {}, "happy").empty
    assert emotion_heatmap.spread(emotion_heatmap.lines({}, {}, "happy")).empty


def projection_facts() -> dict[str, Any]:
    real = {"at": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], "labels": [SAD, HAPPY, SAD], "reads": [SAD, HAPPY, HAPPY]}
    return {"real": real, "drawn": {"at": [[6.0, 7.0], [8.0, 9.0]], "labels": [HAPPY, SAD], "reads": [SAD, SAD]}}


def test_projected_faces_are_a_row_each_with_names_for_codes() -> None:
    table = projection.projected(projection_facts())
    assert list(table.real) == [True] * 3 + [False] * 2
    assert list(table.emotion) == ["sad", "happy", "sad", "happy", "sad"]
    assert list(table.reads) == ["sad", "happy", "happy", "sad", "sad"]
    assert table[["x", "y"]].to_numpy().ravel().tolist() == list(range(10))


def test_the_projection_has_real_faces_faint_beneath_the_generated_ones() -> None:
    figure = projection.projection_figure(projection.projected(projection_facts()), [0.346, 0.123], dark=False)
    traces = [(trace.name, trace.showlegend, len(trace.x)) for trace in figure.data]
    assert traces == [("happy", False, 1), ("sad", False, 2), ("happy", True, 1), ("sad", True, 1)]
    real, generated = figure.data[1], figure.data[3]
    assert real.marker.color == generated.marker.color == EMOTION_COLOURS["sad"]
    assert real.marker.opacity < 0.5 < generated.marker.opacity
    assert list(real.customdata) == ["sad", "happy"]
    assert (list(generated.x), list(generated.y), list(generated.customdata)) == ([8.0], [9.0], ["sad"])
    assert "requested sad" in generated.hovertemplate
    assert "labelled sad" in real.hovertemplate
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == (
        "35% of the real faces' variance",
        "12%",
    )
