"""FER2013's CSV files: rows of an emotion, 2,304 pixels as text, and perhaps a usage."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from fergan_core.data.dataset import SIZE, SPLITS, UNLABELLED, Bytes
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import DataError

PIXELS = SIZE * SIZE
_BLOCK = 1 << 20  # its working arrays stay in the processor's cache: twice as fast as 8 MiB
_LONGEST_ROW = 1 << 16  # 2,304 pixels of three digits have some 9,000 characters
_SPACE, _ZERO = 32, 48

_USAGES = {b"training": 0, b"publictest": 1, b"privatetest": 2, b"test": 3}


@dataclass(frozen=True)
class Columns:
    """Where a CSV has what: positions of its columns, -1 where there is none."""

    pixels: int
    emotion: int
    usage: int
    count: int


@dataclass(frozen=True)
class Table:
    """What a file held: images uint8 [N,48,48], labels uint8 [N], splits uint8 [N]."""

    images: Bytes
    labels: Bytes
    splits: Bytes


def column_names(line: bytes) -> list[str]:
    """Return the names in a header line, in lower case and without blanks, quotes and byte order mark."""
    words = line.removeprefix(b"\xef\xbb\xbf").split(b",")
    return [word.strip().strip(b'"').strip().decode("latin-1").lower() for word in words]


def read_header(line: bytes, name: str) -> Columns:
    """Find the columns in a header, in any case and with blanks around; DataError where there are no pixels."""
    names = column_names(line)
    if "pixels" not in names:
        raise DataError(f"{name}: no column 'pixels' in the header; expected emotion,pixels,Usage as in fer2013.csv")
    emotion = names.index("emotion") if "emotion" in names else -1
    usage = names.index("usage") if "usage" in names else -1
    if emotion < 0 and usage >= 0:
        raise DataError(f"{name}: no column 'emotion' in the header; expected emotion,pixels,Usage as in fer2013.csv")
    return Columns(names.index("pixels"), emotion, usage, len(names))


def read_csv(stream: BinaryIO, name: str) -> Table:
    """Read a CSV of faces block by block; rows without a usage are training, rows without an emotion test.

    Raises DataError that names the file, the row (1 is the first after the header) and the remedy.
    """
    header = stream.readline(65536)
    if not header.strip():
        raise DataError(f"{name} is empty; expected a CSV with the header emotion,pixels,Usage")
    columns = read_header(header, name)
    tables: list[Table] = []
    rest, done = b"", 0
    while True:
        block = stream.read(_BLOCK)
        text = rest + block
        if block:
            cut = text.rfind(b"\n") + 1
            text, rest = text[:cut], text[cut:]
            if len(rest) > _LONGEST_ROW:
                line = done + text.count(b"\n") + 1
                raise DataError(f"{name}, row {line}: the row does not end; take a whole copy of the file")
        lines = [line for line in text.split(b"\n") if line.strip()]
        if lines:
            tables.append(_read_rows(lines, columns, name, done + 1))
            done += len(lines)
        if not block:
            break
    if not tables:
        raise DataError(f"{name} has a header but no rows; take a whole copy of the file")
    return join(tables)


def join(tables: list[Table]) -> Table:
    """Put tables one after the other."""
    if len(tables) == 1:
        return tables[0]
    return Table(
        np.concatenate([table.images for table in tables]),
        np.concatenate([table.labels for table in tables]),
        np.concatenate([table.splits for table in tables]),
    )


def _read_rows(lines: list[bytes], columns: Columns, name: str, first: int) -> Table:
    texts: list[bytes] = []
    labels = np.full(len(lines), UNLABELLED, np.uint8)
    splits = np.full(len(lines), SPLITS.index("train" if columns.emotion >= 0 else "test"), np.uint8)
    for i, line in enumerate(lines):
        fields = line.rstrip(b"\r").split(b",")
        if len(fields) != columns.count:
            raise DataError(
                f"{name}, row {first + i}: {len(fields)} columns, {columns.count} in the header; mend or drop the row"
            )
        texts.append(fields[columns.pixels].strip(b' "'))
        if columns.emotion >= 0:
            labels[i] = _label(fields[columns.emotion], name, first + i)
        if columns.usage >= 0:
            splits[i] = _split(fields[columns.usage], name, first + i)
    images = _parse_fast(texts)
    if images is None:
        images = np.stack([_parse_slowly(text, name, first + i) for i, text in enumerate(texts)])
    return Table(images.reshape(-1, SIZE, SIZE), labels, splits)


def _label(field: bytes, name: str, row: int) -> int:
    word = field.strip(b' "')
    if len(word) != 1 or not word.isdigit() or int(word) >= len(EMOTIONS):
        shown = word.decode("ascii", "replace")[:20]
        raise DataError(
            f"{name}, row {row}: emotion '{shown}' is no code of FER2013; use 0 to 6 (0 angry ... 6 neutral)"
        )
    return int(word)


def _split(field: bytes, name: str, row: int) -> int:
    word = field.strip(b' "')
    code = _USAGES.get(word.lower())
    if code is None:
        shown = word.decode("ascii", "replace")[:20]
        raise DataError(f"{name}, row {row}: usage '{shown}' is unknown; use Training, PublicTest or PrivateTest")
    return code


def _parse_fast(texts: list[bytes]) -> npt.NDArray[np.uint8] | None:
    """Turn rows of numbers into uint8 [rows, 2304] by arithmetic on the characters; None where a row is irregular.

    Two digits' value and the hundreds' digit are computed at every character at once, from it and the two before it,
    in bytes; then they are taken where a number ends.
    """
    if any(text.count(b" ") != PIXELS - 1 for text in texts):
        return None
    # Blanks around, so that every number has two characters before its last and one behind it.
    characters = np.frombuffer(b"   " + b" ".join(texts) + b" ", np.uint8)
    blank = characters == _SPACE
    digit = ~blank
    digits = characters - np.uint8(_ZERO)  # wraps: all but digits become more than 9
    if int(np.count_nonzero(digits < 10)) != int(np.count_nonzero(digit)):
        return None
    if (digit[3:] & digit[2:-1] & digit[1:-2] & digit[:-3]).any():
        return None
    digits *= digit  # a blank counts as 0
    low = digits[2:-1] + np.uint8(10) * digits[1:-2]
    hundreds = digits[:-3] * digit[1:-2]
    ends = np.flatnonzero(digit[2:-1] & blank[3:])
    if len(ends) != len(texts) * PIXELS:
        return None
    low, hundreds = low.take(ends), hundreds.take(ends)
    if ((hundreds > 2) | ((hundreds == 2) & (low > 55))).any():
        return None
    values: Bytes = low + np.uint8(100) * hundreds
    return values.reshape(len(texts), PIXELS)


def _parse_slowly(text: bytes, name: str, row: int) -> npt.NDArray[np.uint8]:
    """Read one row's pixels with any blanks between them; say what is wrong with them."""
    words = text.split()
    if len(words) != PIXELS:
        raise DataError(f"{name}, row {row}: {len(words):,} pixels where 48x48 need 2,304; mend or drop the row")
    for word in words:
        if not word.isdigit() or len(word) > 3 or int(word) > 255:
            shown = word.decode("ascii", "replace")[:20]
            raise DataError(f"{name}, row {row}: '{shown}' is no grey value; pixels are whole numbers from 0 to 255")
    return np.array([int(word) for word in words], np.uint8)
