"""Datasets opened for the pages: read in threads of their own, so that a page can be left meanwhile, and kept for all
sessions, two at the most. None of it needs torch."""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import streamlit as st

from fergan_core.emotions import EMOTIONS

if TYPE_CHECKING:
    from fergan_core.data import Dataset
    from fergan_core.data.dataset import Index

# So long a page waits for a dataset by itself: opening it the second time takes less.
_PATIENCE_SECONDS = 0.4


class Place(NamedTuple):
    """Where a dataset lies ('synthfer': nowhere, it is drawn), and what its labels' numbers count (None: FER2013's)."""

    path: str
    label_order: str | None = None


@dataclass(frozen=True)
class OpenDataset:
    """A dataset, what `fergan_core.data.summary` says of it, and the groups of its images that are the same."""

    dataset: "Dataset"
    place: Place
    summary: dict[str, Any]
    copies: list["Index"]

    @cached_property
    def means(self) -> dict[str, npt.NDArray[np.uint8]]:
        """Return the mean face uint8 [48,48] of each emotion that has faces."""
        dataset, means = self.dataset, {}
        for code, emotion in enumerate(EMOTIONS):
            images = dataset.images[dataset.labels == code]
            if len(images):
                means[emotion] = np.rint(images.mean(axis=0)).astype(np.uint8)
        return means


@dataclass(frozen=True)
class _Opening:
    answer: Future[OpenDataset]
    started: float


def is_there(path: str) -> bool:
    """Tell whether there is something to open at a path; synthfer is always there."""
    return path == "synthfer" or os.path.exists(os.path.expanduser(path))


def opened(place: Place, patience: float = _PATIENCE_SECONDS) -> OpenDataset | None:
    """Return a dataset, None while it is being read. Raises DataError where it cannot be."""
    changed = _changed(place)
    opening = _opening(place, changed)
    try:
        return opening.answer.result(timeout=patience)
    except TimeoutError:
        if not opening.answer.done():
            return None
        raise
    except Exception:
        _opening.clear(place, changed)  # to be tried again the next time
        raise


def seconds_so_far(place: Place) -> float:
    """Return for how long a dataset has been being read."""
    return time.monotonic() - _opening(place, _changed(place)).started


def _changed(place: Place) -> tuple[int, int]:
    """Return what changes when a file, or what lies directly in a folder, is written anew."""
    try:
        status = os.stat(os.path.expanduser(place.path))
    except (OSError, ValueError):
        return 0, 0
    return status.st_mtime_ns, status.st_size


@st.cache_resource(max_entries=2, show_spinner=False)
def _opening(place: Place, changed: tuple[int, int]) -> _Opening:
    return _Opening(_threads().submit(_open, place), time.monotonic())


@st.cache_resource(show_spinner=False)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, "datasets")


def _open(place: Place) -> OpenDataset:
    # Imported only now: the other pages do without the faces.
    from fergan_core.data import open_dataset
    from fergan_core.data.summary import copies, summarise

    dataset = open_dataset(place.path, label_order=place.label_order)
    return OpenDataset(dataset, place, summarise(dataset), copies(dataset))
