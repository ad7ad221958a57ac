"""FER2013's CSV files: rows of 2,304 pixels as text, and perhaps of an emotion and a usage."""

import re
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from fergan_core.data.dataset import SIZE, SPLITS, UNLABELLED, USAGES, Bytes
from fergan_core.data.fer2013.labels import Labels, Part, Raw, together
from fergan_core.data.fer2013.names import LABEL_COLUMNS, USAGE_COLUMNS, column_of, read_usage
from fergan_core.data.files import printable
from fergan_core.errors import DataError

PIXELS = SIZE * SIZE
MOST_ROWS = 500_000
_BLOCK = 1 << 20  # its working arrays stay in the processor's cache: twice as fast as 8 MiB
_LONGEST_ROW = 1 << 16  # 2,304 pixels of three digits have some 9,000 characters
_SPACE, _ZERO = 32, 48

# What nearly all rows have.
_CODES = {b"%d" % code: code for code in range(7)}
_USAGES = {usage.encode(): SPLITS.index(split) for usage, split in USAGES.items()}


@dataclass(frozen=True)
class Columns:
    """The positions of a CSV's columns, -1 for one that is missing; all columns' names; and the separator."""

    pixels: int
    emotion: int
    usage: int
    names: tuple[str, ...]
    separator: bytes

    @property
    def unread(self) -> list[str]:
        """Return the names of the other columns."""
        return [name for i, name in enumerate(self.names) if i not in (self.pixels, self.emotion, self.usage)]


def column_names(line: bytes, separator: bytes = b",") -> list[str]:
    """Return the names in a header line, in lower case and without blanks, quotes and byte order mark."""
    words = line.removeprefix(b"\xef\xbb\xbf").split(separator)
    return [word.strip().strip(b'"').strip().decode("utf-8", "replace").lower() for word in words]


def find_columns(line: bytes) -> Columns | None:
    """Find the columns in a header, in any case, with blanks around, parted by commas, semicolons or tabs.

    Returns None where there is no column of pixels.
    """
    for separator in (b",", b";", b"\t"):
        names = column_names(line, separator)
        if "pixels" in names:
            label, usage = column_of(names, LABEL_COLUMNS), column_of(names, USAGE_COLUMNS)
            return Columns(
                names.index("pixels"),
                -1 if label is None else names.index(label),
                -1 if usage is None else names.index(usage),
                tuple(names),
                separator,
            )
    return None


def _read_header(line: bytes, name: str) -> Columns:
    columns = find_columns(line)
    if columns is None:
        if len(re.findall(rb"[,;\t]", line)) >= PIXELS:
            raise DataError(
                f"{name} has a column for each pixel; expected one column 'pixels' with 2,304 numbers and blanks "
                "between, as in fer2013.csv"
            )
        raise DataError(f"{name}: no column 'pixels' in the header; expected emotion,pixels,Usage as in fer2013.csv")
    if columns.emotion < 0 and columns.usage >= 0:
        raise DataError(f"{name}: no column 'emotion' in the header; expected emotion,pixels,Usage as in fer2013.csv")
    return columns


def read_csv(stream: BinaryIO, name: str, labels: Labels, split: str | None = None) -> tuple[Part, Columns]:
    """Read a CSV of faces block by block.

    Rows without a usage are of `split`; where that is None they are training, or test where they have no emotion.
    Raises DataError that names the file, the row (1 is the first after the header) and the remedy.
    """
    header = stream.readline(65536)
    if not header.strip():
        raise DataError(f"{name} is empty; expected a CSV with the header emotion,pixels,Usage")
    columns = _read_header(header, name)
    otherwise = SPLITS.index(split or ("train" if columns.emotion >= 0 else "test"))
    reader = _Rows(columns, labels, name, otherwise)
    blocks: list[tuple[Bytes, Raw, Bytes]] = []
    unfinished, done, passed = b"", 0, 0
    while True:
        block = stream.read(_BLOCK)
        text = unfinished + block
        if block:
            cut = text.rfind(b"\n") + 1
            text, unfinished = text[:cut], text[cut:]
            if len(unfinished) > _LONGEST_ROW:
                line = done + text.count(b"\n") + 1
                raise DataError(f"{name}, row {line}: the row does not end; take a whole copy of the file")
        passed += text.count(b"\n")
        if passed > MOST_ROWS:
            raise DataError(f"{name} has more than {MOST_ROWS:,} rows; FER2013 has 35,887, take a copy of that alone")
        lines = [line for line in text.split(b"\n") if line.strip()]
        if lines:
            blocks.append(reader.read(lines, done + 1))
            done += len(lines)
        if not block:
            break
    if not blocks:
        raise DataError(f"{name} has a header but no rows; take a whole copy of the file")
    images, raws, splits = (together(arrays) for arrays in zip(*blocks, strict=True))
    return Part(name, images, raws, splits), columns


@dataclass(frozen=True)
class _Rows:
    """Turns lines of one CSV into arrays; rows without a usage are of the split with the number `otherwise`."""

    columns: Columns
    labels: Labels
    name: str
    otherwise: int

    def read(self, lines: list[bytes], first: int) -> tuple[Bytes, Raw, Bytes]:
        """Return images, raw labels and splits of lines of which the first is row `first`."""
        columns, count = self.columns, len(self.columns.names)
        texts: list[bytes] = []
        labels = np.full(len(lines), UNLABELLED, np.uint16)
        splits = np.full(len(lines), self.otherwise, np.uint8)
        for i, line in enumerate(lines):
            fields = line.rstrip(b"\r").split(columns.separator)
            if len(fields) != count:
                raise DataError(
                    f"{self.name}, row {first + i}: {len(fields)} columns, {count} in the header; mend or drop the row"
                )
            texts.append(fields[columns.pixels].strip(b' "'))
            if columns.emotion >= 0:
                labels[i] = self._label(fields[columns.emotion], first + i)
            if columns.usage >= 0:
                splits[i] = self._split(fields[columns.usage].strip(b' "'), first + i)
        images = _parse_fast(texts)
        if images is None:
            images = np.stack([_parse_slowly(text, f"{self.name}, row {first + i}") for i, text in enumerate(texts)])
        return images.reshape(-1, SIZE, SIZE), labels, splits

    def _label(self, field: bytes, row: int) -> int:
        word = field.strip(b' "')
        if self.labels.order is None and word in _CODES:
            return _CODES[word]
        column = self.columns.names[self.columns.emotion]
        return self.labels.read(word.decode("utf-8", "replace"), f"{self.name}, row {row}", printable(column, 20))

    def _split(self, word: bytes, row: int) -> int:
        split = _USAGES.get(word)
        return read_usage(word.decode("utf-8", "replace"), f"{self.name}, row {row}") if split is None else split


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


def parse_pixels(text: bytes, where: str) -> Bytes:
    """Read one face's 2,304 pixels as text to uint8 [48,48]; DataError that names `where` and what is wrong."""
    parsed = _parse_fast([text])
    return (_parse_slowly(text, where) if parsed is None else parsed[0]).reshape(SIZE, SIZE)


def _parse_slowly(text: bytes, where: str) -> Bytes:
    """Read one row's pixels with any blanks between them; say what is wrong with them."""
    words = text.split()
    if len(words) != PIXELS:
        raise DataError(f"{where}: {len(words):,} pixels where 48x48 need 2,304; mend or drop the row")
    for word in words:
        if not word.isdigit() or len(word) > 3 or int(word) > 255:
            wrong = printable(word.decode("ascii", "replace"), 20)
            raise DataError(f"{where}: '{wrong}' is not a grey value; pixels are whole numbers from 0 to 255")
    return np.array([int(word) for word in words], np.uint8)
