"""Changes of faces [B,1,H,W], each by numbers of its own and differentiable: for discriminators and for judges."""

import torch
from torch import Tensor
from torch.nn import functional as F


def relight(faces: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Add `brightness` [B] to each face and multiply its contrast about its own mean by `contrast` [B]."""
    means = faces.mean((1, 2, 3), keepdim=True)
    return (faces - means) * contrast[:, None, None, None] + means + brightness[:, None, None, None]


def move(faces: Tensor, shift: Tensor, angle: Tensor, scale: Tensor, *, padding: str) -> Tensor:
    """Resample each face on a grid moved by `shift` [B,2] (shares of the side), turned by `angle` [B] (radians).

    `scale` [B] is the grid's side by the face's: 0.5 shows the middle of a face at twice its size. Beyond the edge lies
    middle grey where `padding` is 'zeros', the edge's own grey where it is 'border'.
    """
    cos, sin = scale * angle.cos(), scale * angle.sin()
    matrix = torch.stack([cos, -sin, 2 * shift[:, 0], sin, cos, 2 * shift[:, 1]], 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(faces.shape), align_corners=False)
    return F.grid_sample(faces, grid.to(faces.dtype), mode="bilinear", padding_mode=padding, align_corners=False)


def cut_out(faces: Tensor, centre: Tensor, side_px: float, which: Tensor | None = None) -> Tensor:
    """Grey out a square about `centre` [B,2] (pixels) in each face, or in those of `which` bool [B].

    Cutout (DeVries and Taylor 2017, arXiv:1708.04552).
    """
    pixels = torch.arange(faces.shape[-1], device=faces.device) + 0.5
    inside = (pixels - centre[:, :, None]).abs() < side_px / 2
    square = inside[:, 0, :, None] & inside[:, 1, None, :]
    if which is not None:
        square = square & which[:, None, None]
    return faces.masked_fill(square.unsqueeze(1), 0.0)
