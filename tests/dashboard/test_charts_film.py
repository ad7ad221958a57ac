"""The player's film: sheets lined up by an axis and emotions by name, and the files that are made of it."""

import io
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from dashboard.charts import film_files
from dashboard.charts.film import Film, FilmRun, Picture, all_emotions, words
from dashboard.charts.film_files import Look
from dashboard.charts.palette import EMOTION_COLOURS
from fergan_core.errors import DataError
from fergan_core.sheets import laid_out

FIVE, SEVEN = ("angry", "disgust", "neutral"), ("angry", "disgust", "happy", "neutral")
LEFT, TOP = 8 + 76, 8 + 40  # px, where a picture's first face begins at scale 1


def faces_of(seed: int, rows: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, 4, 48, 48), dtype=np.uint8)


def run(name: str, emotions: tuple[str, ...], values: list[float]) -> FilmRun:
    """A run whose sheet at a value has the faces of this seed."""
    pictures = []
    for value in values:
        file = io.BytesIO()
        Image.fromarray(laid_out(faces_of(int(value), len(emotions)))).save(file, "WEBP", lossless=True)
        pictures.append(Picture(value, words("epoch", value), f"{name}{value}", file.getvalue()))
    return FilmRun(name, name, "#4477aa", emotions, 4, tuple(pictures))


@pytest.fixture
def film() -> Film:
    runs = (run("five", FIVE, [1, 5, 9]), run("seven", SEVEN, [1, 2, 3]))
    return Film(runs, "epoch", all_emotions([FIVE, SEVEN]))


def picture(film: Film, place: float, look: Look | None = None) -> np.ndarray:
    return np.asarray(film_files.draw(film, place, look or Look(dark=False), scale=1))[..., 0]


def test_runs_are_lined_up_and_one_without_a_sheet_at_a_place_shows_its_last_one_before(film: Film) -> None:
    five, seven = film.runs
    assert film.places == [1, 2, 3, 5, 9]
    assert [five.at(place) for place in film.places] == [0, 0, 0, 1, 2]
    assert [five.is_at(place) for place in film.places] == [True, False, False, True, True]
    assert seven.at(0) is None
    assert [film.nearest(value) for value in (0, 4, 48)] == [1, 3, 9]


def test_emotions_line_up_by_name_whatever_a_run_learned(film: Film) -> None:
    assert film.emotions == ("angry", "disgust", "happy", "neutral")
    assert all_emotions([("neutral", "contempt"), ("fear",)]) == ("fear", "neutral", "contempt")
    pixels, width = picture(film, 1), 4 * 50 - 2
    of_five, of_seven = faces_of(1, 3), faces_of(1, 4)
    for row, emotion in enumerate(film.emotions):
        y = TOP + 50 * row
        right = LEFT + width + 16
        assert np.array_equal(pixels[y : y + 48, right : right + 48], of_seven[SEVEN.index(emotion), 0])
        left = pixels[y : y + 48, LEFT : LEFT + 48]
        if emotion in FIVE:
            assert np.array_equal(left, of_five[FIVE.index(emotion), 0])
        else:  # empty but for the words that say so
            assert left.max() == 255
            assert (left == 255).mean() > 0.7


def test_a_wipe_has_the_left_run_to_the_split_and_the_right_run_behind_it(film: Film) -> None:
    wiped = Film(film.runs, "epoch", ("angry",), wipe=True)
    pixels, width = picture(wiped, 1, Look(dark=False, split=50)), 2 * 50 - 2  # one emotion: two lines of two faces
    assert pixels.shape == (2 * 8 + 40 + 98, 2 * 8 + 76 + 98)
    left, right = faces_of(1, 3)[0], faces_of(1, 4)[0]
    assert np.array_equal(pixels[TOP : TOP + 48, LEFT : LEFT + 48], left[0])
    assert np.array_equal(pixels[TOP : TOP + 48, LEFT + 50 : LEFT + width], right[1])
    assert np.array_equal(pixels[TOP + 50 : TOP + 98, LEFT : LEFT + 48], left[2])
    whole = picture(wiped, 1, Look(dark=False, split=0))
    assert np.array_equal(whole[TOP : TOP + 48, LEFT + 1 : LEFT + 48], right[0][:, 1:])


def test_a_gif_has_a_frame_a_place_at_the_chosen_speed_and_holds_the_last(film: Film) -> None:
    gif: Any = Image.open(io.BytesIO(film_files.file_of(film, "GIF", 1, Look(dark=True), 4)))
    durations, frames = [], []
    for frame in range(gif.n_frames):
        gif.seek(frame)
        durations.append(gif.info["duration"])
        frames.append(np.asarray(gif.convert("RGB")).astype(int))
    assert durations == [250] * 4 + [2500]
    assert gif.info["loop"] == 0
    assert np.abs(frames[0][TOP : TOP + 48, LEFT : LEFT + 48, 0] - faces_of(1, 3)[0, 0]).max() <= 4
    assert np.abs(frames[3][TOP : TOP + 48, LEFT : LEFT + 48, 0] - faces_of(5, 3)[0, 0]).max() <= 4
    mark = [int(EMOTION_COLOURS["angry"][place : place + 2], 16) for place in (1, 3, 5)]
    assert frames[0][TOP, LEFT - 6].tolist() == mark


def test_an_mp4_is_h264_of_all_places_and_holds_the_last(film: Film) -> None:
    content = film_files.file_of(film, "MP4", 1, Look(dark=False), 8)
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(stream)]
        assert (stream.codec_context.name, float(stream.average_rate or 0)) == ("h264", 8)
    assert len(frames) == 5 + 20
    expected = np.asarray(film_files.draw(film, 5, Look(dark=False), scale=2).convert("L")).astype(int)
    assert frames[3].shape == expected.shape
    assert np.abs(frames[3] - expected).mean() < 12  # noise is the hardest to encode
    assert np.abs(frames[0] - expected).mean() > 30


def test_a_strip_has_every_place_and_a_png_the_one_that_is_shown(film: Film) -> None:
    one = Image.open(io.BytesIO(film_files.file_of(film, "PNG", 5, Look(dark=False), 8)))
    strip = Image.open(io.BytesIO(film_files.file_of(film, "strip", 5, Look(dark=False), 8)))
    width, height = one.width // 2, one.height // 2
    assert strip.size == (5 * width, height)
    for number, place in enumerate(film.places):
        part = np.asarray(strip.crop((number * width, 0, (number + 1) * width, height)))[..., 0]
        assert np.array_equal(part, picture(film, place))


def test_a_picture_of_other_emotions_is_refused_by_a_sentence(film: Film) -> None:
    wrong = Film((FilmRun("x", "x", "#4477aa", SEVEN, 4, film.runs[0].pictures),), "epoch", SEVEN)
    with pytest.raises(DataError, match="3 rows cannot show 4 emotions"):
        film_files.file_of(wrong, "GIF", 1, Look(dark=False), 8)


def test_a_place_is_said_in_the_axis_own_words() -> None:
    said = [words("epoch", 7), words("images seen", 28709), words("seconds", 59), words("seconds", 61)]
    assert [*said, words("seconds", 7260)] == ["epoch 7", "28,709 images", "59 s", "1 min 1 s", "2 h 1 min"]
