"""The cache with many readers at once, with other spellings of a path, and with the whole real set."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data import Dataset, cache, open_dataset


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function (seconds) that moves the clock on instead of waiting; files keep the times that they have."""
    clock, passed = time.time_ns, 0

    def pass_on(seconds: float) -> None:
        nonlocal passed
        passed += int(seconds * 1e9)
        monkeypatch.setattr(cache.time, "time_ns", lambda: clock() + passed)

    return pass_on


def fer2013_csv(path: Path, rows: int) -> Path:
    random = np.random.default_rng(1)
    lines = [f"{i % 7},{' '.join(map(str, random.integers(0, 256, 2304)))},Training\n" for i in range(rows)]
    path.write_text("emotion,pixels,Usage\n" + "".join(lines))
    return path


@pytest.mark.slow
def test_many_that_open_at_once_leave_one_whole_cache(tmp_path: Path, own_folder: Path) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv", rows=200)
    code = f"from fergan_core.data import open_dataset; print(open_dataset({str(path)!r}).content_hash)"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = {process.communicate(timeout=120)[0] for process in running}
    assert printed == {open_dataset(path).content_hash + "\n"}
    assert [file.suffix for file in own_folder.iterdir()] == [".safetensors"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_relative_path_finds_what_an_absolute_one_cached(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "file":
        path = fer2013_csv(tmp_path / "faces", rows=8)
    else:
        path = tmp_path / "faces"
        (path / "happy").mkdir(parents=True)
        Image.new("L", (48, 48)).save(path / "happy" / "a.png")
    first = open_dataset(path)
    monkeypatch.setattr("fergan_core.data.fer2013.read", lambda *_: pytest.fail("the data were read again"))
    monkeypatch.chdir(tmp_path)
    again = open_dataset("faces")
    assert again.content_hash == first.content_hash
    assert again.source == str(path)  # a run remembers it, and may be resumed from elsewhere


def test_a_picture_changed_in_place_is_seen(tmp_path: Path, own_folder: Path) -> None:
    place = tmp_path / "faces" / "train" / "sad"
    place.mkdir(parents=True)
    Image.new("L", (48, 48), 10).save(place / "a.png")
    assert open_dataset(tmp_path / "faces").images[0, 0, 0] == 10
    Image.new("L", (48, 48), 20).save(place / "a.png")
    later = time.time_ns() + 10**9
    os.utime(place / "a.png", ns=(later, later))
    assert open_dataset(tmp_path / "faces").images[0, 0, 0] == 20


@pytest.mark.parametrize("kind", ["csv", "folder"])
@pytest.mark.parametrize("pause", [0.0, 2.2], ids=["at once", "later"])
def test_labels_changed_in_a_file_of_the_same_size_and_time_are_seen(
    tmp_path: Path, own_folder: Path, kind: str, pause: float, wait: Callable[[float], None]
) -> None:
    if kind == "csv":
        path = changed = fer2013_csv(tmp_path / "fer2013.csv", rows=14)
    else:
        path, changed = tmp_path / "faces", tmp_path / "faces" / "sad" / "a.bmp"
        changed.parent.mkdir(parents=True)
        Image.new("L", (48, 48), 10).save(changed)
    wait(pause)  # so that the file's times can be relied on, and its content is not looked at
    first, before = open_dataset(path), changed.stat()
    content = changed.read_bytes()
    changed.write_bytes(content.replace(b"\n3,", b"\n4,") if kind == "csv" else content[:-1] + b"\x14")
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (changed.stat().st_size, changed.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    again = open_dataset(path)
    assert again.content_hash != first.content_hash
    if kind == "csv":
        assert np.flatnonzero(first.labels == 3).tolist() == np.flatnonzero(again.labels != first.labels).tolist()


def names_compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are compared by content from now on, as they are."""
    looked: list[str] = []
    content = cache.Source.content

    def counted(source: cache.Source, names: Sequence[str]) -> str:
        looked.extend(names)
        return content(source, names)

    monkeypatch.setattr(cache.Source, "content", counted)
    return looked


def test_files_that_had_just_changed_are_compared_by_content_until_their_times_can_be_relied_on(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch, wait: Callable[[float], None]
) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv", rows=8)
    looked = names_compared(monkeypatch)
    open_dataset(path)
    monkeypatch.setattr("fergan_core.data.fer2013.read", lambda *_: pytest.fail("the data were read again"))
    open_dataset(path)
    assert len(looked) == 2
    wait(2.2)
    open_dataset(path)
    assert len(looked) == 3
    open_dataset(path)
    assert len(looked) == 3


def test_only_files_that_had_just_changed_are_compared_by_content(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "faces" / "sad"
    place.mkdir(parents=True)
    Image.new("L", (48, 48), 10).save(place / "old.bmp")
    time.sleep(0.1)  # longer than between two ticks of a file system's clock
    Image.new("L", (48, 48), 20).save(place / "new.bmp")
    settled = (place / "old.bmp").stat().st_ctime_ns + cache._SETTLED_NS + 1
    monkeypatch.setattr(cache.time, "time_ns", lambda: settled)
    first, before = open_dataset(tmp_path / "faces"), (place / "new.bmp").stat()
    looked = names_compared(monkeypatch)
    assert open_dataset(tmp_path / "faces").content_hash == first.content_hash
    assert looked == ["sad/new.bmp"]
    (place / "new.bmp").write_bytes((place / "new.bmp").read_bytes()[:-1] + b"\x15")
    os.utime(place / "new.bmp", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert open_dataset(tmp_path / "faces").content_hash != first.content_hash


def test_a_reading_that_takes_longer_than_the_files_times_need_is_relied_on_at_once(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch, wait: Callable[[float], None]
) -> None:
    """As of a folder of 32,000 pictures that was written a moment ago."""
    path = fer2013_csv(tmp_path / "fer2013.csv", rows=8)
    source = cache.source_of(path)
    assert source.recent == ("",)
    first = open_dataset(path)

    def slow() -> Dataset:
        wait(2.2)
        return first

    cache.open_source(cache.source_of(path, "alphabetical"), str(path), slow)
    monkeypatch.setattr(cache.Source, "content", lambda *_: pytest.fail("the content was looked at again"))
    again = cache.open_source(cache.source_of(path, "alphabetical"), str(path), lambda: pytest.fail("read again"))
    assert again.content_hash == first.content_hash


def test_what_is_changed_while_it_is_read_is_read_again(tmp_path: Path, own_folder: Path) -> None:
    path = fer2013_csv(tmp_path / "fer2013.csv", rows=14)
    source, before = cache.source_of(path), open_dataset(path)
    (own_folder / f"{source.key}.safetensors").unlink()

    def changed() -> Dataset:
        status, content = path.stat(), path.read_bytes()
        path.write_bytes(content.replace(b"\n3,", b"\n4,"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return before

    cache.open_source(source, str(path), changed)
    assert open_dataset(path).content_hash != before.content_hash


def test_a_cached_set_says_again_what_was_left_out_and_another_order_is_another_set(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("sad", "contempt", "train/joy"):
        (tmp_path / "faces" / place).mkdir(parents=True)
        Image.new("L", (48, 48), len(place)).save(tmp_path / "faces" / place / "a.png")
    first = open_dataset(tmp_path / "faces")
    assert len(first.notices) == 2
    ordered = open_dataset(tmp_path / "faces", label_order="alphabetical")
    monkeypatch.setattr("fergan_core.data.fer2013.read", lambda *_: pytest.fail("the data were read again"))
    again = open_dataset(tmp_path / "faces")
    assert (again.notices, again.files, again.in_rows) == (first.notices, first.files, False)
    assert (again.label_order, ordered.label_order) == (None, "alphabetical")


def test_a_link_to_nowhere_among_the_pictures_is_passed_over(tmp_path: Path, own_folder: Path) -> None:
    place = tmp_path / "faces" / "sad"
    place.mkdir(parents=True)
    Image.new("L", (48, 48)).save(place / "a.png")
    (place / "b.png").symlink_to(tmp_path / "gone.png")
    dataset = open_dataset(tmp_path / "faces")
    assert len(dataset) == 1
    assert dataset.notices == ("sad/b.png: a link to a file or folder that is not there; left out",)


def test_the_session_keeps_the_users_cache_out_of_it(own_cache: Path) -> None:
    assert cache.folder() == own_cache
