"""Sheets, score charts and comparisons as pure functions: checked by what they draw, not by how it looks."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dashboard.charts import curve_figures, curves, scores, sheets
from fergan_core.errors import DataError
from fergan_core.sheets import check_sides, tiles

LEARNED = ("angry", "happy", "neutral")


def draw_sheet(faces: np.ndarray) -> bytes:
    """Draw tiles [rows, columns, 48, 48] as a sheet, without loss, by the contract's geometry."""
    rows, columns = faces.shape[:2]
    picture = np.zeros((2 + 50 * rows, 2 + 50 * columns), np.uint8)
    for row in range(rows):
        for column in range(columns):
            picture[2 + 50 * row : 50 + 50 * row, 2 + 50 * column : 50 + 50 * column] = faces[row, column]
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", lossless=True)
    return file.getvalue()


@pytest.fixture
def faces() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (3, 10, 48, 48), dtype=np.uint8)


def test_tiles_come_back_from_a_sheet_exactly(faces: np.ndarray) -> None:
    assert np.array_equal(tiles(draw_sheet(faces), 10), faces)


def test_a_picture_of_another_size_is_no_sheet() -> None:
    file = io.BytesIO()
    Image.new("L", (500, 152)).save(file, "WEBP")
    with pytest.raises(DataError, match="500x152"):
        tiles(file.getvalue(), 10)
    with pytest.raises(DataError, match="no picture"):
        tiles(b"RIFF....WEBP", 10)


def test_face_grid_has_its_faces_in_reading_order_and_clear_gaps(faces: np.ndarray) -> None:
    grid = np.asarray(Image.open(io.BytesIO(sheets.face_grid(faces[0, :7], columns=5, scale=1))))
    assert grid.shape == (98, 248, 2)
    assert np.array_equal(grid[50:98, 50:98, 0], faces[0, 6])
    assert grid[0, 48, 1] == 0
    assert grid[97, 247, 1] == 0
    assert grid[50, 50, 1] == 255


@pytest.mark.parametrize("dark", [False, True])
def test_labelled_sheet_writes_each_emotion_in_its_own_colour(faces: np.ndarray, dark: bool) -> None:
    from dashboard.charts.palette import EMOTION_COLOURS

    by_emotion = dict(zip(LEARNED, faces, strict=True)) | {"happy": np.concatenate([faces[1], faces[2, :4]])}
    pixels = np.asarray(Image.open(io.BytesIO(sheets.labelled_sheet(by_emotion, "epoch 3", dark=dark, scale=1))))
    assert pixels.shape == (30 + 4 * 50, 84 + 10 * 50, 3)
    for top, emotion in zip((30, 80, 180), LEARNED, strict=True):
        ink = tuple(int(EMOTION_COLOURS[emotion][place : place + 2], 16) for place in (1, 3, 5))
        assert (pixels[top : top + 48, :84] == ink).all(axis=-1).any(), emotion
        assert np.array_equal(pixels[top : top + 48, 84:132, 0], by_emotion[emotion][0])
    assert np.array_equal(pixels[130:178, 84 + 150 : 84 + 198, 0], faces[2, 3])


def test_a_title_that_is_longer_than_a_sheet_is_written_smaller(faces: np.ndarray) -> None:
    for title, ends in (("m" * 10, 300), ("m" * 80, 84 + 10 * 50)):
        png = sheets.labelled_sheet({"happy": faces[0]}, title, dark=False, scale=1)
        written = (np.asarray(Image.open(io.BytesIO(png)).convert("L"))[:30] < 200).any(axis=0)
        last = int(np.flatnonzero(written).max())
        assert last < ends
        assert last > ends - 150  # and no smaller than it has to be


def test_a_sheets_sides_are_checked_without_decoding_it(faces: np.ndarray) -> None:
    picture = draw_sheet(faces)
    check_sides(picture, 3, 10)
    with pytest.raises(DataError, match="3 rows cannot show 2 emotions"):
        check_sides(picture, 2, 10)
    for damaged in (picture[:-100], b"RIFF....WEBP"):
        with pytest.raises(DataError, match="no picture"):
            check_sides(damaged, 3, 10)


def score_rows(run_id: str, judge: str = "synthfer", real: float | None = 2.5, band: bool = True) -> list[dict]:
    rows = []
    for epoch, value in ((10, 1.5), (5, 1.2)):
        common = {"run_id": run_id, "run_name": f"name {run_id}", "epoch": epoch, "step": epoch * 9, "judge": judge}
        common |= {
            "judge_sha256": judge * 4,
            "count": 5000,
            "prior": "natural",
            "seed": 0,
            "emotion": None,
            "truncation": 1.0,
        }
        common |= {"low": value - 0.1 if band else None, "high": value + 0.1 if band else None, "real": real}
        rows += [common | {"metric": "is", "value": value}, common | {"metric": "kl_nats", "value": np.log(value)}]
        rows += [common | {"metric": "accuracy", "value": value / 2}]
        rows += [common | {"metric": "accuracy", "emotion": "happy", "value": value / 3, "real": 0.9}]
    return rows


def by_name(figure) -> dict:
    return {trace.name: trace for trace in figure.data if trace.name}


def inception(table: pd.DataFrame, *literature: str) -> dict[str, curves.Line]:
    colours = dict.fromkeys(table.run_id, "#112233")
    return scores.inception_lines(table, "is", colours, literature, table.epoch.astype(float))


def test_the_inception_score_has_a_line_with_its_interval_a_real_line_and_the_literatures_points() -> None:
    table = pd.DataFrame(score_rows("a") + score_rows("report22", judge="report", real=None, band=False))
    lines = [*inception(table, "report22").values(), *scores.real_lines(table, "is")]
    figure = curve_figures.curves_figure(lines, curves.Axes("epoch"), dark=False, markers=6)
    traces = by_name(figure)
    assert list(traces["name a"].x) == [5, 10]
    assert list(traces["name a"].y) == [1.2, 1.5]
    assert traces["name a"].mode == "lines+markers"
    assert traces["name report22"].mode == "markers"
    assert list(traces["real faces 2.50"].y) == [2.5, 2.5]
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(bands) == 1
    assert list(bands[0].x) == [5, 10, 10, 5]
    assert np.allclose(bands[0].y, [1.3, 1.6, 1.4, 1.1])


def test_real_lines_of_one_judge_are_told_apart_by_their_runs() -> None:
    table = pd.DataFrame(score_rows("a") + score_rows("b", real=2.2) + score_rows("c", real=2.2))
    names = {line.name for line in scores.real_lines(table, "is")}
    assert names == {"real faces 2.50 (name a)", "real faces 2.20 (2 runs)"}


def test_the_inception_scores_of_two_judges_have_two_real_lines() -> None:
    table = pd.DataFrame(score_rows("a") + score_rows("b", judge="fer2013", real=2.9))
    assert {line.name for line in inception(table).values()} == {
        "name a (judge synthfer (synthfer))", "name b (judge fer2013 (fer2013f))"
    }  # fmt: skip
    assert {line.name for line in scores.real_lines(table, "is")} == {
        "real faces 2.50 (synthfer)", "real faces 2.90 (fer2013)"
    }  # fmt: skip
    assert list(scores.by_judge(table)) == ["fer2013", "synthfer"]


def test_judges_of_one_name_are_told_apart_by_their_weights() -> None:
    table = pd.DataFrame(score_rows("a") + score_rows("b"))
    both = pd.concat([table, table.assign(judge_sha256="other")])
    assert list(scores.by_judge(both)) == ["synthfer (other)", "synthfer (synthfer)"]


def test_a_legend_says_in_what_the_protocols_of_its_lines_differ() -> None:
    table = pd.DataFrame(score_rows("a") + [row | {"count": 500, "prior": "balanced"} for row in score_rows("b")])
    names = {line.name for line in inception(table).values()}
    assert names == {"name a (5,000 faces, natural prior)", "name b (500 faces, balanced prior)"}


def test_a_score_has_a_place_on_any_axis_or_none() -> None:
    table = pd.DataFrame(score_rows("a") + score_rows("b"))
    x = table.epoch.mul(100.0).where(table.run_id == "a")
    (line,) = scores.inception_lines(table, "is", {"a": "#112233", "b": "#112233"}, (), x).values()
    assert line.points.x.to_list() == [500, 1000]


def test_accuracy_by_emotion_has_each_run_and_its_real_value() -> None:
    table = pd.DataFrame(score_rows("a") + score_rows("b"))
    charts = scores.emotion_lines(table, {"a": "#112233", "b": "#445566"}, table.epoch.astype(float))
    assert list(charts) == ["happy"]
    real, one, other = charts["happy"]
    assert (real.kind, real.name, real.points.value[0]) == ("reference", "real faces 90%", 0.9)
    assert (one.name, other.name, one.colour, other.colour) == ("name a", "name b", "#112233", "#445566")
    assert one.points.value.to_list() == pytest.approx([0.4, 0.5])
