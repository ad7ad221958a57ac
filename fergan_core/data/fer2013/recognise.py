"""What a file is that is not a layout of FER2013, and what to do about it."""

import re
from pathlib import PurePosixPath

from fergan_core.errors import DataError

EXPECTED = "expected fer2013.csv, its tar.gz, a parquet file, or train/<emotion>/*.jpg"
HEAD = 512  # bytes of a file's beginning that are looked at

_LFS = b"version https://git-lfs.github.com/spec/"
_FERPLUS = re.compile(r"fer\d{7}\.png")
_PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib"}
_PICKLE = (
    "is a pickle, which is not read because loading one can run any program that is in it; where you trust it, load it "
    "yourself and save images and labels with numpy.savez"
)
_KINDS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"\x89HDF\r\n\x1a\n",), "is HDF5, which is not read; save its images and labels with numpy.savez"),
    ((b"MATLAB 5.0",), "is a MATLAB file, which is not read; save its images and labels with numpy.savez"),
    ((b"\x93NUMPY",), "is one array; save images and labels together with numpy.savez(FILE.npz, images=, labels=)"),
    ((b"ARROW1",), "is an Arrow or Feather file, which is not read; save it as parquet"),
    ((b"SQLite format 3",), "is an SQLite database, which is not read; save its images and labels with numpy.savez"),
    ((b"Rar!", b"7z\xbc\xaf\x27\x1c"), "is an archive that is not read; unpack it and give the folder"),
    ((b"\x28\xb5\x2f\xfd",), "is compressed with zstd, which is not read; unpack it first"),
    ((b"\xff\xfe", b"\xfe\xff"), "is UTF-16 text; save it as UTF-8"),
)


def lfs_pointer(start: bytes, name: str) -> DataError | None:
    """Return the error for a Git LFS pointer, None for any other file."""
    if start.startswith(_LFS):
        return DataError(f"{name} is a Git LFS pointer and not the data; run `git lfs pull` in its repository")
    return None


def refusal(start: bytes, name: str) -> DataError | None:
    """Return the error for a file that, by its first HEAD bytes and its name, cannot be a layout of FER2013."""
    pointer = lfs_pointer(start, name)
    if pointer is not None:
        return pointer
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<script")):
        return DataError(
            f"{name} is a web page and not data, as a download without a login gives it; download it again and look "
            "at it first"
        )
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return DataError(f"{name} {_PICKLE}")
    if PurePosixPath(name).suffix.lower() in _PICKLES:
        return DataError(f"{name} {_PICKLE}")
    for magics, sentence in _KINDS:
        if start.startswith(magics):
            return DataError(f"{name} {sentence}")
    return None


def refusal_of_binary(start: bytes, name: str) -> DataError | None:
    """Return the error for a file whose first HEAD bytes are not text; None for text."""
    if start.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8")):
        return DataError(f"{name} is one picture and not a dataset; {EXPECTED}")
    return DataError(f"{name} is not a layout of FER2013; {EXPECTED}") if b"\0" in start else None


def refusal_of_names(names: list[str], label: str) -> DataError | None:
    """Return the error for a folder or archive that, by its files' names, cannot be a layout of FER2013."""
    if any(_FERPLUS.fullmatch(PurePosixPath(name).name) for name in names):
        return DataError(
            f"{label} has FER+'s pictures, which come with people's votes and without labels; give fer2013.csv as the "
            "data, and to `python -m trainers.judge` the votes with --votes fer2013new.csv"
        )
    if "xl/workbook.xml" in names:
        return DataError(f"{label} is a spreadsheet; save it as CSV")
    pickles = [name for name in names if PurePosixPath(name).suffix.lower() in _PICKLES]
    if pickles:
        return DataError(f"{label} has no faces but {pickles[0]}, which {_PICKLE}")
    arrays = [name for name in names if name.lower().endswith(".npy")]
    if arrays:
        return DataError(
            f"{label} has arrays, but not images with labels: {', '.join(arrays[:4])}; call them images and labels "
            "(and usage for their splits)"
        )
    for suffix, kind in ((".h5", "HDF5"), (".hdf5", "HDF5"), (".mat", "a MATLAB file"), (".arrow", "an Arrow file")):
        unreadable = [name for name in names if name.lower().endswith(suffix)]
        if unreadable:
            return DataError(
                f"{label} has no faces but {unreadable[0]}, which is {kind} and not read; save its images and "
                "labels with numpy.savez"
            )
    return None
