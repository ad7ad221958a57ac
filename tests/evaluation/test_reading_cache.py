"""The cache of readings: stored, found again, made again where damaged, bounded."""

import time
from pathlib import Path

import pytest
import torch

from fergan_core.data import cache
from fergan_core.evaluation import reading_cache


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERGAN_CACHE", str(tmp_path))
    return tmp_path / "readings"


def tensors_of(number: float) -> dict[str, torch.Tensor]:
    return {"a": torch.full((1000,), number, dtype=torch.float64), "b": torch.tensor(number)}


def test_what_is_kept_is_not_made_again(own_folder: Path) -> None:
    first = reading_cache.cached("key", lambda: tensors_of(1.0))
    again = reading_cache.cached("key", lambda: tensors_of(2.0))
    assert torch.equal(first["a"], again["a"])
    assert again["a"].dtype == torch.float64
    assert [path.name for path in own_folder.iterdir()] == ["key.safetensors"]
    assert cache.folder() == own_folder.parent


def test_what_is_found_lies_in_memory_as_what_is_made_does() -> None:
    """Otherwise matrix products would be rounded differently, and a score would have other digits the second time."""
    for tensors in (
        reading_cache.cached("key", lambda: {"a": torch.ones(3, 4).T, "b": torch.ones(5)}) for _ in range(2)
    ):
        assert all(tensor.is_contiguous() for tensor in tensors.values())
        assert all(tensor.data_ptr() % 64 == 0 for tensor in tensors.values())


def test_a_damaged_file_is_made_again(own_folder: Path) -> None:
    reading_cache.cached("key", lambda: tensors_of(1.0))
    path = own_folder / "key.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    assert float(reading_cache.cached("key", lambda: tensors_of(3.0))["b"]) == 3.0
    assert float(reading_cache.cached("key", lambda: tensors_of(4.0))["b"]) == 3.0


def test_a_folder_that_cannot_be_made_keeps_nothing(own_folder: Path) -> None:
    own_folder.write_text("in the way")
    assert float(reading_cache.cached("key", lambda: tensors_of(1.0))["b"]) == 1.0
    assert float(reading_cache.cached("key", lambda: tensors_of(2.0))["b"]) == 2.0


def test_the_longest_unused_makes_room(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_cache, "_MOST_BYTES", 20_000)
    for name in ("first", "second", "first", "third"):  # the first once more: the second is then the longest unused
        reading_cache.cached(name, lambda: tensors_of(1.0))
        time.sleep(0.05)  # a file's time has the grain of the kernel's clock
    assert sorted(path.stem for path in own_folder.iterdir()) == ["first", "third"]
