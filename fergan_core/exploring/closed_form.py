"""Directions in closed form: SeFa (Shen & Zhou 2021, arXiv:2007.06600), from a generator's weights alone.

A layer that takes a space's numbers z computes W z + b. Of all unit directions n those that maximise |W n|, equation 5,
change its output most: they are the right singular vectors of W of the largest singular values. W is that of the first
layer that takes the latents; for conditional norms it is all their layers' below each other, as for StyleGAN's styles
in section 3.3 of the paper.
"""

import numpy as np
import scipy.sparse.linalg
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fergan_core.errors import CheckpointError
from fergan_core.exploring.directions import Directions, Space, Walker, gain_matrix
from fergan_core.models.denoiser import UNet
from fergan_core.models.layers import LatentInput

COUNT = 6


def closed_form(walker: Walker, space: Space, count: int = COUNT) -> Directions:
    """Return the `count` directions of a space, or as many as it has, that change most what its first layer computes.

    Raises CheckpointError where the generator has no such layer.
    """
    if space == "latents":
        vectors = _of_latents(walker, count)
    elif walker.gain_layers:
        vectors = _right_vectors(gain_matrix(walker.gain_layers), count)
    else:
        raise CheckpointError(
            "this generator has no conditional norms: it gets the emotion beside the latents; move the latents instead"
        )
    return Directions(space, _signed(vectors), walker.unit(space))


def _of_latents(walker: Walker, count: int) -> Tensor:
    for module in walker.network.modules():
        if isinstance(module, UNet):
            return _of_convolution(module, walker.latent_shape, count)
        first = getattr(module, "project", None)
        if isinstance(getattr(module, "input", None), LatentInput) and isinstance(first, nn.Linear):
            # Behind the latents' columns come those of the emotion's embedding.
            return _right_vectors(first.weight[:, : walker.latent_shape[0]].detach(), count)
    raise CheckpointError(
        "this generator has no linear or convolutional layer that takes its latents, from which directions could be "
        "computed; learn them by `fergan directions RUN`"
    )


def _right_vectors(matrix: Tensor, count: int) -> Tensor:
    """Return a matrix's right singular vectors of the `count` largest singular values: [count,D]."""
    vectors: Tensor = torch.linalg.svd(matrix.double(), full_matrices=False).Vh[:count]
    return vectors.float()


def _of_convolution(network: UNet, shape: tuple[int, ...], count: int) -> Tensor:
    """Return the same of a U-Net's first convolution, as a matrix from all of the noise's pixels: [count,pixels]."""
    layer, patch = network.begin, network.patch
    weight = layer.weight.detach().double()

    def forward(pixels: np.ndarray) -> np.ndarray:
        noise = torch.from_numpy(np.ascontiguousarray(pixels, np.float64)).view(1, *shape)
        return F.conv2d(F.pixel_unshuffle(noise, patch), weight, padding=1).flatten().numpy()

    def backward(outputs: np.ndarray) -> np.ndarray:
        side = shape[-1] // patch
        given = torch.from_numpy(np.ascontiguousarray(outputs, np.float64)).view(1, -1, side, side)
        return F.pixel_shuffle(F.conv_transpose2d(given, weight, padding=1), patch).flatten().numpy()

    pixels = int(np.prod(shape))
    size = (layer.out_channels * pixels // patch**2, pixels)
    operator = scipy.sparse.linalg.LinearOperator(size, matvec=forward, rmatvec=backward, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(min(size))
    _, values, vectors = scipy.sparse.linalg.svds(operator, k=min(count, pixels - 1), v0=start)
    return torch.from_numpy(vectors[np.argsort(-values)].copy()).float()


def _signed(vectors: Tensor) -> Tensor:
    """Return vectors [K,D] of a sign that their numbers decide: each one's largest is above 0."""
    largest = vectors.abs().argmax(1, keepdim=True)
    return vectors * vectors.gather(1, largest).sign()
