"""What another tool recorded of a run, as the readers of its files return it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Point = tuple[float, float, float]
"""A value with the lowest and the highest of the steps that it stands for; NaN where it stands for its own alone."""

ALONE = (float("nan"), float("nan"))


@dataclass(frozen=True)
class ForeignSheet:
    """A sheet's WebP, the names of its rows and the number of its columns."""

    names: Sequence[str]
    columns: int
    picture: bytes


@dataclass
class ForeignRun:
    """A run of another tool: points by scalar and step, sheets by step, and when it began (seconds since 1970)."""

    name: str
    points: dict[str, dict[int, Point]] = field(default_factory=dict)
    sheets: dict[int, ForeignSheet] = field(default_factory=dict)
    begun: float | None = None

    @property
    def last_step(self) -> int:
        """Return the last step of which anything was recorded."""
        return max((*(step for column in self.points.values() for step in column), *self.sheets), default=0)
