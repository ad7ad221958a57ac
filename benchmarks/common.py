"""Shared by the benchmarks: rows of their table, a CSV of FER2013 or a stand-in, a process's peak memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from fergan_core.data import open_dataset
from fergan_core.registry import Reader
from tests.support.machine import exporter

_USAGES = ("Training", "PublicTest", "PrivateTest", "test")

# Appended to code that runs in a process of its own, whose peak memory is then the code's alone. On Linux a process
# inherits ru_maxrss from its parent, so the kernel's VmHWM is read there.
_PEAK = """
import pathlib, re, resource, sys
status = pathlib.Path("/proc/self/status")
if status.exists():
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) / 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(peak)
"""


def row(
    name: str, value: float, unit: str, note: str = "", *, reference: float | None = None, ratio: float | None = None
) -> dict[str, Any]:
    """Return a row of the benchmarks' table; a ratio above 1 is in FerGAN's favour."""
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio, "note": note}


def ended(reader: Reader) -> dict[str, dict[str, object]]:
    """Return the runs that finished or diverged, by name; one that was stopped is trained again under the same name."""
    runs = reader.runs()
    return {row["name"]: row for row in runs[runs["status"].isin(["finished", "diverged"])].to_dict("records")}


def peak_memory(code: str, *arguments: str) -> float:
    """Run Python code with arguments in a process of its own; return its peak memory in MiB."""
    command = [sys.executable, "-c", f"{code}\n{_PEAK}", *arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return float(printed.split()[-1])


def fer2013_csv(folder: Path) -> tuple[Path, str]:
    """Write fer2013.csv to a folder; return its path and a description of its content.

    It is the real one if its exporter is available (FERGAN_SHARED, or `shared` beside the repository), otherwise
    synthfer's images in the same layout and number.
    """
    path = folder / "fer2013.csv"
    if exporter().exists():
        subprocess.run([sys.executable, str(exporter()), "csv", str(path)], check=True, stdout=subprocess.DEVNULL)
        return path, "real images"
    faces = open_dataset("synthfer")
    with path.open("w") as handle:
        handle.write("emotion,pixels,Usage\n")
        for image, label, split in zip(faces.images, faces.labels, faces.splits, strict=True):
            handle.write(f"{label},{' '.join(map(str, image.ravel().tolist()))},{_USAGES[split]}\n")
    return path, "images of synthfer"
