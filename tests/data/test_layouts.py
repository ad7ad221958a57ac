"""FER2013 in every published layout gives the same faces; what a layout means is kept: splits, names, order."""

import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data import SPLITS, UNLABELLED, Dataset, open_dataset
from fergan_core.data.fer2013.pixels import _parse_fast
from fergan_core.emotions import EMOTIONS

TRAIN, PUBLIC, PRIVATE, TEST = range(len(SPLITS))


@pytest.fixture
def faces() -> np.ndarray:
    """Fourteen made-up pictures, two an emotion, with every length of number in them: uint8 [14,48,48]."""
    images = np.random.default_rng(5).integers(0, 256, (14, 48, 48), dtype=np.uint8)
    images[:, 0, :4] = (0, 9, 99, 255)
    return images


LABELS = np.tile(np.arange(7, dtype=np.uint8), 2)


def write_csv(path: Path, images: np.ndarray, columns: str = "emotion,pixels,Usage", usage: str = "Training") -> Path:
    """Write faces as the CSVs do it; the columns' names choose what is in them."""
    with path.open("w", newline="") as handle:
        handle.write(columns + "\n")
        for image, label in zip(images, LABELS.tolist(), strict=True):
            cells = {"emotion": str(label), "pixels": " ".join(map(str, image.ravel())), "usage": usage}
            handle.write(",".join(cells[name.strip().lower()] for name in columns.split(",")) + "\n")
    return path


def write_pictures(folder: Path, images: np.ndarray, names: tuple[str, ...] = EMOTIONS, mode: str = "L") -> Path:
    for i, image in enumerate(images):
        place = folder / names[LABELS[i]]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).convert(mode).save(place / f"{i:02d}.png")
    return folder


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(path: Path, images: np.ndarray, labels: list[object], names: list[str] | None = None) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    cells = [{"bytes": png(image), "path": None} for image in images]
    table = pa.table({"image": cells, "label": labels})
    if names is not None:
        features = {"label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, path)
    return path


def sorted_faces(dataset: Dataset) -> list[tuple[int, bytes]]:
    """Return label and pixels of every face, in an order that does not depend on the layout's."""
    return sorted((int(label), image.tobytes()) for label, image in zip(dataset.labels, dataset.images, strict=True))


def test_csv_with_blanks_around_its_header_and_numbers_of_every_length(tmp_path: Path, faces: np.ndarray) -> None:
    dataset = open_dataset(write_csv(tmp_path / "any name.txt", faces, "emotion, Usage, pixels", "PrivateTest"))
    assert np.array_equal(dataset.images, faces)
    assert np.array_equal(dataset.labels, LABELS)
    assert (dataset.splits == PRIVATE).all()


def test_csv_with_windows_lines_quotes_and_no_last_newline(tmp_path: Path, faces: np.ndarray) -> None:
    text = write_csv(tmp_path / "unix.csv", faces).read_text().rstrip("\n")
    quoted = "\r\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.split("\n"))
    (tmp_path / "windows.csv").write_bytes(b"\xef\xbb\xbf" + quoted.encode())
    assert np.array_equal(open_dataset(tmp_path / "windows.csv").images, faces)


def test_csv_whose_pixels_are_parted_by_more_than_one_blank(tmp_path: Path, faces: np.ndarray) -> None:
    path = write_csv(tmp_path / "fer2013.csv", faces)
    path.write_text(path.read_text().replace(" ", "  "))
    assert np.array_equal(open_dataset(path).images, faces)


def test_csv_read_in_many_blocks_is_the_same(
    tmp_path: Path, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fergan_core.data.fer2013.pixels._BLOCK", 1000)
    assert np.array_equal(open_dataset(write_csv(tmp_path / "fer2013.csv", faces)).images, faces)


def test_challenge_train_is_training_and_test_is_unlabelled(tmp_path: Path, faces: np.ndarray) -> None:
    train = open_dataset(write_csv(tmp_path / "train.csv", faces, "emotion,pixels"))
    assert (train.splits == TRAIN).all()
    test = open_dataset(write_csv(tmp_path / "test.csv", faces, "pixels"))
    assert (test.splits == TEST).all()
    assert (test.labels == UNLABELLED).all()


def test_the_challenge_folder_gives_train_then_test_and_leaves_other_tables_out(
    tmp_path: Path, faces: np.ndarray
) -> None:
    write_csv(tmp_path / "train.csv", faces[:14], "emotion,pixels")
    write_csv(tmp_path / "test.csv", faces[::-1], "pixels")
    (tmp_path / "example_submission.csv").write_text("emotion\n0\n")
    dataset = open_dataset(tmp_path)
    assert np.array_equal(dataset.images, np.concatenate([faces, faces[::-1]]))
    assert dataset.splits.tolist() == [TRAIN] * 14 + [TEST] * 14
    # The whole set beside its halves is not read twice.
    write_csv(tmp_path / "icml_face_data.csv", faces, "emotion, Usage, pixels")
    assert len(open_dataset(tmp_path)) == 14


@pytest.mark.parametrize(
    "names",
    [
        EMOTIONS,
        ("Anger", "DISGUST", "Fear", "Happiness", "Sadness", "Surprise", "Neutral"),
        ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"),
    ],
)
def test_folders_in_every_spelling(tmp_path: Path, faces: np.ndarray, names: tuple[str, ...]) -> None:
    write_pictures(tmp_path / "train", faces, names)
    write_pictures(tmp_path / "Test", faces[::-1], names)
    dataset = open_dataset(tmp_path)
    assert dataset.splits.tolist() == [TRAIN] * 14 + [TEST] * 14
    assert sorted_faces(dataset.take(dataset.splits == TRAIN)) == sorted(
        (int(label), image.tobytes()) for label, image in zip(LABELS, faces, strict=True)
    )


def test_emotion_folders_without_a_split_are_training_and_grey_rgb_is_grey(tmp_path: Path, faces: np.ndarray) -> None:
    grey = open_dataset(write_pictures(tmp_path / "L", faces))
    colour = open_dataset(write_pictures(tmp_path / "RGB", faces, mode="RGB"))
    assert (grey.splits == TRAIN).all()
    assert np.array_equal(grey.images, colour.images)
    assert grey.content_hash == colour.content_hash


def test_zip_of_folders_and_zip_and_folder_of_the_kaggle_tar(tmp_path: Path, faces: np.ndarray) -> None:
    folder = write_pictures(tmp_path / "data" / "train", faces).parent
    (folder / "train" / "happy" / ".DS_Store").write_bytes(b"x")
    shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)
    assert sorted_faces(open_dataset(tmp_path / "pictures.zip")) == sorted_faces(open_dataset(folder))

    kaggle = tmp_path / "kaggle"
    kaggle.mkdir()
    with tarfile.open(kaggle / "fer2013.tar.gz", "w:gz") as tar:
        tar.add(write_csv(tmp_path / "fer2013.csv", faces), "fer2013/fer2013.csv")
    shutil.make_archive(str(tmp_path / "challenge"), "zip", kaggle)
    for path in (kaggle / "fer2013.tar.gz", kaggle, tmp_path / "challenge.zip"):
        assert np.array_equal(open_dataset(path).images, faces)


def test_a_layout_is_told_by_content_and_not_by_its_name(tmp_path: Path, faces: np.ndarray) -> None:
    path = write_csv(tmp_path / "fer2013.csv", faces)
    with zipfile.ZipFile(tmp_path / "faces.csv", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "inner.csv")
    assert np.array_equal(open_dataset(tmp_path / "faces.csv").images, faces)


def test_parquet_folder_keeps_its_splits(tmp_path: Path, faces: np.ndarray) -> None:
    (tmp_path / "data").mkdir()
    write_parquet(tmp_path / "data" / "test-00000-of-00001.parquet", faces[:7], LABELS[:7].tolist())
    write_parquet(tmp_path / "data" / "train-00000-of-00001.parquet", faces, LABELS.tolist())
    dataset = open_dataset(tmp_path)
    assert dataset.splits.tolist() == [TRAIN] * 14 + [TEST] * 7
    assert np.array_equal(dataset.images, np.concatenate([faces, faces[:7]]))
    assert np.array_equal(dataset.labels, np.concatenate([LABELS, LABELS[:7]]))


def test_parquet_labels_by_name_and_by_the_names_kept_in_the_file(tmp_path: Path, faces: np.ndarray) -> None:
    words = [EMOTIONS[label] for label in LABELS]
    assert np.array_equal(open_dataset(write_parquet(tmp_path / "words.parquet", faces, words)).labels, LABELS)
    # A copy whose numbers follow the alphabet says so in its metadata.
    alphabet = sorted(EMOTIONS)
    numbers: list[object] = [alphabet.index(word) for word in words]
    path = write_parquet(tmp_path / "alphabet.parquet", faces, numbers, alphabet)
    assert np.array_equal(open_dataset(path).labels, LABELS)


def test_npz_with_and_without_usage(tmp_path: Path, faces: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", images=faces, labels=LABELS)
    np.savez(tmp_path / "b.npz", images=faces, labels=LABELS, usage=np.array(["PublicTest"] * 14))
    assert (open_dataset(tmp_path / "a.npz").splits == TRAIN).all()
    assert (open_dataset(tmp_path / "b.npz").splits == PUBLIC).all()


@pytest.mark.slow
@pytest.mark.realdata
def test_all_layouts_of_the_real_images_agree(fer2013_layout: Callable[..., Path]) -> None:
    reference = open_dataset(fer2013_layout("csv", 500))
    assert len(reference) == 500
    for layout in ("icml-csv", "kaggle-tar", "parquet", "npz"):
        dataset = open_dataset(fer2013_layout(layout, 500))
        assert dataset.content_hash == reference.content_hash, layout
        assert np.array_equal(dataset.images, reference.images)
    lossless = open_dataset(fer2013_layout("png-folder", 500))
    assert sorted_faces(lossless) == sorted_faces(reference)
    # JPEG changes pixels a little, and keeps the files' names and so the order.
    lossy = open_dataset(fer2013_layout("folder", 500))
    assert np.array_equal(lossy.labels, lossless.labels)
    assert np.abs(lossy.images.astype(int) - lossless.images).mean() < 6


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "every", "train", "report"),
    [
        pytest.param(
            "csv",
            1,
            [3970, 435, 4081, 7187, 4798, 3158, 4932],
            [467, 56, 495, 891, 649, 416, 605],
            marks=pytest.mark.thorough,
        ),
        # 32,140 pictures take 20 seconds to write and to read.
        ("folder", 10, [422, 50, 379, 732, 467, 309, 498], [43, 7, 37, 104, 64, 36, 66]),
    ],
)
def test_the_real_set_is_read_once(
    fer2013_layout: Callable[..., Path],
    layout: str,
    every: int,
    train: list[int],
    report: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = fer2013_layout(layout, every=every)
    dataset = open_dataset(path)
    assert len(dataset) == (32_140 if every == 1 else 3_214)
    assert np.bincount(dataset.labels[dataset.splits == TRAIN]).tolist() == train
    reporting = PUBLIC if layout == "csv" else TEST
    assert np.bincount(dataset.labels[dataset.splits == reporting]).tolist() == report
    monkeypatch.setattr("fergan_core.data.fer2013.read", lambda *_: pytest.fail("the data were read again"))
    again = open_dataset(path)
    assert again.content_hash == dataset.content_hash
    assert np.array_equal(again.images, dataset.images)


@pytest.mark.parametrize(
    "row",
    [
        " ".join(str(i % 256) for i in range(2304)),
        " ".join(str(255 - i % 256) for i in range(2304)),
        " ".join("007" for _ in range(2304)),
        " ".join(str(0 if i % 2 else 255) for i in range(2304)),
        " ".join("9" for _ in range(2304)),
    ],
)
def test_fast_parsing_of_pixels_agrees_with_python(row: str) -> None:
    rows = [row.encode(), " ".join(reversed(row.split())).encode()]
    expected = [[int(word) for word in text.split()] for text in rows]
    parsed = _parse_fast(rows)
    assert parsed is not None
    assert parsed.tolist() == expected


@pytest.mark.parametrize("word", ["256", "260", "300", "999", "1000", "0255", "-1", "+1", "1.0", "", "a", "\t7"])
@pytest.mark.parametrize("place", [0, 1, 1000, 2302, 2303])
def test_fast_parsing_leaves_every_irregular_row_alone(word: str, place: int) -> None:
    words = ["7"] * 2304
    words[place] = word
    assert _parse_fast([b" ".join([b"8"] * 2304), " ".join(words).encode(), b" ".join([b"250"] * 2304)]) is None
