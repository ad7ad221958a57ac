"""Augmentation of all faces that a discriminator sees, real and generated, so that it learns none of them by heart.

DiffAugment (Zhao et al. 2020, arXiv:2006.10738) changes every face; adaptive augmentation (ADA, Karras et al. 2020,
arXiv:2006.06676) changes each face in each way with a probability that follows how much the discriminator overfits.
Both are cut to small grey faces: light in place of colour, and a hole too small to hide a mouth. Derivatives pass
through them to the generator.
"""

import math
from typing import Any, Protocol

import torch
from torch import Tensor

from fergan_core.methods.transforms import cut_out, move, relight

SHIFT = 0.125  # share of the side, each way
HOLE_PX = 12  # side of the hole, a quarter of the face's
ADA_TARGET = 0.6  # of r_t = E[sign D(train)]
ADA_STEPS = 4  # between two changes of the probability


class Augmentation(Protocol):
    """Changes the faces [B,1,48,48] that the discriminator sees.

    `observe` gets how far it takes each real one for real, [B]: above 0 it does (`GanLoss.margins`).
    """

    def __call__(self, faces: Tensor) -> Tensor: ...

    def observe(self, real_margins: Tensor) -> None: ...

    def scalars(self) -> dict[str, Tensor]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Unchanged:
    """Shows the discriminator faces as they are."""

    def __call__(self, faces: Tensor) -> Tensor:
        return faces

    def observe(self, real_margins: Tensor) -> None:
        """Ignore them."""

    def scalars(self) -> dict[str, Tensor]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to load."""


class DiffAugment(Unchanged):
    """Change each face's light, shift it and cut a hole (the paper's 'color, translation, cutout')."""

    def __call__(self, faces: Tensor) -> Tensor:
        count, device = len(faces), faces.device
        brightness, contrast = torch.rand(2, count, device=device) - 0.5
        shift = (torch.rand(count, 2, device=device) * 2 - 1) * SHIFT
        faces = relight(faces, brightness, 1 + contrast)
        still, unscaled = torch.zeros(count, device=device), torch.ones(count, device=device)
        faces = move(faces, shift, still, unscaled, padding="zeros")
        return cut_out(faces, torch.rand(count, 2, device=device) * faces.shape[-1], HOLE_PX)


class Adaptive:
    """ADA: mirror, shift, turn, zoom, light and a hole, each with probability p, which follows r_t.

    r_t is the mean sign of the discriminator's margins of real faces, which the paper has about a logit of 0: p rises
    while it is above ADA_TARGET and falls otherwise, by 1 in `images` faces. The state is float32 [2]: p, and the sum
    of signs since its last change.
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
        angle = normal[0] * used[2] * math.radians(10)
        scale = (normal[1] * used[3] * -0.1).exp2()
        faces = move(faces, shift, angle, scale, padding="zeros")
        faces = relight(faces, normal[2] * used[4] * 0.2, (normal[3] * used[4] * 0.5).exp2())
        return cut_out(faces, torch.rand(count, 2, device=device) * faces.shape[-1], HOLE_PX, used[5])

    @torch.no_grad()
    def observe(self, real_margins: Tensor) -> None:
        """Count the signs of D's margins of real faces, and every few steps let p follow them."""
        self._state[1] += real_margins.sign().mean()
        self._steps += 1
        if self._steps % ADA_STEPS == 0:
            r_t = self._state[1] / ADA_STEPS
            change = (r_t - ADA_TARGET).sign() * (len(real_margins) * ADA_STEPS / self._images)
            self._state.copy_(torch.stack([(self._state[0] + change).clamp(0, 1), torch.zeros_like(change)]))

    def scalars(self) -> dict[str, Tensor]:
        """Return `ada_p`, 0 to 1."""
        return {"ada_p": self._state[0].clone()}

    def state_dict(self) -> dict[str, Any]:
        return {"ada": self._state, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._state = state["ada"].to(self._state.device).clone()
        self._steps = int(state["steps"])


def augmentation(name: str, device: torch.device) -> Augmentation:
    """Return a new augmentation: 'none', 'diffaugment' or 'ada'."""
    if name == "diffaugment":
        return DiffAugment()
    return Adaptive(device) if name == "ada" else Unchanged()
