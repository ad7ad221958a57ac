"""What moved first: when each scalar of a run left its usual range, before something was found."""

from collections.abc import Collection
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fergan_core.scalars import Panel

Direction = Literal["rises", "falls", "not a number"]

FENCE = 3.0  # quartile ranges beyond the quartiles that are still usual: what lies further is 'far out' (Tukey 1977)
_ENOUGH = 8  # stretches from which a usual range can be taken
_LASTING = 3  # stretches in a row beyond it, so that single spikes do not count
_WARM_UP = 0.1  # of the time before the finding, in which a training settles


class Move(NamedTuple):
    """A scalar that left its usual range, from `low` to `high`: at which step, which way, and its value there."""

    metric: str
    step: int
    direction: Direction
    value: float
    low: float
    high: float


def first_moves(points: pd.DataFrame, before: int, logarithmic: Collection[str] = ()) -> list[Move]:
    """Return each scalar's first lasting departure from its usual range before a step, in order of steps.

    `points` are one run's stretches: metric, step, mean. The usual range is that of the first half of the steps up to
    `before`, without the first tenth, in which a training settles: from `FENCE` quartile ranges below the first
    quartile to as many above the third, of `logarithmic` scalars on logarithms. A scalar with too few stretches there
    has none. A value that is not a number is a departure wherever it comes.
    """
    moves = []
    for metric, rows in points[points.step <= before].groupby("metric", sort=False):
        rows = rows.sort_values("step")
        steps, values = rows.step.to_numpy(np.int64), rows["mean"].to_numpy(np.float64)
        move = _first_move(str(metric), steps, values, before, str(metric) in logarithmic)
        if move is not None:
            moves.append(move)
    return sorted(moves, key=lambda move: move.step)


def _first_move(
    metric: str, steps: NDArray[np.int64], values: NDArray[np.float64], before: int, logarithmic: bool
) -> Move | None:
    lost = np.flatnonzero(~np.isfinite(values))
    broken = Move(metric, int(steps[lost[0]]), "not a number", np.nan, np.nan, np.nan) if len(lost) else None
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    on_logs = logarithmic and len(values) > 0 and bool((values > 0).all())
    scaled = np.log(values) if on_logs else values
    usual = scaled[(steps > _WARM_UP * before) & (steps <= before / 2)]
    if len(usual) < _ENOUGH:
        return broken
    first, third = np.quantile(usual, [0.25, 0.75])
    margin = FENCE * max(third - first, 1e-3 * abs(first + third) / 2)
    low, high = first - margin, third + margin
    side = np.where(scaled > high, 1, np.where(scaled < low, -1, 0)) * (steps > before / 2)
    for place in range(len(side) - _LASTING + 1):
        if side[place] and (side[place : place + _LASTING] == side[place]).all():
            if broken is not None and broken.step < steps[place]:
                return broken
            ends = (float(np.exp(end)) if on_logs else float(end) for end in (low, high))
            return Move(metric, int(steps[place]), "rises" if side[place] > 0 else "falls", float(values[place]), *ends)
    return broken


def panels_in_order(panels: Collection[Panel], moves: Collection[Move]) -> list[Panel]:
    """Return panels in the order in which the first of their scalars moved, then those that did not, as they were."""
    step_of = {move.metric: move.step for move in moves}
    never = float("inf")
    return sorted(panels, key=lambda panel: min((step_of.get(name, never) for name in panel.labels), default=never))
