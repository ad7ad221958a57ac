"""What is measured of a training beside its losses: does D overfit or forget, spectral norms, the size of updates.

Nothing here changes the training: D is evaluated in a copy, with batch statistics as in training, and no random numbers
are taken from those of the steps.
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

HISTORY_SIZE = 256  # earlier fakes
ADDED_AT_ONCE = 16
ITERATIONS = 2  # of the power method in a measurement; the next goes on from their vectors


class Spectra:
    """The largest singular value of each weight matrix of a network, followed over a training.

    A convolution is the matrix [outputs, inputs x kernel], as in spectral norm (arXiv:1802.05957, section 2.1); of a
    conditional batch norm it is the scales [classes, channels], whose growth precedes the collapse of a rare class
    (arXiv:2208.09932).
    """

    def __init__(self, network: nn.Module, prefix: str) -> None:
        self._matrices = dict(_matrices(network, prefix))
        source = torch.Generator().manual_seed(0)
        self._right_vectors: dict[str, Tensor] = {}
        for name, owner_and_name in self._matrices.items():
            matrix = owner_matrix(*owner_and_name)
            self._right_vectors[name] = torch.randn(matrix.shape[1], generator=source).to(matrix.device)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the vectors from which the next measurement goes on."""
        return dict(self._right_vectors)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load what `state_dict` returned."""
        self._right_vectors = {name: state[name].to(vector.device) for name, vector in self._right_vectors.items()}

    @torch.no_grad()
    def measure(self) -> dict[str, Tensor]:
        """Return `spectral_<network>/<layer>`: float, 0 and up."""
        scalars = {}
        for name, owner_and_name in self._matrices.items():
            matrix, right_vector = owner_matrix(*owner_and_name).float(), self._right_vectors[name]
            for _ in range(ITERATIONS):
                left_vector = nn.functional.normalize(matrix @ right_vector, dim=0)
                turned = nn.functional.normalize(matrix.T @ left_vector, dim=0)
                # A matrix that is still 0 would leave a vector of 0, from which no iteration finds a way.
                right_vector = torch.where(turned.any(), turned, right_vector)
            self._right_vectors[name] = right_vector
            scalars[f"spectral_{name}"] = (matrix @ right_vector).norm()
        return scalars


def _matrices(network: nn.Module, prefix: str) -> Iterator[tuple[str, tuple[nn.Module, str]]]:
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            yield f"{prefix}/{name}", (layer, "weight")
        elif isinstance(layer, ConditionalBatchNorm2d):
            yield f"{prefix}/{name}", (layer.scale, "weight")


def owner_matrix(owner: nn.Module, name: str) -> Tensor:
    """Return a layer's weight as a matrix, outputs first; under spectral norm the weight before normalisation."""
    normed = parametrize.is_parametrized(owner, name)
    weight = owner.parametrizations[name].original if normed else getattr(owner, name)  # type: ignore[union-attr, index]
    assert isinstance(weight, Tensor)
    return (weight.transpose(0, 1) if isinstance(owner, nn.ConvTranspose2d) else weight).flatten(1)


@torch.no_grad()
def update_ratio(optimiser: torch.optim.Optimizer) -> Tensor:
    """Return the norm of Adam's last update by that of all weights, 0-dim (Kingma & Ba 2015, algorithm 1)."""
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
    """Fakes of earlier steps, int8 [256,1,48,48], to tell whether D forgets what it once recognised.

    A ring buffer: ADDED_AT_ONCE new ones take the place of the oldest each time.
    """

    def __init__(self, device: torch.device) -> None:
        self.faces = torch.zeros(HISTORY_SIZE, 1, 48, 48, dtype=torch.int8, device=device)
        self.classes = torch.zeros(HISTORY_SIZE, dtype=torch.int64, device=device)
        self.times = 0

    def add(self, faces: Tensor, classes: Tensor) -> None:
        """Add the first of some fakes [B,1,48,48] in [-1,1] and their classes; fewer than are due are repeated."""
        start = self.times * ADDED_AT_ONCE % HISTORY_SIZE
        place = slice(start, start + ADDED_AT_ONCE)
        index = torch.arange(ADDED_AT_ONCE, device=faces.device) % len(faces)
        self.faces[place] = (faces[index] * 127).round().to(torch.int8)
        self.classes[place] = classes[index]
        self.times += 1

    def earlier(self) -> tuple[Tensor, Tensor]:
        """Return the fakes so far, as faces in [-1,1], and their classes."""
        count = min(HISTORY_SIZE, self.times * ADDED_AT_ONCE)
        return self.faces[:count].float() / 127, self.classes[:count]

    def state_dict(self) -> dict[str, Any]:
        """Return faces, classes and how often some were added."""
        return {"faces": self.faces, "classes": self.classes, "times": self.times}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.faces, self.classes = state["faces"].to(self.faces.device), state["classes"].to(self.classes.device)
        self.times = int(state["times"])


class DiscriminatorProbe:
    """Computes D's logits of faces outside of the training's steps, in a copy of D."""

    def __init__(self, discriminator: nn.Module) -> None:
        self._discriminator, self._copy = discriminator, copy.deepcopy(discriminator).requires_grad_(False)

    @torch.no_grad()
    def logits(self, *batches: Batch) -> list[Tensor]:
        """Return D's logits [B] of each batch of faces and classes, each with its own batch statistics."""
        copied, current = self._copy.state_dict(), self._discriminator.state_dict()
        torch._foreach_copy_([*copied.values()], [*current.values()])
        self._copy.train()
        logits_of_batches = []
        # Dropout draws random numbers; the steps' must not miss them.
        with torch.random.fork_rng(_devices(self._copy)):
            torch.manual_seed(0)
            for faces, classes in batches:
                logits = self._copy(faces, classes)
                logits_of_batches.append((logits if logits.ndim == 1 else logits[:, 0]).float())
        return logits_of_batches


def _devices(network: nn.Module) -> list[torch.device]:
    devices = {tensor.device for tensor in itertools.chain(network.parameters(), network.buffers())}
    return [device for device in devices if device.type == "cuda"]
