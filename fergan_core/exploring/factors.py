"""How a known factor of synthfer's faces, pose or light, follows a direction.

A ridge regression from pixels, fitted on drawn faces whose factors are known, reads the factor in generated faces, of
which nobody knows it. How well it reads is measured on other drawn faces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fergan_core.data.synthfer import synthfer
from fergan_core.emotions import EMOTIONS
from fergan_core.exploring.directions import MOST_SHIFT, Directions, Walker, codes_in_turn
from fergan_core.exploring.effects import moved

FACTORS = {
    "yaw": "pose: how far the head is turned to the side",
    "side light": "light: how much of it comes from the right",
    "background": "tone of the background",
}
FACES = 100  # that are moved along each direction
_FITTED = 300  # of each emotion, and as many to check


@dataclass(frozen=True)
class FactorReader:
    """Reads factors in faces: `weights` float64 [48*48,F], `means` [F], in FACTORS' order.

    `reliability` [F] is the correlation of what is read with the true factor, on faces that were not fitted.
    """

    weights: Tensor
    means: Tensor
    reliability: tuple[float, ...]

    def read(self, images: Tensor) -> Tensor:
        """Return the factors read in faces uint8 [n,48,48]: float64 [n,F]."""
        return _pixels(images) @ self.weights + self.means


def fitted_reader(seed: int = 0) -> FactorReader:
    """Fit a reader on synthfer's faces of a seed, the same ridge for all factors."""
    counts = dict.fromkeys(EMOTIONS, _FITTED)
    faces = synthfer(seed, {"train": counts, "public": counts})
    known = torch.from_numpy(_factors(faces.factors))
    pixels, train = _pixels(torch.from_numpy(faces.images)), torch.from_numpy(faces.splits == 0)
    means = known[train].mean(0)
    inputs = pixels[train]
    ridge = 0.01 * len(inputs)
    gram = inputs.T @ inputs + ridge * torch.eye(inputs.shape[1], dtype=inputs.dtype)
    reader = FactorReader(torch.linalg.solve(gram, inputs.T @ (known[train] - means)), means, ())
    read = reader.read(torch.from_numpy(faces.images)[~train])
    reliability = tuple(correlation(a, b) for a, b in zip(read.T, known[~train].T, strict=True))
    return FactorReader(reader.weights, means, reliability)


def correlation(first: Tensor, second: Tensor) -> float:
    """Return Pearson's correlation of two sets of numbers [n]; 0 where one is constant."""
    one, other = (numbers.double() - numbers.double().mean() for numbers in (first, second))
    lengths = float(one.norm() * other.norm())
    return float(one @ other) / lengths if lengths else 0.0


def factor_correlations(
    walker: Walker, directions: Directions, reader: FactorReader, *, count: int = FACES, seed: int = 0
) -> Tensor:
    """Return how closely each factor follows a shift along each direction: correlations float64 [K,F], -1 to 1.

    Each of `count` faces, of all emotions in turn, is moved by its own shift, uniform up to MOST_SHIFT units, to both
    sides, so that what faces show by chance does not add to the correlation. Latents and shifts are the same for every
    direction.
    """
    source = torch.Generator().manual_seed(seed)
    one_side = torch.rand(count, generator=source) * MOST_SHIFT
    shifts = torch.cat((one_side, -one_side))
    latents, labels = walker.latents(count, seed), codes_in_turn(walker.emotions, count)
    latents, labels = torch.cat((latents, latents)), torch.cat((labels, labels))
    rows = []
    with torch.inference_mode():
        for place in range(len(directions)):
            read = reader.read(moved(walker, directions, latents, labels, place, shifts))
            rows.append([correlation(shifts, factor) for factor in read.T])
    return torch.tensor(rows, dtype=torch.float64)


def _factors(known: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """Return FACTORS of synthfer's known ones: [N,F]."""
    side_light = known["light_strength"] * np.cos(known["light_angle"])
    return np.stack([known["yaw"], side_light, known["background"]], 1).astype(np.float64)


def _pixels(images: Tensor) -> Tensor:
    return images.flatten(1).double() / 127.5 - 1
