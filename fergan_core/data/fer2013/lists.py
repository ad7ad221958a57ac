"""FER2013 as pictures whose emotions stand in a CSV beside them, as in an image folder's metadata.csv."""

import csv
import io
import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fergan_core.data.dataset import SPLITS
from fergan_core.data.fer2013.labels import Labels, Table
from fergan_core.data.fer2013.names import (
    LABEL_COLUMNS,
    NAME_COLUMNS,
    USAGE_COLUMNS,
    column_of,
    read_usage,
    split_of,
)
from fergan_core.data.fer2013.pictures import Picture, assembled, counted
from fergan_core.data.fer2013.pixels import MOST_ROWS
from fergan_core.data.files import Files, listed, printable
from fergan_core.errors import DataError


@dataclass(frozen=True)
class PictureList:
    """A CSV that names pictures and their emotions, and perhaps their usages: the positions of these columns."""

    name: str
    file: int
    label: int
    usage: int | None


def list_in(name: str, header: Sequence[str]) -> PictureList | None:
    """Tell whether a CSV with this header lists pictures; None where it does not."""
    file, label, usage = (column_of(header, candidates) for candidates in (NAME_COLUMNS, LABEL_COLUMNS, USAGE_COLUMNS))
    if file is None or label is None:
        return None
    return PictureList(name, header.index(file), header.index(label), None if usage is None else header.index(usage))


@dataclass(frozen=True)
class _Row:
    picture: str
    group: str
    raw: int
    split: str


def read_lists(
    files: Files, lists: Sequence[PictureList], names: Sequence[str], order: str | None, dataset_split: str | None
) -> Table:
    """Read the pictures that lists name; DataError for one that is not there, or for numbers without a label order.

    A split is what a usage column says, else the innermost telling part of the picture's path, else of the list's.
    """
    labels, pictures = Labels(order), _Pictures(names)
    rows = [row for each in lists for row in _rows(files, each, pictures, labels, dataset_split)]
    meaning, notices = labels.meaning(Counter(row.raw for row in rows))
    listed_pictures = [Picture(row.picture, row.group, meaning.get(row.raw, row.raw), row.split) for row in rows]
    unlisted = sorted(set(names) - {picture.name for picture in listed_pictures})
    if unlisted:
        notices.append(f"{counted(len(unlisted))} that no list names: left out ({listed(unlisted)})")
    return assembled(files, listed_pictures, notices)


class _Pictures:
    """Finds a picture that a list names: below the list's folder, below the top, or anywhere if its name is unique."""

    def __init__(self, names: Sequence[str]) -> None:
        self._by_path = {posixpath.normpath(name): name for name in names}
        by_name: dict[str, list[str]] = {}
        for name in names:
            by_name.setdefault(PurePosixPath(name).name, []).append(name)
        self._by_unique_name = {name: paths[0] for name, paths in by_name.items() if len(paths) == 1}

    def find(self, text: str, folder: str) -> str | None:
        path = posixpath.normpath(text.strip().replace("\\", "/"))
        tried = (posixpath.normpath(posixpath.join(folder, path)), path)
        return next((self._by_path[name] for name in tried if name in self._by_path), None) or self._by_unique_name.get(
            PurePosixPath(path).name
        )


def _rows(
    files: Files, each: PictureList, pictures: _Pictures, labels: Labels, dataset_split: str | None
) -> Iterator[_Row]:
    folder = posixpath.dirname(each.name)
    for number, cells in _cells(files, each.name):
        where = f"{each.name}, row {number}"
        if max(each.file, each.label, each.usage or 0) >= len(cells):
            raise DataError(f"{where}: {len(cells)} columns are fewer than in the header; mend or drop the row")
        picture = pictures.find(cells[each.file], folder)
        if picture is None:
            raise DataError(
                f"{where}: the picture '{printable(cells[each.file], 60)}' is not there; copy it or drop the row"
            )
        label = cells[each.label].strip()
        if labels.order is None and label.lstrip("+-").isdigit():
            raise DataError(
                f"{where}: label '{printable(label, 20)}' is a number, whose emotion a list of pictures does not tell; "
                "give --label-order fer2013 (0 angry, 1 disgust, ... 6 neutral), alphabetical, raf-db or your own"
            )
        split = split_of(PurePosixPath(picture).parent.parts) or split_of(PurePosixPath(each.name).parts)
        if each.usage is not None:
            split = SPLITS[read_usage(cells[each.usage], where)]
        yield _Row(picture, each.name, labels.read(label, where), split or dataset_split or "train")


def _cells(files: Files, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row's number (1 is the first after the header) and cells."""
    with files.open(name) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        try:
            rows = csv.reader(text)
            next(rows, None)
            for number, cells in enumerate(rows, start=1):
                if number > MOST_ROWS:
                    raise DataError(f"{name} has more than {MOST_ROWS:,} rows; FER2013 has 35,887 pictures")
                if cells:
                    yield number, cells
        except csv.Error as error:
            raise DataError(f"{name} cannot be read as a CSV ({error}); save it again") from None
