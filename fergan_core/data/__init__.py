"""Faces in: FER2013 from any of its published layouts, or synthfer, the set that is drawn by code."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fergan_core.data import cache, fer2013
from fergan_core.data.dataset import SPLITS, UNLABELLED, Dataset, Parts, image_keys, make_dataset, split_parts
from fergan_core.data.synthfer import DRAWING_VERSION, synthfer
from fergan_core.emotions import label_order as read_order
from fergan_core.errors import DataError

__all__ = [
    "SPLITS",
    "UNLABELLED",
    "Dataset",
    "Parts",
    "check_recorded",
    "image_keys",
    "make_dataset",
    "open_dataset",
    "reopen_dataset",
    "split_parts",
]


def open_dataset(path: str | Path, *, label_order: str | None = None) -> Dataset:
    """Open FER2013 from a file or folder, or 'synthfer'; the second time from the user's cache.

    `label_order` says what labels' numbers count where that is not FER2013's order: 'alphabetical', 'raf-db', ... or
    the emotions with commas between. Raises DataError, one sentence that names file, row and remedy, where the data
    cannot be read.
    """
    if label_order is not None:
        read_order(label_order)
    if str(path) == "synthfer":
        return _synthfer(label_order)
    # os.path answers also for names that no file can have.
    place = Path(os.path.expanduser(path))
    if not os.path.exists(place):
        raise DataError(f"--data: there is no '{path}'; give a file or folder of FER2013, or synthfer")
    try:
        cache_source = cache.source_of(place, label_order)
        # Absolute, since a run remembers it and may be resumed or evaluated from another folder.
        source = os.path.abspath(place)
        return cache.open_source(cache_source, source, lambda: _read(place, source, label_order))
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror}); check its permissions") from None


def reopen_dataset(
    recorded: Mapping[str, Any], path: str | Path | None = None, *, label_order: str | None = None
) -> Dataset:
    """Open the dataset that a run was trained on, at `path` or, by default, where it was then.

    `recorded` is what the run recorded of it: `source`, `content_hash` and, where one was given, `label_order`, which
    holds unless another is given here. Raises DataError where the data cannot be read, or hold other images or labels
    than in training.
    """
    source = str(recorded["source"])
    order = label_order or recorded.get("label_order")
    try:
        dataset = open_dataset(source if path is None else path, label_order=order)
    except DataError as error:
        if path is not None or label_order is not None:
            raise
        raise DataError(
            f"the run's training faces are not at hand ({error}); put the data that it was trained on back at "
            f"'{source}'"
        ) from None
    check_recorded(dataset, recorded)
    return dataset


def check_recorded(dataset: Dataset, recorded: Mapping[str, Any]) -> None:
    """Raise DataError where a dataset is not the one that a run recorded (its `source` and `content_hash`)."""
    source = str(recorded["source"])
    if dataset.content_hash == recorded["content_hash"]:
        return
    if dataset.source != source:
        raise DataError(
            f"--data: '{dataset.source}' is not the dataset of the run, which was trained on '{source}'; give that one"
        )
    if source == "synthfer":
        remedy = "use the version of FerGAN that trained it"
    else:
        remedy = f"put the data that it was trained on back at '{source}'"
    raise DataError(f"'{source}' holds other images or labels than when the run was trained; {remedy}")


def _read(place: Path, source: str, label_order: str | None) -> Dataset:
    table = fer2013.read(place, label_order)
    dataset = make_dataset("fer2013", source, table.images, table.labels, table.splits)
    return replace(dataset, files=table.files, notices=table.notices, label_order=label_order, in_rows=table.in_rows)


def _synthfer(label_order: str | None) -> Dataset:
    if label_order is not None:
        raise DataError("--label-order: synthfer's labels are in FER2013's order; leave it out")
    key = f"synthfer-{DRAWING_VERSION}"
    dataset = cache.load(key, "synthfer")
    if dataset is None:
        dataset = synthfer()
        cache.store(key, dataset)
    return dataset
