"""Do the labels of some faces count the emotions in another order? What a judge reads in the faces tells.

Labels whose numbers are taken in the wrong order are read wrongly in a regular way: most faces of one label are read
as one other emotion, another for each label. The one-to-one assignment of labels to emotions that agrees with most
readings (Kuhn 1955) says which. Bad generators also draw emotions that are read as others, but seldom so regularly.

The limits are set by 354 evaluations of correctly labelled faces of generators of every quality, and by all 5,039 wrong
orders of FER2013's PublicTest as its two judges read it. Of the former none is taken for another order; of the latter
all are, in each at least 32 % of every label's faces are read as assigned, and 3.5 times as many as are read as given.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom

from fergan_core.emotions import CONTEMPT, EMOTIONS, LABEL_ORDERS
from fergan_core.evaluation.faces import Reading
from fergan_core.metrics.calibration import confusion_matrix
from fergan_core.metrics.vendi import vendi

_RATIO = 2.5  # as many faces of the labels that move must be read as assigned, beside as given
_LEAST, _LEAST_OF_KNOWN = 0.2, 0.3  # share of them: of each label; of all together, in an order that has a name
_BETTER = 0.75  # share of the labels that move which a named order must serve better
_NEARLY = 0.95  # of the best order's readings that a named one must have
_CHANCE = 0.01 / 5040  # of as many assigned readings by accident, of any of 7! orders
_DIFFERENT = 2.0  # Vendi score: one face for an emotion is read as one emotion, rightly or not


@dataclass(frozen=True)
class SuspectedOrder:
    """The emotions in the order that labels seem to count them, and the accuracies, 0 to 1, with it and as given."""

    emotions: tuple[str, ...]
    accuracy: float
    as_given: float

    @property
    def flag(self) -> str:
        """Return what `--label-order` wants: the order's name where it has one, else the emotions."""
        known = (name for name, order in LABEL_ORDERS.items() if _seven(order) == _seven(self.emotions))
        return next(known, ",".join(self.emotions))


def suspected_order(reading: Reading, given: Sequence[str] = EMOTIONS) -> SuspectedOrder | None:
    """Return the other order in which the labels of faces seem to count, or None.

    `given` is the order that they were taken in to give the reading its labels, FER2013 codes. A named order is
    preferred to one that fits hardly better.
    """
    if reading.labels is None or len(reading) == 0:
        return None
    confusion = confusion_matrix(reading.logits, reading.labels).numpy()
    right = int(np.trace(confusion))
    for meant in _candidates(confusion, given):
        if _decisive(confusion, meant, known=_seven(_emotions(meant, given)) in map(_seven, LABEL_ORDERS.values())):
            moved = [code for code in np.flatnonzero(confusion.sum(1)).tolist() if meant[code] != code]
            if min(vendi(reading.features[reading.labels == code]) for code in moved) < _DIFFERENT:
                return None
            hits = int(confusion[np.arange(len(EMOTIONS)), meant].sum())
            return SuspectedOrder(_emotions(meant, given), hits / len(reading), right / len(reading))
    return None


def _candidates(confusion: NDArray[np.int64], given: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return what each code may mean, int64 [7] each: in the named orders that fit nearly best, then in the best."""
    rows = np.arange(len(EMOTIONS))
    place = np.array([given.index(name) for name in EMOTIONS])
    named = [
        [_seven(order)[number] for number in place] for order in LABEL_ORDERS.values() if max(place) < len(EMOTIONS)
    ]
    known = [np.array([EMOTIONS.index(name) for name in order]) for order in named]
    # Labels that no face has keep their emotion where it is free.
    best = linear_sum_assignment(-(confusion.astype(float) + 1e-3 * np.eye(len(EMOTIONS))))[1]
    enough = _NEARLY * int(confusion[rows, best].sum())
    near = [meant for meant in known if int(confusion[rows, meant].sum()) >= enough]
    return [*sorted(near, key=lambda meant: -int(confusion[rows, meant].sum())), best.astype(np.int64)]


def _emotions(meant: NDArray[np.int64], given: Sequence[str]) -> tuple[str, ...]:
    """Return the emotions in the order of the labels' own numbers, of what each code means."""
    return tuple(name if name == CONTEMPT else EMOTIONS[meant[EMOTIONS.index(name)]] for name in given)


def _seven(order: tuple[str, ...]) -> tuple[str, ...]:
    """Return an order without contempt where that comes last and so moves no other."""
    return order[:-1] if order[-1] == CONTEMPT else order


def _decisive(confusion: NDArray[np.int64], meant: NDArray[np.int64], *, known: bool) -> bool:
    """Tell whether so much more is read as `meant` than as given that it is neither chance nor a bad generator."""
    moved = np.flatnonzero((meant != np.arange(len(EMOTIONS))) & (confusion.sum(1) > 0))
    if len(moved) == 0:
        return False
    faces, assigned, own = confusion[moved].sum(1), confusion[moved, meant[moved]], confusion[moved, moved]
    hits, misses = int(assigned.sum()), int(own.sum())
    if hits < _RATIO * misses or binom.sf(hits - 1, hits + misses, 0.5) > _CHANCE:
        return False
    if known:
        return bool(hits >= _LEAST_OF_KNOWN * faces.sum() and (assigned > own).mean() >= _BETTER)
    return bool((assigned >= _LEAST * faces).all())
