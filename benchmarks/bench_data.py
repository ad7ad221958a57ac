"""How fast faces come in: the CSV against pandas, the second opening, synthfer's drawing, and the memory it takes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

_SHARED = Path(os.environ.get("FERGAN_SHARED", Path(__file__).resolve().parents[2] / "shared"))
_USAGES = ("Training", "PublicTest", "PrivateTest", "Training")


def run() -> list[dict[str, Any]]:
    """Measure on the whole set; rows of {name, value, unit, reference, ratio, note}, ratio above 1 being better."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fer2013.csv"
        kind = _write_csv(path)
        note = f"{kind}, {path.stat().st_size / 1e6:.0f} MB"
        # Turn about, so that a busy moment of the machine meets both.
        turns = [[_measure(code, path, folder) for code in (_PARSE, _PANDAS)] for _ in range(2)]
        parse, pandas = zip(*turns, strict=True)
        best, reference = min(parse, key=_seconds), min(pandas, key=_seconds)
        first = _measure(_OPEN, path, folder)
        again = min((_measure(_OPEN, path, folder) for _ in range(3)), key=_seconds)
    drawing = _synthfer_seconds()
    mib = best["peak_bytes"] / 2**20
    mib_of_pandas = reference["peak_bytes"] / 2**20
    return [
        _row("CSV, first parse (reference: pandas)", _seconds(best), "s", _seconds(reference), note),
        _row("CSV, peak memory (reference: pandas)", mib, "MiB", mib_of_pandas, "whole process"),
        _row("first opening, hashed and cached", _seconds(first), "s", None, note),
        _row("second opening (reference: the goal)", _seconds(again), "s", 0.3, note),
        _row("synthfer, drawing (reference: the goal)", drawing, "s", 20.0, "32,298 images, nothing cached"),
    ]


def _row(name: str, value: float, unit: str, reference: float | None, note: str) -> dict[str, Any]:
    ratio = None if reference is None else reference / value
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio, "note": note}


def _seconds(measured: dict[str, float]) -> float:
    return measured["seconds"]


def _write_csv(path: Path) -> str:
    """Write fer2013.csv: the real one where it is kept, else synthfer's faces; say which."""
    exporter = _SHARED / "data" / "export.py"
    if exporter.exists():
        subprocess.run([sys.executable, str(exporter), "csv", str(path)], check=True, capture_output=True)
        return "FER2013"
    from fergan_core.data import open_dataset

    dataset = open_dataset("synthfer")
    words = np.array([str(value) for value in range(256)])
    with path.open("w") as handle:
        handle.write("emotion,pixels,Usage\n")
        for image, label, split in zip(dataset.images, dataset.labels, dataset.splits, strict=True):
            handle.write(f"{label},{' '.join(words[image.ravel()])},{_USAGES[split]}\n")
    return "synthfer as CSV"


# Each runs in an interpreter of its own: imports are not timed, caches are its own, peak memory is its own.
_TIMED = """
import json, resource, sys, time
from pathlib import Path
path = Path(sys.argv[1])
{setup}
start = time.perf_counter()
{timed}
seconds = time.perf_counter() - start
assert images.shape[1:] == (48, 48) and images.dtype == "uint8"
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({{"seconds": seconds, "peak_bytes": peak}}))
"""
_PARSE = _TIMED.format(setup="from fergan_core.data import fer2013", timed="images = fer2013.read(path).images")
_PANDAS = _TIMED.format(
    setup="import numpy as np, pandas as pd",
    timed=(
        "table = pd.read_csv(path)\n"
        "images = np.stack([np.array(row.split(), dtype=np.uint8) for row in table.pixels]).reshape(-1, 48, 48)"
    ),
)
_OPEN = _TIMED.format(setup="from fergan_core.data import open_dataset", timed="images = open_dataset(path).images")


def _measure(code: str, path: Path, cache: str) -> dict[str, float]:
    environment = os.environ | {"FERGAN_CACHE": str(Path(cache) / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _synthfer_seconds() -> float:
    from fergan_core.data.synthfer import synthfer

    start = time.perf_counter()
    synthfer()
    return time.perf_counter() - start
