"""Generated faces that come from anywhere, read and written: an .npz of arrays, a folder of pictures, a sheet."""

import os
import sys
import warnings
from collections.abc import Callable
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fergan_core.data.archives import ZipFiles, open_files
from fergan_core.data.contact_sheet import contact_sheet
from fergan_core.data.dataset import SIZE, Bytes, make_dataset
from fergan_core.data.fer2013.arrays import read_array
from fergan_core.data.fer2013.labels import NOT_ONE_OF_THEM, about_numbers
from fergan_core.data.fer2013.pictures import decode, is_picture, numbered_folders, sorted_by_place
from fergan_core.data.files import Files, FolderFiles, listed, reason
from fergan_core.emotions import EMOTIONS, label_codes
from fergan_core.emotions import label_order as read_order
from fergan_core.errors import DataError, UsageError
from fergan_core.files import atomic_write

_EXPECTED = "expected FILE.npz with images (and labels), DIR/<emotion>/*.png or DIR/*.png"


def read_faces(path: str | Path, *, label_order: str | None = None) -> tuple[Bytes, Bytes | None, list[str]]:
    """Read faces uint8 [N,48,48], their emotions' codes uint8 [N] (None where nothing tells them), and their names.

    FILE.npz holds `images` uint8 [N,48,48], [N,1,48,48], [N,48,48,1] or, all three bands alike, [N,48,48,3], and maybe
    `labels` [N] of 0..6. DIR holds <emotion>/*.png (jpg, webp, bmp, tif) in any published spelling, at any depth, or
    pictures without emotions. `label_order` tells what numbers in labels and folders' names count where they are not
    FER2013's codes (see emotions.label_order). What is left out, or read otherwise than it is written, is said on
    stderr. As in a dataset, faces of another size and in colour are refused. Raises DataError, one sentence that
    names file and remedy.
    """
    if label_order is not None:
        read_order(label_order)
    place = Path(os.path.expanduser(path))
    if not os.path.exists(place):
        raise DataError(f"there is no '{path}'; {_EXPECTED}")
    # What the libraries would warn of in damaged or huge files is refused here; their warnings would be more lines.
    with open_files(place) as files, warnings.catch_warnings(action="ignore"):
        if isinstance(files, FolderFiles):
            faces, notices = _read_pictures(files, str(path), label_order)
        elif isinstance(files, ZipFiles):
            faces, notices = _read_npz(files, place.name, label_order)
        else:
            raise DataError(f"{place.name} is not an .npz file; {_EXPECTED}")
        for notice in (*files.notices, *notices):
            print(f"{place.name}: {notice}", file=sys.stderr)
    return faces


_Faces = tuple[Bytes, Bytes | None, list[str]]


def _read_npz(files: Files, name: str, order: str | None) -> tuple[_Faces, list[str]]:
    if "images.npy" not in files.names:
        raise DataError(f"{name} holds no array 'images' but {listed(files.names, 6) or 'nothing'}; {_EXPECTED}")
    images = _grey(read_array(files, "images.npy", name), name)
    names = [f"{name}, face {i + 1}" for i in range(len(images))]
    if "labels.npy" not in files.names:
        return (images, None, names), []
    labels = _integers(read_array(files, "labels.npy", name), len(images), name)
    if order is None:
        return (images, _codes(labels, name), names), []
    codes = label_codes(order, set(labels.tolist()))
    is_emotion = np.array([codes[label] is not None for label in labels.tolist()], bool)
    notices = about_numbers(order, codes)
    if not is_emotion.all():
        notices.append(f"{int((~is_emotion).sum()):,} with contempt: {NOT_ONE_OF_THEM}; left out")
    if not is_emotion.any():
        raise DataError(f"{name}: no face has one of the seven emotions")
    emotion_codes = np.array([codes[label] for label in labels[is_emotion].tolist()], np.uint8)
    return (images[is_emotion], emotion_codes, list(compress(names, is_emotion))), notices


def _grey(images: npt.NDArray[Any], name: str) -> Bytes:
    """Bring an npz's images to uint8 [N,48,48]; DataError for arrays of another shape or type."""
    shape = images.shape
    if images.dtype == np.uint8 and images.size:
        if shape[1:] in ((SIZE, SIZE), (1, SIZE, SIZE), (SIZE, SIZE, 1)):
            return np.ascontiguousarray(images.reshape(-1, SIZE, SIZE))
        if shape[1:] == (SIZE, SIZE, 3):
            coloured = (images != images[..., :1]).any((1, 2, 3))
            if not coloured.any():
                return np.ascontiguousarray(images[..., 0])
            raise DataError(f"{name}, face {int(coloured.argmax()) + 1}: is in colour; faces are grey, convert it")
    raise DataError(
        f"{name}: images are {images.dtype} {list(shape)}; give uint8 [N,48,48] of greys 0 to 255, one or more"
    )


def _integers(labels: npt.NDArray[Any], count: int, name: str) -> npt.NDArray[Any]:
    """Return an npz's labels; DataError where they are not whole numbers, one a face."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise DataError(
            f"{name}: labels are {labels.dtype} {list(labels.shape)} for {count:,} faces; give integers [N]"
        )
    return labels


def _codes(labels: npt.NDArray[Any], name: str) -> Bytes:
    """Bring labels in FER2013's order to uint8 [N]; DataError where they are not codes 0..6."""
    wrong = (labels < 0) | (labels >= len(EMOTIONS))
    if wrong.any():
        face = int(wrong.argmax())
        raise DataError(
            f"{name}, face {face + 1}: label {labels[face]} is not a code of FER2013; use 0 (angry) to 6 (neutral), or "
            "say with --label-order in which order the labels count"
        )
    return labels.astype(np.uint8)


def _read_pictures(files: Files, folder: str, order: str | None) -> tuple[_Faces, list[str]]:
    names = [name for name in files.names if is_picture(name)]
    if not names:
        raise DataError(f"'{folder}' has no pictures; {_EXPECTED}")
    pictures, notices = sorted_by_place(names, order)
    labelled = [picture for picture in pictures if picture.code is not None]
    if not labelled:
        numbered = numbered_folders(names)
        if numbered and order is None:
            raise DataError(
                f"the folders in '{folder}' are numbers ({listed(numbered, 8)}); say with --label-order what they "
                "count: fer2013 (0 angry ... 6 neutral), alphabetical, raf-db (1 surprise ... 7 neutral) or your own"
            )
        nested = dict.fromkeys(picture.group for picture in pictures if picture.group != "./")
        remarks = [f"no folder says an emotion ({listed(nested)}): read as faces without emotions"] if nested else []
        return (_decoded(files, names), None, names), remarks
    bare = [picture.name for picture in pictures if picture.group == "./"]
    if bare:
        raise DataError(f"{bare[0]} and {labelled[0].name}: one has an emotion's folder, one has none; {_EXPECTED}")
    used = [picture.name for picture in labelled]
    codes = np.array([picture.code for picture in labelled], np.uint8)
    return (_decoded(files, used), codes, used), notices


def _decoded(files: Files, names: list[str]) -> Bytes:
    return np.stack([decode(files.read(name), name) for name in names])


def write_faces(path: str | Path, images: Bytes, labels: Bytes) -> None:
    """Write faces uint8 [N,48,48] with their emotions' codes uint8 [N] of 0..6, whole or not at all.

    FILE.npz gets the arrays `images` and `labels`, DIR a picture a face (DIR/<emotion>/NNNNN.png, numbered through
    all emotions), and FILE.png a sheet of 16 faces an emotion. Raises UsageError for another suffix, a folder that
    is not empty, a place that cannot be written, or other arrays.
    """
    _check_faces(images, labels)
    place = _placed(path)
    try:
        write = _writer(place)
        with atomic_write(place) as temporary:
            write(temporary, images, labels)
    except OSError as error:
        raise _unwritable(path, error) from None


def check_target(path: str | Path) -> None:
    """Raise UsageError where `write_faces` could not write: call it before the faces are generated."""
    place = _placed(path)
    try:
        _writer(place)
        with os.scandir(place.parent):  # which says what is wrong with the folder
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def _placed(path: str | Path) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))


def _unwritable(path: str | Path, error: OSError) -> UsageError:
    return UsageError(f"'{path}' cannot be written ({error.strerror or reason(error)}); choose another place")


def _writer(place: Path) -> Callable[[Path, Bytes, Bytes], None]:
    """Choose how to write by the place's suffix; UsageError for one that is unknown and for a folder in use."""
    if place.is_dir() or not place.suffix:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise UsageError(f"'{place}' is not an empty folder; name a new one, FILE.npz or FILE.png")
        return _write_folder
    if place.suffix.lower() not in (".npz", ".png"):
        raise UsageError(f"'{place}': faces are not written as {place.suffix}; name FILE.npz, FILE.png or a new folder")
    return _write_npz if place.suffix.lower() == ".npz" else _write_sheet


def _check_faces(images: Bytes, labels: Bytes) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIZE, SIZE) or not len(images):
        raise UsageError(f"faces are {images.dtype} {list(images.shape)}; give uint8 [N,48,48], one or more")
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1] or int(labels.max()) >= len(EMOTIONS):
        raise UsageError(
            f"labels are {labels.dtype} {list(labels.shape)} for {len(images):,} faces; give uint8 [N] of 0..6"
        )


def _write_npz(target: Path, images: Bytes, labels: Bytes) -> None:
    with target.open("wb") as stream:
        np.savez_compressed(stream, images=images, labels=labels)


def _write_sheet(target: Path, images: Bytes, labels: Bytes) -> None:
    contact_sheet(make_dataset("faces", "", images, labels, np.zeros_like(labels))).save(target, "PNG")


def _write_folder(target: Path, images: Bytes, labels: Bytes) -> None:
    digits = max(5, len(str(len(images) - 1)))
    target.mkdir()
    for code in np.unique(labels):
        (target / EMOTIONS[code]).mkdir()
    for number, (image, code) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(target / EMOTIONS[code] / f"{number:0{digits}d}.png", "PNG")
