"""Shared by the benchmarks: their table, a run to record in, a CSV of FER2013 or a stand-in, peak memory."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fergan_core import recipe as recipes
from fergan_core.data import Dataset, open_dataset
from fergan_core.experiment import train
from fergan_core.recipe import Recipe
from fergan_core.registry import Reader, Registry
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
    name: str,
    value: float | None,
    unit: str,
    note: str = "",
    *,
    reference: float | None = None,
    ratio: float | None = None,
) -> dict[str, Any]:
    """Return a row of the benchmarks' table; a ratio above 1 is in FerGAN's favour, no value is a failure."""
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio, "note": note}


def print_rows(rows: Sequence[dict[str, Any]], group: str) -> None:
    """Print the benchmarks' table; each row names its `group`, such as its suite, under that key."""
    table = Table()
    for heading in (group, "what", "value", "unit", "reference", "ratio", "note"):
        table.add_column(heading, justify="right" if heading in ("value", "reference", "ratio") else "left")
    for line in rows:
        value, reference, ratio = line["value"], line["reference"], line["ratio"]
        table.add_row(
            line[group],
            line["name"],
            "" if value is None else f"{value:,.4g}",
            line["unit"],
            "" if reference is None else f"{reference:,.4g}",
            "" if ratio is None else f"{ratio:.2f}",
            line["note"],
        )
    # A log has no width of its own; a terminal has.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def bench_run(registry: Registry, recipe: Recipe, device: str, images: int, epochs: int = 1) -> str:
    """Create a run for what a benchmark records; return its id."""
    return registry.create_run(
        name="bench", method=recipe.method.kind, preset=recipe.preset, recipe=recipes.to_dict(recipe),
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": images},
        seed=0, provenance={"device": device}, tags=(), epochs=epochs, steps=0,
    )  # fmt: skip


def ended(reader: Reader) -> dict[str, dict[str, object]]:
    """Return the runs that finished or diverged, by name; one that was stopped is trained again under the same name."""
    runs = reader.runs()
    return {row["name"]: row for row in runs[runs["status"].isin(["finished", "diverged"])].to_dict("records")}


def trained(recipe: Recipe, dataset: Dataset, registry: Registry, name: str, *tags: str) -> str:
    """Return the id of the run of this name that has ended; train it where there is none. An interrupt ends all."""
    if name not in ended(registry.reader):
        print(name, file=sys.stderr, flush=True)
        if train(recipe, dataset, registry, name=name, tags=tags).status == "interrupted":
            raise KeyboardInterrupt
    return str(ended(registry.reader)[name]["id"])


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
