"""Layouts of FER2013 and of data sets like it as they are found in the wild, made from 98 made-up faces.

`python tests/data/wild_layouts.py FOLDER` writes all of them below a new folder and prints the command that tells what
each is read as. Seventy faces are training, 14 validation (PublicTest) and 14 test (PrivateTest), as many an emotion.
"""

import bz2
import gzip
import io
import json
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
Split = dict[str, int]
THREE: Split = {"train": 70, "public": 14, "private": 14}
DEV_TEST: Split = {"train": 70, "public": 14, "test": 14}
TWO: Split = {"train": 70, "test": 28}


@dataclass(frozen=True)
class Layout:
    """How a layout is made, and what comes of it: images by split, how many are left out, and words of the notices.

    `refused` are words of the error where it is not read; `order` is the --label-order that it is opened with.
    """

    seen: str
    make: Make
    splits: Split = field(default_factory=dict)
    skipped: int = 0
    notices: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    order: str | None = None


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
    rest = [i for i in range(98) if USAGE[i] != "Training"]
    return {
        "fer2013/fer2013.csv": table(rows_of()),
        "icml_face_data.csv": table(rows_of(), "emotion, Usage, pixels"),
        "train.csv": table(rows_of("Training"), "emotion,pixels"),
        "test.csv": table(rest, "pixels"),
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
    found = pictures(by_usage("train_set/{}", "val_set/{}", "val_set/{}"), names)
    return found | {f"train_set/7/c{i}.png": coded(i) for i in range(6)}


def listed(labels: Sequence[str]) -> Contents:
    found = {f"train/{i:04d}.png": coded(i) for i in range(98)}
    lines = "".join(f"{i:04d}.png,{labels[LABELS[i]]}\n" for i in range(98))
    return found | {"train/metadata.csv": f"file_name,label\n{lines}".encode()}


def with_contempt() -> Contents:
    found = pictures(
        by_usage("train/{}", "test/{}", "test/{}"), ("angry", "disgust", "fear", "joy", "sad", "suprise", "neutral")
    )
    return found | {f"train/contempt/{i}.png": coded(i) for i in range(5)} | {"README.md": b"faces"}


def ck_plus() -> bytes:
    rows = table(rows_of()).decode().splitlines()
    return "\n".join([*rows, *(f"7,{pixels(i)},Training" for i in range(4))]).encode() + b"\n"


LAYOUTS: dict[str, Layout] = {
    "kaggle fer2013.csv": Layout("deadskull7/fer2013", file_of("fer2013.csv", lambda: table(rows_of())), THREE),
    "icml_face_data.csv": Layout(
        "the challenge's second form",
        file_of("icml_face_data.csv", lambda: table(rows_of(), "emotion, Usage, pixels")),
        THREE,
    ),
    "kaggle tar.gz": Layout(
        "the challenge's fer2013.tar.gz",
        file_of("fer2013.tar.gz", lambda: tar_bytes({"fer2013/fer2013.csv": table(rows_of())}, "w:gz")),
        THREE,
    ),
    "kaggle archive": Layout(
        "the challenge's zip of everything",
        file_of("challenges.zip", lambda: zip_bytes(kaggle_archive())),
        THREE,
        98 + 70 + 28,
        (
            "icml_face_data.csv: its 98 faces are in fer2013/fer2013.csv too; left out",
            "not read: example_submission.csv",
        ),
    ),
    "kaggle folders": Layout(
        "msambare/fer2013",
        folder_of(lambda: pictures(by_usage("train/{}", "test/{}", "test/{}"), kind="PNG", suffix="jpg")),
        TWO,
    ),
    "three folders": Layout(
        "astraszab/facial-expression-dataset-image-folders-fer2013",
        folder_of(
            lambda: pictures(
                by_usage("data/train/{}", "data/val/{}", "data/test/{}"),
                ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"),
            )
        ),
        DEV_TEST,
    ),
    "split tables": Layout(
        "train.csv, val.csv and test.csv in a folder",
        folder_of(lambda: three_tables(("train.csv", "val.csv", "test.csv"))),
        DEV_TEST,
    ),
    "split tables, zipped": Layout(
        "the same in a zip",
        file_of("fer.zip", lambda: zip_bytes(three_tables(("fer/train.csv", "fer/valid.csv", "fer/test.csv")))),
        DEV_TEST,
    ),
    "parts": Layout(
        "one table cut in parts",
        folder_of(lambda: {f"part-{n}.csv": table(range(n, 98, 7)) for n in range(7)}),
        THREE,
    ),
    "split column": Layout(
        "columns label and split",
        file_of("faces.csv", lambda: table(rows_of(), "label,pixels,split", ("train", " Validation ", "TEST"))),
        DEV_TEST,
    ),
    "attribution column": Layout(
        "columns label and attribution",
        file_of("faces.csv", lambda: table(rows_of(), "id,label,attribution,pixels", ("train", "dev", "eval"))),
        DEV_TEST,
    ),
    "words": Layout(
        "emotions as words",
        file_of("faces.csv", lambda: table(rows_of(), "word,pixels,subset").replace(b"word,", b"class,", 1)),
        THREE,
    ),
    "semicolons": Layout(
        "saved by a spreadsheet", file_of("faces.csv", lambda: table(rows_of()).replace(b",", b";")), THREE
    ),
    "CK+": Layout(
        "ckextended.csv: 7 is contempt",
        file_of("ckextended.csv", ck_plus),
        THREE,
        4,
        ("4 images with label '7': not one of the seven emotions; left out",),
        order="angry,disgust,fear,happy,sad,surprise,neutral,contempt",
    ),
    "CK+, no order": Layout(
        "the same without --label-order", file_of("ckextended.csv", ck_plus), refused=("row 99", "--label-order")
    ),
    "csv.gz": Layout("compressed", file_of("fer2013.csv.gz", lambda: gzip.compress(table(rows_of()))), THREE),
    "csv.bz2": Layout("compressed", file_of("fer2013.csv.bz2", lambda: bz2.compress(table(rows_of()))), THREE),
    "csv.xz": Layout("compressed", file_of("fer2013.csv.xz", lambda: lzma.compress(table(rows_of()))), THREE),
    "tar.bz2": Layout(
        "folders in a tar.bz2",
        file_of(
            "fer.tar.bz2",
            lambda: tar_bytes(pictures(by_usage("fer/train/{}", "fer/dev/{}", "fer/eval/{}")), "w:bz2"),
        ),
        DEV_TEST,
    ),
    "zips in a zip": Layout(
        "train.zip and test.zip in one",
        file_of(
            "all.zip",
            lambda: zip_bytes(
                {
                    "train.zip": zip_bytes({f"{EMOTIONS[LABELS[i]]}/{i}.png": coded(i) for i in range(70)}),
                    "test.zip": zip_bytes({f"{EMOTIONS[LABELS[i]]}/{i}.png": coded(i) for i in range(70, 98)}),
                }
            ),
        ),
        TWO,
    ),
    "parquet shards": Layout(
        "Hugging Face: data/train-00000-of-00001-HASH.parquet",
        folder_of(
            lambda: {
                "data/train-00000-of-00002-4f2cd27a7d7a8d0e.parquet": parquet_bytes(range(35)),
                "data/train-00001-of-00002-9d1e0b0a4ad2a1a4.parquet": parquet_bytes(range(35, 70)),
                "data/test-00000-of-00001-0aae0d9f3f4b6f43.parquet": parquet_bytes(range(70, 98)),
                "README.md": b"---\nlicense: mit\n---\n",
            }
        ),
        TWO,
        notices=("not read: README.md",),
    ),
    "parquet branch": Layout(
        "Hugging Face's own conversion: default/validation/0000.parquet",
        folder_of(
            lambda: {
                f"default/{split}/0000.parquet": parquet_bytes(rows_of(usage))
                for split, usage in zip(("train", "validation", "test"), USAGES, strict=True)
            }
        ),
        DEV_TEST,
    ),
    "parquet alone": Layout(
        "one file fer2013-test.parquet, columns img_bytes and labels",
        file_of("fer2013-test.parquet", lambda: parquet_bytes(rows_of(), "img_bytes", "labels", struct=False)),
        {"test": 98},
        notices=(),
    ),
    "FER+ folders": Layout(
        "FER2013Train, FER2013Valid, FER2013Test by emotion",
        folder_of(lambda: pictures(by_usage("FER2013Train/{}", "FER2013Valid/{}", "FER2013Test/{}"))),
        DEV_TEST,
    ),
    "FER+ pictures": Layout(
        "FER2013Train/fer0000000.png with label.csv of votes",
        folder_of(
            lambda: (
                {f"FER2013Train/fer{i:07d}.png": coded(i) for i in range(98)}
                | {"FER2013Train/label.csv": b'fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0\n'}
            )
        ),
        refused=("FER+'s pictures", "--votes"),
    ),
    "RAF-DB": Layout(
        "folders 1 to 7", folder_of(numbered(1)), TWO, 0, ("order raf-db: 1 surprise, 2 fear",), order="raf-db"
    ),
    "RAF-DB, no order": Layout(
        "the same without --label-order", folder_of(numbered(1)), refused=("numbers (1, 2, 3", "--label-order")
    ),
    "AffectNet": Layout(
        "folders 0 to 7, the last contempt",
        folder_of(affectnet),
        {"train": 70, "public": 28},
        6,
        ("6 pictures in train_set/7/: not one of the seven emotions; left out",),
        order="affectnet",
    ),
    "misspelt and contempt": Layout(
        "suprise/, joy/ and contempt/",
        folder_of(with_contempt),
        TWO,
        5,
        (
            "5 pictures in train/contempt/: not one of the seven emotions; left out",
            "suprise/: read as surprise",
            "joy/: read as happy",
            "not read: README.md",
        ),
    ),
    "counted and worded": Layout(
        "0_angry/ ... 6_neutral/",
        folder_of(
            lambda: pictures(
                by_usage("train/{}", "test/{}", "test/{}"), [f"{i}_{emotion}" for i, emotion in enumerate(EMOTIONS)]
            )
        ),
        TWO,
        notices=("read by the word in the name, not by the number",),
    ),
    "emotion outside": Layout(
        "happy/train/, and people's folders",
        folder_of(lambda: pictures(by_usage("{}/training_set/s01", "{}/test_set/s02", "{}/test_set/s02"))),
        TWO,
        notices=("98 pictures in further folders within an emotion's: read as that emotion",),
    ),
    "names of pictures": Layout(
        "angry/Training_12.png",
        folder_of(lambda: {f"{EMOTIONS[LABELS[i]]}/{USAGE[i]}_{i}.png": coded(i) for i in range(98)}),
        THREE,
        notices=("98 pictures: the split is read from the pictures' own names",),
    ),
    "bitmaps": Layout(
        "bmp",
        folder_of(lambda: pictures(by_usage("train/{}", "test/{}", "test/{}"), kind="BMP", suffix="bmp")),
        TWO,
    ),
    "links": Layout(
        "folders of symbolic links",
        linked,
        DEV_TEST,
        notices=(
            "train/gone.png: a link to a file or folder that is not there",
            "train/again/: a link to a folder that",
        ),
    ),
    "image folder": Layout(
        "metadata.csv with file_name and label in words", folder_of(lambda: listed(EMOTIONS)), {"train": 98}
    ),
    "image folder of numbers": Layout(
        "metadata.csv with numbers",
        folder_of(lambda: listed("0123456")),
        refused=("metadata.csv, row 1", "--label-order"),
    ),
    "npz": Layout(
        "images, labels, usage",
        file_of("fer2013.npz", lambda: npz_bytes(images=IMAGES, labels=LABELS, usage=USAGE)),
        THREE,
    ),
    "keras npz": Layout(
        "x_train, y_train, x_test, y_test",
        file_of(
            "fer.npz",
            lambda: npz_bytes(
                x_train=IMAGES[:70, ..., None], y_train=LABELS[:70], x_test=IMAGES[70:, ..., None], y_test=LABELS[70:]
            ),
        ),
        TWO,
    ),
    "npy alone": Layout(
        "one array", file_of("faces.npy", lambda: _npy(IMAGES)), refused=("is one array", "numpy.savez")
    ),
    "pickle": Layout(
        "a pickled frame",
        file_of("fer2013.pkl", lambda: b"\x80\x04\x95" + bytes(60)),
        refused=("is a pickle", "any program"),
    ),
    "HDF5": Layout(
        "data.h5", file_of("data.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(500)), refused=("is HDF5", "numpy.savez")
    ),
    "LFS pointer": Layout(
        "cloned without Git LFS",
        file_of("train.parquet", lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        refused=("Git LFS pointer", "git lfs pull"),
    ),
    "web page": Layout(
        "a login page saved as the CSV",
        file_of("fer2013.csv", lambda: b"<!DOCTYPE html>\n<html><head><title>Kaggle</title></head></html>"),
        refused=("is a web page", "download it again"),
    ),
}


def _npy(array: Bytes) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def main(folder: Path) -> None:
    """Write every layout below a folder and print how to look at it."""
    for number, (name, layout) in enumerate(LAYOUTS.items(), start=1):
        place = folder / f"{number:02d}"
        place.mkdir(parents=True)
        order = "" if layout.order is None else f" --label-order {layout.order}"
        print(f"# {name}: {layout.seen}\nfergan data info {layout.make(place)}{order}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
