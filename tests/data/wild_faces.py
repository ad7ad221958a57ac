"""What layouts in the wild are made of: 98 made-up faces, and files, folders and archives of them."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
RAF_DB = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
USAGES = ("Training", "PublicTest", "PrivateTest")
_RANDOM = np.random.default_rng(19)
IMAGES = _RANDOM.integers(0, 256, (98, 48, 48), dtype=np.uint8)
LABELS = np.arange(98) % 7
USAGE = np.repeat(USAGES, (70, 14, 14))

Bytes = npt.NDArray[np.uint8]
Make = Callable[[Path], Path]


def rows_of(usage: str | None = None) -> list[int]:
    return [i for i in range(98) if usage is None or USAGE[i] == usage]


def pixels(i: int) -> str:
    return " ".join(map(str, IMAGES[i].ravel()))


def table(
    rows: Iterable[int], header: str = "emotion,pixels,Usage", words: Sequence[str] = USAGES, first: int = 0
) -> bytes:
    """Return a CSV of some rows whose columns the header names: labels count from `first`, usages are `words`."""
    usage = dict(zip(USAGES, words, strict=True))
    lines = [header]
    for i in rows:
        cells = {"pixels": pixels(i), "emotion": str(LABELS[i] + first), "label": str(LABELS[i] + first)}
        cells |= {"word": EMOTIONS[LABELS[i]], "id": str(i)}
        lines.append(",".join(cells.get(name.strip().lower(), usage[str(USAGE[i])]) for name in header.split(",")))
    return ("\n".join(lines) + "\n").encode()


def coded(i: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(IMAGES[i]).save(buffer, kind)
    return buffer.getvalue()


Contents = dict[str, bytes]


def pictures(
    place: Callable[[int], str], names: Sequence[str] = EMOTIONS, kind: str = "PNG", suffix: str = "png"
) -> Contents:
    """Return pictures by path: `place` names the folder of row i, in which {} is its emotion in `names`."""
    return {f"{place(i).format(names[LABELS[i]])}/{i:05d}.{suffix}": coded(i, kind) for i in range(98)}


def by_usage(train: str, public: str, private: str) -> Callable[[int], str]:
    return lambda i: dict(zip(USAGES, (train, public, private), strict=True))[str(USAGE[i])]


def folder_of(contents: Callable[[], Contents]) -> Make:
    def make(folder: Path) -> Path:
        for name, content in contents().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    return make


def zip_bytes(contents: Contents) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_bytes(contents: Contents, mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def file_of(name: str, content: Callable[[], bytes]) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content())
        return folder / name

    return make


def parquet_bytes(rows: Iterable[int], image: str = "image", label: str = "label", *, struct: bool = True) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    rows = list(rows)
    cells = [{"bytes": coded(i), "path": f"{i}.png"} if struct else coded(i) for i in rows]
    features = {label: {"names": sorted(EMOTIONS), "_type": "ClassLabel"}}
    codes = [sorted(EMOTIONS).index(EMOTIONS[LABELS[i]]) for i in rows] if struct else [int(LABELS[i]) for i in rows]
    data = pa.table({image: cells, label: codes})
    if struct:
        data = data.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    buffer = io.BytesIO()
    parquet.write_table(data, buffer)
    return buffer.getvalue()


def npz_bytes(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def kaggle_archive() -> Contents:
    """The challenge's files: the whole set twice, its training part, its test part without emotions, an example."""
    not_training = [i for i in range(98) if USAGE[i] != "Training"]
    return {
        "fer2013/fer2013.csv": table(rows_of()),
        "icml_face_data.csv": table(rows_of(), "emotion, Usage, pixels"),
        "train.csv": table(rows_of("Training"), "emotion,pixels"),
        "test.csv": table(not_training, "pixels"),
        "example_submission.csv": b"emotion\n0\n",
    }


def three_tables(names: Sequence[str], header: str = "emotion,pixels") -> Contents:
    return {name: table(rows_of(usage), header) for name, usage in zip(names, USAGES, strict=True)}


def linked(folder: Path) -> Path:
    """Emotions' folders that link to numbered ones beside the data, a link to nowhere and one in a circle."""
    raw = folder / "raw"
    folder_of(lambda: pictures(by_usage("raw/train-{}", "raw/val-{}", "raw/test-{}"), names="0123456"))(folder)
    data = folder / "data"
    for usage in ("train", "val", "test"):
        (data / usage).mkdir(parents=True)
        for code, emotion in enumerate(EMOTIONS):
            (data / usage / emotion).symlink_to(raw / f"{usage}-{code}")
    (data / "train" / "again").symlink_to(data)
    (data / "train" / "gone.png").symlink_to(raw / "gone.png")
    return data


def numbered(first: int, kind: str = "{}") -> Callable[[], Contents]:
    names = [kind.format(RAF_DB.index(emotion) + first) for emotion in EMOTIONS]
    return lambda: pictures(by_usage("DATASET/train/{}", "DATASET/test/{}", "DATASET/test/{}"), names)


def affectnet() -> Contents:
    names = [str(AFFECTNET.index(emotion)) for emotion in EMOTIONS]
    contents = pictures(by_usage("train_set/{}", "val_set/{}", "val_set/{}"), names)
    return contents | {f"train_set/7/c{i}.png": coded(i) for i in range(6)}


def listed(labels: Sequence[str]) -> Contents:
    contents = {f"train/{i:04d}.png": coded(i) for i in range(98)}
    lines = "".join(f"{i:04d}.png,{labels[LABELS[i]]}\n" for i in range(98))
    return contents | {"train/metadata.csv": f"file_name,label\n{lines}".encode()}


def with_contempt() -> Contents:
    contents = pictures(
        by_usage("train/{}", "test/{}", "test/{}"), ("angry", "disgust", "fear", "joy", "sad", "suprise", "neutral")
    )
    return contents | {f"train/contempt/{i}.png": coded(i) for i in range(5)} | {"README.md": b"faces"}


def ck_plus() -> bytes:
    rows = table(rows_of()).decode().splitlines()
    return "\n".join([*rows, *(f"7,{pixels(i)},Training" for i in range(4))]).encode() + b"\n"


def npy_bytes(array: Bytes) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
