"""What a plain line would hide: values that are not numbers, lone points, zeros on a logarithmic axis."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

_LONE_PX, _AT_FOOT_PX = 6, 9  # sizes of markers


def first_lost(points: pd.DataFrame) -> int | None:
    """Return the first step at which a scalar was NaN or infinite: a divergence must not look like a gap.

    `points` are one metric's stretches of one run: step, low, high, nans.
    """
    low, high, nans, steps = (points[name].to_numpy(dtype=float) for name in ("low", "high", "nans", "step"))
    lost = steps[(nans > 0) | np.isinf(low) | np.isinf(high)]
    return int(lost.min()) if len(lost) else None


def mark_lost(figure: go.Figure, points: pd.DataFrame, name: str, colour: str, **place: Any) -> str:
    """Draw a dotted line where a scalar is first not a number, and return its name in the legend, which says so."""
    lost = first_lost(points)
    if lost is None:
        return name
    # The panel has no trace yet, and Plotly would leave the mark out of an empty one.
    figure.add_vline(x=lost, line={"color": colour, "dash": "dot"}, exclude_empty_subplots=False, **place)
    return f"{name}, not a number at step {lost:,}"


def without_number(values: pd.Series, words: str) -> str:
    """Return what a legend adds where some of a line's values are not numbers, '' where all are."""
    lost = int((~np.isfinite(values.astype(float))).sum())
    return f", not a number in {lost} of {len(values)} {words}" if lost else ""


def curve(values: pd.Series, colour: str, foot: float | None = None, *, markers: int = 0) -> dict[str, Any]:
    """Return y, mode and marker of a line through `values` in which each of them is seen.

    A point without a neighbour, which no line reaches, gets a marker; on a logarithmic axis with a `foot`, what is 0 or
    below stands there as a triangle that points down. `markers` is the size of all the others' markers.
    """
    numbers = values.to_numpy(dtype=float)
    finite = np.isfinite(numbers)
    before, after = np.append(False, finite[:-1]), np.append(finite[1:], False)
    alone = finite & ~before & ~after
    below = finite & (numbers <= 0) if foot is not None else np.zeros(len(numbers), dtype=bool)
    sizes = np.where(below, max(_AT_FOOT_PX, markers), np.where(alone, max(_LONE_PX, markers), markers))
    y = np.where(finite, np.where(below, foot or 0.0, numbers), np.nan)
    if not sizes[finite].any():
        return {"y": y, "mode": "lines"}
    symbols = np.where(below, "triangle-down", "circle")
    mode = "markers" if alone.sum() == finite.sum() and not markers else "lines+markers"
    # Sizes in a list make Plotly draw bubbles: faint and with a white rim.
    bare = {"opacity": 1, "line": {"width": 0}}
    return {"y": y, "mode": mode, "marker": {"color": colour, "size": sizes, "symbol": symbols, **bare}}


def log_foot(*values: ArrayLike) -> float | None:
    """Return where on a logarithmic axis values of 0 or below are shown, under all others; None where there are none.

    None too where nothing is above 0: such values need a linear axis, which `log_axis` gives them.
    """
    numbers = np.concatenate([np.ravel(np.asarray(one, dtype=float)) for one in values])
    numbers = numbers[np.isfinite(numbers)]
    above = numbers[numbers > 0]
    return float(above.min()) / 2 if len(above) and len(above) < len(numbers) else None


def at_least(values: Sequence[float], foot: float | None) -> list[float]:
    """Return a band's edge with what is 0 or below at the axis's foot."""
    return [value if foot is None or value > 0 else foot for value in values]


def log_axis(*values: ArrayLike, decades: bool = False) -> dict[str, Any]:
    """Return a logarithmic axis for these values, its foot written '≤ 0'; a linear one where none is above 0.

    `decades` leaves out the ticks between powers of ten, for a small panel.
    """
    numbers = np.concatenate([np.ravel(np.asarray(one, dtype=float)) for one in values])
    ticks = log_ticks(numbers)
    if not ticks:
        return {"type": "linear"}
    if decades:
        ticks = [tick for tick in ticks if math.isclose(math.log10(tick) % 1, 0, abs_tol=1e-9)]
    texts = [f"{tick:,g}" for tick in ticks]
    foot = log_foot(numbers)
    if foot is None:
        return {"type": "log", "tickvals": ticks, "ticktext": texts}
    # A tick too near to the foot would be written over it.
    first = next((place for place, tick in enumerate(ticks) if tick > 1.4 * foot), len(ticks))
    return {"type": "log", "tickvals": [foot, *ticks[first:]], "ticktext": ["≤ 0", *texts[first:]]}


def log_ticks(values: ArrayLike) -> list[float]:
    """List ticks for these values, 1, 2, 5, 10, ..., to be written in full: Plotly's own write 2 and 5 alone."""
    numbers = np.asarray(values, dtype=float)
    positive = numbers[np.isfinite(numbers) & (numbers > 0)]
    if not len(positive):
        return []
    first, last = math.floor(math.log10(positive.min())), math.ceil(math.log10(positive.max()))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    return [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
