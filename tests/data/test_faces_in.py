"""Faces from anywhere: what is written comes back to the byte, and what cannot be meant is told in one line."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data.faces_in import check_target, read_faces, write_faces
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import DataError, UsageError

Make = Callable[[Path], Path]


def some_faces(count: int = 21) -> np.ndarray:
    images = np.random.default_rng(1).integers(0, 256, (count, 48, 48), dtype=np.uint8)
    images[:, 0, :2] = (0, 255)
    return images


def some_labels(count: int = 21) -> np.ndarray:
    return np.random.default_rng(2).permutation(np.arange(count) % 7).astype(np.uint8)


def coded(image: np.ndarray, kind: str = "PNG", mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).convert(mode).save(buffer, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return buffer.getvalue()


def put(folder: Path, **files: bytes) -> Path:
    """Write files into a folder; two underscores in a name part folders, one stands for the dot."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_npz_comes_back_to_the_byte_and_holds_images_and_labels_alone(tmp_path: Path) -> None:
    images, labels = some_faces(), some_labels()
    write_faces(tmp_path / "faces.npz", images, labels)
    with np.load(tmp_path / "faces.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["images", "labels"]
    faces, codes, names = read_faces(tmp_path / "faces.npz")
    assert np.array_equal(faces, images)
    assert codes is not None
    assert np.array_equal(codes, labels)
    assert (faces.dtype, codes.dtype) == (np.uint8, np.uint8)
    assert (names[0], names[-1]) == ("faces.npz, face 1", "faces.npz, face 21")
    assert [entry.name for entry in tmp_path.iterdir()] == ["faces.npz"]


def test_a_folder_comes_back_emotion_by_emotion_in_order(tmp_path: Path) -> None:
    images, labels = some_faces(), some_labels()
    write_faces(tmp_path / "out", images, labels)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(EMOTIONS)
    faces, codes, names = read_faces(tmp_path / "out")
    assert codes is not None
    order = sorted(range(21), key=lambda i: (EMOTIONS[labels[i]], i))
    assert np.array_equal(faces, images[order])
    assert np.array_equal(codes, labels[order])
    assert names == [f"{EMOTIONS[labels[i]]}/{i:05d}.png" for i in order]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled_and_a_full_one_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out.v2").mkdir()
    write_faces(tmp_path / "out.v2", some_faces(), some_labels())
    assert len(read_faces(tmp_path / "out.v2")[0]) == 21
    with pytest.raises(UsageError, match="not an empty folder"):
        write_faces(tmp_path / "out.v2", some_faces(7), some_labels(7))
    assert len(read_faces(tmp_path / "out.v2")[0]) == 21
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.v2"]


def test_a_sheet_has_a_row_an_emotion_and_shows_its_faces(tmp_path: Path) -> None:
    images = (np.arange(1, 8, dtype=np.uint8) * 30).repeat(20)[:, None, None] + np.zeros((140, 48, 48), np.uint8)
    write_faces(tmp_path / "sheet.png", images, np.arange(7, dtype=np.uint8).repeat(20))
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    for row in range(7):
        middles = pixels[4 + 100 * row + 48, 132 + 48 :: 100]
        assert middles.tolist() == [30 * (row + 1)] * 16
    assert [entry.name for entry in tmp_path.iterdir()] == ["sheet.png"]


@pytest.mark.parametrize(
    "shape", [(21, 48, 48), (21, 1, 48, 48), (21, 48, 48, 1), (21, 48, 48, 3)], ids=lambda shape: str(shape[1:])
)
def test_npz_of_every_shape_without_labels(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = some_faces()
    shaped = np.repeat(images[..., None], 3, 3) if shape[-1] == 3 else images.reshape(shape)
    np.savez(tmp_path / "faces.npz", images=np.asfortranarray(shaped))
    faces, codes, names = read_faces(tmp_path / "faces.npz")
    assert np.array_equal(faces, images)
    assert faces.flags.c_contiguous
    assert codes is None
    assert len(names) == 21


def test_npz_with_wide_integer_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "faces.npz", images=some_faces(), labels=some_labels().astype(np.int64))
    codes = read_faces(tmp_path / "faces.npz")[1]
    assert codes is not None
    assert codes.dtype == np.uint8
    assert np.array_equal(codes, some_labels())


def test_pictures_in_any_format_and_spelling(tmp_path: Path) -> None:
    one, two, three, four = some_faces(4)
    flat = np.full((48, 48), 77, np.uint8)
    put(
        tmp_path,
        Happiness__b_png=coded(two, mode="RGB"),
        Happiness__a_webp=coded(one, "WEBP"),
        ANGER__1_PNG=coded(three),
        fearful__x_jpg=coded(flat, "JPEG"),
        fearful__y_jpeg=coded(flat, "JPEG", "RGB"),
        fearful__notes_txt=b"not a face",
        _hidden_png=b"not seen",
        surprised__c_webp=coded(four, "WEBP", "RGB"),
    )
    images, codes, names = read_faces(tmp_path)
    expected = ["ANGER/1.PNG", "Happiness/a.webp", "Happiness/b.png", "fearful/x.jpg", "fearful/y.jpeg"]
    assert names == [*expected, "surprised/c.webp"]
    assert np.array_equal(images, np.stack([three, one, two, flat, flat, four]))
    assert codes is not None
    assert codes.tolist() == [0, 3, 3, 2, 2, 5]


def test_pictures_without_emotions_are_sorted_by_name(tmp_path: Path) -> None:
    one, two, three = some_faces(3)
    images, codes, names = read_faces(put(tmp_path, b_png=coded(two), a_png=coded(one), c_webp=coded(three, "WEBP")))
    assert names == ["a.png", "b.png", "c.webp"]
    assert np.array_equal(images, np.stack([one, two, three]))
    assert codes is None


def test_a_grey_face_in_lossy_webp_is_not_taken_for_colour(tmp_path: Path) -> None:
    face = np.add.outer(np.arange(48) * 3, np.arange(48) * 2).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "WEBP", quality=90)
    images, _, _ = read_faces(put(tmp_path, a_webp=buffer.getvalue()))
    assert 0 < np.abs(images[0].astype(int) - face).max() < 12


def test_what_is_misspelt_nested_linked_or_no_emotion_is_read_or_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, three, four, five = some_faces(5)
    folder = put(
        tmp_path / "faces",
        suprise__a_png=coded(one),
        joy__s01__b_bmp=coded(two, "BMP"),
        contempt__c_png=coded(three),
        contempt__d_png=coded(three),
        train__3_fear__e_tif=coded(four, "TIFF"),
    )
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "f.png").write_bytes(coded(five))
    (folder / "sad").symlink_to(tmp_path / "elsewhere")
    (folder / "sad2").symlink_to(folder)
    images, codes, names = read_faces(folder)
    assert names == ["joy/s01/b.bmp", "sad/f.png", "suprise/a.png", "train/3.fear/e.tif"]
    assert np.array_equal(images, np.stack([two, five, one, four]))
    assert codes is not None
    assert codes.tolist() == [3, 4, 5, 2]
    messages = capsys.readouterr().err
    for words in (
        "faces: 2 pictures in contempt/: not one of the seven emotions; left out",
        "faces: suprise/: read as surprise",
        "faces: joy/: read as happy",
        "faces: 1 picture in further folders within an emotion's",
        "faces: sad2/: a link to a folder that it lies in; left out",
    ):
        assert words in messages, messages


def test_numbered_folders_and_labels_from_1_in_a_given_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = some_faces(2)
    folder = put(tmp_path / "raf", **{"1__a_png": coded(one), "6__b_png": coded(two)})
    codes = read_faces(folder, label_order="raf-db")[1]
    assert codes is not None
    assert codes.tolist() == [5, 0]
    np.savez(tmp_path / "faces.npz", images=some_faces(8), labels=[0, 1, 2, 3, 4, 5, 6, 7])
    images, codes, names = read_faces(tmp_path / "faces.npz", label_order="affectnet")
    assert codes is not None
    assert codes.tolist() == [6, 3, 4, 5, 2, 1, 0]
    assert (len(images), names[-1]) == (7, "faces.npz, face 7")
    assert "faces.npz: 1 with contempt: not one of the seven emotions; left out" in capsys.readouterr().err
    np.savez(tmp_path / "faces.npz", images=some_faces(3), labels=[1, 7, 8])
    with pytest.raises(DataError, match=r"label 8 is not in fer2013, which counts 7 from 1"):
        read_faces(tmp_path / "faces.npz", label_order="fer2013")


def npz(**arrays: object) -> Make:
    def make(folder: Path) -> Path:
        np.savez(folder / "faces.npz", **arrays)  # type: ignore[arg-type]
        return folder / "faces.npz"

    return make


def folder_of(**files: bytes) -> Make:
    return lambda folder: put(folder, **files)


def file_of(name: str, content: bytes) -> Make:
    return lambda folder: put(folder, **{name.replace(".", "_"): content}) / name


def promising(size: int) -> Make:
    """An npz whose table of contents promises arrays of that size."""

    def make(folder: Path) -> Path:
        path = npz(images=some_faces(2), labels=some_labels(2))(folder)
        content = bytearray(path.read_bytes())
        entry = content.find(b"PK\x01\x02")
        while entry >= 0:
            content[entry + 24 : entry + 28] = size.to_bytes(4, "little")
            entry = content.find(b"PK\x01\x02", entry + 1)
        path.write_bytes(content)
        return path

    return make


def huge_array(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "faces.npz", "w") as archive, archive.open("images.npy", "w") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 48, 48)}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(bytes(100))
    return folder / "faces.npz"


FACES, LABELS = some_faces(), some_labels()
GOOD = coded(FACES[0])
COLOUR = np.random.default_rng(3).integers(0, 256, (21, 48, 48, 3), dtype=np.uint8)
COLOUR[:3] = COLOUR[:3, ..., :1]
LARGE = np.zeros((64, 64), np.uint8)
BAD: dict[str, tuple[Make, list[str]]] = {
    "missing path": (lambda folder: folder / "nowhere", ["there is no", "nowhere", "FILE.npz"]),
    "empty folder": (lambda folder: folder, ["no pictures", "DIR/<emotion>"]),
    "folder without pictures": (folder_of(happy__a_txt=b"hello"), ["no pictures"]),
    "text file": (file_of("faces.npz", b"hello"), ["faces.npz is not an .npz file", "expected"]),
    "empty file": (file_of("faces.npz", b""), ["faces.npz is not an .npz file"]),
    "a picture alone": (file_of("face.png", GOOD), ["face.png is not an .npz file"]),
    "one array": (lambda folder: _saved(folder / "faces.npy", FACES), ["faces.npy is not an .npz file"]),
    "cut-off npz": (file_of("faces.npz", b"PK\x03\x04" + bytes(500)), ["faces.npz is cut off", "again"]),
    "npz without images": (npz(faces=FACES), ["faces.npz", "'images'"]),
    "npz of floats": (npz(images=FACES / 255.0), ["faces.npz", "float64 [21, 48, 48]", "uint8"]),
    "npz of another size": (npz(images=np.zeros((4, 64, 64), np.uint8)), ["[4, 64, 64]", "[N,48,48]"]),
    "npz of one image": (npz(images=FACES[0]), ["[48, 48]"]),
    "npz of a number": (npz(images=np.uint8(3)), ["uint8 []"]),
    "npz of nothing": (npz(images=FACES[:0]), ["[0, 48, 48]", "one or more"]),
    "npz in colour": (npz(images=COLOUR), ["faces.npz, face 4", "in colour"]),
    "npz, label 7": (npz(images=FACES, labels=np.append(LABELS[:-1], 7)), ["face 21", "label 7", "neutral"]),
    "npz, label -1": (npz(images=FACES, labels=LABELS.astype(int) - 1), ["label -1"]),
    "npz of other lengths": (npz(images=FACES, labels=LABELS[:3]), ["labels", "[3]", "21 faces"]),
    "npz of float labels": (npz(images=FACES, labels=LABELS / 1.0), ["labels are float64"]),
    "npz of names": (npz(images=FACES, labels=np.array(EMOTIONS)[LABELS]), ["labels are", "integers"]),
    "npz with a pickle": (npz(images=FACES, labels=LABELS.astype(object)), ["faces.npz", "labels.npy", "pickle"]),
    "images pickled": (npz(images=np.array([{"a": 1}])), ["faces.npz", "images.npy", "pickle"]),
    "zip bomb": (promising(0xFFFFFFFE), ["faces.npz", "GiB", "trust"]),
    "array that promises too much": (huge_array, ["faces.npz", "images.npy"]),
    "broken PNG": (folder_of(happy__a_png=GOOD[:900]), ["happy/a.png", "damaged", "delete"]),
    "broken WebP": (folder_of(happy__a_webp=coded(FACES[0], "WEBP")[:300]), ["happy/a.webp", "damaged", "delete"]),
    "0-byte picture": (folder_of(a_png=b""), ["a.png", "0 bytes"]),
    "text called png": (folder_of(a_png=b"hello"), ["a.png", "not a JPEG, PNG"]),
    "large PNG": (folder_of(a_png=coded(LARGE)), ["a.png is 64x64", "resize"]),
    "large WebP": (folder_of(a_webp=coded(LARGE, "WEBP")), ["a.webp is 64x64", "resize"]),
    "PNG in colour": (folder_of(a_png=coded(COLOUR[5], mode="RGB")), ["a.png is in colour"]),
    "WebP in colour": (folder_of(a_webp=coded(COLOUR[5], "WEBP", "RGB")), ["a.webp is in colour"]),
    "numbered folders": (folder_of(**{"0__a_png": GOOD, "1__a_png": GOOD}), ["numbers (0, 1)", "--label-order"]),
    "with and without": (folder_of(happy__a_png=GOOD, z_png=GOOD), ["z.png and happy/a.png", "one has none"]),
    "a pickle": (file_of("faces.npz", b"\x80\x04\x95" + bytes(50)), ["faces.npz is not an .npz file"]),
}


def _saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_that_names_file_and_remedy(tmp_path: Path, case: str) -> None:
    make, words = BAD[case]
    path = make(tmp_path)
    with pytest.raises(DataError) as caught:
        read_faces(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("faces.csv", "not written as .csv"),
        ("faces.npz.gz", "not written as .gz"),
        ("no/such/folder/faces.npz", "cannot be written"),
        ("no/such/folder/faces", "cannot be written"),
        ("taken/faces.npz", "cannot be written"),
        ("taken", "not an empty folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_wrong_use_and_stays_as_it_is(tmp_path: Path, name: str, word: str) -> None:
    (tmp_path / "taken").write_text("a file")
    for attempt in (lambda: check_target(tmp_path / name), lambda: write_faces(tmp_path / name, FACES, LABELS)):
        with pytest.raises(UsageError, match=word) as refused:
            attempt()
        assert "\n" not in str(refused.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_place_that_can_be_written_is_left_alone_by_asking(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.npz").write_text("an older file")
    for name in ("empty", "old.npz", "new.npz", "new.PNG", "new"):
        check_target(tmp_path / name)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "old.npz"]
    write_faces(tmp_path / "old.npz", FACES, LABELS)
    assert np.array_equal(read_faces(tmp_path / "old.npz")[0], FACES)


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_faces(tmp_path / "faces.npz", FACES, LABELS)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for name, function in (("faces.npz", "numpy.savez_compressed"), ("out", "PIL.Image.Image.save")):
        monkeypatch.setattr(function, full)
        with pytest.raises(UsageError, match="No space left"):
            write_faces(tmp_path / name, FACES[:7], LABELS[:7])
    assert [entry.name for entry in tmp_path.iterdir()] == ["faces.npz"]
    assert np.array_equal(read_faces(tmp_path / "faces.npz")[0], FACES)


def test_what_a_killed_process_left_is_cleared_by_the_next_one_and_a_living_ones_is_not(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f".out.{ended.pid}.tmp" / "happy").mkdir(parents=True)
    (tmp_path / f".out.{os.getppid()}.tmp").mkdir()
    (tmp_path / f".other.{ended.pid}.tmp").touch()
    write_faces(tmp_path / "out", FACES, LABELS)
    left = {entry.name for entry in tmp_path.iterdir()}
    assert left == {"out", f".out.{os.getppid()}.tmp", f".other.{ended.pid}.tmp"}


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (FACES / 255.0, LABELS),
        (FACES[:, None], LABELS),
        (FACES[:0], LABELS[:0]),
        (FACES, LABELS[:-1]),
        (FACES, LABELS.astype(np.int64)),
        (FACES, np.full(21, 7, np.uint8)),
    ],
)
def test_what_are_no_faces_with_emotions_is_not_written(tmp_path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(UsageError, match="give uint8"):
        write_faces(tmp_path / "faces.npz", images, labels)
    assert list(tmp_path.iterdir()) == []
