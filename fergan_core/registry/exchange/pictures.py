"""Sheets from pictures: files that have their step in their name, or folders that have it with one step's pictures."""

import io
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from fergan_core.errors import DataError
from fergan_core.registry.exchange.foreign_run import ForeignSheet
from fergan_core.sheets import arranged, draw_sheet

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_WANDB = re.compile(r"(?P<name>.+)_(?P<step>\d+)_[0-9a-f]{20}")  # as W&B names the pictures that it was given
_UNNAMED = "images"
_LONGEST = 12  # digits: what has more is a date or a hash

Named = tuple[str, Image.Image]


def read(folder: Path) -> dict[int, ForeignSheet]:
    """Read a folder's pictures as sheets by step; none where there are none.

    `samples_500.png` is of step 500, and so are all pictures in a folder `step-500`. Raises DataError for a picture
    that cannot be read or that no number gives a step.
    """
    by_step: dict[int, list[Path]] = defaultdict(list)
    for file in sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file()):
        inside = file.relative_to(folder).parts[:-1]
        steps = [step for step in (_step_of(name) for name in reversed(inside)) if step is not None]
        step = _wandb_step(file.stem)
        if step is None:
            step = steps[0] if steps else _step_of(file.stem)
        if step is None:
            raise DataError(f"'{file}': no number in its name tells its step; name it like samples_500{file.suffix}")
        by_step[step].append(file)
    return {step: sheet_of([(_name_of(file.stem), _opened(file)) for file in files]) for step, files in by_step.items()}


def sheet_of(pictures: Sequence[Named]) -> ForeignSheet:
    """Lay pictures out as a sheet, a row for each name; what is not square has a black border, grey stays grey."""
    side = max(max(picture.size) for _, picture in pictures)
    in_colour = any(picture.mode not in ("1", "L") for _, picture in pictures)
    squares = np.stack([np.asarray(_square(picture, side, "RGB" if in_colour else "L")) for _, picture in pictures])
    names = list(dict.fromkeys(name for name, _ in pictures))
    faces = arranged(squares, [name for name, _ in pictures], names)
    return ForeignSheet(names, faces.shape[1], draw_sheet(faces))


def decoded(content: bytes, where: str) -> Image.Image:
    """Decode a picture; DataError, which says where it was, for what is none."""
    try:
        picture = Image.open(io.BytesIO(content))
        picture.load()
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{where}: it holds no picture that can be read ({error}); save it anew or leave it out"
        ) from None
    return picture


def _opened(file: Path) -> Image.Image:
    try:
        return decoded(file.read_bytes(), f"'{file}'")
    except OSError as error:
        raise DataError(f"'{file}' cannot be read ({error.strerror})") from None


def _square(picture: Image.Image, side: int, mode: str) -> Image.Image:
    picture = picture.convert(mode)
    if picture.size == (side, side):
        return picture
    largest = max(picture.size)
    square = Image.new(mode, (largest, largest))
    square.paste(picture, ((largest - picture.width) // 2, (largest - picture.height) // 2))
    return square.resize((side, side), Image.Resampling.BICUBIC)


def _wandb_step(stem: str) -> int | None:
    match = _WANDB.fullmatch(stem)
    return None if match is None else int(match["step"])


def _name_of(stem: str) -> str:
    match = _WANDB.fullmatch(stem)
    return _UNNAMED if match is None else match["name"]


def _step_of(name: str) -> int | None:
    numbers = [number for number in re.findall(r"\d+", name) if len(number) <= _LONGEST]
    return int(numbers[-1]) if numbers else None
