"""Opening FER2013: first parse of the CSV against pandas, second opening, memory; and generating synthfer."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from benchmarks.common import fer2013_csv, peak_memory, row
from fergan_core.data import Dataset, open_dataset
from fergan_core.data.synthfer import synthfer
from fergan_core.emotions import EMOTIONS

_REPEATS = 5
_OPEN = "import sys; from fergan_core.data import open_dataset; open_dataset(sys.argv[1])"


def run() -> list[dict[str, Any]]:
    """Return the table's rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, note = fer2013_csv(folder)
        pandas_seconds, expected = _timed(lambda: _with_pandas(path))
        with _cache(folder / "cache"):
            first, dataset = _timed(lambda: open_dataset(path))
            second = min(_timed(lambda: open_dataset(path))[0] for _ in range(_REPEATS))
            _write_pictures(dataset, folder / "pictures")
            open_dataset(folder / "pictures")
            pictures = min(_timed(lambda: open_dataset(folder / "pictures"))[0] for _ in range(_REPEATS))
        with _cache(folder / "cold"):
            peak = peak_memory(_OPEN, str(path))
    if not np.array_equal(dataset.images, expected):
        raise AssertionError("pandas and open_dataset read different images")
    drawing, faces = _timed(synthfer)
    note = f"{len(dataset):,} {note}"
    return [
        row("csv first opening", first, "s", note, reference=pandas_seconds, ratio=pandas_seconds / first),
        row(
            "csv second opening",
            second,
            "s",
            f"best of {_REPEATS}; reference: the limit",
            reference=0.3,
            ratio=0.3 / second,
        ),
        row("folder second opening", pictures, "s", f"{len(dataset):,} PNG files", reference=0.3, ratio=0.3 / pictures),
        row("csv first opening, peak memory", peak, "MiB", "whole process"),
        row("synthfer drawing", drawing, "s", f"{len(faces):,} faces"),
    ]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _with_pandas(path: Path) -> npt.NDArray[np.uint8]:
    """Read the CSV as notebooks usually do: read_csv, then split each row into an array."""
    frame = pd.read_csv(path)
    rows = [np.array(pixels.split(), dtype=np.uint8).reshape(48, 48) for pixels in frame["pixels"]]
    return np.stack(rows)


def _write_pictures(dataset: Dataset, folder: Path) -> None:
    for number, (image, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
        target = folder / "train" / EMOTIONS[label]
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(target / f"{number:06d}.png", compress_level=1)


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    """Use a folder as the cache within this context."""
    before = os.environ.get("FERGAN_CACHE")
    os.environ["FERGAN_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["FERGAN_CACHE"]
        else:
            os.environ["FERGAN_CACHE"] = before
