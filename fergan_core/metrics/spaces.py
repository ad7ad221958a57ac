"""Two spaces of features that know no emotion: pixels' principal components, and those of a fixed random network.

A judge has learnt to tell emotions apart, and its features leave out what does not help: faces whose emotion is clear
score well by them, whatever else is wrong. FID by Inception-v3 has the same weakness: it falls where only the shares of
ImageNet's classes are set right (Kynkaanniemi et al. 2023, arXiv:2203.06026), and does not show that people find
diffusion models' pictures more real (Stein et al. 2023, arXiv:2306.04675). These two spaces have learnt from no label.

Pixels' principal components hold where a face is, how it is lit and turned, and its coarse shape; not how sharp it is.
Random convolutional features respond to edges and textures too. Naeem et al. 2020 (arXiv:2002.09797) evaluate by 64
features of a random network, as these have no bias of a training set.

Both have 64 features, so that an emotion's few faces span their covariance. A Fréchet distance in them is divided by
the reference's total variance, and so has no unit: fakes that are all the mean real face have 1.
"""

import hashlib
import math
from functools import lru_cache

import numpy as np
import scipy.sparse.linalg
import torch
import torch.nn.functional as F
from torch import Tensor

from fergan_core.errors import UsageError

SIZE = 64  # features
_EXACT = 1024  # faces whose products of pixels, at most 128 * 128 each, float32 sums without rounding
_CONVOLUTIONS = ((16, 1, 5, 5), (32, 16, 3, 3), (64, 32, 3, 3))  # each halves the side: from 48x48 pixels to 6x6
_LINEAR = (SIZE, 64 * 6 * 6)
_BATCH = 200  # fixed, so that a face's features do not depend on how many faces there are


def principal_axes(images: Tensor) -> Tensor:
    """Return the first 64 principal axes of the pixels of faces uint8 [N,48,48], N > 64: float64 [2304,64].

    The covariance is exact, so that no order of the faces changes it. Raises UsageError for fewer faces.
    """
    if len(images) <= SIZE:
        raise UsageError(f"spaces: {len(images)} faces are too few for {SIZE} principal axes; give more")
    products = torch.zeros(48 * 48, 48 * 48, dtype=torch.float64)
    sums = torch.zeros(48 * 48, dtype=torch.float64)
    for part in torch.split(_flat(images), _EXACT):
        centred = part.float() - 128
        products += (centred.mT @ centred).double()
        sums += centred.double().sum(0)
    covariance = (products - torch.outer(sums, sums / len(images))) / (len(images) - 1)
    # The identity changes no axis, and leaves none of faces that are all alike without a direction. Lanczos' iteration
    # finds 64 of 2,304 axes in half the time that LAPACK takes, and as exactly.
    moved = (covariance + torch.eye(48 * 48)).numpy()
    _, axes = scipy.sparse.linalg.eigsh(moved, SIZE, v0=np.ones(48 * 48))
    return torch.from_numpy(axes).flip(1).contiguous()


def on_axes(images: Tensor, axes: Tensor) -> Tensor:
    """Return the coordinates of faces uint8 [N,48,48] on axes [2304,64], in greys: float32 [N,64]."""
    axes = axes.float()
    return torch.cat([(part.float() - 128) @ axes for part in torch.split(_flat(images), _EXACT)])


def random_features(images: Tensor, network: int = 0) -> Tensor:
    """Return a fixed random network's features of faces uint8 [N,48,48]: float32 [N,64].

    It has three convolutions of stride 2 with ReLU and a linear layer, without biases: 1.7 million multiply-adds a
    face. Scores are by network 0; other numbers show how much depends on it (`python -m benchmarks.spaces`).
    """
    *convolutions, linear = random_weights(network)
    features = []
    with torch.inference_mode():
        for part in torch.split(_checked(images), _BATCH):
            x = part.unsqueeze(1).float() / 127.5 - 1
            for weight in convolutions:
                x = F.relu(F.conv2d(x, weight, stride=2, padding=weight.shape[-1] // 2))
            features.append(x.flatten(1) @ linear.mT)
    return torch.cat(features)


@lru_cache(maxsize=1)
def random_weights(network: int = 0) -> tuple[Tensor, ...]:
    """Return a random network's weights, float32, the same to the bit on every machine and by every PyTorch.

    They are the bytes of SHAKE-256, centred and scaled to the variance 2 / fan-in (He et al. 2015, arXiv:1502.01852).
    """
    shapes = enumerate((*_CONVOLUTIONS, _LINEAR))
    return tuple(_drawn(f"FerGAN's random network {network}, layer {layer}", shape) for layer, shape in shapes)


def _drawn(name: str, shape: tuple[int, ...]) -> Tensor:
    drawn = hashlib.shake_256(name.encode()).digest(math.prod(shape))
    centred = torch.frombuffer(bytearray(drawn), dtype=torch.uint8).float() - 127.5
    variance = (256**2 - 1) / 12  # of numbers that are uniform over 256 neighbouring ones
    return centred.view(shape) * math.sqrt(2 / math.prod(shape[1:]) / variance)


def _checked(images: Tensor) -> Tensor:
    if images.ndim != 3 or images.shape[1:] != (48, 48) or images.dtype != torch.uint8 or len(images) < 1:
        raise UsageError(f"spaces: faces are {images.dtype} {list(images.shape)}; give uint8 [N,48,48], N >= 1")
    return images


def _flat(images: Tensor) -> Tensor:
    return _checked(images).flatten(1)
