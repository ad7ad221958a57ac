"""What every metric asks of its input, said in one sentence where it is not so."""

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
