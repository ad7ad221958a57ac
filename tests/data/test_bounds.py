"""What claims to be far larger than FER2013, or holds more than 8 bits a pixel, is refused unread."""

import bz2
import gzip
import io
import lzma
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.data import open_dataset
from fergan_core.errors import DataError


def test_a_tar_that_promises_100_gib_is_refused_at_its_first_header(tmp_path: Path) -> None:
    member = tarfile.TarInfo("fer2013/fer2013.csv")
    member.size = 100 << 30
    path = tmp_path / "fer2013.tar"
    path.write_bytes(member.tobuf() + bytes(512))
    start = time.process_time()
    with pytest.raises(DataError, match=r"fer2013\.tar: unpacks to more than 100\.0 GiB"):
        open_dataset(path)
    assert time.process_time() - start < 1


def test_an_array_that_promises_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.npz", "w") as archive:
        for name, shape in (("images", (10**9, 48, 48)), ("labels", (10**9,))):
            with archive.open(f"{name}.npy", "w") as stream:
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                stream.write(bytes(100))
    with pytest.raises(DataError, match=r"faces\.npz"):
        open_dataset(tmp_path / "faces.npz")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_compressed_table_without_end_is_refused_soon(tmp_path: Path, kind: str) -> None:
    """A few kilobytes that unpack to gigabytes, of one row or of empty rows."""
    pack = {"gz": gzip, "bz2": bz2, "xz": lzma}[kind].open
    for name, filling in (("row", b"7 "), ("rows", b"\n")):
        with pack(tmp_path / f"{name}.csv.{kind}", "wb") as stream:
            stream.write(b"emotion,pixels,Usage\n3,")
            stream.write(filling * 4_000_000)
    start = time.process_time()
    with pytest.raises(DataError, match=r"row\.csv, row 1: the row does not end"):
        open_dataset(tmp_path / f"row.csv.{kind}")
    with pytest.raises(DataError, match=r"rows\.csv has more than 500,000 rows"):
        open_dataset(tmp_path / f"rows.csv.{kind}")
    assert time.process_time() - start < 10


def test_what_unpacks_to_more_than_fer2013_could_have_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fergan_core.data.archives._MOST_BYTES", 1 << 20)
    (tmp_path / "fer.csv.gz").write_bytes(gzip.compress(bytes(2 << 20).replace(b"\0", b"x\n")))
    with pytest.raises(DataError, match=r"fer\.csv"):
        open_dataset(tmp_path / "fer.csv.gz")
    with gzip.open(tmp_path / "long.csv.gz", "wb") as stream:
        stream.write(b"emotion,pixels\n")
        for _ in range(300):
            stream.write(b"3," + b"7 " * 2303 + b"7\n")
    with pytest.raises(DataError, match=r"long\.csv\.gz: unpacks to more than"):
        open_dataset(tmp_path / "long.csv.gz")


def test_links_that_multiply_a_folders_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fergan_core.data.files.MOST_FILES", 2000)
    for depth in range(12):  # two links to the next folder in each: 4,096 ways to the last
        (tmp_path / "faces" / str(depth)).mkdir(parents=True)
        for link in "ab":
            (tmp_path / "faces" / str(depth) / link).symlink_to(tmp_path / "faces" / str(depth + 1))
    with pytest.raises(DataError, match="has more than 2,000 files"):
        open_dataset(tmp_path / "faces")


def face() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (48, 48), 9).save(buffer, "PNG")
    return buffer.getvalue()


def test_links_within_a_tar_are_followed_and_those_that_lead_out_or_in_a_circle_are_not(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "faces.tar", "w") as tar:
        member = tarfile.TarInfo("all/1.png")
        member.size = len(face())
        tar.addfile(member, io.BytesIO(face()))
        for name, kind, target in (
            ("happy/soft.png", tarfile.SYMTYPE, "../all/1.png"),
            ("sad/hard.png", tarfile.LNKTYPE, "all/1.png"),
            ("fear/twice.png", tarfile.SYMTYPE, "../happy/soft.png"),
            ("angry/out.png", tarfile.SYMTYPE, "../../../../etc/hostname"),
            ("angry/absolute.png", tarfile.SYMTYPE, "/etc/hostname"),
            ("angry/a.png", tarfile.SYMTYPE, "b.png"),
            ("angry/b.png", tarfile.SYMTYPE, "a.png"),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            tar.addfile(link)
    dataset = open_dataset(tmp_path / "faces.tar")
    assert sorted(dataset.labels.tolist()) == [2, 3, 4]
    assert "angry/out.png, angry/absolute.png, angry/a.png and 1 more: a link to something" in dataset.notices[0]
    assert "1 picture in all/: not one of the seven emotions; left out" in dataset.notices


def test_links_within_a_zip_are_followed_and_those_that_lead_out_are_not(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("happy\\1.png", face())
        for name, target in (("sad/2.png", "../happy/1.png"), ("sad/3.png", "/etc/hostname")):
            link = zipfile.ZipInfo(name)
            link.external_attr = 0o120777 << 16
            archive.writestr(link, target)
    dataset = open_dataset(tmp_path / "faces.zip")
    assert dataset.labels.tolist() == [3, 4]
    assert dataset.notices == ("sad/3.png: a link to something that is not a file in faces.zip; left out",)


def test_archives_within_an_archives_archive_are_refused(tmp_path: Path) -> None:
    content = face()
    for name in ("happy/1.png", "inner.zip", "middle.zip"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, content)
        content = buffer.getvalue()
    (tmp_path / "outer.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"no face images in 'outer\.zip'"):
        open_dataset(tmp_path / "outer.zip")


def test_sixteen_bits_a_pixel_are_refused(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    Image.fromarray(np.full((48, 48), 300, np.uint16)).save(tmp_path / "happy" / "a.png")
    with pytest.raises(DataError, match=r"happy/a\.png is a picture of mode I;16"):
        open_dataset(tmp_path)
