"""Images and labels as scripts have them -> a sheet's uint8 images and the names of its rows."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fergan_core.errors import UsageError
from fergan_core.sheets import Pixels

ONE_CLASS = "images"


def as_array(values: Any) -> NDArray[Any]:
    """Return an array, a tensor on any device, or a list of these as one array; floats as float32."""
    if isinstance(values, list | tuple) and values and not isinstance(values[0], int | float | str):
        return np.stack([as_array(value) for value in values])
    if hasattr(values, "detach"):  # a tensor: NumPy has no bfloat16
        values = values.detach().cpu()
        values = (values.float() if values.is_floating_point() else values).numpy()
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def pixels_of(images: Any, value_range: tuple[float, float]) -> Pixels:
    """Return square images as uint8 [N, side, side], of colours [N, side, side, 3]; UsageError for any others."""
    try:
        array = as_array(images)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"sheet: the images are not an array of one shape ({error}); give [N,H,W] or [N,C,H,W]"
        ) from None
    shape = tuple(array.shape)
    if array.ndim == 4 and shape[1] in (1, 3):
        array = np.moveaxis(array, 1, -1)
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[-1] not in (1, 3)) or 0 in shape:
        raise UsageError(f"sheet: images have the shape {shape}; give [N,H,W], [N,1,H,W], [N,3,H,W] or [N,H,W,3]")
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    height, width = array.shape[1:3]
    if height != width:
        raise UsageError(f"sheet: images are {width} x {height} px; a sheet holds square ones, so crop or pad them")
    return np.ascontiguousarray(_in_bytes(array, value_range))


def _in_bytes(array: NDArray[Any], value_range: tuple[float, float]) -> Pixels:
    if array.dtype == np.uint8:
        return array
    low, high = value_range
    if array.dtype.kind in "iub":
        low, high = (0, 1) if array.dtype.kind == "b" else (0, 255)
    elif array.dtype.kind != "f":
        raise UsageError(f"sheet: images are of the type {array.dtype}; give uint8, or floats in a value_range")
    if not low < high:
        raise UsageError(f"sheet: value_range is {value_range}; give the lowest and the highest value, as in (-1, 1)")
    values = array.astype(np.float32)
    finite = values[np.isfinite(values)]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (low, high)
    if least < low - (high - low) or most > high + (high - low):
        raise UsageError(
            f"sheet: images have values from {least:g} to {most:g}, far beyond {low:g} to {high:g}; give value_range"
        )
    # A generator that has diverged is shown as what it is, with black for NaN.
    shares = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / (high - low)
    pixels: Pixels = np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)
    return pixels


def labelled(labels: Any, classes: Sequence[str] | None, count: int) -> tuple[list[str], list[str]]:
    """Return the label of each of `count` images, and the names of the sheet's rows, each the label of some image.

    Rows are in the order of `classes`, without them in that of the numbers, names in that in which they first come.
    """
    if labels is None:
        name = ONE_CLASS if not classes else str(classes[0])
        return [name] * count, [name]
    plain = as_array(labels).reshape(-1).tolist() if not _are_names(labels) else list(labels)
    if len(plain) != count:
        raise UsageError(f"sheet: there are {len(plain)} labels for {count} images; give one for each")
    order = [str(name) for name in classes] if classes is not None else []
    if "" in order or len(set(order)) != len(order):
        raise UsageError("sheet: classes must have names, each another one")
    names = [_name(label, order) for label in plain]
    if not order:
        order = [str(n) for n in sorted(set(plain))] if not _are_names(plain) else list(dict.fromkeys(names))
    return names, [name for name in order if name in set(names)]


def _are_names(labels: Any) -> bool:
    with contextlib.suppress(TypeError, IndexError, KeyError):
        return isinstance(labels[0], str)
    return False


def _name(label: Any, order: Sequence[str]) -> str:
    if isinstance(label, str):
        if not label or (order and label not in order):
            raise UsageError(f"sheet: the label '{label}' is not among the classes {', '.join(order) or '(empty)'}")
        return label
    if isinstance(label, bool) or label != int(label):
        raise UsageError(f"sheet: the label {label!r} is neither a name nor a whole number")
    if not order:
        return str(int(label))
    if not 0 <= label < len(order):
        raise UsageError(f"sheet: the label {int(label)} is beyond the {len(order)} classes, which count from 0")
    return order[int(label)]
