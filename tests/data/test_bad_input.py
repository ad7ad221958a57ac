"""Bad input gets one line that names the file, the row and the remedy, exit code 2, and leaves nothing in the cache."""

import io
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data import open_dataset
from fergan_core.errors import DataError
from trainers.data_commands import info
from trainers.shell import guarded

ROW = " ".join(["7"] * 2304)
HEADER = "emotion,pixels,Usage\n"
GOOD = f"0,{ROW},Training\n"


def text(name: str, content: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(content)
        return folder / name

    return make


def picture(name: str, content: bytes) -> Callable[[Path], Path]:
    """Make a folder with one sound picture and this one beside it."""

    def make(folder: Path) -> Path:
        place = folder / "data" / "train" / "happy"
        place.mkdir(parents=True)
        Image.new("L", (48, 48)).save(place / "a.png")
        (place / name).write_bytes(content)
        return folder / "data"

    return make


def encoded(mode: str, size: tuple[int, int], colour: object = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")  # type: ignore[arg-type]
    return buffer.getvalue()


def huge_png() -> bytes:
    """A few bytes that claim to be 60,000 pixels wide and high."""
    chunks = b""
    for chunk in (b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0), b"IDAT" + zlib.compress(bytes(9))):
        chunks += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + chunks


def zipped(name: str, content: bytes = b"x") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "faces.zip", "w") as archive:
            archive.writestr(name, content)
        return folder / "faces.zip"

    return make


def tarred(name: str, size: int = 0) -> Callable[[Path], Path]:
    """Make a tar with one header and, unless empty, none of the bytes it promises."""

    def make(folder: Path) -> Path:
        member = tarfile.TarInfo(name)
        member.size = size
        path = folder / "fer2013.tar"
        path.write_bytes(member.tobuf() + bytes(10240 if size == 0 else 512))
        return path

    return make


def cut_tar(folder: Path) -> Path:
    whole = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 2304))
    rows = "".join(f"3,{' '.join(map(str, row))},Training\n" for row in noise.tolist())
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        member = tarfile.TarInfo("fer2013/fer2013.csv")
        member.size = len(HEADER + rows)
        tar.addfile(member, io.BytesIO((HEADER + rows).encode()))
    path = folder / "fer2013.tar.gz"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    return path


def damaged_zip(folder: Path) -> Path:
    path = zipped("fer2013.csv", (HEADER + GOOD * 20).encode())(folder)
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)
    return path


def array_file(**arrays: np.ndarray) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        np.savez(folder / "faces.npz", **arrays)
        return folder / "faces.npz"

    return make


def empty_folder(folder: Path) -> Path:
    (folder / "photos" / "holiday").mkdir(parents=True)
    (folder / "photos" / "holiday" / "a.txt").write_text("x")
    return folder / "photos"


def cut_parquet(folder: Path) -> Path:
    (folder / "a.parquet").write_bytes(b"PAR1" + bytes(100))
    return folder / "a.parquet"


FACE = np.zeros((3, 48, 48), np.uint8)

# What is wrong: how it is made, and what the line must say.
CASES: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "missing path": (lambda folder: folder / "none.csv", ("none.csv", "there is no", "synthfer")),
    "empty file": (text("fer2013.csv", ""), ("fer2013.csv", "empty")),
    "header only": (text("fer2013.csv", HEADER), ("fer2013.csv", "no rows")),
    "no pixels column": (text("fer2013.csv", "emotion,Usage\n0,Training\n"), ("fer2013.csv", "'pixels'")),
    "no emotion column": (text("a.csv", f"pixels,Usage\n{ROW},Training\n"), ("a.csv", "'emotion'")),
    "2,303 pixels": (text("a.csv", f"{HEADER}{GOOD}0,{ROW[2:]},Training\n"), ("a.csv", "row 2", "2,303", "2,304")),
    "300 as a pixel": (text("a.csv", f"{HEADER}{GOOD}{GOOD}0,300{ROW[1:]},Training\n"), ("a.csv", "row 3", "'300'")),
    "1000 as a pixel": (text("a.csv", f"{HEADER}0,1000{ROW[1:]},Training\n"), ("a.csv", "row 1", "'1000'")),
    "negative pixel": (text("a.csv", f"{HEADER}0,-1{ROW[1:]},Training\n"), ("row 1", "'-1'", "0 to 255")),
    "word as a pixel": (text("a.csv", f"{HEADER}0,1e2{ROW[1:]},Training\n"), ("row 1", "'1e2'")),
    "label 9": (text("a.csv", f"{HEADER}{GOOD}9,{ROW},Training\n"), ("a.csv", "row 2", "'9'", "0 to 6")),
    "unknown usage": (text("a.csv", f"{HEADER}0,{ROW},Treining\n"), ("a.csv", "row 1", "'Treining'", "PublicTest")),
    "too few columns": (text("a.csv", f"{HEADER}{GOOD}0,{ROW}\n"), ("a.csv", "row 2", "2 columns")),
    "endless row": (text("a.csv", HEADER + GOOD + "1 " * 9_000_000), ("a.csv", "row 2", "does not end")),
    "no table at all": (text("notes.md", "# notes\n"), ("notes.md", "'pixels'")),
    "folder with no images": (empty_folder, ("no face images", "photos", "train/<emotion>")),
    "text called .jpg": (picture("b.jpg", b"hello"), ("train/happy/b.jpg", "no JPEG or PNG")),
    "0-byte PNG": (picture("b.png", b""), ("train/happy/b.png", "0 bytes")),
    "cut PNG": (picture("b.png", encoded("L", (48, 48), 9)[:60]), ("train/happy/b.png", "damaged")),
    "other size": (picture("b.png", encoded("L", (96, 64))), ("b.png", "96x64", "48x48")),
    "colour": (picture("b.png", encoded("RGB", (48, 48), (9, 8, 7))), ("b.png", "colour")),
    "16 bits": (picture("b.png", encoded("I;16", (48, 48))), ("b.png", "I;16")),
    "huge picture": (picture("b.png", huge_png()), ("b.png", "48x48")),
    "truncated tar.gz": (cut_tar, ("fer2013.tar.gz", "cut off or damaged", "again")),
    "damaged zip": (damaged_zip, ("faces.zip", "damaged")),
    "zip with ../": (zipped("../happy/a.png"), ("faces.zip", "'../happy/a.png'", "leads out")),
    "zip with \\": (zipped("..\\happy\\a.png"), ("faces.zip", "leads out")),
    "zip with a root": (zipped("/happy/a.png"), ("faces.zip", "leads out")),
    "tar with ../": (tarred("../fer2013.csv"), ("fer2013.tar", "'../fer2013.csv'", "leads out")),
    "tar of 100 GiB": (tarred("fer2013.csv", 100 << 30), ("fer2013.tar", "100.0 GiB")),
    "empty zip member": (zipped("fer2013.csv", b""), ("fer2013.csv", "empty")),
    "pickled npz": (array_file(images=np.array([{}], dtype=object), labels=np.zeros(1, int)), ("faces.npz", "pickled")),
    "npz of 64x64": (array_file(images=np.zeros((2, 64, 64), np.uint8), labels=np.zeros(2, int)), ("[2, 64, 64]",)),
    "npz of floats": (array_file(images=FACE / 255, labels=np.zeros(3, int)), ("float64", "uint8")),
    "npz, labels short": (array_file(images=FACE, labels=np.zeros(2, int)), ("'labels'", "3 images")),
    "npz, label 9": (array_file(images=FACE, labels=np.array([0, 9, 0])), ("faces.npz", "row 2", "'9'")),
    "npz, usage": (array_file(images=FACE, labels=np.zeros(3, int), usage=np.array(["a"] * 3)), ("row 1", "'a'")),
    "cut parquet": (cut_parquet, ("a.parquet", "cut off")),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told_in_one_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FERGAN_CACHE", str(tmp_path / "cache"))
    make, said = CASES[case]
    path = make(tmp_path)
    assert guarded(lambda: info(str(path))) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    for part in said:
        assert part in printed.err, printed.err
    assert not (tmp_path / "cache").exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    # Four gigabytes of zeros in some megabytes: the claim alone, in the zip's directory, is enough to refuse it.
    path = zipped("fer2013.csv", b"0" * 1000)(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 1000), struct.pack("<I", 0xFFFFFFF0)))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", b"x" * 100)
    with pytest.raises(DataError, match="far smaller"):
        open_dataset(path)


def test_a_parquet_row_without_bytes_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    cells = [{"bytes": encoded("L", (48, 48)), "path": "a.png"}, {"bytes": None, "path": "b.png"}]
    parquet.write_table(pa.table({"image": cells, "label": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet, row 2: the image has no bytes"):
        open_dataset(tmp_path / "a.parquet")


def test_a_fresh_interpreter_reads_data_without_torch_and_draws_no_warning(tmp_path: Path) -> None:
    path = text("fer2013.csv", HEADER + GOOD)(tmp_path)
    code = (
        "import sys; from fergan_core.data import open_dataset; "
        f"print(len(open_dataset({str(path)!r})), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
    assert done.stderr == ""
