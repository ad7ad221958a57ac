"""Augmentation of all that a discriminator sees, real and made, differentiable, so that it learns none by heart.

DiffAugment (Zhao et al. 2020, arXiv:2006.10738) changes every face; adaptive augmentation (ADA, Karras et al. 2020,
arXiv:2006.06676) changes each face in each way with a probability that follows how much the discriminator overfits.
Both as is fit for small grey faces: light in place of colour, and a hole too small to hide a mouth.
"""

import math
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

SHIFT = 0.125  # share of the side, each way
HOLE = 0.25  # share of the side
ADA_TARGET = 0.6  # of r_t = E[sign D(train)]
ADA_STEPS = 4  # between two changes of the probability


class Augmentation(Protocol):
    """Changes faces [B,1,48,48] as the discriminator sees them; `observe` is told its logits of real ones."""

    def __call__(self, faces: Tensor) -> Tensor: ...

    def observe(self, real_logits: Tensor) -> None: ...

    def scalars(self) -> dict[str, Tensor]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Unchanged:
    """Shows the discriminator faces as they are."""

    def __call__(self, faces: Tensor) -> Tensor:
        return faces

    def observe(self, real_logits: Tensor) -> None:
        """Learn nothing of it."""

    def scalars(self) -> dict[str, Tensor]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is nothing to take."""


class DiffAugment(Unchanged):
    """Light, a shift and a hole, of every face anew (the paper's 'color, translation, cutout')."""

    def __call__(self, faces: Tensor) -> Tensor:
        count, device = len(faces), faces.device
        brightness, contrast = torch.rand(2, count, device=device) - 0.5
        shift = (torch.rand(count, 2, device=device) * 2 - 1) * SHIFT
        faces = relight(faces, brightness, 1 + contrast)
        faces = move(faces, shift, torch.zeros(count, device=device), torch.ones(count, device=device))
        return cut(faces, torch.rand(count, 2, device=device), torch.ones(count, dtype=torch.bool, device=device))


class Adaptive:
    """ADA: mirror, shift, turn, zoom, light and a hole, each with probability p, which follows r_t.

    p goes up while the discriminator takes more than ADA_TARGET of real faces, net, for real, and down otherwise, from
    end to end in `images` faces. The state is float32 [2]: p, and the sum of signs since its last change.
    """

    def __init__(self, device: torch.device, images: int = 100_000) -> None:
        self._images, self._steps = images, 0
        self._state = torch.zeros(2, device=device)

    def __call__(self, faces: Tensor) -> Tensor:
        count, device = len(faces), faces.device
        used = torch.rand(6, count, device=device) < self._state[0]
        normal = torch.randn(4, count, device=device)
        faces = torch.where(
            (used[0] & (torch.rand(count, device=device) < 0.5))[:, None, None, None], faces.flip(3), faces
        )
        shift = (torch.rand(count, 2, device=device) * 2 - 1) * SHIFT * used[1][:, None]
        turn = normal[0] * used[2] * math.radians(10)
        zoom = (normal[1] * used[3] * 0.1).exp2()
        faces = move(faces, shift, turn, zoom)
        faces = relight(faces, normal[2] * used[4] * 0.2, (normal[3] * used[4] * 0.5).exp2())
        return cut(faces, torch.rand(count, 2, device=device), used[5])

    @torch.no_grad()
    def observe(self, real_logits: Tensor) -> None:
        """Count the signs of D's logits of real faces, and every few steps let p follow them."""
        self._state[1] += real_logits.sign().mean()
        self._steps += 1
        if self._steps % ADA_STEPS == 0:
            r_t = self._state[1] / ADA_STEPS
            change = (r_t - ADA_TARGET).sign() * (len(real_logits) * ADA_STEPS / self._images)
            self._state.copy_(torch.stack([(self._state[0] + change).clamp(0, 1), torch.zeros_like(change)]))

    def scalars(self) -> dict[str, Tensor]:
        """Return `ada_p`, 0 to 1."""
        return {"ada_p": self._state[0].clone()}

    def state_dict(self) -> dict[str, Any]:
        return {"ada": self._state, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._state = state["ada"].to(self._state.device).clone()
        self._steps = int(state["steps"])


def relight(faces: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Add `brightness` [B] to each face and multiply its contrast about its own mean by `contrast` [B]."""
    middle = faces.mean((1, 2, 3), keepdim=True)
    return (faces - middle) * contrast[:, None, None, None] + middle + brightness[:, None, None, None]


def move(faces: Tensor, shift: Tensor, turn: Tensor, zoom: Tensor) -> Tensor:
    """Shift [B,2] (shares of the side), turn [B] (radians) and zoom [B] each face; what comes in is middle grey."""
    cos, sin = turn.cos() / zoom, turn.sin() / zoom
    matrix = torch.stack([cos, -sin, 2 * shift[:, 0], sin, cos, 2 * shift[:, 1]], 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(faces.shape), align_corners=False)
    return F.grid_sample(faces, grid.to(faces.dtype), mode="bilinear", padding_mode="zeros", align_corners=False)


def cut(faces: Tensor, centre: Tensor, which: Tensor) -> Tensor:
    """Grey out a square of HOLE of the side about `centre` [B,2] (0 to 1) in the faces `which` bool [B]."""
    side = faces.shape[-1]
    places = (torch.arange(side, device=faces.device) + 0.5) / side
    inside = (places - centre[:, :, None]).abs() < HOLE / 2
    hole = inside[:, 0, :, None] & inside[:, 1, None, :] & which[:, None, None]
    return faces.masked_fill(hole.unsqueeze(1), 0.0)


def augmentation(name: str, device: torch.device) -> Augmentation:
    """Return a new augmentation: 'none', 'diffaugment' or 'ada'."""
    if name == "diffaugment":
        return DiffAugment()
    return Adaptive(device) if name == "ada" else Unchanged()
