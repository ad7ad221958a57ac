"""Do the labels of some faces number the emotions in another order? A judge's reading of the faces shows it.

Where labels are interpreted in the wrong order, the judge disagrees in a regular way: most faces of one label are read
as one other emotion, a different one for each label. The one-to-one assignment of labels to emotions that agrees with
most readings (Kuhn 1955) is the order. Bad generators also draw emotions that are read as others, but seldom so
regularly.

The limits come from 354 evaluations of correctly labelled faces of generators of every quality, and from all 5,039
wrong orders of FER2013's PublicTest as its two judges read it. None of the former is mistaken for another order; all of
the latter are detected: in each at least 32 % of every label's faces are read as assigned, and 3.5 times as many as are
read as labelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from fergan_core.emotions import CONTEMPT, EMOTIONS, LABEL_ORDERS
from fergan_core.evaluation.faces import Reading
from fergan_core.metrics.calibration import confusion_matrix
from fergan_core.metrics.vendi import vendi

_RATIO = 2.5  # of the faces whose label moves, so many times as many must be read as assigned as are read as labelled
_LEAST, _LEAST_OF_NAMED = 0.2, 0.3  # share of them read as assigned: of each label; of all, in an order with a name
_BETTER = 0.75  # share of the moved labels that must agree better with a named order
_NEARLY = 0.95  # of the best order's readings that a named one must have
_CHANCE = 0.01 / 5040  # probability of so many assigned readings by chance, over all 7! orders
_DIFFERENT = 2.0  # least Vendi score: a single face for an emotion is read as one emotion, right or wrong


@dataclass(frozen=True)
class SuspectedOrder:
    """The order in which labels seem to number the emotions, and the accuracies, 0 to 1, with it and as labelled."""

    emotions: tuple[str, ...]
    accuracy: float
    as_given: float

    @property
    def flag(self) -> str:
        """Return the value for `--label-order`: the order's name where it has one, else the emotions."""
        matching = (name for name, order in LABEL_ORDERS.items() if _seven(order) == _seven(self.emotions))
        return next(matching, ",".join(self.emotions))


def suspected_order(reading: Reading, assumed: Sequence[str] = EMOTIONS) -> SuspectedOrder | None:
    """Return the other order in which the labels of faces seem to number the emotions, or None.

    `assumed` is the order by which they became the reading's labels, FER2013 codes. A named order is preferred to one
    that fits only slightly better.
    """
    if reading.labels is None or len(reading) == 0:
        return None
    confusion = confusion_matrix(reading.logits, reading.labels).numpy()
    right = int(np.trace(confusion))
    for meant in _candidates(confusion, assumed):
        if _decisive(confusion, meant, named=_seven(_emotions(meant, assumed)) in map(_seven, LABEL_ORDERS.values())):
            moved = [code for code in np.flatnonzero(confusion.sum(1)).tolist() if meant[code] != code]
            if min(vendi(reading.features[reading.labels == code]) for code in moved) < _DIFFERENT:
                return None
            hits = int(confusion[np.arange(len(EMOTIONS)), meant].sum())
            return SuspectedOrder(_emotions(meant, assumed), hits / len(reading), right / len(reading))
    return None


def _candidates(confusion: NDArray[np.int64], assumed: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return what each code may mean, int64 [7]: by the named orders that fit nearly best, then by the best."""
    rows = np.arange(len(EMOTIONS))
    place = np.array([assumed.index(name) for name in EMOTIONS])
    named = [
        [_seven(order)[number] for number in place] for order in LABEL_ORDERS.values() if max(place) < len(EMOTIONS)
    ]
    named_codes = [np.array([EMOTIONS.index(name) for name in order]) for order in named]
    # Labels without faces keep their emotion where no other label is assigned to it.
    best = scipy.optimize.linear_sum_assignment(-(confusion.astype(float) + 1e-3 * np.eye(len(EMOTIONS))))[1]
    enough = _NEARLY * int(confusion[rows, best].sum())
    near = [meant for meant in named_codes if int(confusion[rows, meant].sum()) >= enough]
    return [*sorted(near, key=lambda meant: -int(confusion[rows, meant].sum())), best.astype(np.int64)]


def _emotions(meant: NDArray[np.int64], assumed: Sequence[str]) -> tuple[str, ...]:
    """Return the emotions in the order of the labels' numbers, from what each code means."""
    return tuple(name if name == CONTEMPT else EMOTIONS[meant[EMOTIONS.index(name)]] for name in assumed)


def _seven(order: tuple[str, ...]) -> tuple[str, ...]:
    """Return an order without contempt where that comes last and so shifts no other."""
    return order[:-1] if order[-1] == CONTEMPT else order


def _decisive(confusion: NDArray[np.int64], meant: NDArray[np.int64], *, named: bool) -> bool:
    """Return whether more faces are read as `meant` than as labelled, by more than chance or a bad generator gives."""
    moved = np.flatnonzero((meant != np.arange(len(EMOTIONS))) & (confusion.sum(1) > 0))
    if len(moved) == 0:
        return False
    faces, assigned, as_labelled = confusion[moved].sum(1), confusion[moved, meant[moved]], confusion[moved, moved]
    hits, misses = int(assigned.sum()), int(as_labelled.sum())
    if hits < _RATIO * misses or scipy.stats.binom.sf(hits - 1, hits + misses, 0.5) > _CHANCE:
        return False
    if named:
        return bool(hits >= _LEAST_OF_NAMED * faces.sum() and (assigned > as_labelled).mean() >= _BETTER)
    return bool((assigned >= _LEAST * faces).all())
