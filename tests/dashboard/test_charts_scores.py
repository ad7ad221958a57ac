"""The Scores page's tables and figures as pure functions: checked by what they hold, not by how it looks."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import confusion, parallel, reliability, sample_size, score_table
from fergan_core.emotions import EMOTIONS
from fergan_core.metrics.catalogue import CATALOGUE, written


def row(metric: str, value: float, run: str = "a", epoch: int = 1, **others: Any) -> dict[str, Any]:
    defaults = {"run_id": run, "run_name": f"name {run}", "epoch": epoch, "step": epoch * 9, "judge": "synthfer"}
    defaults |= {"judge_sha256": "s" * 64, "count": 2000, "prior": "natural", "seed": 0, "truncation": 1.0}
    defaults |= {"real_count": 2000, "emotion": None, "low": None, "high": None, "real": None, "noise": None}
    return defaults | {"metric": metric, "value": value} | others


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype(dict.fromkeys(("value", "low", "high", "real", "noise"), float))


def by_name(figure) -> dict:
    return {trace.name: trace for trace in figure.data if trace.name}


SCORES = table(
    row("fid", 30.0, low=28.0, high=32.0, real=2.0, noise=300.0),
    row("fid", 1.5, epoch=2, low=1.25, high=1.75, real=2.0, noise=300.0),
    row("accuracy", 0.5, low=0.45, high=0.55, real=0.9, noise=0.1),
    row("fid", 40.0, "b", real=2.0, noise=300.0),
    row("fid", 50.0, emotion="happy", real=9.0, noise=300.0),
)


def test_the_table_has_real_faces_noise_and_then_every_checkpoint() -> None:
    cells = score_table.score_cells(SCORES, ["fid", "accuracy"], {"b": "B", "a": "A"}, None)
    assert list(cells.run) == ["Real faces", "Noise", "B", "A", "A"]
    assert list(cells.epoch.dropna()) == [1, 1, 2]
    assert list(cells.fid) == [2.0, 300.0, 40.0, 30.0, 1.5]
    texts = [cell.text for cell in cells.fid]
    assert texts[:3] == ["2.000", "300", "40.0"]
    assert texts[3:] == ["30.0 [28.0, 32.0]", "1.500 [1.250, 1.750] ⚠"]
    assert cells.accuracy[0].text == "90.0%"
    assert cells.accuracy[3].text == "50.0% [45.0, 55.0]"
    assert cells.accuracy.isna().sum() == 2


def test_runs_whose_real_faces_read_the_same_share_their_row_and_others_are_named() -> None:
    scores = table(
        row("fid", 30.0, real=2.00001, noise=300.0),
        row("fid", 31.0, "b", real=2.00002, noise=300.4),
        row("fid", 32.0, "c", real=2.5, noise=300.0),
        row("kid", 0.1, "c", real=0.01, noise=0.9),
    )
    cells = score_table.score_cells(scores, ["fid", "kid"], {"a": "A, seed 0", "b": "B", "c": "C"}, None)
    assert list(cells.run)[:3] == ["Real faces (A, seed 0 and 1 other)", "Real faces (C)", "Noise"]
    beside = cells[cells.epoch.isna()]
    written = [tuple(getattr(cell, "text", "") for cell in line) for line in beside[["fid", "kid"]].to_numpy()]
    assert len(set(written)) == len(written)


def test_of_one_emotion_the_table_has_its_own_scores() -> None:
    assert score_table.metrics_of(SCORES, "happy") == ["fid"]
    assert list(score_table.score_cells(SCORES, ["fid"], {"a": "A"}, "happy").fid) == [9.0, 300.0, 50.0]


def test_only_what_is_better_than_real_faces_is_stressed() -> None:
    cells = score_table.score_cells(SCORES, ["fid"], {"a": "A"}, None)
    html = score_table.styled(cells, ["fid"], dark=True).to_html()
    assert html.count("background-color") == 1
    assert "1.500 [1.250, 1.750] ⚠" in html


def test_the_csv_says_all_that_a_score_depends_on() -> None:
    read = pd.read_csv(io.BytesIO(score_table.as_csv(SCORES, ["fid"], None)))
    assert len(read) == 3
    assert {"judge_sha256", "count", "prior", "seed", "truncation", "low", "high", "real", "noise"} <= {*read.columns}


@pytest.mark.parametrize(
    ("metric", "value", "low", "high", "text"),
    [
        ("kid", 0.00123, 0.001, 0.0015, "0.00123 [0.00100, 0.00150]"),
        ("is", 2.4314, 2.4, 2.5, "2.431 [2.400, 2.500]"),
        ("modes", 400.0, 398.0, 402.0, "400 [398, 402]"),
        ("support", 666333.0, np.nan, np.nan, "666,333"),
        ("recall", 0.948, 0.94, 0.956, "94.8% [94.0, 95.6]"),
    ],
)
def test_scores_are_written_with_the_digits_that_tell(
    metric: str, value: float, low: float, high: float, text: str
) -> None:
    assert written(value, CATALOGUE[metric], low, high) == text


def test_parallel_axes_run_from_noise_to_real_faces_in_either_direction() -> None:
    scores = table(
        row("fid", 151.0, real=2.0, noise=300.0),
        row("accuracy", 0.7, real=0.9, noise=0.1),
        row("vendi", 400.0, real=40.0, noise=1.0),
        row("is", 2.0, real=2.5),
    )
    figure = parallel.parallel_figure(
        scores, ["accuracy", "fid", "is", "vendi"], {"a": "A"}, {"a": "#112233"}, dark=False
    )
    line = by_name(figure)["A, epoch 1"]
    assert list(line.x) == ["recognised as requested", "FID", "Vendi"]
    assert list(line.y) == pytest.approx([0.75, 0.5, 1.25])
    assert list(line.marker.symbol) == ["circle", "circle", "triangle-up"]
    assert line.customdata[2] == "400; real 40.0, noise 1.000"
    assert list(by_name(figure)["real faces"].y) == [1, 1, 1]
    assert {trace.type for trace in figure.data} == {"scatter"}


def test_of_nine_runs_on_parallel_axes_only_the_pinned_one_has_a_colour() -> None:
    ids = [f"run {number}" for number in range(9)]
    scores = table(*(row(key, 0.5, run, real=0.9, noise=0.1) for run in ids for key in ("accuracy", "coverage")))
    colours = dict.fromkeys(ids, "#112233")
    figure = parallel.parallel_figure(
        scores, ["accuracy", "coverage"], {one: one for one in ids}, colours, dark=False, pinned=["run 3"]
    )
    lines = [trace for trace in figure.data if trace.meta]
    assert [trace.name for trace in lines if trace.line.color == "#112233"] == ["run 3, epoch 1"]
    assert lines[-1].name == "run 3, epoch 1"
    assert [trace.name for trace in lines if trace.showlegend] == ["run 3, epoch 1"]
    assert figure.layout.hovermode == "closest"


def shares() -> pd.DataFrame:
    rows = [row("read_as_happy", 0.75, emotion="angry", real=0.1), row("read_as_angry", 0.25, emotion="angry")]
    return table(*rows, row("read_as_happy", 1.0, emotion="happy", real=0.9), row("accuracy", 0.4, emotion="happy"))


def test_confusion_has_a_row_an_emotion_that_was_asked_for() -> None:
    value, real = confusion.confusion(shares(), "value"), confusion.confusion(shares(), "real")
    assert list(value.index) == ["angry", "happy"]
    assert list(value.columns) == list(EMOTIONS)
    assert value.loc["angry", ["angry", "happy"]].to_list() == [0.25, 0.75]
    assert real.loc["happy", "happy"] == 0.9
    assert np.isnan(real.loc["angry", "angry"])


def test_the_heat_map_has_a_point_to_click_in_every_cell_and_frames_the_chosen_one() -> None:
    figure = confusion.confusion_figure(
        confusion.confusion(shares(), "value"), rows="requested", chosen=("happy", "fear"), dark=False
    )
    heat, points = figure.data
    assert heat.text[0][3] == "75%"
    assert list(zip(points.y, points.x, strict=True))[:2] == [("angry", "angry"), ("angry", "disgust")]
    assert len(points.x) == 2 * 7
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (1.5, 2.5, 0.5, 1.5)


def test_counts_become_shares_and_an_emotion_without_faces_has_no_row() -> None:
    counts = np.zeros((7, 7), int)
    counts[3, 3], counts[3, 0] = 3, 1
    by_emotion = confusion.shares_of_counts(counts.tolist())
    assert list(by_emotion.index) == ["happy"]
    assert by_emotion.loc["happy", ["happy", "angry"]].to_list() == [0.75, 0.25]


def test_the_faces_of_a_cell_come_the_most_confident_first() -> None:
    probabilities = np.full((4, 7), 0.05)
    probabilities[0, 3], probabilities[1, 2], probabilities[2, 3], probabilities[3, 3] = 0.5, 0.9, 0.7, 0.6
    assert confusion.cell(probabilities, "happy").tolist() == [2, 3, 0]
    assert confusion.cell(probabilities, "sad").tolist() == []


def test_sizes_hold_fewer_faces_all_faces_and_all_real_ones() -> None:
    scores = table(
        row("is_at_500", 2.2, real=2.4),
        row("is_at_100", 2.0, real=2.3),
        row("is", 2.5, low=2.25, high=2.75, real=2.45, real_count=900),
    )
    by_size = sample_size.sizes(scores).set_index("faces")
    assert by_size.value.dropna().to_dict() == {100: 2.0, 500: 2.2, 2000: 2.5}
    assert by_size.real.dropna().to_dict() == {100: 2.3, 500: 2.4, 900: 2.45}
    assert by_size.low.dropna().to_dict() == {2000: 2.25}


def test_all_faces_and_all_real_ones_share_a_row_where_they_are_as_many() -> None:
    scores = table(
        row("is_at_1000", 2.2, real=2.4), row("is_at_2000", 2.3, real=2.5), row("is", 2.3, low=2.2, real=2.5)
    )
    assert sample_size.sizes(scores).faces.to_list() == [1000, 2000]


def test_without_scores_of_fewer_faces_there_are_no_sizes() -> None:
    assert sample_size.sizes(table(row("is", 2.3))).empty


def test_the_sample_size_figure_draws_both_lines_on_a_logarithmic_axis() -> None:
    scores = table(row("is_at_100", 2.0, real=2.3), row("is", 2.5, low=2.25, high=2.75, real=2.45, real_count=900))
    figure = sample_size.sample_size_figure(sample_size.sizes(scores), "#112233", dark=False)
    assert list(by_name(figure)["generated faces"].x) == [100, 2000]
    assert list(by_name(figure)["generated faces"].error_y.array)[1] == 0.25
    assert list(by_name(figure)["real faces"].x) == [100, 900]
    assert figure.layout.xaxis.type == "log"


def test_reliability_leaves_empty_bins_out() -> None:
    bins = {"before": [[0, None, None], [10, 0.5, 0.25], [90, 0.9, 0.5]], "after": [[0, None, None], [100, 0.6, 0.6]]}
    figure = reliability.reliability_figure(bins, dark=True)
    traces = by_name(figure)
    assert list(traces["before scaling"].x) == [0.5, 0.9]
    assert list(traces["after scaling"].y) == [0.6]
    assert traces["before scaling"].marker.size[1] > traces["before scaling"].marker.size[0]
    assert list(traces["perfect calibration"].y) == [0, 1]
