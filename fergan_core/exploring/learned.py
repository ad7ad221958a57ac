"""Directions learned without labels (Voynov & Babenko 2020, arXiv:2002.03754).

Directions a_1 to a_K in the space of latents are learned together with a reconstructor, which sees a face G(z) beside
the moved G(z + eps a_k) and tells k and eps. It can where each direction changes faces in a way of its own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from fergan_core.errors import CheckpointError
from fergan_core.exploring.directions import MOST_SHIFT, Directions, Walker, codes_in_turn
from fergan_core.training.checkpoint import write_atomically

COUNT, STEPS = 12, 1_000
LEAST_SHIFT = 0.5  # a smaller shift cannot be told (section 4.1)
_SHIFT_WEIGHT = 0.25  # of the shift's error beside the cross entropy (section 4.1)
_BATCH = 32
_RATE, _DIRECTIONS_RATE = 1e-3, 1e-2  # of Adam: a tenth of the usual number of steps shall do
_CHECKED = 16  # batches by which the reconstructor is measured at the end
_KEY = "fergan"

OnProgress = Callable[[int, int], None]
"""Takes how many steps of how many are done; an error that it raises ends the learning."""


@dataclass(frozen=True)
class Learned:
    """Learned directions in the space of latents, the one that is told most often first.

    `told` [K] is the share of faces moved along each in which the reconstructor tells that direction, on latents that
    it did not learn from, and `shift_error` by how many units it misses the shift on average. Chance is 1 / K.
    """

    directions: Directions
    told: tuple[float, ...]
    shift_error: float
    steps: int
    seed: int


class Reconstructor(nn.Module):
    """A LeNet with batch norm on a face and the moved face as two channels (section 4.1), both halved to 24x24 pixels.

    [B,2,48,48] -> logits of the directions [B,K] and the shift in units [B]. At the full size it would take most of the
    time, and a LeNet is made for pictures of 32x32.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.AvgPool2d(2)]
        for inputs, outputs in ((2, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(inputs, outputs, 5, padding=2), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 3 * 3, 128), nn.BatchNorm1d(128), nn.ReLU())
        self.which = nn.Linear(128, count)
        self.shift = nn.Linear(128, 1)

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(pairs)
        return self.which(features), self.shift(features).squeeze(1)


def learn(
    walker: Walker, count: int = COUNT, *, steps: int = STEPS, seed: int = 0, on_progress: OnProgress = lambda *_: None
) -> Learned:
    """Learn `count` orthonormal directions, from random ones on, in `steps` batches; the same seed gives the same.

    No more directions than a latent has numbers. Minutes on a CPU.
    """
    size, unit = walker.latents(1, 0).numel(), walker.unit("latents")
    count = min(count, size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        matrix = parametrizations.orthogonal(nn.Linear(count, size, bias=False))
        reconstructor = Reconstructor(count)
    optimiser = torch.optim.Adam(
        [{"params": matrix.parameters(), "lr": _DIRECTIONS_RATE}, {"params": reconstructor.parameters(), "lr": _RATE}]
    )
    source = torch.Generator().manual_seed(seed)
    for step in range(steps):
        which, shifts = _drawn_shifts(count, source)
        directions = _as_directions(matrix, unit)
        logits, told = reconstructor(_pairs(walker, directions, which, shifts, source))
        loss = F.cross_entropy(logits, which) + _SHIFT_WEIGHT * (told - shifts).abs().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        on_progress(step + 1, steps)
    with torch.no_grad():
        directions = _as_directions(matrix, unit)
    told_shares, error = _measured(walker, directions, reconstructor, source)
    order = told_shares.argsort(descending=True, stable=True)
    best_first = Directions("latents", directions.vectors[order], unit)
    return Learned(best_first, tuple(told_shares[order].tolist()), error, steps, seed)


def save_learned(path: Path, learned: Learned) -> None:
    """Write learned directions as a safetensors file, whole or not at all; CheckpointError where it cannot be."""
    facts = {name: getattr(learned, name) for name in ("told", "shift_error", "steps", "seed")}
    header = {_KEY: json.dumps({**facts, "unit": learned.directions.unit}, sort_keys=True)}
    write_atomically(path, save({"vectors": learned.directions.vectors.contiguous()}, header))


def load_learned(path: Path, walker: Walker) -> Learned:
    """Read what `save_learned` wrote of a generator; CheckpointError where it is missing, damaged or another's."""
    try:
        with safe_open(path, "pt", device="cpu") as file:
            vectors = file.get_tensor("vectors").clone()
            facts = json.loads((file.metadata() or {})[_KEY])
        directions = Directions("latents", vectors, float(facts["unit"]))
        learned = Learned(directions, tuple(facts["told"]), facts["shift_error"], facts["steps"], facts["seed"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path.name} cannot be read ({error}); learn the directions again") from None
    if vectors.ndim != 2 or vectors.shape[1] != walker.latents(1, 0).numel():
        raise CheckpointError(f"{path.name} holds directions of another generator; learn the directions again")
    return learned


def _as_directions(matrix: nn.Module, unit: float) -> Directions:
    """Return the columns of a layer of K inputs and as many outputs as a latent has numbers."""
    weight = matrix.weight
    assert isinstance(weight, Tensor)
    return Directions("latents", weight.T, unit)


def _drawn_shifts(count: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw a batch of directions int64 [B] and shifts [B] of LEAST_SHIFT to MOST_SHIFT units to either side."""
    which = torch.randint(count, (_BATCH,), generator=source)
    shifts = (2 * torch.rand(_BATCH, generator=source) - 1) * MOST_SHIFT
    return which, torch.where(shifts < 0, shifts.clamp(max=-LEAST_SHIFT), shifts.clamp(min=LEAST_SHIFT))


def _pairs(walker: Walker, directions: Directions, which: Tensor, shifts: Tensor, source: torch.Generator) -> Tensor:
    """Draw faces of all emotions and the same moved by `shifts` along the directions `which`: [B,2,48,48]."""
    seed = int(torch.randint(2**31, (), generator=source))
    latents, labels = walker.latents(_BATCH, seed), codes_in_turn(walker.emotions, _BATCH)
    moves = F.one_hot(which, len(directions)) * shifts[:, None]
    with torch.no_grad():
        faces = walker.faces(latents, labels, directions, torch.zeros_like(moves))
    return torch.cat((faces, walker.faces(latents, labels, directions, moves)), 1)


@torch.no_grad()
def _measured(
    walker: Walker, directions: Directions, reconstructor: Reconstructor, source: torch.Generator
) -> tuple[Tensor, float]:
    """Return the share of faces moved along each direction of which it is told [K], and the shifts' mean error."""
    reconstructor.eval()
    hits, seen = torch.zeros(len(directions)), torch.zeros(len(directions))
    errors: list[Tensor] = []
    for _ in range(_CHECKED):
        which, shifts = _drawn_shifts(len(directions), source)
        logits, told = reconstructor(_pairs(walker, directions, which, shifts, source))
        seen += torch.bincount(which, minlength=len(directions))
        hits += torch.bincount(which[logits.argmax(1) == which], minlength=len(directions))
        errors.append((told - shifts).abs())
    return hits / seen.clamp(min=1), float(torch.cat(errors).mean())
