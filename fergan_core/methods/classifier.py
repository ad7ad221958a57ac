"""The judge's Learner: a classifier of emotion (and identity), regularised against noisy labels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.methods import transforms
from fergan_core.methods.ema import Ema
from fergan_core.models.judge import Architecture, JudgeNet


@dataclass(frozen=True)
class ClassifierRecipe:
    """How a judge is built and trained; every field is written to its card."""

    architecture: Architecture
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    full: int = 0  # channels of two convolutions at 48x48; 0 for one with stride 2
    features: int = 128
    dropout: float = 0.2
    learning_rate: float = 3e-3  # the peak of the one-cycle schedule
    warm_up: float = 0.25  # share of the training in which the rate rises to it
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    shift: float = 3.0  # pixels, each way
    rotation: float = 10.0  # degrees, each way
    zoom: float = 0.1  # share of the side, each way
    contrast: float = 0.0  # by how much contrast (a share) and brightness (of [-1,1]) change, each way
    cutout: int = 12  # side of the square, pixels; 0 for none
    mixup: float = 0.0  # alpha of the Beta distribution of the mixing share; 0 for none
    bootstrap: float = 0.0  # share of the averaged network's reading in the labels, reached after a third of the steps
    ema_decay: float = 0.998

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or not 1 <= self.features <= 128:
            raise UsageError(
                f"judge: widths {self.widths} and blocks {self.blocks} must be equally long, and features 1 to 128, "
                f"not {self.features}"
            )
        if 0 in self.blocks[0 if self.full else 1 :]:
            raise UsageError(f"judge: blocks {self.blocks} leave a stage without a block; give it one or more")


def one_cycle(done: float, warm_up: float) -> float:
    """Return the learning rate as a share of its peak, after a share `done` (0 to 1) of a training.

    Linear up over the share `warm_up`, then a cosine to zero (Smith & Topin 2018, arXiv:1708.07120).
    """
    if done < warm_up:
        return 0.04 + 0.96 * done / warm_up
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def bf16_pays(device: torch.device) -> bool:
    """Tell whether bfloat16 is computed by hardware on this device; elsewhere it is emulated and slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def move_randomly(images: Tensor, shift_px: float, rotation_degrees: float, zoom: float) -> Tensor:
    """Shift, rotate and zoom (a share) each face [B,1,H,W] by up to these, each way and uniformly; edges repeat."""
    draw = torch.rand(len(images), 4, device=images.device) * 2 - 1
    shift = draw[:, 2:] * (shift_px / images.shape[-1])
    angle = draw[:, 0] * math.radians(rotation_degrees)
    return transforms.move(images, shift, angle, 1 + draw[:, 1] * zoom, padding="border")


def relight_randomly(images: Tensor, strength: float) -> Tensor:
    """Change contrast (by a share) and brightness (of [-1,1]) of each face [B,1,H,W] by up to this, uniformly."""
    draw = (torch.rand(len(images), 2, device=images.device) * 2 - 1) * strength
    return transforms.relight(images, draw[:, 1], 1 + draw[:, 0]).clamp(-1, 1)


def cut_out_randomly(images: Tensor, side_px: int) -> Tensor:
    """Grey out one square, anywhere, in each face [B,1,H,W]."""
    centre = torch.rand(len(images), 2, device=images.device) * images.shape[-1]
    return transforms.cut_out(images, centre, side_px)


def mixing(count: int, alpha: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Draw for each of `count` faces a partner int64 [count], and the face's own share in the mix, float [count].

    The share is the larger of x and 1 - x, x from Beta(alpha, alpha) (mixup, arXiv:1710.09412, eq. 2): 0.5 to 1.
    """
    # On the CPU whatever the device: Beta takes no generator, and the CPU's is the one that is seeded alike everywhere.
    share = torch.distributions.Beta(alpha, alpha).sample((count,))
    return torch.randperm(count, device=device), torch.maximum(share, 1 - share).to(device)


def spread(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Turn labels int64 [B], or distributions float [B,classes], into smoothed distributions float [B,classes]."""
    hard = labels if labels.is_floating_point() else F.one_hot(labels, classes).float()
    return hard * (1 - smoothing) + smoothing / classes


class Classifier:
    """Learns emotions from labels int64 [B], or from people's votes as distributions float [B,7].

    Labels int64 [B,2] are (emotion, identity), and identities are learnt too. `average` is the exponential moving
    average of the network's weights and statistics, which becomes the judge. With `start`, a network's state by name,
    the training goes on from there.
    """

    networks: tuple[str, ...] = ("network", "average")

    def __init__(
        self,
        recipe: ClassifierRecipe,
        *,
        identities: int,
        steps: int,
        device: torch.device,
        seed: int,
        start: Mapping[str, Tensor] | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.recipe, self.steps, self.done, self.device = recipe, steps, 0, device
        self.bf16 = bf16_pays(device)

        def build() -> JudgeNet:
            network = JudgeNet(
                recipe.architecture,
                recipe.widths,
                recipe.blocks,
                recipe.features,
                identities,
                recipe.dropout,
                recipe.full,
            )
            return network.to(device).to(memory_format=torch.channels_last)

        self.network, self.average = build(), build()
        if start is not None:
            # A judge's file leaves out batch norm's counts of batches, which nothing reads.
            self.network.load_state_dict({name: value.float() for name, value in start.items()}, strict=False)
        # What is good already is left slowly, from the first step on.
        self._ema = Ema(self.network, self.average.eval(), recipe.ema_decay, fast_start=start is None)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=recipe.learning_rate,
            fused=True,
        )

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn from faces float [B,1,48,48] in [-1,1]; returns `loss` and the batch's `accuracy`."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * one_cycle(self.done / self.steps, self.recipe.warm_up)
        self.network.train()
        images = move_randomly(images, self.recipe.shift, self.recipe.rotation, self.recipe.zoom)
        if self.recipe.contrast:
            images = relight_randomly(images, self.recipe.contrast)
        if self.recipe.cutout:
            images = cut_out_randomly(images, self.recipe.cutout)
        emotions_known, identities_known = labels, None
        if labels.ndim == 2 and not labels.is_floating_point():
            emotions_known, identities_known = labels[:, 0], labels[:, 1]
        partner, share = None, torch.ones(len(images), device=self.device)
        if self.recipe.mixup:
            partner, share = mixing(len(images), self.recipe.mixup, self.device)
            images = torch.lerp(images[partner], images, share[:, None, None, None])
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            emotions, identities = self.network(images)
        loss = self._loss(emotions, emotions_known, partner, share, self._averaged_reading(images))
        if identities is not None and identities_known is not None:
            loss = loss + self._loss(identities, identities_known, partner, share, None)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.done += 1
        self._ema.follow(self.done)
        likeliest = emotions_known.argmax(1) if emotions_known.is_floating_point() else emotions_known
        return {"loss": loss.detach(), "accuracy": (emotions.detach().argmax(1) == likeliest).float().mean()}

    def _averaged_reading(self, images: Tensor) -> Tensor | None:
        """Return the averaged network's probabilities [B,7] of a batch; None where the recipe trusts labels alone."""
        if not self.recipe.bootstrap:
            return None
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            logits: Tensor = self.average(images)[0]
        return logits.float().softmax(1)

    def _loss(
        self, logits: Tensor, labels: Tensor, partner: Tensor | None, share: Tensor, averaged_reading: Tensor | None
    ) -> Tensor:
        """Cross-entropy against smoothed labels, mixed as the faces were, and moved towards the averaged reading.

        Soft bootstrapping against wrong labels (Reed et al. 2015, arXiv:1412.6596, eq. 6), the reading being the
        averaged network's (as in Tarvainen & Valpola 2017, arXiv:1703.01780), which varies less than the network's own.
        """
        targets = spread(labels, logits.shape[1], self.recipe.label_smoothing)
        if partner is not None:
            targets = torch.lerp(targets[partner], targets, share[:, None])
        if averaged_reading is not None:
            targets = torch.lerp(
                targets, averaged_reading, self.recipe.bootstrap * min(1.0, 3 * self.done / self.steps)
            )
        return F.cross_entropy(logits.float(), targets)

    def state_dict(self) -> dict[str, Any]:
        """Return networks and optimiser, and how many steps are done."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "done": self.done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = int(state["done"])
