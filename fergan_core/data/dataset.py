"""A dataset of faces, and the parts of it that science needs kept apart."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fergan_core.emotions import EMOTIONS

SPLITS: tuple[str, ...] = ("train", "public", "private", "test")
# What the column Usage of FER2013's own tables says of a row's split.
USAGES: dict[str, str] = {"Training": "train", "PublicTest": "public", "PrivateTest": "private"}
SIZE = 48
UNLABELLED = 255

Bytes = npt.NDArray[np.uint8]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FileRead:
    """What was read of one file, or one folder of pictures, into one split; `why` says why images were skipped."""

    name: str
    split: str
    used: int
    skipped: int = 0
    why: str = ""


@dataclass(frozen=True)
class Dataset:
    """Faces uint8 [N,48,48], labels uint8 [N] (FER2013's code, 255 where there is none), splits uint8 [N] (SPLITS).

    `factors` holds what is known of each image beyond its label: arrays whose first length is N. `files` counts what
    was read from where, `notices` say in a sentence each what was left out or read otherwise than it is written.
    `label_order` is the order that was given for labels' numbers (None: FER2013's). `in_rows` tells whether the images
    stand in the order of a table's rows, and not of pictures' names.
    """

    name: str
    source: str
    images: Bytes
    labels: Bytes
    splits: Bytes
    content_hash: str
    factors: Mapping[str, npt.NDArray[Any]] = field(default_factory=lambda: MappingProxyType({}))
    files: tuple[FileRead, ...] = ()
    notices: tuple[str, ...] = ()
    label_order: str | None = None
    in_rows: bool = True

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: npt.NDArray[Any]) -> "Dataset":
        """Return the images of an index (or mask) as a dataset of its own."""
        images, labels, splits = self.images[index], self.labels[index], self.splits[index]
        factors = {name: values[index] for name, values in self.factors.items()}
        return make_dataset(self.name, self.source, images, labels, splits, factors)


def content_hash(images: Bytes, labels: Bytes, splits: Bytes) -> str:
    """Return SHA-256, in hex, over shape, images, labels and splits."""
    digest = hashlib.sha256(repr(images.shape).encode())
    for array in (images, labels, splits):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def make_dataset(
    name: str,
    source: str,
    images: Bytes,
    labels: Bytes,
    splits: Bytes,
    factors: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Dataset:
    """Make a dataset and its content hash."""
    digest = content_hash(images, labels, splits)
    return Dataset(name, source, images, labels, splits, digest, MappingProxyType(dict(factors or {})))


@dataclass(frozen=True)
class Parts:
    """Indices int64 into a dataset: for training generators, for choosing judges, and for reporting alone."""

    train: Index
    held_out: Index
    report: Index


def image_keys(images: Bytes) -> list[bytes]:
    """Return a 16-byte digest of each image: equal images have equal keys."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]


def split_parts(dataset: Dataset, seed: int = 0) -> Parts:
    """Split a dataset into images to train on, held-out images, and images to report on.

    A seeded tenth of each emotion's training images is held out; what is left, less exact copies of held-out
    images, is for training. PublicTest (or PrivateTest, or a folder's test where that is all there is), less exact
    copies of training images, only reports. Unlabelled images are in no part.
    """
    labelled = dataset.labels != UNLABELLED
    training = np.flatnonzero(labelled & (dataset.splits == SPLITS.index("train")))
    random = np.random.default_rng(seed)
    tenths = []
    for code in range(len(EMOTIONS)):
        of_emotion = training[dataset.labels[training] == code]
        tenths.append(random.permutation(of_emotion)[: len(of_emotion) // 10])
    held_out = np.sort(np.concatenate(tenths))
    keys = image_keys(dataset.images[training])
    key_of = dict(zip(training.tolist(), keys, strict=True))
    held_keys = {key_of[i] for i in held_out.tolist()}
    train = np.array([i for i in training.tolist() if key_of[i] not in held_keys], dtype=np.int64)
    return Parts(train, held_out.astype(np.int64), _report(dataset, labelled, set(keys)))


def _report(dataset: Dataset, labelled: npt.NDArray[np.bool_], training_keys: set[bytes]) -> Index:
    for split in SPLITS[1:]:
        index = np.flatnonzero(labelled & (dataset.splits == SPLITS.index(split)))
        if len(index):
            fresh = np.array([key not in training_keys for key in image_keys(dataset.images[index])])
            report: Index = index[fresh].astype(np.int64)
            return report
    return np.empty(0, dtype=np.int64)
