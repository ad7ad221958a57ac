"""FER2013 in every layout it is published in, told apart by content."""

import io
import json
import tokenize
import warnings
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from fergan_core.data.dataset import SIZE, SPLITS, UNLABELLED, Bytes
from fergan_core.data.files import Files, is_archive, open_archive, open_files, reason
from fergan_core.data.pixels import Table, column_names, join, read_csv
from fergan_core.emotions import EMOTIONS, emotion_code, is_emotion
from fergan_core.errors import DataError

_EXPECTED = "expected fer2013.csv, its tar.gz, a parquet file, or train/<emotion>/*.jpg"
_LONGEST_HEADER = 65536
_MOST_ROWS = 500_000
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


def read(path: Path) -> Table:
    """Read FER2013 from a file or folder in any published layout; DataError says what is wrong and where."""
    if not (path.is_file() or path.is_dir()):
        raise DataError(f"--data: '{path}' is neither a file nor a folder; {_EXPECTED}")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty; {_EXPECTED}")
    # What the libraries would warn of in damaged or huge files is refused here; their warnings would be more lines.
    with open_files(path) as files, warnings.catch_warnings(action="ignore"):
        return _read_plain(path) if files is None else _read_files(files, path.name)


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


def _read_files(files: Files, label: str, nested: bool = False) -> Table:
    """Choose the layout of a folder or archive by what lies in it."""
    suffixes = {name: PurePosixPath(name).suffix.lower() for name in files.names}
    if {"images.npy", "labels.npy"} <= {PurePosixPath(name).name for name in files.names}:
        return _read_arrays(files, label)
    columns = {name: _header(files, name) for name in files.names if suffixes[name] == ".csv"}
    faces = [name for name in columns if "pixels" in columns[name]]
    # One whole data set before the challenge's halves of it, which the same archive holds.
    whole = [name for name in sorted(faces) if "usage" in columns[name]]
    if faces:
        return join([_read_member(files, name) for name in whole[:1] or sorted(faces, key=_split_order)])
    parquets = [name for name in files.names if suffixes[name] == ".parquet"]
    if parquets:
        return join([_read_member(files, name) for name in sorted(parquets, key=_split_order)])
    pictures = [name for name in files.names if suffixes[name] in _PICTURES and is_emotion(_folder(name))]
    if pictures:
        return _read_pictures(files, pictures)
    if columns:
        return _read_member(files, min(columns))  # says which column it lacks
    archives = [name for name in files.names if is_archive(name)]
    if archives and not nested:
        with files.open(archives[0]) as stream, open_archive(stream, PurePosixPath(archives[0]).name) as inner:
            if inner is not None:
                return _read_files(inner, PurePosixPath(archives[0]).name, nested=True)
    raise DataError(f"--data: no face images in '{label}'; {_EXPECTED}")


def _header(files: Files, name: str) -> list[str]:
    with files.open(name) as stream:
        return column_names(stream.readline(_LONGEST_HEADER))


def _read_member(files: Files, name: str) -> Table:
    label = PurePosixPath(name).name
    if name.lower().endswith(".parquet"):
        # Its table of contents stands at its end: read at once, not as it comes.
        return _read_parquet(io.BytesIO(files.read(name)), label)
    with files.open(name) as stream:
        return read_csv(stream, label)


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
            if picture.mode in ("L", "1"):
                return np.asarray(picture.convert("L"))
            if picture.mode not in ("RGB", "RGBA", "P", "LA"):
                raise DataError(f"{name} is a picture of mode {picture.mode}; FER2013's faces are grey, 8 bits a pixel")
            bands = np.asarray(picture.convert("RGB"))
    except Image.DecompressionBombError:
        raise DataError(f"{name} is far larger than FER2013's 48x48; delete it") from None
    except UnidentifiedImageError:
        raise DataError(f"{name} is no JPEG or PNG picture; delete it or copy it again") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{name} is damaged ({reason(error)}); delete it or copy it again") from None
    if (bands != bands[:, :, :1]).any():
        raise DataError(f"{name} is in colour; FER2013's faces are grey, convert or drop it")
    return bands[:, :, 0]


def _read_parquet(stream: BinaryIO, name: str) -> Table:
    """Read rows of image {bytes, path}, label (code or name) and perhaps usage."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(stream)
        names = {column.lower(): column for column in file.schema_arrow.names}
        if "image" not in names:
            raise DataError(f"{name}: no column 'image'; expected image {{bytes, path}} and label as on Hugging Face")
        if file.metadata.num_rows > _MOST_ROWS:
            raise DataError(
                f"{name} has {file.metadata.num_rows:,} rows; FER2013 has 35,887, take a copy of that alone"
            )
        images = np.empty((file.metadata.num_rows, SIZE, SIZE), np.uint8)
        # In batches: all pictures at once, as Python's bytes beside Arrow's, would double the memory.
        cells = (cell for batch in file.iter_batches(1024, columns=[names["image"]]) for cell in batch[0].to_pylist())
        for i, cell in enumerate(cells):
            content = cell.get("bytes") if isinstance(cell, dict) else cell
            if not isinstance(content, bytes):
                raise DataError(f"{name}, row {i + 1}: the image has no bytes inside the file; take a copy with them")
            images[i] = decode(content, f"{name}, row {i + 1}")
        label = next((names[word] for word in ("label", "labels", "emotion") if word in names), None)
        usage = next((names[word] for word in ("usage", "split") if word in names), None)
        rest = file.read([column for column in (label, usage) if column is not None])
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{name} is cut off or no parquet file ({reason(error)}); download it again") from None
    labels = np.full(len(images), UNLABELLED, np.uint8)
    if label is not None:
        values = rest.column(label).to_pylist()
        words = _class_names(file.schema_arrow.metadata, label)
        if words:
            values = [words[v] if isinstance(v, int) and 0 <= v < len(words) else v for v in values]
        labels[:] = [_code(value, name, i + 1) for i, value in enumerate(values)]
    splits = np.full(len(images), SPLITS.index(_split_of(_words(name))), np.uint8)
    if usage is not None:
        splits[:] = [_usage(value, name, i + 1) for i, value in enumerate(rest.column(usage).to_pylist())]
    return Table(images, labels, splits)


def _class_names(metadata: dict[bytes, bytes] | None, column: str) -> list[str]:
    """Return the names that a Hugging Face file gives to its label's numbers, whose order is not always FER2013's."""
    try:
        names = json.loads((metadata or {})[b"huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return []
    # Numbers called '0', '1'... are FER2013's codes themselves.
    return names if isinstance(names, list) and all(isinstance(n, str) and not n.isdigit() for n in names) else []


def _code(value: Any, name: str, row: int) -> int:
    if isinstance(value, str) and is_emotion(value):
        return emotion_code(value)
    try:
        code = int(value) if int(value) == float(value) else -1
    except (TypeError, ValueError, OverflowError):
        code = -1
    if not 0 <= code < len(EMOTIONS):
        raise DataError(
            f"{name}, row {row}: label '{str(value)[:20]}' is no emotion of FER2013; use 0 to 6 or its name"
        )
    return code


def _usage(value: Any, name: str, row: int) -> int:
    split = _SPLIT_WORDS.get(str(value).strip().lower())
    if split is None:
        raise DataError(
            f"{name}, row {row}: usage '{str(value)[:20]}' is unknown; use Training, PublicTest or PrivateTest"
        )
    return SPLITS.index(split)


def _read_arrays(files: Files, name: str) -> Table:
    """Read an .npz of images uint8 [N,48,48], labels [N] and perhaps usage [N] (strings)."""
    members = {PurePosixPath(member).stem: member for member in files.names}
    arrays = {stem: read_array(files, members[stem], name) for stem in ("images", "labels", "usage") if stem in members}
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or images.shape[1:] != (SIZE, SIZE):
        raise DataError(f"{name}: images are {images.dtype} {list(images.shape)}; expected uint8 [N, 48, 48]")
    for stem, values in arrays.items():
        if values.shape[:1] != images.shape[:1] or (stem != "images" and values.ndim != 1):
            raise DataError(f"{name}: '{stem}' is {list(values.shape)} for {len(images):,} images; expected [N]")
    codes = np.array([_code(value, name, i + 1) for i, value in enumerate(labels.tolist())], np.uint8)
    usages = arrays["usage"].tolist() if "usage" in arrays else ["train"] * len(images)
    splits = np.array([_usage(value, name, i + 1) for i, value in enumerate(usages)], np.uint8)
    return Table(images, codes, splits)


def read_array(files: Files, member: str, name: str) -> npt.NDArray[Any]:
    with files.open(member) as stream:
        try:
            array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, MemoryError, tokenize.TokenError) as error:
            raise DataError(
                f"{name}: '{member}' is no plain array ({reason(error)}); save it without pickled objects"
            ) from None
    return array
