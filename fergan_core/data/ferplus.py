"""FER+: ten people's votes on each image of FER2013 (Barsoum et al. 2016, arXiv:1608.01041), read from its CSV."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fergan_core.data.dataset import SPLITS, UNLABELLED, USAGES, Dataset
from fergan_core.emotions import EMOTIONS, emotion_code, is_emotion
from fergan_core.errors import DataError

# On FER2013 the most frequent vote is the label in 64.5 % of Training and 63.8 % of PublicTest, in no block of 200 rows
# in less than 55.5 %; of rows moved by one or more in 18 %, in no block in more than 26.5 %. The limit is halfway.
_LEAST_AGREEMENT = 0.41
_BLOCK = 200
_FEWEST = 60  # of so many rows chance alone takes one in 7,000 that are right below the limit
_USAGES = {usage.lower(): split for usage, split in USAGES.items()}


def read_votes(path: Path, dataset: Dataset) -> npt.NDArray[np.float32]:
    """Return each image's shares of votes among FER2013's emotions: float32 [N,7], all 0 where nobody voted for one.

    FER+ does not name FER2013's images: its rows stand in the order of fer2013.csv, split by split. Raises
    DataError for another file, for a dataset whose images have lost that order or whose splits have other lengths,
    and where votes and labels agree so seldom that the votes must be other images'.
    """
    if not dataset.in_rows:
        raise DataError(
            f"--votes: '{dataset.source}' holds pictures, whose names have not kept the order of fer2013.csv that FER+ "
            "follows; give fer2013.csv"
        )
    rows = _rows(path)
    votes = np.zeros((len(dataset), len(EMOTIONS)), np.float32)
    for number, split in enumerate(SPLITS):
        image_rows = np.flatnonzero(dataset.splits == number)
        split_votes = rows.get(split, [])
        if len(image_rows) and len(image_rows) != len(split_votes):
            raise DataError(
                f"--votes: '{path.name}' has {len(split_votes):,} rows of split {split}, the data {len(image_rows):,}; "
                "give the whole fer2013.csv, whose order FER+ follows"
            )
        if len(image_rows):
            votes[image_rows] = split_votes
    _check_agreement(votes, dataset, path.name)
    total = votes.sum(1, keepdims=True)
    shares: npt.NDArray[np.float32] = votes / np.maximum(total, np.float32(1))
    return shares


def _check_agreement(votes: npt.NDArray[np.float32], dataset: Dataset, name: str) -> None:
    """Raise DataError where in some rows votes and labels agree less often than they do in any of FER2013's own.

    Looked at is a split's rows in blocks of 200, so that a row that is missing in the middle is noticed as well.
    """
    voted = (votes.sum(1) > 0) & (dataset.labels != UNLABELLED)
    agree = votes.argmax(1) == dataset.labels
    for number, split in enumerate(SPLITS):
        rows = np.flatnonzero(voted & (dataset.splits == number))
        for block in np.array_split(rows, max(1, len(rows) // _BLOCK)):
            share = float(agree[block].mean()) if len(block) >= _FEWEST else 1.0
            if share < _LEAST_AGREEMENT:
                first, last = (int((dataset.splits[:row] == number).sum()) + 1 for row in (block[0], block[-1]))
                raise DataError(
                    f"--votes: the most frequent vote of '{name}' is the label of only {share:.0%} of split {split}'s "
                    f"rows {first:,} to {last:,}, where {_LEAST_AGREEMENT:.0%} are the least for the same images; give "
                    "the fer2013.csv, in its own order, that the votes belong to"
                )


def _rows(path: Path) -> dict[str, list[list[float]]]:
    """Return the votes for FER2013's emotions by split, in the file's order."""
    votes_by_split: dict[str, list[list[float]]] = {}
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
                votes_by_split.setdefault(split, []).append(counts)
    except (OSError, UnicodeDecodeError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"--votes: '{path}' cannot be read as FER+'s CSV ({error})") from None
    return votes_by_split
