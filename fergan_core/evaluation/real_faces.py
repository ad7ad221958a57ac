"""The real faces that scores are compared with: each part of a dataset, read once by a judge."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fergan_core.data import Dataset, Parts
from fergan_core.evaluation.faces import Faces, Reading, content_order, read
from fergan_core.judges.inception import InceptionJudge
from fergan_core.judges.judge import Judge


class RealFaces:
    """A dataset's parts in a judge's reading, each read on first use and cached.

    Each part is in an order that follows from its faces alone: a dataset that is sorted by emotion gives the same
    scores as one that is not.

    `train` is what generators are trained on and what fakes are compared with; `report`, which neither generator nor
    judge has seen, gives the value of real faces; `held_out` are the unseen faces by which copying is detected.
    `trained_on` int64 indexes the images that the evaluated run was trained on (None: all of `train`).
    """

    def __init__(
        self, dataset: Dataset, parts: Parts, judge: Judge | InceptionJudge, trained_on: NDArray[np.int64] | None = None
    ):
        self.dataset, self.parts, self.judge = dataset, parts, judge
        self._trained_on = parts.train if trained_on is None else trained_on

    @cached_property
    def train(self) -> Reading:
        """Return the training part."""
        return self._read(self._train_index)

    @cached_property
    def report(self) -> Reading:
        """Return the report part."""
        return self._read(self._arranged(self.parts.report))

    @cached_property
    def held_out(self) -> Reading:
        """Return the held-out part."""
        return self._read(self._arranged(self.parts.held_out))

    @cached_property
    def trained_on(self) -> Reading:
        """Return the faces that the run was trained on."""
        return self.train.take(torch.from_numpy(np.isin(self._train_index, self._trained_on)))

    @property
    def identities(self) -> NDArray[Any]:
        """Return the person in each face of `train`: int64 [n] in 0..63, of synthfer only."""
        return np.asarray(self.dataset.factors["identity"][self._train_index], dtype=np.int64)

    def key(self, codes: Sequence[int]) -> str:
        """Return a digest of all that real faces' scores depend on besides the protocol."""
        digest = hashlib.sha256(f"{self.dataset.content_hash} {self.judge.sha256} {list(codes)}".encode())
        digest.update(np.ascontiguousarray(self._trained_on).tobytes())
        return digest.hexdigest()[:40]

    @cached_property
    def _train_index(self) -> NDArray[np.int64]:
        return self._arranged(self.parts.train)

    def _arranged(self, part: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a part's images int64 [n] in the order that follows from their content."""
        images, labels = torch.from_numpy(self.dataset.images[part]), torch.from_numpy(self.dataset.labels[part])
        arranged: NDArray[np.int64] = part[content_order(images, labels, 0).numpy()]
        return arranged

    def _read(self, index: NDArray[np.int64]) -> Reading:
        images = torch.from_numpy(self.dataset.images[index])
        labels = torch.from_numpy(self.dataset.labels[index].astype(np.int64))
        return read(self.judge, Faces(images, labels))
