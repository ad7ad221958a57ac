"""How often do the scores' 95 % intervals hold the truth? `python -m benchmarks.intervals` draws sets and counts.

Real faces stand still: 200 points of a 3-dimensional Gaussian. Fakes are drawn anew each time, from a distribution that
gives the score that is asked for; the truth is the mean of the values. Takes some minutes.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from scipy.stats import binom
from torch import Tensor

from fergan_core.metrics import birthday, copying, intervals, neighbours
from fergan_core.metrics.bins import closest
from fergan_core.metrics.intervals import Interval

_REAL, _WIDTH, _REPEATS = 200, 3, 400
_RARE = (0.0005, 0.001, 0.002, 0.005, 0.01)
_DOUBLE = torch.float64
_SOURCE = torch.Generator().manual_seed(0)
Draw = Callable[[], Tensor]


def _normal(count: int) -> Tensor:
    return torch.randn(count, _WIDTH, generator=_SOURCE, dtype=_DOUBLE)


_FACES = _normal(_REAL)


def _mixed(share: float, count: int, near: Callable[[int], Tensor]) -> Tensor:
    """Draw a share of the fakes by `near` and the others far from any real face."""
    fake = near(count)
    fake[torch.rand(count, generator=_SOURCE) >= share] += 100
    return fake


def _copies(count: int) -> Tensor:
    return _FACES[torch.randint(_REAL, (count,), generator=_SOURCE)] + 0.02 * _normal(count)


def _moved(count: int, scale: float, by: float = 0.0) -> Tensor:
    return scale * _normal(count) + torch.tensor([by, 0, 0], dtype=_DOUBLE)


def _share_for(coverage: float, count: int, near: Callable[[int], Tensor]) -> float:
    """Return the share of fakes to be drawn by `near` so that `count` of them have an expected coverage."""
    radii = neighbours.nearest(_FACES, _FACES, neighbours.DENSITY_K, exclude_self=True)[0][:, -1]
    inside = torch.cat([torch.cdist(near(10_000), _FACES) <= radii for _ in range(10)]).double().mean(0)
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        reached = float((1 - (1 - middle * inside) ** count).mean())
        low, high = (middle, high) if reached < coverage else (low, middle)
    return low


def _counted(score: str, how: str, estimates: list[Interval]) -> tuple[str, ...]:
    """Return a row: the score, the fakes, the truth, how often it is held, too high and too low, mean width."""
    truth = sum(one.value for one in estimates) / len(estimates)
    below = sum(truth < one.low for one in estimates) / len(estimates)
    above = sum(truth > one.high for one in estimates) / len(estimates)
    width = sum(one.high - one.low for one in estimates) / len(estimates)
    return score, how, f"{truth:.4f}", f"{1 - below - above:.1%}", f"{below:.1%}", f"{above:.1%}", f"{width:.4f}"


def _reached(score: str, how: str, draw: Draw) -> tuple[str, ...]:
    sets = [getattr(neighbours.neighbourhoods(_FACES, draw()), score) for _ in range(_REPEATS)]
    return _counted(score, how, [neighbours.interval_of_reached([one]) for one in sets])


def _coverage() -> Iterator[tuple[str, ...]]:
    for target in (*_RARE, 0.05, 0.3, 0.5):
        share = _share_for(target, _REAL, _normal)
        yield _reached("coverage", f"{target:g} wanted, rest far away", partial(_mixed, share, _REAL, _normal))
    for target in (0.9, *(1 - rare for rare in reversed(_RARE))):
        share = _share_for(target, 320, _copies)
        yield _reached("coverage", f"{target:g} wanted, 320 near copies", partial(_mixed, share, 320, _copies))
    for scale in (0.4, 0.7, 1.5, 2.0):
        yield _reached("coverage", f"{scale} times as wide", partial(_moved, _REAL, scale))


def _recall() -> Iterator[tuple[str, ...]]:
    for by in (2, 3, 4, 5, 6):
        yield _reached("recall", f"moved by {by}, 0.7 as wide", partial(_moved, _REAL, 0.7, by))
    for scale in (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0):
        yield _reached("recall", f"{scale} times as wide", partial(_moved, _REAL, scale))


def _shares() -> Iterator[tuple[str, ...]]:
    """Precision and authenticity: of independent faces the chance of each count is known, nothing is drawn."""
    for truth in (*_RARE, 0.3, 0.5, *(1 - rare for rare in reversed(_RARE))):
        hits = range(2001)
        ends = [intervals.interval_of_share(count / 2000, 2000) for count in hits]
        likely = binom.pmf(hits, 2000, truth)
        below = sum(chance for chance, one in zip(likely, ends, strict=True) if truth < one.low)
        above = sum(chance for chance, one in zip(likely, ends, strict=True) if truth > one.high)
        width = sum(chance * (one.high - one.low) for chance, one in zip(likely, ends, strict=True))
        cells = (f"{1 - below - above:.1%}", f"{below:.1%}", f"{above:.1%}", f"{width:.4f}")
        yield "precision, authentic", "2,000 independent faces", f"{truth:.4f}", *cells


def _density() -> Iterator[tuple[str, ...]]:
    for target in (*_RARE, 0.3, 0.9):
        sets = (_mixed(target / 0.94, _REAL, _normal) for _ in range(_REPEATS))
        counts = [neighbours.neighbourhoods(_FACES, fake).density for fake in sets]
        yield _counted("density", f"{target:g} wanted", [intervals.interval_of_counts(one) for one in counts])


def _duplicates() -> Iterator[tuple[str, ...]]:
    for threshold in (0.01, 0.02, 0.04, 0.1, 0.3):
        shares = [birthday.duplicates(_normal(300), threshold).share for _ in range(_REPEATS)]
        estimates = [birthday.interval_of_share(share, 300) for share in shares]
        yield _counted("near-duplicates", f"closer than {threshold}", estimates)


def _ct() -> Iterator[tuple[str, ...]]:
    """C_T beside 500 training and 300 unseen faces; moved by 1.5 and 2, cells hold about as many fakes as must be."""
    _SOURCE.manual_seed(6)  # these rows depend on where the cells are, so they do not change with the parts before
    reference = copying.training_set(_normal(500), _normal(300), cells=3)
    faces = reference.faces
    near = {
        "drawn alike": lambda: _normal(300),
        "1.5 times as wide": lambda: _moved(300, 1.5),
        "half copies": lambda: torch.cat([faces[:150] + 0.02 * _normal(150), _normal(150)]),
        "all copies": lambda: faces[torch.randint(500, (300,), generator=_SOURCE)] + 0.02 * _normal(300),
    }
    near |= {f"moved by {by}": partial(_moved, 300, 1.0, by) for by in (1, 1.5, 2, 3, 4, -1.5)}
    for how, draw in near.items():
        fakes = [draw() for _ in range(_REPEATS)]
        smallest = sum(int(torch.bincount(closest(one, reference.centres)[1], minlength=3).min()) for one in fakes)
        sets = [copying.copying(reference, one, intervals.groups_of(300, turn)) for turn, one in enumerate(fakes)]
        estimates = [copying.interval_of_ct([one]) for one in sets]
        yield _counted("C_T", f"{how}: {smallest / _REPEATS:.0f} in a cell", estimates)


def main() -> None:
    """Print the table."""
    table = Table(title=f"95 % intervals, {_REPEATS} sets a row")
    for heading in ("score", "fakes", "truth", "held", "truth below", "truth above", "mean width"):
        table.add_column(heading)
    for rows in (_shares, _density, _coverage, _recall, _duplicates, _ct):
        for row in rows():
            print("  ".join(row), file=sys.stderr, flush=True)
            table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
