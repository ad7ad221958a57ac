"""Layouts of FER2013 and of datasets like it as they are found in the wild, made from 98 made-up faces.

`python -m tests.data.wild_layouts FOLDER` writes all of them below a new folder and prints the command that tells what
each is read as. Seventy faces are training, 14 validation (PublicTest) and 14 test (PrivateTest), as many an emotion.
"""

import bz2
import gzip
import lzma
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.data.wild_faces import (
    EMOTIONS,
    IMAGES,
    LABELS,
    USAGE,
    USAGES,
    Make,
    affectnet,
    by_usage,
    ck_plus,
    coded,
    file_of,
    folder_of,
    kaggle_archive,
    linked,
    listed,
    npy_bytes,
    npz_bytes,
    numbered,
    parquet_bytes,
    pictures,
    rows_of,
    table,
    tar_bytes,
    three_tables,
    with_contempt,
    zip_bytes,
)

Split = dict[str, int]
THREE: Split = {"train": 70, "public": 14, "private": 14}
DEV_TEST: Split = {"train": 70, "public": 14, "test": 14}
TWO: Split = {"train": 70, "test": 28}


@dataclass(frozen=True)
class Layout:
    """How a layout is made, and what comes of it: images by split, how many are left out, and words of the notices.

    `refused` are words of the error where it is not read; `order` is the --label-order that it is opened with.
    """

    published_as: str
    make: Make
    splits: Split = field(default_factory=dict)
    skipped: int = 0
    notices: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    order: str | None = None


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
        "one array", file_of("faces.npy", lambda: npy_bytes(IMAGES)), refused=("is one array", "numpy.savez")
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


def main(folder: Path) -> None:
    """Write every layout below a folder and print how to look at it."""
    for number, (name, layout) in enumerate(LAYOUTS.items(), start=1):
        place = folder / f"{number:02d}"
        place.mkdir(parents=True)
        order = "" if layout.order is None else f" --label-order {layout.order}"
        print(f"# {name}: {layout.published_as}\nfergan data info {layout.make(place)}{order}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
