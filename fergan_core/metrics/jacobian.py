"""How evenly a generator's images change with its latents: the condition number of its Jacobian.

A generator whose image changes much less in some directions of the latent than in others covers less of its training
data: bad runs have a larger mean log condition number than good ones of the same architecture. It does not compare
between architectures (Odena et al. 2018, arXiv:1802.08768, sections 2 and 3).
"""

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jvp, vmap

from fergan_core.errors import UsageError

_MOST_BYTES = 1 << 29
_FACES_AT_ONCE = 512


def log_condition_numbers(draw: Callable[[Tensor], Tensor], latents: Tensor) -> Tensor:
    """ln(largest / smallest eigenvalue of J^T J), J = d image / d latent, at each latent: float64 [n], lower is better.

    `draw` maps latents [n,Z] to float images [n,...], each image depending on its own latent alone (batch norm in eval
    mode). It is always called with all n, so that it may hold a label for each, and under no_grad, not in inference
    mode, which drops derivatives. Values are at most `ceiling(images.dtype)`, as smaller eigenvalues are rounding. A
    generator whose image ignores some direction of the latent, or all of them, gets the ceiling.
    Raises UsageError for images or derivatives that are not finite, and for more than 512 MiB of them.
    """
    if latents.ndim != 2 or min(latents.shape) < 1 or not latents.is_floating_point():
        raise UsageError(f"condition number: latents are {latents.dtype} {list(latents.shape)}; give floats [n,Z]")
    # A caller may be in inference mode: it is left here, and the latents are copied out of it.
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        # PyTorch's forward derivatives use a part of PyTorch that is deprecated.
        warnings.filterwarnings("ignore", r".*torch\.jit\.script", FutureWarning)
        latents = latents.clone()
        jacobians = _jacobians(draw, latents)
        most = ceiling(jacobians.dtype)
        return torch.tensor([_log_condition(one.double(), most) for one in jacobians], dtype=torch.float64)


def ceiling(dtype: torch.dtype) -> float:
    """Return the largest log condition number that images of this precision can show: 31.9 for float32."""
    return -2 * math.log(torch.finfo(dtype).eps)


def _jacobians(draw: Callable[[Tensor], Tensor], latents: Tensor) -> Tensor:
    """Return d image / d latent of each latent on the CPU: [n,pixels,Z], by forward derivatives in each direction."""
    count, size = latents.shape
    images = draw(latents)
    _check_images(images, latents)
    shape = (count, images.numel() // count, size)
    jacobians = torch.empty(shape, dtype=images.dtype)

    def change(direction: Tensor) -> Tensor:
        change: Tensor = jvp(draw, (latents,), (direction.expand_as(latents),))[1]
        return change.reshape(count, -1)

    step = max(1, _FACES_AT_ONCE // count)
    directions = torch.eye(size, dtype=latents.dtype, device=latents.device)
    for start in range(0, size, step):
        jacobians[:, :, start : start + step] = vmap(change)(directions[start : start + step]).permute(1, 2, 0).cpu()
    if not bool(jacobians.isfinite().all()):
        raise UsageError("condition number: some derivatives of the images are NaN or infinite; give a sound generator")
    return jacobians


def _check_images(images: Tensor, latents: Tensor) -> None:
    """Raise UsageError for images that are not floats [n,...], finite, drawn with derivatives, and few enough."""
    count, size = latents.shape
    if images.ndim < 2 or len(images) != count or not images.is_floating_point():
        raise UsageError(
            f"condition number: images are {images.dtype} {list(images.shape)} for {count} latents; give floats, "
            "one image a latent, before they are rounded to greys"
        )
    if images.is_inference():
        raise UsageError("condition number: the images are drawn in inference mode, without derivatives; use no_grad")
    needed = images.numel() * size * images.element_size()
    if needed > _MOST_BYTES:
        raise UsageError(
            f"condition number: {count} latents need {needed / 2**20:,.0f} MiB of derivatives; give fewer at a time"
        )
    if not bool(images.isfinite().all()):
        raise UsageError("condition number: some images are NaN or infinite; give a sound generator")


def _log_condition(jacobian: Tensor, most: float) -> float:
    """Log of the ratio of J^T J's extreme eigenvalues, the squares of J's [pixels,Z] singular values, up to `most`."""
    pixels, size = jacobian.shape
    values = torch.linalg.svdvals(jacobian)
    largest, smallest = float(values[0]), float(values[-1]) if pixels >= size else 0.0
    if smallest <= largest * math.exp(-most / 2):
        return most
    return 2 * math.log(largest / smallest)
