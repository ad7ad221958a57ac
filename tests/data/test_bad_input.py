"""Bad input gets one line that names the file, the row and the remedy, exit code 2, and leaves no cache behind."""

import io
import random
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data import open_dataset
from fergan_core.errors import DataError

Make = Callable[[Path], Path]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a cache of its own, to see that nothing is left in it."""
    folder = tmp_path_factory.mktemp("bad-cache")
    monkeypatch.setenv("FERGAN_CACHE", str(folder))
    return folder


def pixels(first: str = "0", count: int = 2304) -> str:
    return " ".join([first, *["7"] * (count - 1)])


def rows(*lines: str, header: str = "emotion,pixels,Usage") -> Make:
    """Make a CSV whose first row is good, so that row 2 is the first bad one."""

    def make(folder: Path) -> Path:
        path = folder / "fer2013.csv"
        good = ",".join({"emotion": "3", "usage": "Training"}.get(word.lower(), pixels()) for word in header.split(","))
        path.write_text("\n".join([header, good, *lines]) + "\n")
        return path

    return make


def face(suffix: str = ".png", size: tuple[int, int] = (48, 48)) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).save(buffer, "PNG" if suffix == ".png" else "JPEG")
    return buffer.getvalue()


def huge() -> bytes:
    """Return a PNG of 20,000 times 10,000 black dots: noise of that size takes seconds to make."""
    buffer = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(buffer, "PNG")
    return buffer.getvalue()


def colour() -> bytes:
    buffer = io.BytesIO()
    Image.merge("RGB", [Image.effect_noise((48, 48), 60) for _ in range(3)]).save(buffer, "PNG")
    return buffer.getvalue()


def picture(content: bytes, name: str = "a.png") -> Make:
    """Make train/happy with a good picture and the given one."""

    def make(folder: Path) -> Path:
        place = folder / "train" / "happy"
        place.mkdir(parents=True)
        (place / "0.png").write_bytes(face())
        (place / name).write_bytes(content)
        return folder

    return make


def zipped(*names: str) -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "faces.zip", "w") as archive:
            for name in names:
                archive.writestr(name, face())
        return folder / "faces.zip"

    return make


def tarred(name: str) -> Make:
    def make(folder: Path) -> Path:
        with tarfile.open(folder / "faces.tar.gz", "w:gz") as tar:
            for member in ("train/happy/0.png", name):
                info = tarfile.TarInfo(member)
                info.size = len(face())
                tar.addfile(info, io.BytesIO(face()))
        return folder / "faces.tar.gz"

    return make


def cut_tar(folder: Path) -> Path:
    path = folder / "fer2013.tar.gz"
    noise = np.random.default_rng(0).integers(0, 256, (30, 2304))
    text = "emotion,pixels,Usage\n" + "".join(f"3,{' '.join(map(str, row))},Training\n" for row in noise)
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("fer2013/fer2013.csv")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def huge_zip(folder: Path) -> Path:
    """A zip whose table of contents promises 8 GiB."""
    path = zipped("train/happy/0.png", "train/happy/1.png")(folder)
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\x01\x02")
    while entry >= 0:
        content[entry + 24 : entry + 28] = (0xFFFFFFFE).to_bytes(4, "little")
        entry = content.find(b"PK\x01\x02", entry + 1)
    path.write_bytes(content)
    return path


def file_of(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def empty_folder(folder: Path) -> Path:
    (folder / "train" / "happy").mkdir(parents=True)
    (folder / "notes.txt").write_text("no faces here")
    return folder


def npz(**arrays: object) -> Make:
    def make(folder: Path) -> Path:
        np.savez(folder / "fer.npz", **arrays)  # type: ignore[arg-type]
        return folder / "fer.npz"

    return make


def parquet(**columns: list[object]) -> Make:
    def make(folder: Path) -> Path:
        import pyarrow as pa
        from pyarrow import parquet as writer

        writer.write_table(pa.table(columns), folder / "train.parquet")
        return folder / "train.parquet"

    return make


FACES = np.zeros((2, 48, 48), np.uint8)
CELL = {"bytes": face(), "path": None}
BAD: dict[str, tuple[Make, list[str]]] = {
    "missing path": (lambda folder: folder / "nowhere.csv", ["nowhere.csv", "synthfer"]),
    "empty file": (file_of("fer2013.csv", b""), ["fer2013.csv is empty"]),
    "blank file": (file_of("fer2013.csv", b"\n"), ["fer2013.csv is empty"]),
    "header alone": (file_of("fer2013.csv", b"emotion,pixels,Usage\n"), ["no rows"]),
    "no pixels column": (file_of("fer2013.csv", b"emotion,Usage\n3,Training\n"), ["fer2013.csv", "no column 'pixels'"]),
    "no emotion column": (rows(header="pixels,Usage"), ["no column 'emotion'"]),
    "a pixel too few": (rows(f"3,{pixels(count=2303)},Training"), ["fer2013.csv, row 2", "2,303 pixels", "drop"]),
    "a pixel too many": (rows(f"3,{pixels(count=2305)},Training"), ["row 2", "2,305 pixels"]),
    "pixel 300": (rows(f"3,{pixels('300')},Training"), ["row 2", "'300'", "0 to 255"]),
    "pixel -1": (rows(f"3,{pixels('-1')},Training"), ["row 2", "'-1'", "0 to 255"]),
    "pixel x": (rows(f"3,{pixels('x')},Training"), ["row 2", "'x'", "0 to 255"]),
    "pixel 1.5": (rows(f"3,{pixels('1.5')},Training"), ["row 2", "'1.5'"]),
    "label 9": (rows(f"9,{pixels()},Training"), ["row 2", "'9'", "0 to 6"]),
    "label of 5,000 digits": (rows(f"{'9' * 5000},{pixels()},Training"), ["row 2", "0 to 6"]),
    "no label": (rows(f",{pixels()},Training"), ["row 2", "emotion ''"]),
    "unknown usage": (rows(f"3,{pixels()},Holiday"), ["row 2", "'Holiday'", "PublicTest"]),
    "a row cut off": (rows("3,1 2 3"), ["row 2", "2 columns, 3 in the header"]),
    "a row without end": (file_of("f.csv", b"emotion,pixels,Usage\n3," + b"7 " * 9_000_000), ["f.csv, row 1", "whole"]),
    "binary file": (file_of("fer2013.csv", bytes(range(256)) * 10), ["fer2013.csv is not a layout"]),
    "a picture alone": (file_of("face.png", face()), ["face.png is one picture"]),
    "folder without images": (empty_folder, ["no face images", "train/<emotion>"]),
    "text called .jpg": (picture(b"hello", "a.jpg"), ["train/happy/a.jpg", "not a JPEG, PNG, BMP", "delete"]),
    "0-byte PNG": (picture(b""), ["train/happy/a.png", "0 bytes", "delete"]),
    "cut-off PNG": (picture(face()[:900]), ["train/happy/a.png", "damaged"]),
    "cut-off JPEG": (picture(face(".jpg")[:700], "a.jpg"), ["train/happy/a.jpg", "damaged"]),
    "49x48 picture": (picture(face(size=(49, 48))), ["train/happy/a.png is 49x48", "resize"]),
    "huge picture": (picture(huge()), ["train/happy/a.png is", "resize or drop it"]),
    "colour picture": (picture(colour()), ["train/happy/a.png is in colour", "drop"]),
    "cut-off tar.gz": (cut_tar, ["fer2013.tar.gz is cut off", "download"]),
    "cut-off zip": (file_of("f.zip", b"PK\x03\x04" + b"\0" * 500), ["f.zip is cut off", "download"]),
    "zip that leads out": (zipped("train/happy/0.png", "../train/happy/1.png"), ["faces.zip", "'../train", "trust"]),
    "zip with an absolute name": (zipped("/etc/happy/0.png"), ["faces.zip", "trust"]),
    "zip for another drive": (zipped("C:\\happy\\0.png"), ["faces.zip", "trust"]),
    "tar that leads out": (tarred("train/../../happy/0.png"), ["faces.tar.gz", "leads out", "trust"]),
    "zip bomb": (huge_zip, ["faces.zip", "GiB", "trust"]),
    "zip without faces": (zipped("notes.txt"), ["no face images in 'faces.zip'"]),
    "damaged parquet": (file_of("train.parquet", b"PAR1" + b"\0" * 900 + b"PAR1"), ["train.parquet is cut off"]),
    "parquet of other things": (parquet(text=["a"]), ["train.parquet", "no column 'image'"]),
    "parquet with label 7": (parquet(image=[CELL, CELL], label=[3, 7]), ["train.parquet, row 2", "'7'"]),
    "parquet with half a label": (parquet(image=[CELL], label=[0.5]), ["train.parquet, row 1", "'0.5'"]),
    "parquet of paths": (parquet(image=[{"bytes": None, "path": "a.png"}], label=[3]), ["row 1", "no bytes"]),
    "parquet usage": (parquet(image=[CELL], label=[3], usage=["Holiday"]), ["row 1", "'Holiday'"]),
    "npz of floats": (npz(images=FACES / 255.0, labels=[0, 1]), ["fer.npz", "expected uint8"]),
    "npz of other lengths": (npz(images=FACES, labels=[0, 1, 2]), ["fer.npz", "'labels'"]),
    "npz with a pickle": (npz(images=FACES, labels=np.array([0, None])), ["fer.npz", "labels.npy", "pickle"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_no_cache(tmp_path: Path, cache: Path, case: str) -> None:
    make, words = BAD[case]
    path = make(tmp_path)
    with pytest.raises(DataError) as caught:
        open_dataset(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for word in words:
        assert word in message, message
    assert list(cache.iterdir()) == []


def test_the_command_prints_one_line_and_exits_with_2(tmp_path: Path, cache: Path) -> None:
    path = rows(f"9,{pixels()},Training")(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "trainers.cli", "data", "info", str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr
        == "error: fer2013.csv, row 2: emotion '9' is not a code of FER2013; use 0 to 6 (0 angry ... 6 neutral)\n"
    )
    assert list(cache.iterdir()) == []


def test_the_bad_row_is_named_where_it_lies_in_a_later_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fergan_core.data.fer2013.pixels._BLOCK", 10_000)
    good = f"3,{pixels()},Training"
    with pytest.raises(DataError, match="row 9: '256' is not a grey value"):
        open_dataset(rows(*[good] * 7, f"3,{pixels('256')},Training", *[good] * 7)(tmp_path))


@pytest.mark.slow
def test_damaged_bytes_never_end_in_another_error(tmp_path: Path) -> None:
    """Three hundred random damages to each kind of file: every one is read or refused in one line."""
    source = tmp_path / "train" / "happy"
    source.mkdir(parents=True)
    for i in range(3):
        (source / f"{i}.png").write_bytes(face())
    shutil.make_archive(str(tmp_path / "faces"), "zip", tmp_path, "train")
    shutil.make_archive(str(tmp_path / "faces"), "gztar", tmp_path, "train")
    good = [tmp_path / "faces.zip", tmp_path / "faces.tar.gz"]
    good += [npz(images=FACES, labels=[0, 1])(tmp_path), parquet(image=[CELL] * 3, label=[1, 2, 3])(tmp_path)]
    dice = random.Random(20)
    refused: list[str] = []
    for path in good:
        content = path.read_bytes()
        for _ in range(300):
            damaged = bytearray(content[: dice.randrange(4, len(content))] if dice.random() < 0.3 else content)
            for _ in range(dice.choice([1, 4, 20])):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            path.write_bytes(damaged)
            try:
                open_dataset(path)
            except DataError as error:
                refused.append(str(error))
    assert len(refused) > 600
    assert [message for message in refused if len(message.splitlines()) != 1] == []
