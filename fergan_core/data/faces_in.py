"""Generated faces that come from anywhere, read and written: an .npz of arrays, a folder of pictures, a sheet."""

import contextlib
import io
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fergan_core.data.contact_sheet import contact_sheet
from fergan_core.data.dataset import SIZE, Bytes, make_dataset
from fergan_core.data.fer2013 import decode, read_array
from fergan_core.data.files import Files, FolderFiles, ZipFiles, open_files, reason
from fergan_core.emotions import EMOTIONS, emotion_code, is_emotion
from fergan_core.errors import DataError, UsageError

_EXPECTED = "expected FILE.npz with images (and labels), DIR/<emotion>/*.png or DIR/*.png"
_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}


def read_faces(path: str | Path) -> tuple[Bytes, Bytes | None, list[str]]:
    """Read faces uint8 [N,48,48], their emotions' codes uint8 [N] (None where nothing tells them), and their names.

    FILE.npz holds `images` uint8 [N,48,48], [N,1,48,48], [N,48,48,1] or, all three bands alike, [N,48,48,3], and maybe
    `labels` [N] of 0..6. DIR holds <emotion>/*.png (jpg, webp) in any published spelling, or *.png without emotions.
    As in a data set, faces of another size and in colour are refused. Raises DataError, one sentence that names file
    and remedy.
    """
    place = Path(os.path.expanduser(path))
    if not os.path.exists(place):
        raise DataError(f"there is no '{path}'; {_EXPECTED}")
    # What the libraries would warn of in damaged or huge files is refused here; their warnings would be more lines.
    with open_files(place) as files, warnings.catch_warnings(action="ignore"):
        if isinstance(files, FolderFiles):
            return _read_pictures(files, str(path))
        if isinstance(files, ZipFiles):
            return _read_npz(files, place.name)
    raise DataError(f"{place.name} is no .npz; {_EXPECTED}")


def _read_npz(files: Files, name: str) -> tuple[Bytes, Bytes | None, list[str]]:
    if "images.npy" not in files.names:
        raise DataError(f"{name} holds no array 'images'; {_EXPECTED}")
    images = _grey(read_array(files, "images.npy", name), name)
    labels = None
    if "labels.npy" in files.names:
        labels = _codes(read_array(files, "labels.npy", name), len(images), name)
    return images, labels, [f"{name}, face {i + 1}" for i in range(len(images))]


def _grey(images: npt.NDArray[Any], name: str) -> Bytes:
    """Bring an npz's images to uint8 [N,48,48]; DataError where they are none."""
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


def _codes(labels: npt.NDArray[Any], count: int, name: str) -> Bytes:
    """Bring an npz's labels to uint8 [count]; DataError where they are no codes 0..6, one a face."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise DataError(
            f"{name}: labels are {labels.dtype} {list(labels.shape)} for {count:,} faces; give integers [N]"
        )
    wrong = (labels < 0) | (labels >= len(EMOTIONS))
    if wrong.any():
        face = int(wrong.argmax())
        raise DataError(f"{name}, face {face + 1}: label {labels[face]} is no emotion; use 0 (angry) to 6 (neutral)")
    return labels.astype(np.uint8)


def _read_pictures(files: Files, folder: str) -> tuple[Bytes, Bytes | None, list[str]]:
    names = [name for name in files.names if PurePosixPath(name).suffix.lower() in _PICTURES]
    if not names:
        raise DataError(f"'{folder}' has no pictures; {_EXPECTED}")
    parents = [PurePosixPath(name).parent.as_posix() for name in names]
    labelled = parents[0] != "."
    for name, parent in zip(names, parents, strict=True):
        if parent != "." and not is_emotion(parent):
            raise DataError(f"{name} lies in '{parent}', which is no emotion; {_EXPECTED}")
        if (parent != ".") != labelled:
            raise DataError(f"{name} and {names[0]}: one has an emotion's folder, one has none; {_EXPECTED}")
    images = np.stack([_picture(files.read(name), name) for name in names])
    codes = np.array([emotion_code(parent) for parent in parents], np.uint8) if labelled else None
    return images, codes, names


def _picture(content: bytes, name: str) -> Bytes:
    """Decode one picture to uint8 [48,48]; DataError where it is none, of another size, or in colour."""
    if content[8:12] != b"WEBP":
        return decode(content, name)
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP",)) as picture:
            if picture.size != (SIZE, SIZE):  # looked at before it is unpacked, so that it cannot be a bomb
                raise DataError(f"{name} is {picture.width}x{picture.height}; faces are 48x48, resize or drop it")
            bands = np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError):
        raise DataError(f"{name} is damaged; delete it or copy it again") from None
    # WebP keeps no greys as such: its luma and chroma give bands that differ by one in rounding.
    if (bands.max(2) - bands.min(2)).max() > 1:
        raise DataError(f"{name} is in colour; faces are grey, convert or drop it")
    return bands[:, :, 1]


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
        _replace(place, lambda target: write(target, images, labels))
    except OSError as error:
        raise _unwritable(path, error) from None


def check_target(path: str | Path) -> None:
    """Raise UsageError where `write_faces` could not write: to be asked before the faces are made."""
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
            raise UsageError(f"'{place}' is no empty folder; name a new one, FILE.npz or FILE.png")
        return _write_folder
    if place.suffix.lower() not in (".npz", ".png"):
        raise UsageError(f"'{place}': faces are not written as {place.suffix}; name FILE.npz, FILE.png or a new folder")
    return _write_npz if place.suffix.lower() == ".npz" else _write_sheet


def _replace(place: Path, write: Callable[[Path], None]) -> None:
    """Write under a temporary name, which is taken away again where that fails, and rename."""
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        temporary.replace(place)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):
            temporary.unlink()


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
