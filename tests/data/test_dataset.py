"""The parts that science keeps apart, the cache, the content hash, the numbers and the sheet that people look at."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data import SPLITS, UNLABELLED, Dataset, cache, make_dataset, open_dataset, science_parts
from fergan_core.data.contact_sheet import COLUMNS, contact_sheet
from fergan_core.data.summary import summarise
from fergan_core.errors import DataError, UsageError
from trainers.data_commands import info, sheet

TRAIN, PUBLIC, PRIVATE, TEST = range(len(SPLITS))


def made_up(splits: list[int], labels: list[int] | None = None, seed: int = 0) -> Dataset:
    """Make a data set of different random pictures."""
    images = np.random.default_rng(seed).integers(0, 256, (len(splits), 48, 48), dtype=np.uint8)
    given = np.arange(len(splits)) % 7 if labels is None else np.array(labels)
    return make_dataset("fer2013", "made up", images, given.astype(np.uint8), np.array(splits, np.uint8))


def with_images(dataset: Dataset, images: np.ndarray) -> Dataset:
    return make_dataset(dataset.name, dataset.source, images, dataset.labels, dataset.splits)


def fer2013_csv(path: Path, rows: int = 30) -> Path:
    random = np.random.default_rng(1)
    lines = [f"{i % 7},{' '.join(map(str, random.integers(0, 256, 2304)))},Training\n" for i in range(rows)]
    path.write_text("emotion,pixels,Usage\n" + "".join(lines))
    return path


def test_a_tenth_of_every_emotion_is_held_out_and_nothing_is_in_two_parts() -> None:
    dataset = made_up([TRAIN] * 700 + [PUBLIC] * 70)
    parts = science_parts(dataset)
    assert np.bincount(dataset.labels[parts.held_out]).tolist() == [10] * 7
    assert np.array_equal(np.sort(np.concatenate([parts.train, parts.held_out])), np.arange(700))
    assert np.array_equal(parts.report, np.arange(700, 770))
    assert {parts.train.dtype, parts.held_out.dtype, parts.report.dtype} == {np.dtype(np.int64)}


def test_parts_depend_on_the_seed_alone() -> None:
    dataset = made_up([TRAIN] * 700)
    assert np.array_equal(science_parts(dataset, 3).held_out, science_parts(dataset, 3).held_out)
    assert not np.array_equal(science_parts(dataset, 3).held_out, science_parts(dataset, 4).held_out)


def test_copies_never_cross_from_one_part_to_another() -> None:
    dataset = made_up([TRAIN] * 1400 + [PUBLIC] * 70)
    images = dataset.images.copy()
    images[700:1400] = images[:700]  # every training picture twice
    images[1400:1420] = images[:20]  # and some of them among those that only report
    parts = science_parts(with_images(dataset, images))
    pictures = [{images[i].tobytes() for i in part} for part in (parts.train, parts.held_out, parts.report)]
    assert not pictures[0] & pictures[1]
    assert not (pictures[0] | pictures[1]) & pictures[2]
    assert np.array_equal(parts.report, np.arange(1420, 1470))


@pytest.mark.parametrize(
    ("splits", "reporting"),
    [
        ([TRAIN, PUBLIC, PRIVATE, TEST], [1]),
        ([TRAIN, PRIVATE, TEST], [1]),
        ([TRAIN, TEST], [1]),
        ([TRAIN, TRAIN], []),
    ],
)
def test_public_reports_before_private_before_test(splits: list[int], reporting: list[int]) -> None:
    assert science_parts(made_up(splits)).report.tolist() == reporting


def test_unlabelled_images_are_in_no_part() -> None:
    parts = science_parts(made_up([TRAIN] * 20 + [TEST] * 10, [0] * 15 + [UNLABELLED] * 15))
    assert sorted([*parts.train, *parts.held_out]) == list(range(15))
    assert len(parts.report) == 0


def test_the_hash_knows_pixels_labels_splits_and_order() -> None:
    dataset = made_up([TRAIN] * 6 + [PUBLIC])
    assert dataset.content_hash == made_up([TRAIN] * 6 + [PUBLIC]).content_hash
    assert dataset.content_hash == dataset.take(np.arange(7)).content_hash
    images = dataset.images.copy()
    images[3, 20, 20] ^= 1
    others = [
        with_images(dataset, images),
        made_up([TRAIN] * 7),
        made_up([TRAIN] * 6 + [PUBLIC], [1] * 7),
        dataset.take(np.arange(7)[::-1]),
        dataset.take(np.arange(6)),
    ]
    assert len({dataset.content_hash, *(other.content_hash for other in others)}) == 6


def test_take_keeps_what_is_known_of_each_image() -> None:
    dataset = open_dataset("synthfer")
    some = dataset.take(np.array([5, 2]))
    assert some.factors["identity"].tolist() == dataset.factors["identity"][[5, 2]].tolist()
    assert np.array_equal(some.images, dataset.images[[5, 2]])


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_second_opening_comes_from_the_cache_and_is_the_same(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv")
    first = open_dataset(path)
    assert [file.suffix for file in empty_cache.iterdir()] == [".safetensors"]
    monkeypatch.setattr("fergan_core.data.fer2013.read", lambda _: pytest.fail("the file was parsed again"))
    second = open_dataset(str(path))
    assert second.content_hash == first.content_hash
    assert second.source == str(path)
    for name in ("images", "labels", "splits"):
        assert np.array_equal(getattr(second, name), getattr(first, name))
    monkeypatch.chdir(tmp_path)
    assert open_dataset("fer2013.csv").content_hash == first.content_hash


def test_a_changed_file_is_read_again_and_a_changed_picture_in_a_folder_too(tmp_path: Path, empty_cache: Path) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv")
    before = open_dataset(path)
    fer2013_csv(path, rows=31)
    assert len(open_dataset(path)) == len(before) + 1

    place = tmp_path / "faces" / "train" / "sad"
    place.mkdir(parents=True)
    Image.new("L", (48, 48), 10).save(place / "a.png")
    assert open_dataset(tmp_path / "faces").images[0, 0, 0] == 10
    Image.new("L", (48, 48), 20).save(place / "a.png")
    later = time.time_ns() + 10**9
    os.utime(place / "a.png", ns=(later, later))
    assert open_dataset(tmp_path / "faces").images[0, 0, 0] == 20


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\xff" * len(b)])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, empty_cache: Path, damage: Callable[[bytes], bytes]) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv")
    first = open_dataset(path)
    (cached,) = empty_cache.iterdir()
    whole = cached.read_bytes()
    cached.write_bytes(damage(whole))
    assert open_dataset(path).content_hash == first.content_hash
    mended = cache.load(cached.stem, "again")
    assert mended is not None
    assert np.array_equal(mended.images, first.images)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("FERGAN_CACHE", str(tmp_path / "a file" / "cache"))
    assert len(open_dataset(fer2013_csv(tmp_path / "fer2013.csv"))) == 30


def test_many_that_open_at_once_leave_one_whole_cache(tmp_path: Path, empty_cache: Path) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv", rows=200)
    code = f"from fergan_core.data import open_dataset; print(open_dataset({str(path)!r}).content_hash)"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = {process.communicate(timeout=120)[0] for process in running}
    assert printed == {open_dataset(path).content_hash + "\n"}
    assert [file.suffix for file in empty_cache.iterdir()] == [".safetensors"]


@pytest.mark.realdata
@pytest.mark.slow
def test_the_whole_set_opens_at_once_the_second_time(fer2013_layout: Callable[..., Path]) -> None:
    path = fer2013_layout("csv")
    open_dataset(path)
    seconds = []
    for _ in range(3):  # the best of three: the machine may be busy
        start = time.perf_counter()
        open_dataset(path)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3


def test_the_cache_folder_is_the_one_of_the_session(own_cache: Path) -> None:
    assert cache.folder() == own_cache


def test_summary_counts_copies_within_and_across_splits_and_labels_that_differ() -> None:
    dataset = made_up([TRAIN] * 10 + [PUBLIC] * 5, [3] * 14 + [UNLABELLED])
    images = dataset.images.copy()
    images[1] = images[2] = images[0]  # two copies in train
    images[10] = images[11] = images[4]  # both in public, one of train
    labels = dataset.labels.copy()
    labels[11] = 6
    found = summarise(make_dataset("fer2013", "x", images, labels, dataset.splits))
    assert found["duplicates"] == {
        "within": {"train": 2, "public": 1},
        "across": {"train/public": 2},
        "contradicting": 1,
    }
    assert found["counts"]["train"]["happy"] == 10
    assert found["counts"]["public"] | {"happy": 3, "neutral": 1, "unlabelled": 1} == found["counts"]["public"]


def test_info_prints_the_summary_as_one_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv")
    info(str(path), json=True)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed) == summarise(open_dataset(path))


def test_info_prints_a_table_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = fer2013_csv(tmp_path / "[bold]x.csv")
    info(str(path))
    printed = capsys.readouterr().out
    assert "disgust" in printed
    assert open_dataset(path).content_hash in printed


def test_sheet_writes_a_picture_with_a_row_an_emotion_and_the_people_of_synthfer(tmp_path: Path) -> None:
    sheet(str(fer2013_csv(tmp_path / "fer2013.csv")), out=tmp_path / "sheet.png")
    sheet("synthfer", out=tmp_path / "people.png")
    with Image.open(tmp_path / "sheet.png") as plain, Image.open(tmp_path / "people.png") as people:
        assert plain.format == people.format == "PNG"
        assert people.width == plain.width
        # Seven emotions, and four rows of sixteen people.
        assert (people.height - 4) / (plain.height - 4) == pytest.approx(11 / 7)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fer2013.csv", "people.png", "sheet.png"]


def test_a_row_of_the_sheet_shows_different_people() -> None:
    dataset = open_dataset("synthfer")
    shown = contact_sheet(dataset)
    assert shown.tobytes() == contact_sheet(dataset).tobytes()
    # A set of one person fills one place of a row, however many pictures it has.
    alone = contact_sheet(dataset.take(dataset.factors["identity"] == 7))
    right = np.asarray(alone)[:, -100 * (COLUMNS - 1) :]
    assert (right == 255).all()


def test_sheet_refuses_a_place_that_cannot_be_and_a_set_without_images(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--out"):
        sheet("synthfer", out=tmp_path / "none" / "sheet.png")
    with pytest.raises(UsageError, match="--out"):
        sheet("synthfer", out=tmp_path)
    with pytest.raises(DataError, match="no images"):
        contact_sheet(made_up([]))
