"""How often do the scores' 95 % intervals cover the truth? `python -m benchmarks.intervals` simulates it.

Real faces are fixed: 200 points of a 3-dimensional Gaussian. Fakes are drawn for each set, from a distribution that
yields the target score; the truth is the mean of the values. Takes some minutes.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from scipy.stats import binom
from torch import Tensor
from torch.nn.functional import one_hot

from fergan_core.metrics import birthday, copying, inception_score, intervals, neighbours
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
    """Draw a share of the fakes by `near` and the others far from every real face."""
    fake = near(count)
    fake[torch.rand(count, generator=_SOURCE) >= share] += 100
    return fake


def _copies(count: int) -> Tensor:
    return _FACES[torch.randint(_REAL, (count,), generator=_SOURCE)] + 0.02 * _normal(count)


def _moved(count: int, scale: float, by: float = 0.0) -> Tensor:
    return scale * _normal(count) + torch.tensor([by, 0, 0], dtype=_DOUBLE)


def _share_for(coverage: float, count: int, near: Callable[[int], Tensor]) -> float:
    """Return the share of `count` fakes to draw by `near` for an expected coverage, by bisection."""
    radii = neighbours.nearest(_FACES, _FACES, neighbours.DENSITY_K, exclude_self=True)[0][:, -1]
    inside = torch.cat([torch.cdist(near(10_000), _FACES) <= radii for _ in range(10)]).double().mean(0)
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        reached = float((1 - (1 - middle * inside) ** count).mean())
        low, high = (middle, high) if reached < coverage else (low, middle)
    return low


def _counted(score: str, fakes: str, estimates: list[Interval]) -> tuple[str, ...]:
    """Return a row: score, fakes, truth, how often it lies in, below and above the interval, mean width."""
    truth = sum(estimate.value for estimate in estimates) / len(estimates)
    below = sum(truth < estimate.low for estimate in estimates) / len(estimates)
    above = sum(truth > estimate.high for estimate in estimates) / len(estimates)
    width = sum(estimate.high - estimate.low for estimate in estimates) / len(estimates)
    return score, fakes, f"{truth:.4f}", f"{1 - below - above:.1%}", f"{below:.1%}", f"{above:.1%}", f"{width:.4f}"


def _reached(score: str, fakes: str, draw: Draw) -> tuple[str, ...]:
    sets = [getattr(neighbours.neighbourhoods(_FACES, draw()), score) for _ in range(_REPEATS)]
    return _counted(score, fakes, [neighbours.interval_of_reached([of_set]) for of_set in sets])


def _coverage() -> Iterator[tuple[str, ...]]:
    for target in (*_RARE, 0.05, 0.3, 0.5):
        share = _share_for(target, _REAL, _normal)
        yield _reached("coverage", f"target {target:g}, others far away", partial(_mixed, share, _REAL, _normal))
    for target in (0.9, *(1 - rare for rare in reversed(_RARE))):
        share = _share_for(target, 320, _copies)
        yield _reached("coverage", f"target {target:g}, 320 near copies", partial(_mixed, share, 320, _copies))
    for scale in (0.4, 0.7, 1.5, 2.0):
        yield _reached("coverage", f"{scale} times as wide", partial(_moved, _REAL, scale))


def _recall() -> Iterator[tuple[str, ...]]:
    for by in (2, 3, 4, 5, 6):
        yield _reached("recall", f"moved by {by}, 0.7 as wide", partial(_moved, _REAL, 0.7, by))
    for scale in (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0):
        yield _reached("recall", f"{scale} times as wide", partial(_moved, _REAL, scale))


def _shares() -> Iterator[tuple[str, ...]]:
    """Precision and authenticity: exact, as the count among independent faces is binomial."""
    for truth in (*_RARE, 0.3, 0.5, *(1 - rare for rare in reversed(_RARE))):
        hits = range(2001)
        ends = [intervals.interval_of_share(count / 2000, 2000) for count in hits]
        likely = binom.pmf(hits, 2000, truth)
        below = sum(chance for chance, interval in zip(likely, ends, strict=True) if truth < interval.low)
        above = sum(chance for chance, interval in zip(likely, ends, strict=True) if truth > interval.high)
        width = sum(chance * (interval.high - interval.low) for chance, interval in zip(likely, ends, strict=True))
        cells = (f"{1 - below - above:.1%}", f"{below:.1%}", f"{above:.1%}", f"{width:.4f}")
        yield "precision, authentic", "2,000 independent faces", f"{truth:.4f}", *cells


def _density() -> Iterator[tuple[str, ...]]:
    for target in (*_RARE, 0.3, 0.9):
        sets = (_mixed(target / 0.94, _REAL, _normal) for _ in range(_REPEATS))
        counts = [neighbours.neighbourhoods(_FACES, fake).density for fake in sets]
        yield _counted("density", f"target {target:g}", [intervals.interval_of_counts(of_set) for of_set in counts])


def _duplicates() -> Iterator[tuple[str, ...]]:
    for threshold in (0.01, 0.02, 0.04, 0.1, 0.3):
        shares = [birthday.duplicates(_normal(300), threshold).share for _ in range(_REPEATS)]
        estimates = [birthday.interval_of_share(share, 300) for share in shares]
        yield _counted("near-duplicates", f"closer than {threshold}", estimates)


def _logits(count: int, spread: float) -> Tensor:
    return spread * torch.randn(count, 7, generator=_SOURCE, dtype=_DOUBLE)


def _sure(count: int, size: float, rare: float | None = None) -> Tensor:
    """Logits of faces read as one of seven equally likely emotions, or, but for a `rare` share, as the same one."""
    emotions = torch.randint(7, (count,), generator=_SOURCE)
    if rare is not None:
        emotions = (torch.rand(count, generator=_SOURCE) < rare).long()
    return size * one_hot(emotions, 7).double()


def _inception_score() -> Iterator[tuple[str, ...]]:
    """The Inception Score in nats, of readings that are more or less sure; the faces' number is its largest bias."""
    _SOURCE.manual_seed(8)
    readings: dict[str, Callable[[int], Tensor]] = {
        "each surely of one emotion": lambda count: _sure(count, 20),
        "each nearly surely of one emotion": lambda count: _sure(count, 5) + _logits(count, 0.5),
        "read as mixtures": lambda count: _logits(count, 2.5),
        "all read nearly alike": lambda count: _logits(count, 0.3),
        "surely of one emotion, 1 in 50 of another": lambda count: _sure(count, 20, 0.02),
    }
    for name, draw in readings.items():
        for count in (30, 200, 2000):
            estimates = [inception_score.score(draw(count), seed=turn).kl_nats for turn in range(_REPEATS)]
            yield _counted("IS, in nats", f"{count:,}, {name}", estimates)


def _ct() -> Iterator[tuple[str, ...]]:
    """C_T with 500 training and 300 unseen faces; moved by 1.5 and 2, cells hold about as few fakes as they may."""
    _SOURCE.manual_seed(6)  # these rows depend on where the cells are: keep them independent of the parts before
    reference = copying.training_set(_normal(500), _normal(300), cells=3)
    faces = reference.faces
    near = {
        "drawn alike": lambda: _normal(300),
        "1.5 times as wide": lambda: _moved(300, 1.5),
        "half copies": lambda: torch.cat([faces[:150] + 0.02 * _normal(150), _normal(150)]),
        "all copies": lambda: faces[torch.randint(500, (300,), generator=_SOURCE)] + 0.02 * _normal(300),
    }
    near |= {f"moved by {by}": partial(_moved, 300, 1.0, by) for by in (1, 1.5, 2, 3, 4, -1.5)}
    for name, draw in near.items():
        fakes = [draw() for _ in range(_REPEATS)]
        cells = [torch.bincount(closest(points, reference.centres)[1], minlength=3) for points in fakes]
        smallest = sum(int(counts.min()) for counts in cells)
        sets = [copying.copying(reference, points, intervals.groups_of(300, turn)) for turn, points in enumerate(fakes)]
        estimates = [copying.interval_of_ct([of_set]) for of_set in sets]
        yield _counted("C_T", f"{name}: {smallest / _REPEATS:.0f} in a cell", estimates)


def main() -> None:
    """Simulate all scores and print the table."""
    table = Table(title=f"95 % intervals, {_REPEATS} sets a row")
    for heading in ("score", "fakes", "truth", "held", "truth below", "truth above", "mean width"):
        table.add_column(heading)
    for rows in (_shares, _density, _coverage, _recall, _duplicates, _ct, _inception_score):
        for row in rows():
            print("  ".join(row), file=sys.stderr, flush=True)
            table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
