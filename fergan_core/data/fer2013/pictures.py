"""FER2013 as pictures, in a folder for each emotion."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from fergan_core.data.dataset import SIZE, SPLITS, Bytes, FileRead
from fergan_core.data.fer2013.labels import NOT_ONE_OF_THEM, Table, about_numbers
from fergan_core.data.fer2013.names import emotion_in, number_in, split_of, split_of_dataset, splits_in, words
from fergan_core.data.fer2013.recognise import HEAD, lfs_pointer
from fergan_core.data.files import DAMAGED_PICTURE, Files, listed, printable, reason
from fergan_core.emotions import EMOTIONS, emotion_code, is_emotion, label_codes, likely_emotion
from fergan_core.errors import DataError

_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm"}
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM")
_NAMES_OF_FORMATS = "JPEG, PNG, BMP, WebP, TIFF or PGM"
_MOST_NAMED = 12


def is_picture(name: str) -> bool:
    """Tell whether a file is named like a picture that can be read."""
    return PurePosixPath(name).suffix.lower() in _SUFFIXES


def decode(content: bytes, name: str) -> Bytes:
    """Decode one picture to uint8 [48,48]; DataError where it is not a picture, has another size, or is in colour."""
    if not content:
        raise DataError(f"{name} has 0 bytes; delete it or copy it again")
    pointer = lfs_pointer(content[:HEAD], name)
    if pointer is not None:
        raise pointer
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            if picture.size != (SIZE, SIZE):  # looked at before it is unpacked, so that it cannot be a bomb
                width, height = picture.size
                raise DataError(f"{name} is {width}x{height}; FER2013's faces are 48x48, resize or drop it")
            frames = getattr(picture, "n_frames", 1)
            if frames > 1:
                raise DataError(f"{name} holds {frames} pictures; save each as a file of its own")
            if picture.mode in ("L", "1"):
                return np.asarray(picture.convert("L"))
            if picture.mode not in ("RGB", "RGBA", "P", "LA", "RGBX"):
                raise DataError(f"{name} is a picture of mode {picture.mode}; FER2013's faces are grey, 8 bits a pixel")
            bands = np.asarray(picture.convert("RGB"))
            # WebP keeps no greys as such: its luma and chroma give bands that differ by one in rounding.
            slack = 1 if picture.format == "WEBP" else 0
    except Image.DecompressionBombError:
        raise DataError(f"{name} is far larger than FER2013's 48x48; resize or drop it") from None
    except UnidentifiedImageError:
        raise DataError(f"{name} is not a {_NAMES_OF_FORMATS} picture; delete it or copy it again") from None
    except DAMAGED_PICTURE as error:
        raise DataError(f"{name} is damaged ({reason(error)}); delete it or copy it again") from None
    if (bands.max(2) - bands.min(2)).max() > slack:
        raise DataError(f"{name} is in colour; FER2013's faces are grey, convert or drop it")
    return bands[:, :, 1 if slack else 0]


@dataclass(frozen=True)
class Place:
    """Where a picture lies: the folder that says its emotion, what it says, and the path's other folders.

    `code` is FER2013's, `number` a label of some order; both are None where no folder says an emotion.
    """

    folder: str
    code: int | None
    number: int | None
    others: tuple[str, ...]
    nested: bool = False


def place_of(name: str, *, numbers: bool) -> Place:
    """Find the innermost folder that says an emotion, else (where `numbers` count) the innermost numbered one.

    A folder within an emotion's own that says that it is another thing ('contempt') is not passed over.
    """
    folders = PurePosixPath(name).parent.parts
    for depth in range(len(folders), 0, -1):
        word = emotion_in(folders[depth - 1])
        others = (*folders[: depth - 1], *folders[depth:])
        if word is not None:
            code = emotion_code(word) if is_emotion(word) else likely_emotion(word)
            return Place("/".join(folders[:depth]) + "/", code, None, others, depth < len(folders))
        if words(folders[depth - 1]) and not _may_lie_within(folders[depth - 1]):
            break
    if numbers:
        for depth in range(len(folders), 0, -1):
            number = number_in(folders[depth - 1])
            if number is not None:
                others = (*folders[: depth - 1], *folders[depth:])
                return Place("/".join(folders[:depth]) + "/", None, number, others, depth < len(folders))
    return Place("/".join(folders) + "/" if folders else "", None, None, folders)


def _may_lie_within(folder: str) -> bool:
    """Tell whether a folder within an emotion's may hold faces of it: a split, a number, a person's or session's."""
    name_words = [word for word in words(folder) if not word.isdigit()]
    return not name_words or bool(splits_in(folder)) or all(word in _WITHIN for word in name_words)


_WITHIN = {"s", "subject", "person", "actor", "session", "seq", "sequence", "id", "part", "batch", "images", "imgs"}


def numbered_folders(names: Sequence[str]) -> list[str]:
    """Return the folders with pictures whose names are labels' numbers: ['1', '2']."""
    folders = {part for name in names for part in PurePosixPath(name).parent.parts[-1:] if number_in(part) is not None}
    return sorted(folders, key=lambda folder: (number_in(folder) or 0, folder))


@dataclass(frozen=True)
class Picture:
    """One picture: the group that counts it, FER2013's code (None: left out because of `why`), and its split."""

    name: str
    group: str
    code: int | None
    split: str
    why: str = NOT_ONE_OF_THEM


def read_folders(files: Files, names: Sequence[str], order: str | None, dataset_split: str | None) -> Table:
    """Read pictures that lie in folders of emotions, or under a label order in numbered ones; leave out the others.

    A split is what the innermost telling folder says, else what the pictures' own names say ('PrivateTest_88.jpg'),
    else `dataset_split`, the split in the dataset's own name, else training.
    """
    return assembled(files, *sorted_by_place(names, order, dataset_split))


def sorted_by_place(
    names: Sequence[str], order: str | None, dataset_split: str | None = None
) -> tuple[list[Picture], list[str]]:
    """Return pictures with what their places say, and sentences about what is guessed or left out."""
    places = {name: place_of(name, numbers=order is not None) for name in names}
    numbers = {place.number for place in places.values() if place.number is not None}
    codes = {} if order is None else label_codes(order, numbers)
    pictures, split_by_name = [], 0
    for name, place in places.items():
        split = split_of(place.others)
        if split is None:
            split = _split_of_stem(name)
            split_by_name += split is not None
        code = place.code if place.number is None else codes[place.number]
        pictures.append(Picture(name, place.folder or "./", code, split or dataset_split or "train"))
    notices = [*about_numbers(order, codes), *_about_places(places), *_about_left_out(pictures, order)]
    if split_by_name:
        notices.append(f"{counted(split_by_name)}: the split is read from the pictures' own names")
    return pictures, notices


def assembled(files: Files, pictures: Sequence[Picture], notices: Sequence[str]) -> Table:
    """Decode the pictures that are used and put them together, split by split."""
    used = [picture for picture in pictures if picture.code is not None]
    if not used:
        raise DataError(f"{listed(picture.group for picture in pictures)}: no picture of one of the seven emotions")
    images = np.empty((len(used), SIZE, SIZE), np.uint8)
    for i, picture in enumerate(used):
        images[i] = decode(files.read(picture.name), picture.name)
    labels = np.array([picture.code for picture in used], np.uint8)
    splits = np.array([SPLITS.index(picture.split) for picture in used], np.uint8)
    order = np.argsort(splits, kind="stable")
    return Table(images[order], labels[order], splits[order], _counted(pictures), tuple(notices), in_rows=False)


def _counted(pictures: Sequence[Picture]) -> tuple[FileRead, ...]:
    used, lost, why = Counter[tuple[str, str]](), Counter[tuple[str, str]](), {}
    for picture in pictures:
        place = (picture.group, picture.split)
        if picture.code is None:
            lost[place] += 1
            why[place] = picture.why
        else:
            used[place] += 1
    places = sorted({*used, *lost}, key=lambda place: (SPLITS.index(place[1]), place[0]))
    return tuple(FileRead(*place, used[place], lost[place], why.get(place, "")) for place in places)


def _split_of_stem(name: str) -> str | None:
    """Return the split that a picture's name says where it says nothing but a split and a number."""
    stem = PurePosixPath(name).stem
    return split_of([stem]) if any(c.isdigit() for c in stem) and split_of_dataset(stem) else None


def _about_places(places: Mapping[str, Place]) -> list[str]:
    """Say which folders are read otherwise than they are called, and which pictures lie deeper than their emotion."""
    guessed: dict[int, list[str]] = {}
    numbered, mixed = [], []
    for place in dict.fromkeys(places.values()):
        folder_name = PurePosixPath(place.folder).name
        if place.code is not None:
            word = emotion_in(folder_name) or ""
            if not is_emotion(word):
                guessed.setdefault(place.code, []).append(place.folder)
            if any(part.isdigit() for part in words(folder_name)):
                numbered.append(place.folder)
        mixed += [folder for folder in place.others if len(splits_in(folder)) > 1]
    nested = sum(place.nested for place in places.values())
    notices = [f"{listed(folders)}: read as {EMOTIONS[code]}" for code, folders in guessed.items()]
    if numbered:
        notices.append(f"{listed(numbered)}: read by the word in the name, not by the number")
    if mixed:
        notices.append(f"{listed(dict.fromkeys(mixed))}: names more than one split, so it is taken for none")
    if nested:
        notices.append(f"{counted(nested)} in further folders within an emotion's: read as that emotion")
    return notices


def _about_left_out(pictures: Sequence[Picture], order: str | None) -> list[str]:
    """Say for each folder how many of its pictures are left out and why; many folders in one sentence."""
    lost = Counter(picture.group for picture in pictures if picture.code is None)
    notices = [
        f"{counted(count)} in {printable(folder)}: {_why(folder, order)}; left out"
        for folder, count in lost.most_common(_MOST_NAMED)
    ]
    more = lost.most_common()[_MOST_NAMED:]
    if more:
        count = sum(number for _, number in more)
        notices.append(f"{counted(count)} in {len(more):,} more folders: {NOT_ONE_OF_THEM}; left out")
    return notices


def _why(folder: str, order: str | None) -> str:
    folder_name = PurePosixPath(folder).name
    if order is None and number_in(folder_name) is not None:
        return "a number, whose emotion only --label-order tells"
    return "in no folder of an emotion" if folder == "./" else NOT_ONE_OF_THEM


def counted(count: int) -> str:
    """Return '1 picture', '67 pictures'."""
    return f"{count:,} {'picture' if count == 1 else 'pictures'}"
