"""Faces' features in the spaces that know no emotion: the same for every judge, and cached."""

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from torch import Tensor

from fergan_core.evaluation.faces import Faces, Reading
from fergan_core.evaluation.reading_cache import cached
from fergan_core.metrics import spaces

_MOST = 10_000  # training faces by which the axes are found, in some seconds: more change them hardly


def axes_of(train: Reading) -> Tensor:
    """Return the principal axes of training faces' pixels: float64 [2304,64]."""
    images = train.images[:_MOST]  # in a random order
    key = Faces(images, None).key()
    return cached(f"axes-{key}-{_edition()}", lambda: {"axes": spaces.principal_axes(images)})["axes"]


def in_spaces(reading: Reading, axes: Tensor) -> Reading:
    """Return a reading with its faces' features in the spaces `pixels`, by these axes, and `random`."""

    def make() -> dict[str, Tensor]:
        images = reading.images
        return {"pixels": spaces.on_axes(images, axes), "random": spaces.random_features(images)}

    if not len(reading):
        return reading
    basis = hashlib.sha256(axes.numpy().tobytes()).hexdigest()[:16]
    return replace(reading, spaces=cached(f"spaces-{Faces(reading.images, None).key()}-{basis}-{_edition()}", make))


@lru_cache(maxsize=1)
def _edition() -> str:
    """Return a digest of the code that puts faces into the spaces: what other code has cached is computed again."""
    return hashlib.sha256(Path(spaces.__file__).read_bytes()).hexdigest()[:16]
