"""What is measured of a GAN beside its losses: does D overfit or forget, how steep are the networks, how fast.

Nothing here changes the training: D is looked at in a copy, with batch statistics as in the game, and nothing is drawn
from the random numbers that the steps use.
"""

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from fergan_core.models.layers import ConditionalBatchNorm2d

Batch = tuple[Tensor, Tensor]  # faces [B,1,48,48] in [-1,1] and classes int64 [B]

OLD = 256  # earlier fakes that are kept
KEPT_AT_ONCE = 16
ITERATIONS = 2  # of the power method a measurement, each from where the last one ended


class Spectra:
    """The largest singular value of each weight matrix of a network, followed over a training.

    Convolutions as matrices [outputs, inputs x kernel], as spectral norm has them (arXiv:1802.05957, section 2.1); of
    a conditional batch norm the scales [classes, channels], whose rise goes before a rare class's collapse
    (arXiv:2208.09932).
    """

    def __init__(self, network: nn.Module, prefix: str) -> None:
        self._matrices = dict(_matrices(network, prefix))
        source = torch.Generator().manual_seed(0)
        self._right = {
            name: torch.randn(owner_matrix(*where).shape[1], generator=source).to(owner_matrix(*where).device)
            for name, where in self._matrices.items()
        }

    def state_dict(self) -> dict[str, Tensor]:
        """Return the vectors from which the next measurement goes on."""
        return dict(self._right)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take such a state."""
        self._right = {name: state[name].to(vector.device) for name, vector in self._right.items()}

    @torch.no_grad()
    def measure(self) -> dict[str, Tensor]:
        """Return `spectral_<network>/<layer>`: float, 0 and up."""
        found = {}
        for name, where in self._matrices.items():
            matrix, right = owner_matrix(*where).float(), self._right[name]
            for _ in range(ITERATIONS):
                left = nn.functional.normalize(matrix @ right, dim=0)
                right = nn.functional.normalize(matrix.T @ left, dim=0)
            self._right[name] = right
            found[f"spectral_{name}"] = (matrix @ right).norm()
        return found


def _matrices(network: nn.Module, prefix: str) -> Iterator[tuple[str, tuple[nn.Module, str]]]:
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            yield f"{prefix}/{name}", (layer, "weight")
        elif isinstance(layer, ConditionalBatchNorm2d):
            yield f"{prefix}/{name}", (layer.scale, "weight")


def owner_matrix(owner: nn.Module, name: str) -> Tensor:
    """Return a layer's weight as a matrix, outputs first; of a spectrally normed one the weight before the norm."""
    normed = parametrize.is_parametrized(owner, name)
    weight = owner.parametrizations[name].original if normed else getattr(owner, name)  # type: ignore[union-attr, index]
    assert isinstance(weight, Tensor)
    return (weight.transpose(0, 1) if isinstance(owner, nn.ConvTranspose2d) else weight).flatten(1)


@torch.no_grad()
def update_ratio(optimiser: torch.optim.Optimizer) -> Tensor:
    """Return the length of Adam's last update by that of all weights, 0-dim (Kingma & Ba 2015, algorithm 1)."""
    moved, size = [], []
    for group in optimiser.param_groups:
        beta1, beta2 = group["betas"]
        for parameter in group["params"]:
            state = optimiser.state[parameter]
            if not state:
                continue
            done = state["step"]
            first, second = state["exp_avg"] / (1 - beta1**done), state["exp_avg_sq"] / (1 - beta2**done)
            moved.append((group["lr"] * first / (second.sqrt() + group["eps"])).square().sum())
            size.append(parameter.square().sum())
    if not moved:
        return torch.zeros(())
    return (torch.stack(moved).sum() / torch.stack(size).sum()).sqrt()


class FakeHistory:
    """Some fakes of all of a training so far, to tell whether D forgets what it once knew: int8 [OLD,1,48,48].

    Each time KEPT_AT_ONCE new ones take places that go round, so that the OLD / KEPT_AT_ONCE last times are kept.
    """

    def __init__(self, device: torch.device) -> None:
        self.faces = torch.zeros(OLD, 1, 48, 48, dtype=torch.int8, device=device)
        self.classes = torch.zeros(OLD, dtype=torch.int64, device=device)
        self.times = 0

    def keep(self, faces: Tensor, classes: Tensor) -> None:
        """Keep the first of some fakes [B,1,48,48] in [-1,1] and their classes."""
        start = self.times * KEPT_AT_ONCE % OLD
        place = slice(start, start + KEPT_AT_ONCE)
        self.faces[place] = (faces[:KEPT_AT_ONCE] * 127).round().to(torch.int8)
        self.classes[place] = classes[:KEPT_AT_ONCE]
        self.times += 1

    def known(self) -> tuple[Tensor, Tensor]:
        """Return those kept so far, as faces in [-1,1], and their classes."""
        count = min(OLD, self.times * KEPT_AT_ONCE)
        return self.faces[:count].float() / 127, self.classes[:count]

    def state_dict(self) -> dict[str, Any]:
        """Return faces, classes and how often some were kept."""
        return {"faces": self.faces, "classes": self.classes, "times": self.times}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take such a state."""
        self.faces, self.classes = state["faces"].to(self.faces.device), state["classes"].to(self.classes.device)
        self.times = int(state["times"])


class DiscriminatorProbe:
    """Looks at D's logits of faces that the game does not show it, in a copy of D."""

    def __init__(self, discriminator: nn.Module) -> None:
        self._theirs, self._copy = discriminator, copy.deepcopy(discriminator).requires_grad_(False)

    @torch.no_grad()
    def logits(self, *batches: Batch) -> list[Tensor]:
        """Return D's logits [B] of each batch of faces and classes, each with its own batch statistics."""
        ours, theirs = self._copy.state_dict(), self._theirs.state_dict()
        torch._foreach_copy_([*ours.values()], [*theirs.values()])
        self._copy.train()
        found = []
        # Dropout draws random numbers; the steps' must not miss them.
        with torch.random.fork_rng(_devices(self._copy)):
            torch.manual_seed(0)
            for faces, classes in batches:
                logits = self._copy(faces, classes)
                found.append((logits if logits.ndim == 1 else logits[:, 0]).float())
        return found


def _devices(network: nn.Module) -> list[torch.device]:
    devices = {tensor.device for tensor in itertools.chain(network.parameters(), network.buffers())}
    return [device for device in devices if device.type == "cuda"]
