"""What several benchmarks need: FER2013 as a CSV, and the highest memory of a process."""

import os
import subprocess
import sys
from pathlib import Path

from fergan_core.data import open_dataset

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
