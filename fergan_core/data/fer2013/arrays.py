"""FER2013 as NumPy's arrays: an .npz, or .npy files beside each other."""

import tokenize
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from fergan_core.data.dataset import SIZE, SPLITS, Bytes
from fergan_core.data.fer2013.labels import Labels, Part, Table, joined
from fergan_core.data.fer2013.names import read_usage, split_of, splits_in, words
from fergan_core.data.files import Files, listed, reason
from fergan_core.errors import DataError

_ROLES = {
    "images": {"images", "image", "imgs", "faces", "data", "x"},
    "labels": {"labels", "label", "emotions", "emotion", "targets", "target", "y"},
    "usage": {"usage", "split"},
}
_Group = dict[str, str]  # role -> member


def groups_of(names: Sequence[str]) -> dict[tuple[str, str], _Group]:
    """Return arrays that belong together, by folder and the split in their names: {('', 'test'): {'images': ...}}.

    Images with labels alone are a group: images and labels, X_test and y_test.
    """
    groups: dict[tuple[str, str], _Group] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() == ".npy":
            stem_words = set(words(path.stem))
            splits = splits_in(path.stem)
            role = next(
                (role for role, role_words in _ROLES.items() if path.stem.lower() == role or stem_words & role_words),
                None,
            )
            if role is not None and len(splits) < 2:
                groups.setdefault((path.parent.as_posix(), "".join(splits)), {}).setdefault(role, name)
    return {key: group for key, group in groups.items() if {"images", "labels"} <= group.keys()}


def read_arrays(files: Files, label: str, order: str | None, dataset_split: str | None) -> tuple[Table, list[str]]:
    """Read images uint8 [N,48,48], labels [N] and perhaps usage [N] (strings); return what was read, and its members.

    A split is what the usage says, else the arrays' names or folders, else `whole`, else training.
    """
    labels, parts = Labels(order), []
    used: list[str] = []
    for (folder, split), group in sorted(groups_of(files.names).items(), key=_split_first):
        name = label if folder == "." else folder
        array_split = split or split_of(PurePosixPath(folder).parts) or dataset_split or "train"
        parts.append(_part(files, group, name, labels, array_split))
        used += group.values()
    return joined(parts, labels, [], in_rows=True), used


def _split_first(entry: tuple[tuple[str, str], _Group]) -> tuple[int, str]:
    (folder, split), _ = entry
    return SPLITS.index(split or split_of(PurePosixPath(folder).parts) or "train"), folder


def _part(files: Files, group: _Group, name: str, labels: Labels, split: str) -> Part:
    arrays = {role: read_array(files, member, name) for role, member in group.items()}
    images = _faces(arrays["images"], name)
    for role, values in arrays.items():
        if values.shape[:1] != images.shape[:1] or (role != "images" and values.ndim != 1):
            raise DataError(
                f"{name}: '{PurePosixPath(group[role]).stem}' is {list(values.shape)} for {len(images):,} images; "
                "expected [N]"
            )
    codes = [labels.read(value, f"{name}, row {i + 1}") for i, value in enumerate(arrays["labels"].tolist())]
    splits = np.full(len(images), SPLITS.index(split), np.uint8)
    if "usage" in arrays:
        splits[:] = [read_usage(value, f"{name}, row {i + 1}") for i, value in enumerate(arrays["usage"].tolist())]
    shown_name = name if not splits_in(PurePosixPath(group["images"]).stem) else f"{name}: {listed(group.values())}"
    return Part(shown_name, images, np.array(codes, np.uint16), splits)


def _faces(images: npt.NDArray[Any], name: str) -> Bytes:
    shape = images.shape[1:]
    if images.dtype == np.uint8 and shape in ((SIZE, SIZE), (1, SIZE, SIZE), (SIZE, SIZE, 1), (SIZE * SIZE,)):
        return np.ascontiguousarray(images.reshape(-1, SIZE, SIZE))
    raise DataError(f"{name}: images are {images.dtype} {list(images.shape)}; expected uint8 [N, 48, 48]")


def read_array(files: Files, member: str, name: str) -> npt.NDArray[Any]:
    """Read one .npy member; DataError for a damaged one, and for one of pickled objects, which is never loaded."""
    with files.open(member) as stream:
        try:
            array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, MemoryError, tokenize.TokenError) as error:
            raise DataError(
                f"{name}: '{member}' is not a plain array ({reason(error)}); save it without pickled objects"
            ) from None
    return array
