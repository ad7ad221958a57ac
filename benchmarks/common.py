"""What the benchmarks share: rows of their table, FER2013 or its like as a file, a process's memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from fergan_core.data import open_dataset
from fergan_core.registry import Reader
from tests.support.machine import exporter

_USAGES = ("Training", "PublicTest", "PrivateTest", "test")

# In a process of its own, whose highest memory is then the code's alone. Linux hands ru_maxrss down from the starting
# process, so there the kernel's own mark is read.
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
    """Return the runs that came to their own end by name; one that was stopped is trained again under its name."""
    runs = reader.runs()
    return {row["name"]: row for row in runs[runs["status"].isin(["finished", "diverged"])].to_dict("records")}


def peak_memory(code: str, *arguments: str) -> float:
    """Run Python code with arguments in a process of its own; return its highest memory in MiB."""
    command = [sys.executable, "-c", f"{code}\n{_PEAK}", *arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return float(printed.split()[-1])


def fer2013_csv(folder: Path) -> tuple[Path, str]:
    """Write fer2013.csv to a folder; return it and what it holds.

    It is the real one where the exporter is at hand (FERGAN_SHARED, or `shared` beside the repository), otherwise
    one of synthfer's images in the same layout and of the same size.
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
