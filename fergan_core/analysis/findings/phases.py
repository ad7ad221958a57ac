"""The collapses of an emotion, from the diversity of its generated faces: each from its onset to its recovery."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from fergan_core.analysis.findings.history import spans
from fergan_core.analysis.findings.thresholds import LIMITS


@dataclass(frozen=True)
class Phase:
    """A collapse of an emotion: first and last step, and the step of the recovery that ended it, if one did.

    A rise that is not a recovery does not end it; `broken` tells of one. `lowest` is the lowest diversity, None where
    it was not read; `before` the highest before, None for a collapse at the first reading that counts.
    """

    start: int
    end: int
    lowest: float | None
    before: float | None = None
    recovered: int | None = None
    broken: bool = False


def phases(values: "pd.Series[float]", known: Sequence[Phase] = (), recoveries: Collection[int] = ()) -> list[Phase]:
    """Return the collapses in a series of diversities, as shares of real faces', by step.

    A collapse is LIMITS.probes readings in a row below LIMITS.collapsed, a recovery as many of LIMITS.recovered or
    more. `known` are the first collapses, with the `recoveries` after them, of a run whose readings may show them no
    more.
    """
    later = values[values.index > known[-1].end] if known else values
    risen = sorted({*recoveries, *(start for start, _ in spans(later >= LIMITS.recovered, LIMITS.probes))})
    collapses: list[Phase] = []
    for low in [*known, *_low(later)]:
        last = collapses[-1] if collapses else None
        if last is None:
            collapses.append(low)
            continue
        recovered = next((step for step in risen if last.end < step < low.start), None)
        if recovered is None:
            lowest = min((one for one in (last.lowest, low.lowest) if one is not None), default=None)
            collapses[-1] = replace(last, end=low.end, lowest=lowest, broken=True)
        else:
            collapses[-1] = replace(last, recovered=recovered)
            between = later.loc[recovered : low.start - 1]
            collapses.append(low if between.empty else replace(low, before=float(between.max())))
    if collapses:
        recovered = next((step for step in risen if step > collapses[-1].end), None)
        collapses[-1] = replace(collapses[-1], recovered=recovered)
    return collapses


def _low(values: "pd.Series[float]") -> Iterator[Phase]:
    """Yield each stretch in which the diversity stays below the limit."""
    for start, end in spans(values < LIMITS.collapsed, LIMITS.probes):
        before = values.loc[: start - 1]
        yield Phase(start, end, float(values.loc[start:end].min()), float(before.max()) if len(before) else None)
