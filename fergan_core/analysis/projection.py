"""Features in the plane of the two directions in which reference features vary most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fergan_core.errors import UsageError

AXES = 2


@dataclass(frozen=True)
class Plane:
    """The first two principal axes of reference features: unit vectors `axes` float64 [2,D] about their `mean` [D].

    `shares` float64 [2] are the axes' parts of the reference's variance, 0 to 1, descending.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    shares: NDArray[np.float64]

    def project(self, features: ArrayLike) -> NDArray[np.float64]:
        """Return where features [N,D] lie in the plane: float64 [N,2], in the features' own units."""
        coordinates: NDArray[np.float64] = (np.asarray(features, dtype=np.float64) - self.mean) @ self.axes.T
        return coordinates


def principal_plane(reference: ArrayLike) -> Plane:
    """Return the plane of the largest variance of reference features [N,D] (Pearson 1901), D of 2 or more.

    The largest component of each axis is positive, so that the same features never give a mirror image.
    Raises UsageError for features that are not finite or all the same.
    """
    features = np.asarray(reference, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] < AXES or not np.isfinite(features).all():
        raise UsageError(f"projection: features are {list(features.shape)}; give finite numbers [N,D], D of 2 or more")
    different = len(np.unique(features, axis=0))
    if different < 2:
        raise UsageError(f"projection: the real faces are {different} different ones; give 2 or more")
    mean = features.mean(axis=0)
    centred = features - mean
    variances, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, ::-1][:, :AXES].T
    largest = axes[np.arange(AXES), np.abs(axes).argmax(axis=1)]
    shares = variances[::-1][:AXES].clip(0) / variances.clip(0).sum()
    return Plane(mean, axes * np.sign(largest)[:, None], shares)
