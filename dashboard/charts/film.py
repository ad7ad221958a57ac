"""What the sheet player shows: runs' sheets lined up by epoch, step, images seen or seconds, emotions by name."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from fergan_core.emotions import EMOTIONS

Axis = Literal["epoch", "step", "images seen", "seconds"]


@dataclass(frozen=True)
class Picture:
    """A sheet's WebP and its hash; `value` is where it stands on the film's axis, `words` say so."""

    value: float
    words: str
    sha256: str
    content: bytes


@dataclass(frozen=True)
class FilmRun:
    """A run in a film: its emotions by row, the faces in a row, its pictures in order of `value`."""

    run_id: str
    name: str
    colour: str
    emotions: tuple[str, ...]
    columns: int
    pictures: tuple[Picture, ...]

    @cached_property
    def _values(self) -> list[float]:
        return [picture.value for picture in self.pictures]

    def at(self, place: float) -> int | None:
        """Return which picture is shown at a place: the last one that is not after it; None before the first."""
        number = bisect_right(self._values, place)
        return number - 1 if number else None

    def is_at(self, place: float) -> bool:
        """Tell whether there is a picture of exactly this place."""
        number = self.at(place)
        return number is not None and self._values[number] == place


@dataclass(frozen=True)
class Film:
    """Runs' sheets on one axis: of all their emotions or of one, beside each other or two of them in one frame."""

    runs: tuple[FilmRun, ...]
    axis: Axis
    emotions: tuple[str, ...]
    wipe: bool = False

    @cached_property
    def places(self) -> list[float]:
        """The places of the axis at which any run has a sheet, in order."""
        return sorted({picture.value for run in self.runs for picture in run.pictures})

    def at(self, place: float) -> list[tuple[FilmRun, int | None]]:
        """Return each run, and which of its pictures is shown at a place."""
        return [(run, run.at(place)) for run in self.runs]

    def nearest(self, value: float) -> float:
        """Return the last place that is not after a value, the first place for an earlier value."""
        return self.places[max(bisect_right(self.places, value) - 1, 0)]

    def words(self, place: float) -> str:
        """Say where a place is."""
        return words(self.axis, place)


def words(axis: Axis, value: float) -> str:
    """Say where a value of an axis is: 'epoch 5', 'epoch 0.25', 'step 2,000', '28,709 images', '12 min 30 s'."""
    if axis == "epoch":
        return f"epoch {number(value)}"
    if axis == "step":
        return f"step {value:,.0f}"
    if axis == "images seen":
        return f"{value:,.0f} images"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def number(value: float) -> str:
    """Write a value of an axis with two decimals at most: '5', '0.25'."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def all_emotions(of_runs: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the emotions that any of the runs learned, in FER2013's order, others behind them in their own."""
    known = dict.fromkeys(name for emotions in of_runs for name in emotions)
    return (*(name for name in EMOTIONS if name in known), *(name for name in known if name not in EMOTIONS))
