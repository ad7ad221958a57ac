"""FER2013 in every layout it is published in, told apart by content."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from fergan_core.data.dataset import SIZE, SPLITS, UNLABELLED, Bytes
from fergan_core.data.files import Files, open_files
from fergan_core.data.pixels import Table, join, read_csv
from fergan_core.emotions import EMOTIONS, emotion_code, is_emotion
from fergan_core.errors import DataError

_EXPECTED = "expected fer2013.csv, its tar.gz, a parquet file, or train/<emotion>/*.jpg"
_PICTURES = {".jpg", ".jpeg", ".png"}
_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "public": "public",
    "publictest": "public",
    "private": "private",
    "privatetest": "private",
    "test": "test",
    "validation": "public",
    "valid": "public",
    "val": "public",
}

Reader = Callable[[Files], Table]


def read(path: Path) -> Table:
    """Read FER2013 from a file or folder in any published layout; DataError says what is wrong and where."""
    if not path.exists():
        raise DataError(f"--data: there is no '{path}'; give a file or folder of FER2013, or synthfer")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty; {_EXPECTED}")
    try:
        with open_files(path) as files:
            return _read_plain(path) if files is None else _read_files(files, path)
    except (zlib.error, EOFError) as error:
        raise DataError(f"{path.name} is cut off or damaged ({error}); download it again") from None


def _read_plain(path: Path) -> Table:
    with path.open("rb") as stream:
        return _read_stream(stream, path.name)


def _read_stream(stream: BinaryIO, name: str) -> Table:
    start = stream.read(4)
    stream.seek(0)
    if start == b"PAR1":
        return _read_parquet(stream, name)
    if b"\0" in start or start[:3] == b"\xff\xd8\xff" or start[:4] == b"\x89PNG":
        raise DataError(f"{name} is no layout of FER2013; {_EXPECTED}")
    return read_csv(stream, name)


def _read_files(files: Files, path: Path) -> Table:
    """Choose the layout of a folder or archive by what lies in it."""
    suffixes = {name: PurePosixPath(name).suffix.lower() for name in files.names}
    arrays = [PurePosixPath(name).name for name in files.names]
    if {"images.npy", "labels.npy"} <= set(arrays):
        return _read_arrays(files, path.name)
    tables = [name for name in files.names if suffixes[name] in (".csv", ".parquet")]
    # Whole data sets before their halves: the Kaggle archive holds both fer2013.csv and lists of other things.
    whole = [n for n in tables if PurePosixPath(n).stem.lower() in ("fer2013", "icml_face_data")]
    if whole:
        return _read_member(files, whole[0])
    if tables:
        return join([_read_member(files, name) for name in sorted(tables, key=_split_order)])
    pictures = [name for name in files.names if suffixes[name] in _PICTURES and is_emotion(_folder(name))]
    if pictures:
        return _read_pictures(files, pictures)
    raise DataError(f"--data: no face images in '{path.name}'; {_EXPECTED}")


def _read_member(files: Files, name: str) -> Table:
    with files.open(name) as stream:
        # Parquet needs to seek to its end; the CSV is read as it comes.
        if name.lower().endswith(".parquet"):
            stream = io.BytesIO(stream.read())
            return _read_parquet(stream, PurePosixPath(name).name)
        return read_csv(stream, PurePosixPath(name).name)


def _folder(name: str) -> str:
    return PurePosixPath(name).parent.name


def _split_of(words: tuple[str, ...], otherwise: str = "train") -> str:
    """Return the split that the innermost telling word of a path names."""
    for word in reversed(words):
        found = _SPLIT_WORDS.get(word.lower())
        if found is not None:
            return found
    return otherwise


def _split_order(name: str) -> tuple[int, str]:
    return SPLITS.index(_split_of(_words(name))), name


def _words(name: str) -> tuple[str, ...]:
    """Split a path into the words that may name a split: folders, and the file's stem up to a dash."""
    path = PurePosixPath(name)
    return (*path.parent.parts, path.stem, path.stem.partition("-")[0])


def _read_pictures(files: Files, names: list[str]) -> Table:
    images = np.empty((len(names), SIZE, SIZE), np.uint8)
    labels = np.empty(len(names), np.uint8)
    splits = np.empty(len(names), np.uint8)
    for i, name in enumerate(names):
        images[i] = decode(files.read(name), name)
        labels[i] = emotion_code(_folder(name))
        splits[i] = SPLITS.index(_split_of(PurePosixPath(name).parent.parts[:-1]))
    order = np.argsort(splits, kind="stable")
    return Table(images[order], labels[order], splits[order])


def decode(content: bytes, name: str) -> Bytes:
    """Decode one picture to uint8 [48,48]; DataError where it is none, of another size, or in colour."""
    if not content:
        raise DataError(f"{name} has 0 bytes; delete it or copy it again")
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as picture:
            if picture.size != (SIZE, SIZE):
                width, height = picture.size
                raise DataError(f"{name} is {width}x{height}; FER2013's faces are 48x48, resize or drop it")
            if picture.mode in ("RGB", "RGBA", "P", "LA"):
                bands = np.asarray(picture.convert("RGB"))
                if np.ptp(bands.astype(np.int16), axis=2).max() > 0:
                    raise DataError(f"{name} is in colour; FER2013's faces are grey, convert or drop it")
                return bands[:, :, 0]
            return np.asarray(picture.convert("L"))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        reason = "no JPEG or PNG picture" if isinstance(error, UnidentifiedImageError) else f"damaged ({error})"
        raise DataError(f"{name} is {reason}; delete it or copy it again") from None


def _read_parquet(stream: BinaryIO, name: str) -> Table:
    """Read rows of image {bytes, path}, label (code or name) and perhaps usage."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{name} is cut off or no parquet file ({error}); download it again") from None
    names = {column.lower(): column for column in table.column_names}
    if "image" not in names:
        raise DataError(f"{name}: no column 'image'; expected image {{bytes, path}} and label as on Hugging Face")
    pictures = table.column(names["image"]).to_pylist()
    images = np.empty((len(pictures), SIZE, SIZE), np.uint8)
    for i, cell in enumerate(pictures):
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        images[i] = decode(content or b"", f"{name}, row {i + 1}")
    label_column = next((names[word] for word in ("label", "labels", "emotion") if word in names), None)
    labels = np.full(len(images), UNLABELLED, np.uint8)
    if label_column is not None:
        labels[:] = [_code(value, name, i + 1) for i, value in enumerate(table.column(label_column).to_pylist())]
    splits = np.full(len(images), SPLITS.index(_split_of(_words(name))), np.uint8)
    usage = next((names[word] for word in ("usage", "split") if word in names), None)
    if usage is not None:
        splits[:] = [_usage(value, name, i + 1) for i, value in enumerate(table.column(usage).to_pylist())]
    return Table(images, labels, splits)


def _code(value: Any, name: str, row: int) -> int:
    if isinstance(value, str) and is_emotion(value):
        return emotion_code(value)
    try:
        code = int(value)
    except (TypeError, ValueError):
        code = -1
    if not 0 <= code < len(EMOTIONS):
        raise DataError(f"{name}, row {row}: label '{value}' is no emotion of FER2013; use 0 to 6 or its name")
    return code


def _usage(value: Any, name: str, row: int) -> int:
    split = _SPLIT_WORDS.get(str(value).strip().lower())
    if split is None:
        raise DataError(f"{name}, row {row}: usage '{value}' is unknown; use Training, PublicTest or PrivateTest")
    return SPLITS.index(split)


def _read_arrays(files: Files, name: str) -> Table:
    """Read an .npz of images uint8 [N,48,48], labels [N] and perhaps usage [N] (strings)."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for member in files.names:
        with files.open(member) as stream:
            try:
                arrays[PurePosixPath(member).stem] = np.lib.format.read_array(stream, allow_pickle=False)
            except ValueError as error:
                raise DataError(
                    f"{name}: '{member}' is no plain array ({error}); save it without pickled objects"
                ) from None
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or images.shape[1:] != (SIZE, SIZE) or len(images) != len(labels):
        raise DataError(
            f"{name}: images are {images.dtype} {list(images.shape)}; expected uint8 [N, 48, 48] and labels [N]"
        )
    codes = np.array([_code(value, name, i + 1) for i, value in enumerate(labels.tolist())], np.uint8)
    if "usage" in arrays:
        splits = np.array([_usage(value, name, i + 1) for i, value in enumerate(arrays["usage"].tolist())], np.uint8)
    else:
        splits = np.zeros(len(images), np.uint8)
    return Table(images, codes, splits)
