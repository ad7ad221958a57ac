"""Faces in: FER2013 from any of its published layouts, or synthfer, the set that is drawn by code."""

from pathlib import Path

from fergan_core.data import cache, fer2013
from fergan_core.data.dataset import SPLITS, UNLABELLED, Dataset, Parts, image_keys, make_dataset, science_parts
from fergan_core.data.synthfer import DRAWING_VERSION, synthfer

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
    place = Path(path).expanduser()
    key = cache.key_of_path(place) if place.exists() else ""
    dataset = cache.load(key, str(path)) if key else None
    if dataset is None:
        table = fer2013.read(place)
        dataset = make_dataset("fer2013", str(path), table.images, table.labels, table.splits)
        cache.store(key, dataset)
    return dataset
