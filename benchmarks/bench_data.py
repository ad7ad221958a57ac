"""Opening FER2013: the CSV's first parse against pandas, the second opening, the memory; and drawing synthfer.

The CSV is the real one where the exporter is at hand (FERGAN_SHARED, or `shared` beside the repository), otherwise
one of synthfer's images in the same layout and of the same size.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fergan_core.data import open_dataset
from fergan_core.data.synthfer import synthfer

_REPEATS = 5
_USAGES = ("Training", "PublicTest", "PrivateTest", "test")

# In a process of its own, whose highest memory is then the opening's. Linux hands ru_maxrss down from the starting
# process, so there the kernel's own mark is read.
_PEAK = """
import pathlib, re, resource, sys
from fergan_core.data import open_dataset
open_dataset(sys.argv[1])
status = pathlib.Path("/proc/self/status")
if status.exists():
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) / 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def run() -> list[dict[str, Any]]:
    """Return rows of name, value, unit, reference, ratio, note; a ratio above 1 is in FerGAN's favour."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, note = _csv(folder)
        pandas_seconds, expected = _timed(lambda: _with_pandas(path))
        with _cache(folder / "cache"):
            first, dataset = _timed(lambda: open_dataset(path))
            second = min(_timed(lambda: open_dataset(path))[0] for _ in range(_REPEATS))
        with _cache(folder / "cold"):
            peak = float(subprocess.check_output([sys.executable, "-c", _PEAK, str(path)], text=True))
    if not np.array_equal(dataset.images, expected):
        raise AssertionError("pandas and open_dataset read different images")
    drawing, faces = _timed(synthfer)
    note = f"{len(dataset):,} {note}"
    return [
        _row("csv first opening", first, "s", note, reference=pandas_seconds),
        _row("csv second opening", second, "s", f"from the cache; best of {_REPEATS}; limit 0.3 s", reference=0.3),
        _row("csv first opening, peak memory", peak, "MB", "whole process"),
        _row("synthfer drawing", drawing, "s", f"{len(faces):,} faces"),
    ]


def _row(name: str, value: float, unit: str, note: str, reference: float | None = None) -> dict[str, Any]:
    ratio = None if reference is None else reference / value
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio, "note": note}


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _with_pandas(path: Path) -> npt.NDArray[np.uint8]:
    """Read as the notebooks do it: read_csv, then a split and an array a row."""
    frame = pd.read_csv(path)
    rows = [np.array(pixels.split(), dtype=np.uint8).reshape(48, 48) for pixels in frame["pixels"]]
    return np.stack(rows)


def _csv(folder: Path) -> tuple[Path, str]:
    """Write fer2013.csv; return it and what it holds."""
    shared = Path(os.environ.get("FERGAN_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    exporter, path = shared / "data" / "export.py", folder / "fer2013.csv"
    if exporter.exists():
        subprocess.run([sys.executable, str(exporter), "csv", str(path)], check=True, stdout=subprocess.DEVNULL)
        return path, "real images"
    faces = open_dataset("synthfer")
    with path.open("w") as handle:
        handle.write("emotion,pixels,Usage\n")
        for image, label, split in zip(faces.images, faces.labels, faces.splits, strict=True):
            handle.write(f"{label},{' '.join(map(str, image.ravel().tolist()))},{_USAGES[split]}\n")
    return path, "images of synthfer"


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    """Point the cache to a folder for a while."""
    before = os.environ.get("FERGAN_CACHE")
    os.environ["FERGAN_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["FERGAN_CACHE"]
        else:
            os.environ["FERGAN_CACHE"] = before
