"""Several tables of faces as one dataset: parts of it, splits of it, or the same faces twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fergan_core.data.dataset import SPLITS, UNLABELLED, FileRead, image_keys
from fergan_core.data.fer2013.labels import Labels, Part, Table, joined
from fergan_core.data.files import listed
from fergan_core.errors import DataError


@dataclass(frozen=True)
class Source:
    """A table's file: its name, how messages call it, and the split that its name says (None: none)."""

    name: str
    label: str
    split: str | None


@dataclass(frozen=True)
class _Read:
    source: Source
    part: Part
    usage: bool
    unread: list[str]


def read_tables(
    sources: Sequence[Source], opened: Callable[[Source, Labels], tuple[Part, bool, list[str]]], order: str | None
) -> Table:
    """Read all tables of a dataset, those with a column of usages first; leave out one that has the same faces again.

    The challenge's archive has the whole set twice, and its training and test part once more. Raises DataError where
    two tables share more than half of their faces: nobody knows which are meant.
    """
    labels = Labels(order)
    # A pass by the splits that the files' names say keeps the order that earlier datasets have.
    first = sorted(sources, key=lambda source: (SPLITS.index(source.split or "train"), source.name))
    every = [_Read(source, *opened(source, labels)) for source in first]
    with_usage = sorted(
        (read for read in every if read.usage), key=lambda read: (-len(read.part.images), read.source.name)
    )
    without_usage = [read for read in every if not read.usage]
    used: list[_Read] = []
    notices: list[str] = []
    copies: list[FileRead] = []
    known_faces = _KnownFaces()
    for read in (*with_usage, *without_usage):
        same = known_faces.copy_of(read) if len(every) > 1 else None
        if same is None:
            used.append(read)
            continue
        count = len(read.part.images)
        copies.append(FileRead(read.source.label, "", 0, count, f"in {same} too"))
        notices.append(f"{read.source.label}: its {count:,} faces are in {same} too; left out")
    table = joined([read.part for read in used], labels, [*notices, *_about(used)], in_rows=True)
    return replace(table, files=(*table.files, *copies))


class _KnownFaces:
    """The faces read so far: of tables with usages together, of others by split, each with its table's name."""

    def __init__(self) -> None:
        self._with_usage: dict[bytes, str] = {}
        self._by_split: dict[int, dict[bytes, str]] = {}

    def copy_of(self, read: _Read) -> str | None:
        """Return the tables that have all of a table's faces already; else None, and its faces are known from now on.

        A table without usages is a copy of what has usages or is of its own split; train and test may share faces.
        """
        keys = image_keys(read.part.images)
        split = int(read.part.splits[0])
        same_split = self._with_usage if read.usage else self._by_split.setdefault(split, {})
        tables = [self._with_usage.get(key) or same_split.get(key) for key in keys]
        shared = [name for name in tables if name is not None]
        if len(shared) == len(keys):
            return listed(sorted(set(shared)))
        if 2 * len(shared) > len(keys):
            raise DataError(
                f"{read.source.label}: {len(shared):,} of its {len(keys):,} faces are in "
                f"{listed(sorted(set(shared)))} too; take the one that you do not mean out of the folder"
            )
        same_split.update(dict.fromkeys(keys, read.source.label))
        return None


def _about(reads: Sequence[_Read]) -> list[str]:
    """Say which tables have faces without an emotion, and the columns that were not read there."""
    notices = []
    for read in reads:
        count = int((read.part.labels == UNLABELLED).sum())
        if count:
            columns = f" (columns not read: {listed(read.unread)})" if read.unread else ""
            notices.append(
                f"{read.source.label}: {count:,} faces have no emotion{columns}; no training and no score uses them"
            )
    return notices
