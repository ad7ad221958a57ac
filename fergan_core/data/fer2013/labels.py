"""Labels, which are words or numbers: what they mean under a label order, and notices where that is not as written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fergan_core.data.dataset import SPLITS, UNLABELLED, Bytes, FileRead
from fergan_core.data.files import printable
from fergan_core.emotions import CONTEMPT, EMOTIONS, emotion_code, is_emotion, label_codes, likely_emotion
from fergan_core.errors import DataError

Raw = npt.NDArray[np.uint16]
# Below it a raw label is FER2013's code (or UNLABELLED), from it on a word or number that is settled at the end.
_OPEN = 1000
_LARGEST_NUMBER = 99
NOT_ONE_OF_THEM = "not one of the seven emotions"


@dataclass(frozen=True)
class Part:
    """What was read of one file or folder: images uint8 [N,48,48], labels uint16 [N] as in `Labels`, splits uint8 [N].

    `skipped` are (split, images, why) that were not even decoded.
    """

    name: str
    images: Bytes
    labels: Raw
    splits: Bytes
    skipped: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True)
class Table:
    """A dataset as it was read: images uint8 [N,48,48], labels uint8 [N], splits uint8 [N], counts and notices."""

    images: Bytes
    labels: Bytes
    splits: Bytes
    files: tuple[FileRead, ...] = ()
    notices: tuple[str, ...] = ()
    in_rows: bool = True


@dataclass
class Labels:
    """Reads labels under a label order (None: FER2013's codes), and settles at the end what they mean together.

    Only all of a dataset's numbers tell whether they count from 0 or from 1.
    """

    order: str | None = None
    _values: list[str | int] = field(default_factory=list)
    _raw_of: dict[str | int, int] = field(default_factory=dict)

    def read(self, value: Any, where: str, column: str = "label") -> int:
        """Return a raw label; DataError that names `where`, file and row, unless it is an emotion or contempt."""
        number = _whole_number(value)
        if number is None:
            return self._word(value, where, column)
        if self.order is None and 0 <= number < len(EMOTIONS):
            return number
        if self.order is None or not 0 <= number <= _LARGEST_NUMBER:
            raise DataError(
                f"{where}: {column} '{printable(str(value), 20)}' is not a code of FER2013; {_remedy(number)}"
            )
        return self._interned(number)

    def _word(self, value: Any, where: str, column: str) -> int:
        text = value.strip() if isinstance(value, str) else ""
        if is_emotion(text):
            return emotion_code(text)
        if text.lower() != CONTEMPT and likely_emotion(text) is None:
            raise DataError(
                f"{where}: {column} '{printable(str(value), 20)}' is not an emotion of FER2013; use 0 to 6 (0 angry "
                "... 6 neutral) or its name"
            )
        return self._interned(text.lower())

    def _interned(self, value: str | int) -> int:
        if value not in self._raw_of:
            self._raw_of[value] = _OPEN + len(self._values)
            self._values.append(value)
        return self._raw_of[value]

    def meaning(self, used: Mapping[int, int]) -> tuple[dict[int, int | None], list[str]]:
        """Return FER2013's code, or None for none, of the raw labels in use (raw -> images) that are not codes yet.

        The sentences say what is read otherwise than it is written, and what is left out.
        """
        raw_by_value = {self._values[raw - _OPEN]: raw for raw in used if raw >= _OPEN}
        numbers = {value: raw for value, raw in raw_by_value.items() if isinstance(value, int)}
        codes = {} if self.order is None else label_codes(self.order, numbers)
        meaning = {raw: codes[number] for number, raw in numbers.items()}
        meaning |= {raw: likely_emotion(value) for value, raw in raw_by_value.items() if isinstance(value, str)}
        notices = about_numbers(self.order, codes)
        for value, raw in raw_by_value.items():
            images = f"{used[raw]:,} {'image' if used[raw] == 1 else 'images'}"
            code = meaning[raw]
            if code is None:
                notices.append(f"{images} with label '{value}': {NOT_ONE_OF_THEM}; left out")
            elif isinstance(value, str):
                notices.append(f"{images} with label '{value}': read as {EMOTIONS[code]}")
        return meaning, notices

    def settle(self, parts: Sequence[Part]) -> tuple[list[Part], list[str]]:
        """Return the parts with FER2013's codes alone, other emotions left out, and sentences about them."""
        used = Counter[int]()
        for part in parts:
            raws, counts = np.unique(part.labels, return_counts=True)
            used.update(dict(zip(raws.tolist(), counts.tolist(), strict=True)))
        meaning, notices = self.meaning(used)
        return [_settled(part, meaning) for part in parts], notices


def about_numbers(order: str | None, codes: Mapping[int, int | None]) -> list[str]:
    """Say what each number was read as under a label order; nothing where there are not numbers."""
    if not codes:
        return []
    words = (f"{number} {CONTEMPT if code is None else EMOTIONS[code]}" for number, code in sorted(codes.items()))
    return [f"labels read in the order {order}: {', '.join(words)}"]


def _settled(part: Part, meaning: Mapping[int, int | None]) -> Part:
    labels = part.labels.copy()
    for raw, code in meaning.items():
        labels[part.labels == raw] = UNLABELLED if code is None else code
    lost = np.isin(part.labels, [raw for raw, code in meaning.items() if code is None])
    if not lost.any():
        return Part(part.name, part.images, labels, part.splits, part.skipped)
    gone = [(SPLITS[split], int((part.splits[lost] == split).sum()), NOT_ONE_OF_THEM) for split in range(len(SPLITS))]
    skipped = (*part.skipped, *(entry for entry in gone if entry[1]))
    return Part(part.name, part.images[~lost], labels[~lost], part.splits[~lost], skipped)


def _whole_number(value: Any) -> int | None:
    """Return the number that a cell holds, -1 for one that is not whole or far too large; None for a word."""
    try:
        return int(value) if abs(float(value)) <= _LARGEST_NUMBER and int(float(value)) == float(value) else -1
    except (TypeError, ValueError, OverflowError):
        return None


def _remedy(number: int) -> str:
    if number == len(EMOTIONS):
        return (
            "label 7 is contempt where there are eight classes (affectnet, ferplus), neutral in raf-db, which counts "
            "from 1: say with --label-order in which order the labels count"
        )
    return "use 0 to 6 (0 angry ... 6 neutral)"


def together(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Put arrays one after the other; one alone is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def joined(parts: Sequence[Part], labels: Labels, notices: Sequence[str], *, in_rows: bool) -> Table:
    """Put parts together, one after the other, with the count of what was read and left out of each."""
    settled, about = labels.settle(parts)
    files = []
    for part in settled:
        for number, split in enumerate(SPLITS):
            used = int((part.splits == number).sum())
            lost = [(count, why) for where, count, why in part.skipped if where == split]
            if used or lost:
                why = "; ".join(dict.fromkeys(why for _, why in lost))
                files.append(FileRead(part.name, split, used, sum(count for count, _ in lost), why))
    return Table(
        together([part.images for part in settled]),
        together([part.labels for part in settled]).astype(np.uint8),
        together([part.splits for part in settled]),
        tuple(files),
        (*notices, *about),
        in_rows,
    )
