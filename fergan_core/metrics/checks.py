"""Checks that every metric makes of its input; what fails is an error of one sentence."""

import torch
from torch import Tensor

from fergan_core.errors import UsageError


def checked_features(metric: str, *sets: Tensor, at_least: int = 2) -> list[Tensor]:
    """Return feature sets [N,D] of one width as float64 on the CPU.

    Raises UsageError, naming the metric, for another shape, fewer than `at_least` rows, or a value that is not finite.
    """
    widths = {tuple(features.shape[1:]) for features in sets}
    if any(features.ndim != 2 for features in sets) or len(widths) != 1 or next(iter(widths))[0] < 1:
        shapes = ", ".join(str(list(features.shape)) for features in sets)
        raise UsageError(f"{metric}: features have shapes {shapes}; give sets [N,D] with one D >= 1")
    for features in sets:
        if len(features) < at_least:
            raise UsageError(f"{metric}: {len(features)} faces are too few; give {at_least} or more")
        if not bool(features.isfinite().all()):
            bad = int((~features.isfinite()).any(1).sum())
            raise UsageError(f"{metric}: {bad} of {len(features)} faces have features that are NaN or infinite")
    return [features.double().cpu() for features in sets]


def checked_groups(metric: str, groups: Tensor, count: int) -> int:
    """Return the number G of groups int64 [count] numbered from 0; two or more of them hold faces.

    Raises UsageError, naming the metric, otherwise.
    """
    if groups.shape != (count,) or groups.dtype != torch.int64:
        raise UsageError(f"{metric}: groups are {groups.dtype} {list(groups.shape)}; give int64 [{count}], one a face")
    low, high = int(groups.min()), int(groups.max())
    if low < 0 or low == high:
        raise UsageError(f"{metric}: groups reach from {low} to {high}; give two or more, numbered from 0")
    return high + 1


def members(metric: str, groups: Tensor, count: int) -> list[Tensor]:
    """Return the indices of each group's faces, from groups int64 [count] of 0..G-1.

    Raises UsageError, naming the metric, for other groups, an empty one, or one that leaves fewer than two faces.
    """
    sizes = torch.bincount(groups.cpu(), minlength=checked_groups(metric, groups, count))
    if int(sizes.min()) < 1 or count - int(sizes.max()) < 2:
        raise UsageError(
            f"{metric}: groups of {int(sizes.min())} to {int(sizes.max())} of {count} faces; "
            "leave no group empty, and two faces or more outside each"
        )
    return list(torch.split(groups.cpu().argsort(stable=True), sizes.tolist()))
