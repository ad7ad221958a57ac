"""What a part of the bench is told and reports, in whichever process it works."""

import contextlib
import json
import math
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import row
from fergan_core import recipe as recipes
from fergan_core.data import Dataset, open_dataset
from fergan_core.recipe import Recipe
from fergan_core.recipe.presets import PRESETS

GPU_PRESETS = tuple(name for name in PRESETS if name.endswith("-gpu"))


@dataclass(frozen=True)
class Size:
    """How much a bench does.

    presets      presets that are checked and measured
    width        channels of their networks, and
    batch        images of a step; None: as the preset has them
    check_steps  steps of which the losses are compared, and
    check_batch  images of each
    faces        faces of the timed evaluation
    drawn        faces that are drawn at a time where the drawing is timed
    images       images of each of the trainings beside each other
    matrix       rows and columns of the matrices by whose product the chip's rate is measured
    """

    presets: tuple[str, ...] = (*GPU_PRESETS, "dcgan-concat", "robust")
    width: int | None = None
    batch: int | None = None
    check_steps: int = 20
    check_batch: int = 8
    faces: int = 10_000
    drawn: int = 1_000
    images: int = 12_800
    matrix: int = 8_192

    def recipe(self, preset: str) -> Recipe:
        """Return a preset's recipe in this size."""
        sizes = {"width": self.width, "batch_size": self.batch}
        settings = {name: str(size) for name, size in sizes.items() if size is not None}
        return recipes.changed(recipes.preset(preset), settings)


# Without a GPU only the bench's own logic is tried, and nothing that it measures says anything about a GPU.
ON_CPU = Size(width=4, batch=8, check_steps=4, check_batch=4, faces=300, drawn=8, images=64, matrix=512)


@dataclass(frozen=True)
class Job:
    """What a part is told: data, device and preset as by the flags, its size, where to leave files, and its limit.

    `rows` is the file to which it reports, `seconds` how long it may take.
    """

    data: str
    device: str
    train: str
    size: Size
    folder: Path
    rows: Path
    seconds: float

    def dataset(self) -> Dataset:
        """Open the data."""
        return open_dataset(self.data)

    def report(self, *rows: dict[str, Any]) -> None:
        """Report rows of the table at once, so that they stay if the part is ended."""
        with self.rows.open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in rows)

    @contextlib.contextmanager
    def reporting(self, name: str) -> Iterator[None]:
        """Report what fails within the block as a row of this name, and go on after it."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.report(failed(name, f"{type(error).__name__}: {error}"))


def failed(name: str, why: str) -> dict[str, Any]:
    """Return the row of something that could not be done."""
    first_line = why.strip().partition("\n")[0]
    return row(name, None, "", f"failed: {first_line}") | {"ok": False}


def checked(name: str, value: float, unit: str, limit: float, note: str = "") -> dict[str, Any]:
    """Return the row of a value that must be a number, and not above its limit."""
    if not math.isfinite(value):
        return failed(name, "not a number")
    ratio = limit / value if value > 0 else None
    ok = value <= limit
    return row(name, value, unit, note if ok else f"failed: {note}", reference=limit, ratio=ratio) | {"ok": ok}
