"""What the names of files, folders and columns say: a split, an emotion, a role."""

import re
from collections.abc import Iterable, Sequence

from fergan_core.data.dataset import SPLITS, USAGES
from fergan_core.data.files import printable
from fergan_core.emotions import EMOTIONS, is_emotion, likely_emotion
from fergan_core.errors import DataError

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CASES = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT_WORDS = {usage.lower(): split for usage, split in USAGES.items()} | {
    "train": "train",
    "validation": "public",
    "validate": "public",
    "valid": "public",
    "val": "public",
    "dev": "public",
    "devel": "public",
    "development": "public",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "heldout": "test",
    "holdout": "test",
}
# 'public' and 'private' say a split only where a name says nothing else: 'public_faces' is a folder of anybody's.
_HALVES = {"public": "public", "private": "private"}
_JOINED = re.compile(rf"^({'|'.join(_SPLIT_WORDS)})(set|data|images|imgs|faces)$")
# Words beside a split that do not make a name about something else.
_OF_FER2013 = {"fer", "ferplus", "set", "split", "part"}
_PLAIN = _OF_FER2013 | {"data", "dataset", "images", "imgs", "faces", "folder", "of"}

# Columns of a table by what they hold; the first that is there counts.
USAGE_COLUMNS = ("usage", "split", "set", "subset", "attribution", "partition")
LABEL_COLUMNS = ("emotion", "emotions", "label", "labels", "class", "expression", "target")
IMAGE_COLUMNS = ("image", "img", "img_bytes", "image_bytes", "picture", "face", "bytes")
NAME_COLUMNS = ("file_name", "filename", "image name", "image_name", "file", "path", "filepath", "image", "img", "name")


def words(name: str) -> list[str]:
    """Split a name into its words, in lower case: at changes of case, digits and everything that is not a letter."""
    return [part.lower() for run in _WORD.findall(name) for part in _CASES.split(run)]


def splits_in(name: str) -> set[str]:
    """Return the splits that a file's or folder's name has as whole words: {'test'} for FER2013Test or test_set."""
    every, splits = words(name), set()
    for current, following in zip(every, [*every[1:], ""], strict=False):
        if current in _HALVES and following in ("test", "testing"):
            splits.add(_HALVES[current])
        elif joined := _JOINED.match(current):
            splits.add(_SPLIT_WORDS[joined[1]])
        elif current in _SPLIT_WORDS:
            splits.add(_SPLIT_WORDS[current])
    if splits >= {"test"} and splits & {"public", "private"} and not splits & {"train"}:
        splits.discard("test")  # the word in PublicTest
    if not splits:
        other_words = [word for word in every if word not in _OF_FER2013 and not word.isdigit()]
        splits = (
            {_HALVES[word] for word in other_words} if len(other_words) == 1 and other_words[0] in _HALVES else set()
        )
    return splits


def split_of(parts: Sequence[str]) -> str | None:
    """Return the split named by the innermost part of a path that names exactly one; None where no part does."""
    for part in reversed(parts):
        splits = splits_in(part)
        if len(splits) == 1:
            return splits.pop()
    return None


def split_of_dataset(name: str) -> str | None:
    """Return the split that a dataset's own name says, where it says nothing else: 'test', 'FER2013Test'."""
    name_words = {word for word in words(name) if not word.isdigit()} - _PLAIN
    if all(word in _SPLIT_WORDS or word in _HALVES or _JOINED.match(word) for word in name_words):
        return split_of([name])
    return None


def read_usage(value: object, where: str) -> int:
    """Return the number of the split that a cell names, in any case and with blanks; DataError for any other text."""
    text = str(value)
    word = "".join(words(text))
    joined = _JOINED.match(word)
    split = _SPLIT_WORDS.get(joined[1] if joined else word) or _HALVES.get(word)
    if split is None or any(c.isdigit() for c in text):
        raise DataError(f"{where}: usage '{printable(text, 20)}' is unknown; use Training, PublicTest or PrivateTest")
    return SPLITS.index(split)


def emotion_in(folder: str) -> str | None:
    """Return the word in a folder's name that means an emotion, also a misspelt one: 'happy', '3_happy', 'suprise'.

    None where the name has other words too: nobody knows what lies in 'not happy'.
    """
    name_words = [word for word in words(folder) if not word.isdigit()]
    if len(name_words) == 1 and (is_emotion(name_words[0]) or likely_emotion(name_words[0]) is not None):
        return name_words[0]
    return None


def number_in(folder: str) -> int | None:
    """Return the label's number in a folder's name: 3 for '3', '03' or 'class_3'; None for any other name."""
    every = words(folder)
    numbers = [word for word in every if word.isdigit()]
    others = set(every) - set(numbers)
    if len(numbers) != 1 or others - {"class", "label", "emotion", "c"} or len(numbers[0]) > 2:
        return None
    number = int(numbers[0]) if numbers[0].isascii() else -1
    return number if 0 <= number <= len(EMOTIONS) + 1 else None


def column_of(names: Iterable[str], candidates: Sequence[str]) -> str | None:
    """Return the column, as it is written, that is the first of `candidates` in lower case and without blanks."""
    columns = {name.strip().lower(): name for name in reversed(list(names))}
    return next((columns[word] for word in candidates if word in columns), None)
