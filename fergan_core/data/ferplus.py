"""FER+: ten people's votes on each image of FER2013 (Barsoum et al. 2016, arXiv:1608.01041), read from its CSV."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fergan_core.data.dataset import SPLITS, Dataset
from fergan_core.emotions import EMOTIONS, emotion_code, is_emotion
from fergan_core.errors import DataError

_USAGES = {"training": "train", "publictest": "public", "privatetest": "private"}


def read_votes(path: Path, dataset: Dataset) -> npt.NDArray[np.float32]:
    """Return each image's shares of votes among FER2013's emotions: float32 [N,7], all 0 where nobody voted for one.

    FER+ names no image of FER2013 but its place: its rows stand in the order of fer2013.csv, split by split. Raises
    DataError for another file, or a data set whose splits have other lengths.
    """
    rows = _rows(path)
    votes = np.zeros((len(dataset), len(EMOTIONS)), np.float32)
    for number, split in enumerate(SPLITS):
        here = np.flatnonzero(dataset.splits == number)
        theirs = rows.get(split, [])
        if len(here) and len(here) != len(theirs):
            raise DataError(
                f"--votes: '{path.name}' has {len(theirs):,} rows of split {split}, the data {len(here):,}; give the "
                "whole fer2013.csv, whose order FER+ follows"
            )
        if len(here):
            votes[here] = theirs
    total = votes.sum(1, keepdims=True)
    shares: npt.NDArray[np.float32] = votes / np.maximum(total, np.float32(1))
    return shares


def _rows(path: Path) -> dict[str, list[list[float]]]:
    """Return the votes for FER2013's emotions by split, in the file's order."""
    found: dict[str, list[list[float]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            columns = {name.strip().lower(): name for name in reader.fieldnames or ()}
            places = {name: emotion_code(word) for word, name in columns.items() if is_emotion(word)}
            if "usage" not in columns or len(places) != len(EMOTIONS):
                raise DataError(f"--votes: '{path.name}' has not FER+'s columns (Usage, neutral, happiness, ...)")
            for row in reader:
                split = _USAGES.get((row[columns["usage"]] or "").strip().lower())
                counts = [0.0] * len(EMOTIONS)
                for name, code in places.items():
                    counts[code] = float(row[name])
                if split is None or min(counts) < 0:
                    raise DataError(f"--votes: '{path.name}', line {reader.line_num}: unknown split or negative votes")
                found.setdefault(split, []).append(counts)
    except (OSError, UnicodeDecodeError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"--votes: '{path}' cannot be read as FER+'s CSV ({error})") from None
    return found
