"""`fergan data info` and `fergan data sheet`, as a person calls them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data import SPLITS, Dataset, make_dataset, open_dataset
from fergan_core.data.contact_sheet import contact_sheet
from fergan_core.data.summary import summarise
from fergan_core.emotions import EMOTIONS
from tests.support.commands import run_module


def fergan(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return run_module("trainers.cli", "data", *words)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Seven training faces, one an emotion and the last a copy of the first, and two of PublicTest, one a copy."""
    images = np.random.default_rng(1).integers(0, 256, (9, 48, 48), dtype=np.uint8)
    images[6], images[8] = images[0], images[0]
    np.savez(
        tmp_path / "few.npz",
        images=images,
        labels=[0, 1, 2, 3, 4, 5, 6, 3, 0],
        usage=["Training"] * 7 + ["PublicTest"] * 2,
    )
    return tmp_path / "few.npz"


def test_info_as_json_is_one_object(few: Path) -> None:
    done = fergan("info", few, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    none = dict.fromkeys(EMOTIONS, 0)
    assert summary == {
        "name": "fer2013",
        "source": str(few),
        "images": 9,
        "content_hash": open_dataset(few).content_hash,
        "counts": {"train": dict.fromkeys(EMOTIONS, 1), "public": {**none, "happy": 1, "angry": 1}},
        "duplicates": {"within": {"train": 1, "public": 0}, "across": {"train/public": 1}, "contradicting": 1},
        "files": [
            {"name": "few.npz", "split": "train", "used": 7, "skipped": 0, "why": ""},
            {"name": "few.npz", "split": "public", "used": 2, "skipped": 0, "why": ""},
        ],
        "notices": [],
        "label_order": None,
    }


def test_info_for_people_has_every_emotion_the_copies_and_the_hash(few: Path) -> None:
    done = fergan("info", few)
    assert done.returncode == 0, done.stderr
    for word in (*EMOTIONS, "train", "public", "exact copies: 1 in train, 0 in public", open_dataset(few).content_hash):
        assert word in done.stdout
    assert "images of public that are in train too: 1" in done.stdout


def test_info_says_what_was_read_and_left_out_by_split(tmp_path: Path) -> None:
    for number, name in enumerate(("train/happy", "train/contempt", "train/suprise", "train/contempt")):
        place = tmp_path / "faces" / name
        place.mkdir(parents=True, exist_ok=True)
        Image.new("L", (48, 48), number).save(place / f"{number}.png")
    done = fergan("info", tmp_path / "faces")
    assert done.returncode == 0, done.stderr
    for words in (
        "2 pictures in train/contempt/: not one of the seven emotions; left out",
        "train/suprise/: read as surprise",
        "no images with an emotion outside of split train",
    ):
        assert words in done.stdout
    (row,) = (line for line in done.stdout.splitlines() if "train/contempt/" in line and "│" in line)
    assert row.split("│")[1:6] == [
        " train/contempt/ ", " train ", "    0 ", "       2 ", " not one of the seven emotions "
    ]  # fmt: skip


def test_info_in_another_order_of_labels(few: Path) -> None:
    done = fergan("info", few, "--json", "--label-order", "alphabetical")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["label_order"] == "alphabetical"
    assert summary["counts"]["public"] == {**dict.fromkeys(EMOTIONS, 0), "happy": 1, "angry": 1}
    assert summary["notices"][0].startswith(
        "labels read in the order alphabetical: 0 angry, 1 disgust, 2 fear, 3 happy"
    )
    wrong = fergan("info", few, "--label-order", "jaffe")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: --label-order: 'jaffe'")


def test_unlabelled_images_are_counted_as_such() -> None:
    images = np.zeros((2, 48, 48), np.uint8)
    dataset = make_dataset("fer2013", "x", images, np.array([255, 3], np.uint8), np.array([3, 3], np.uint8))
    summary = summarise(dataset)
    assert summary["counts"]["test"] == {**dict.fromkeys(EMOTIONS, 0), "happy": 1, "unlabelled": 1}
    assert summary["duplicates"] == {"within": {"test": 1}, "across": {}, "contradicting": 0}


def test_sheet_shows_a_row_an_emotion_from_the_data(few: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    done = fergan("sheet", few, "--out", out)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as page:
        pixels = np.asarray(page)
    assert str(out) in done.stdout
    pitch = (pixels.shape[0] - 4) // 7
    assert pixels.shape[0] == 4 + 7 * pitch
    dataset = open_dataset(few)
    for row in range(7):
        # The first face of a row is one of that emotion's: halved again it is close to one of them.
        top = 4 + row * pitch
        face = Image.fromarray(pixels[top : top + 96, 132 : 132 + 96]).resize((48, 48), Image.Resampling.BOX)
        distances = [np.abs(np.asarray(face, int) - image).mean() for image in dataset.images.astype(int)]
        nearest = np.flatnonzero(distances == min(distances))
        assert row in dataset.labels[nearest], distances
        assert min(distances) < 20


@pytest.mark.parametrize("out", ["no/such/folder/sheet.png", "."])
def test_sheet_that_cannot_be_written_is_wrong_use(few: Path, tmp_path: Path, out: str) -> None:
    done = fergan("sheet", few, "--out", tmp_path / out)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --out: ")
    assert len(done.stderr.splitlines()) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["few.npz"]


def test_sheet_of_synthfer_shows_different_people_and_then_all_of_them(built_in_faces: Dataset) -> None:
    dataset = built_in_faces
    page = contact_sheet(dataset)
    assert page.height == 4 + 100 * (7 + 4)
    pixels = np.asarray(page)
    faces = [
        [pixels[top : top + 96, left : left + 96].tobytes() for left in range(132, 132 + 1600, 100)]
        for top in range(4, 4 + 1100, 100)
    ]
    assert all(len(set(row)) == 16 for row in faces[:7])
    assert len(set().union(*faces[7:])) == 64


@pytest.mark.slow
@pytest.mark.realdata
def test_info_of_the_real_images(fer2013_layout: Callable[..., Path]) -> None:
    summary = summarise(open_dataset(fer2013_layout("csv", 3000)))
    assert summary["images"] == 3000
    assert set(summary["counts"]) <= set(SPLITS)
    assert sum(sum(split_counts.values()) for split_counts in summary["counts"].values()) == 3000
