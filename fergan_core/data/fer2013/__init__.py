"""FER2013 in every layout that it is published in, told apart by content; what is not read is reported."""

import io
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from fergan_core.data.archives import CompressedFile, is_archive, open_files, open_inner
from fergan_core.data.fer2013.arrays import groups_of, read_arrays
from fergan_core.data.fer2013.labels import Labels, Part, Table
from fergan_core.data.fer2013.lists import PictureList, list_in, read_lists
from fergan_core.data.fer2013.names import split_of, split_of_dataset
from fergan_core.data.fer2013.parquet import read_parquet
from fergan_core.data.fer2013.pictures import is_picture, numbered_folders, place_of, read_folders
from fergan_core.data.fer2013.pixels import column_names, find_columns, read_csv
from fergan_core.data.fer2013.recognise import EXPECTED, HEAD, refusal, refusal_of_binary, refusal_of_names
from fergan_core.data.fer2013.tables import Source, read_tables
from fergan_core.data.files import Files, listed
from fergan_core.errors import DataError

_LONGEST_HEADER = 65536


def read(path: Path, label_order: str | None = None) -> Table:
    """Read FER2013 from a file or folder in any published layout; DataError says what is wrong and where.

    `label_order` tells what labels' numbers count (see emotions.label_order); by default they are FER2013's codes.
    """
    if not (path.is_file() or path.is_dir()):
        raise DataError(f"--data: '{path}' is neither a file nor a folder; {EXPECTED}")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty; {EXPECTED}")
    # What the libraries would warn of in damaged or huge files is refused here; their warnings would be more lines.
    with open_files(path) as files, warnings.catch_warnings(action="ignore"):
        if isinstance(files, CompressedFile):
            (name,) = files.names
            return _read_plain(lambda: files.open(name), name, label_order)
        if files is None:
            return _read_plain(lambda: path.open("rb"), path.name, label_order)
        return _Layout(files, path.resolve().name, label_order).read()


def _read_plain(opened: Callable[[], BinaryIO], name: str, order: str | None) -> Table:
    """Read one file, which is a CSV or parquet."""
    with opened() as stream:
        start = stream.read(HEAD)
    _check_start(start, name)
    source = Source(name, name, split_of([PurePosixPath(name).stem]))
    return read_tables([source], lambda source, labels: _read_table(opened(), start, source, labels), order)


def _check_start(start: bytes, name: str) -> None:
    """Raise DataError where a file's beginning shows that it is neither a CSV nor parquet."""
    wrong = refusal(start, name) or (None if start.startswith(b"PAR1") else refusal_of_binary(start, name))
    if wrong is not None:
        raise wrong


def _read_table(stream: BinaryIO, start: bytes, source: Source, labels: Labels) -> tuple[Part, bool, list[str]]:
    """Read a CSV or parquet; return what it holds, whether it has a column of usages, and its other columns."""
    with stream:
        if start.startswith(b"PAR1"):
            # Its table of contents stands at its end: what cannot seek at once is read whole.
            seekable = stream if isinstance(stream, io.BufferedReader) and stream.raw.__class__ is io.FileIO else None
            part, usage = read_parquet(seekable or io.BytesIO(stream.read()), source.label, labels, source.split)
            return part, usage, []
        part, columns = read_csv(stream, source.label, labels, source.split)
        return part, columns.usage >= 0, columns.unread


class _Layout:
    """Chooses the layout of a folder or archive by what lies in it, and says what is not read."""

    def __init__(self, files: Files, label: str, order: str | None, *, nested: bool = False) -> None:
        self._files, self._label, self._order, self._nested = files, label, order, nested
        self._dataset_split = split_of_dataset(PurePosixPath(label).name.partition(".")[0])
        suffixes = {name: PurePosixPath(name).suffix.lower() for name in files.names}
        self._headers = {name: self._header(name) for name in files.names if suffixes[name] in (".csv", ".tsv")}
        self._parquets = [name for name in files.names if suffixes[name] == ".parquet"]
        self._pictures = [name for name in files.names if is_picture(name)]

    def _header(self, name: str) -> bytes:
        with self._files.open(name) as stream:
            return stream.readline(_LONGEST_HEADER)

    def read(self) -> Table:
        """Read the first of the layouts that is there; DataError where there is none."""
        table, used = self._chosen()
        notices = (*self._files.notices, *table.notices, *_unread(self._files.names, used))
        return Table(table.images, table.labels, table.splits, table.files, notices, table.in_rows)

    def _chosen(self) -> tuple[Table, Sequence[str]]:
        """Return what was read, and the files that it was read from or that its notices mention."""
        files, order, dataset_split = self._files, self._order, self._dataset_split
        if groups_of(files.names):
            return read_arrays(files, self._label, order, dataset_split)
        faces = [name for name, header in self._headers.items() if find_columns(header) is not None]
        for tables in (faces, self._parquets):
            if tables:
                return self._tables(tables), tables
        numbered = order is not None
        if any(_says_emotion(name, numbers=numbered) for name in self._pictures):
            return read_folders(files, self._pictures, order, dataset_split), self._pictures
        lists = self._lists()
        if lists:
            used = [*(each.name for each in lists), *self._pictures]
            return read_lists(files, lists, self._pictures, order, dataset_split), used
        self._refuse_numbers()
        archives = [name for name in files.names if is_archive(name)]
        if archives and not self._nested:
            with open_inner(files, archives) as inner:
                if inner.names:
                    table = _Layout(inner, self._label, order, nested=True).read()
                    return table, archives
        raise self._refusal()

    def _tables(self, names: Sequence[str]) -> Table:
        def source(name: str) -> Source:
            path = PurePosixPath(name)
            return Source(name, name, split_of((*path.parent.parts, path.stem)) or self._dataset_split)

        def opened(source: Source, labels: Labels) -> tuple[Part, bool, list[str]]:
            with self._files.open(source.name) as stream:
                start = stream.read(HEAD)
            _check_start(start, source.label)
            if start.startswith(b"PAR1"):
                content = io.BytesIO(self._files.read(source.name))
                return _read_table(content, start, source, labels)
            return _read_table(self._files.open(source.name), start, source, labels)

        return read_tables([source(name) for name in names], opened, self._order)

    def _lists(self) -> list[PictureList]:
        if not self._pictures:
            return []
        candidates = (list_in(name, column_names(header)) for name, header in self._headers.items())
        return [each for each in candidates if each is not None]

    def _refuse_numbers(self) -> None:
        """Raise DataError where pictures lie in numbered folders, whose emotions only a label order tells."""
        folders = numbered_folders(self._pictures)
        if len(folders) > 1 and self._order is None:
            raise DataError(
                f"--data: the folders in '{self._label}' are numbers ({listed(folders, 8)}), which may count FER2013's "
                "codes (0 angry ... 6 neutral), the alphabet, or RAF-DB's order (1 surprise ... 7 neutral); say which "
                "with --label-order fer2013, alphabetical, raf-db, affectnet or your own"
            )

    def _refusal(self) -> DataError:
        """Return the error for what is not a layout of FER2013, by the file that explains it best."""
        for name in self._files.names:
            if name in self._headers or name in self._parquets or is_picture(name):
                continue
            with self._files.open(name) as stream:
                wrong = refusal(stream.read(HEAD), name)
            if wrong is not None:
                return wrong
        wrong_names = refusal_of_names(self._files.names, self._label)
        if wrong_names is not None:
            return wrong_names
        for name, header in self._headers.items():
            return refusal(header[:HEAD], name) or _no_faces(name, header)
        if self._pictures:
            folders = dict.fromkeys(PurePosixPath(name).parent.as_posix() + "/" for name in self._pictures)
            return DataError(
                f"--data: no face images in '{self._label}': its {len(self._pictures):,} pictures lie in "
                f"{listed(folders)}, and no folder or list tells their emotions; {EXPECTED}"
            )
        return DataError(f"--data: no face images in '{self._label}'; {EXPECTED}")


def _says_emotion(name: str, *, numbers: bool) -> bool:
    place = place_of(name, numbers=numbers)
    return place.code is not None or place.number is not None


def _no_faces(name: str, header: bytes) -> DataError:
    names = listed([column or "''" for column in column_names(header)], 6)
    return DataError(
        f"{name}: no column 'pixels' in the header ({names}), and no pictures that it could list; expected "
        "emotion,pixels,Usage as in fer2013.csv"
    )


def _unread(names: Sequence[str], used: Sequence[str]) -> list[str]:
    """Say which files were not read, in one sentence."""
    unread = sorted(set(names) - set(used))
    if not unread:
        return []
    pictures = [name for name in unread if is_picture(name)]
    others = [name for name in unread if not is_picture(name)]
    descriptions = [listed(others, 6)] if others else []
    if pictures:
        folders = Counter(PurePosixPath(name).parts[0] if "/" in name else "./" for name in pictures)
        descriptions.append(f"{len(pictures):,} pictures in {listed(folders)}")
    return [f"not read: {', and '.join(descriptions)}"]
