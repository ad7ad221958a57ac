"""Faces in: FER2013 from any of its published layouts, or synthfer, the set that is drawn by code."""

import os
from pathlib import Path

from fergan_core.data import cache, fer2013
from fergan_core.data.dataset import SPLITS, UNLABELLED, Dataset, Parts, image_keys, make_dataset, science_parts
from fergan_core.data.synthfer import DRAWING_VERSION, synthfer
from fergan_core.errors import DataError

__all__ = ["SPLITS", "UNLABELLED", "Dataset", "Parts", "image_keys", "make_dataset", "open_dataset", "science_parts"]


def open_dataset(path: str | Path) -> Dataset:
    """Open FER2013 from a file or folder, or 'synthfer'; the second time from the user's cache.

    Raises DataError, one sentence that names file, row and remedy, where the data cannot be read.
    """
    if str(path) == "synthfer":
        key = f"synthfer-{DRAWING_VERSION}"
        dataset = cache.load(key, "synthfer")
        if dataset is None:
            dataset = synthfer()
            cache.store(key, dataset)
        return dataset
    # os.path answers also for names that no file can have.
    place = Path(os.path.expanduser(path))
    if not os.path.exists(place):
        raise DataError(f"--data: there is no '{path}'; give a file or folder of FER2013, or synthfer")
    try:
        key = cache.key_of_path(place)
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror}); check its permissions") from None
    # Absolute, since a run remembers it and may be resumed or evaluated from another folder.
    source = os.path.abspath(place)
    dataset = cache.load(key, source)
    if dataset is None:
        table = fer2013.read(place)
        dataset = make_dataset("fer2013", source, table.images, table.labels, table.splits)
        cache.store(key, dataset)
    return dataset
