"""Datasets as values: their hash, their parts for science, the cache of them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fergan_core.data import SPLITS, UNLABELLED, Dataset, cache, make_dataset, open_dataset, split_parts

TRAIN, PUBLIC, PRIVATE, TEST = range(len(SPLITS))


def noise_pictures(counts: dict[int, int], labels: np.ndarray | None = None, seed: int = 0) -> Dataset:
    """Make pictures of noise: counts[split] of each split, labels in turn unless given."""
    splits = np.repeat(np.array([*counts], np.uint8), list(counts.values()))
    images = np.random.default_rng(seed).integers(0, 256, (len(splits), 48, 48), dtype=np.uint8)
    codes = np.arange(len(splits)) % 7 if labels is None else labels
    factors = {"identity": np.arange(len(splits), dtype=np.uint8)}
    return make_dataset("fer2013", "made", images, codes.astype(np.uint8), splits, factors)


def changed(dataset: Dataset, images: np.ndarray) -> Dataset:
    return make_dataset(dataset.name, dataset.source, images, dataset.labels, dataset.splits)


def test_content_hash_tells_every_change_and_no_more() -> None:
    dataset = noise_pictures({TRAIN: 20, PUBLIC: 10})
    assert dataset.content_hash == noise_pictures({TRAIN: 20, PUBLIC: 10}).content_hash
    assert dataset.take(np.arange(30)).content_hash == dataset.content_hash
    other = dataset.images.copy()
    other[3, 4, 5] ^= 1
    hashes = {
        dataset.content_hash,
        changed(dataset, other).content_hash,
        noise_pictures({TRAIN: 10, PUBLIC: 20}).content_hash,
        noise_pictures({TRAIN: 20, PUBLIC: 10}, np.zeros(30)).content_hash,
        dataset.take(np.arange(29)).content_hash,
    }
    assert len(hashes) == 5


def test_take_keeps_the_factors_beside_their_images() -> None:
    part = noise_pictures({TRAIN: 20}).take(np.array([7, 2, 2]))
    assert part.factors["identity"].tolist() == [7, 2, 2]
    assert part.labels.tolist() == [0, 2, 2]
    assert len(part) == 3


def test_parts_are_a_tenth_of_each_emotion_apart_and_seeded() -> None:
    labels = np.concatenate([np.repeat(np.arange(7), [40, 9, 20, 100, 60, 30, 50]), np.arange(40) % 7])
    dataset = noise_pictures({TRAIN: 309, PUBLIC: 40}, labels)
    parts = split_parts(dataset)
    assert np.bincount(dataset.labels[parts.held_out], minlength=7).tolist() == [4, 0, 2, 10, 6, 3, 5]
    assert sorted([*parts.train, *parts.held_out]) == list(range(309))
    assert parts.report.tolist() == list(range(309, 349))
    assert all(index.dtype == np.int64 for index in (parts.train, parts.held_out, parts.report))
    again, other = split_parts(dataset), split_parts(dataset, seed=1)
    assert np.array_equal(again.held_out, parts.held_out)
    assert not np.array_equal(other.held_out, parts.held_out)


def test_copies_of_training_images_do_not_report_and_copies_of_held_out_ones_do_not_train() -> None:
    dataset = noise_pictures({TRAIN: 140, PUBLIC: 20})
    held = split_parts(dataset).held_out
    images = dataset.images.copy()
    trained_on, copy = np.setdiff1d(np.arange(140), held)[:2]
    images[145], images[150] = images[trained_on], images[held[0]]
    images[copy] = images[held[1]]
    parts = split_parts(changed(dataset, images))
    assert np.array_equal(parts.held_out, held)
    assert set(range(140, 160)) - set(parts.report.tolist()) == {145, 150}
    assert set(range(140)) - set(parts.train.tolist()) - set(held.tolist()) == {copy}


def test_report_is_public_else_private_else_test_and_never_unlabelled() -> None:
    every = noise_pictures({TRAIN: 70, PUBLIC: 7, PRIVATE: 7, TEST: 7})
    assert split_parts(every).report.tolist() == list(range(70, 77))
    assert split_parts(noise_pictures({TRAIN: 70, PRIVATE: 7, TEST: 7})).report.tolist() == list(range(70, 77))
    assert split_parts(noise_pictures({TRAIN: 70, TEST: 7})).report.tolist() == list(range(70, 77))
    assert split_parts(noise_pictures({TRAIN: 70})).report.tolist() == []
    unlabelled = np.concatenate([np.arange(70) % 7, np.full(7, UNLABELLED)])
    assert split_parts(noise_pictures({TRAIN: 70, TEST: 7}, unlabelled)).report.tolist() == []


@pytest.fixture
def cached(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a cache folder of its own."""
    folder = tmp_path_factory.mktemp("cache-of-a-test")
    monkeypatch.setenv("FERGAN_CACHE", str(folder))
    return folder


def saved(path: Path, dataset: Dataset) -> Path:
    usage = np.array([("Training", "PublicTest", "PrivateTest", "test")[split] for split in dataset.splits])
    np.savez(path, images=dataset.images, labels=dataset.labels, usage=usage)
    return path


def refuse_to_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(path: Path) -> None:
        raise AssertionError(f"{path} was parsed again")

    monkeypatch.setattr("fergan_core.data.fer2013.read", parsed)


def test_second_opening_comes_from_the_cache_and_is_the_same(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "fer.npz", noise_pictures({TRAIN: 30, PUBLIC: 5}))
    first = open_dataset(path)
    refuse_to_parse(monkeypatch)
    second = open_dataset(path)
    assert second.content_hash == first.content_hash == noise_pictures({TRAIN: 30, PUBLIC: 5}).content_hash
    assert second.source == str(path)
    for name in ("images", "labels", "splits"):
        assert np.array_equal(getattr(second, name), getattr(first, name))
        assert getattr(second, name).dtype == np.uint8
    assert [file.suffix for file in cached.iterdir()] == [".safetensors"]


def test_a_changed_file_is_read_again(tmp_path: Path, cached: Path) -> None:
    path = saved(tmp_path / "fer.npz", noise_pictures({TRAIN: 30}))
    before = open_dataset(path).content_hash
    status = path.stat()
    saved(path, noise_pictures({TRAIN: 30}, seed=1))
    # The same size and a later time, as after a download over the old file.
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert open_dataset(path).content_hash == noise_pictures({TRAIN: 30}, seed=1).content_hash != before


def test_a_file_more_in_a_folder_is_seen(tmp_path: Path, cached: Path) -> None:
    from PIL import Image

    for name in ("happy/a.png", "sad/b.png"):
        place = tmp_path / "train" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((48, 48), 50).save(place)
        assert len(open_dataset(tmp_path)) == len(list(tmp_path.rglob("*.png")))


@pytest.mark.parametrize("damage", ["cut off", "other bytes", "empty", "a folder"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, cached: Path, damage: str) -> None:
    path = saved(tmp_path / "fer.npz", noise_pictures({TRAIN: 30}))
    expected = open_dataset(path).content_hash
    (file,) = cached.iterdir()
    content = file.read_bytes()
    file.unlink()
    if damage == "a folder":
        file.mkdir()
    else:
        file.write_bytes({"cut off": content[:5000], "other bytes": b"\x7f" * 5000, "empty": b""}[damage])
    assert open_dataset(path).content_hash == expected
    if damage != "a folder":
        assert file.stat().st_size == len(content)
        assert cache.load(file.stem, "made") is not None


def test_without_a_cache_folder_only_time_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("FERGAN_CACHE", str(tmp_path / "a file"))
    path = saved(tmp_path / "fer.npz", noise_pictures({TRAIN: 30}))
    assert open_dataset(path).content_hash == open_dataset(path).content_hash
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a file", "fer.npz"]


def test_what_is_cached_keeps_its_factors(cached: Path) -> None:
    dataset = noise_pictures({TRAIN: 12})
    cache.store("key", dataset)
    loaded = cache.load("key", "made")
    assert loaded is not None
    assert loaded.factors["identity"].tolist() == list(range(12))
    assert cache.load("other", "made") is None


def test_opening_a_data_set_imports_no_torch(tmp_path: Path) -> None:
    path = saved(tmp_path / "fer.npz", noise_pictures({TRAIN: 30}))
    code = "import sys, fergan_core.data as data; data.open_dataset(sys.argv[1]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.slow
def test_second_opening_of_a_set_as_large_as_fer2013_is_fast(cached: Path) -> None:
    dataset = noise_pictures({TRAIN: 28_709, PUBLIC: 3_589, PRIVATE: 3_589})
    cache.store("large", dataset)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        loaded = cache.load("large", "made")
        seconds.append(time.perf_counter() - started)
    assert loaded is not None
    assert loaded.content_hash == dataset.content_hash
    assert min(seconds) < 0.3
