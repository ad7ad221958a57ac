"""What claims to be far larger than FER2013, or holds more than 8 bits a pixel, is refused unread."""

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


def test_sixteen_bits_a_pixel_are_refused(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    Image.fromarray(np.full((48, 48), 300, np.uint16)).save(tmp_path / "happy" / "a.png")
    with pytest.raises(DataError, match=r"happy/a\.png is a picture of mode I;16"):
        open_dataset(tmp_path)
