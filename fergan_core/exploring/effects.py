"""What changes along directions: what a judge reads, how bright faces are, and how much they change at all."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.emotions import EMOTIONS
from fergan_core.exploring.directions import Directions, Walker, codes_in_turn
from fergan_core.judges.judge import Judge
from fergan_core.metrics.diversity import ms_ssim
from fergan_core.metrics.intervals import Interval, interval_of_mean
from fergan_core.training.engine import to_bytes

FACES = 100
SHIFT = 3.0  # units to either side, between which changes are measured


@dataclass(frozen=True)
class Effect:
    """What changes along a direction, means over faces with 95 % intervals.

    emotions     the judge's probability of each emotion, change per unit of shift
    brightness   the faces' mean grey, black 0 and white 1, change per unit of shift
    difference   1 less the MS-SSIM of the faces moved SHIFT units to either side: 0 where no line or shape changes, up
                 to 1; a change of brightness alone hardly counts
    """

    emotions: dict[str, Interval]
    brightness: Interval
    difference: Interval


@torch.inference_mode()
def effects(
    walker: Walker,
    directions: Directions,
    judge: Judge,
    *,
    count: int = FACES,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Effect]:
    """Return what changes along each direction, on `count` faces of all emotions in turn, the same for each."""
    latents, labels = walker.latents(count, seed), codes_in_turn(walker.emotions, count)
    found = []
    for place in range(len(directions)):
        ends = [moved(walker, directions, latents, labels, place, by) for by in (-SHIFT, SHIFT)]
        before, after = (judge.read(faces)[0].softmax(1) for faces in ends)
        slopes = (after - before) / (2 * SHIFT)
        greys = [faces.double().mean((1, 2)) / 255 for faces in ends]
        found.append(
            Effect(
                {name: interval_of_mean(slopes[:, code]) for code, name in enumerate(EMOTIONS)},
                interval_of_mean((greys[1] - greys[0]) / (2 * SHIFT)),
                interval_of_mean(1 - ms_ssim(*ends)),
            )
        )
        on_progress(place + 1, len(directions))
    return found


def moved(
    walker: Walker, directions: Directions, latents: Tensor, labels: Tensor, place: int, by: float | Tensor
) -> Tensor:
    """Return faces uint8 [n,48,48] moved along the direction at a place by so many units, for all or each [n]."""
    shifts = torch.zeros(len(latents), len(directions))
    shifts[:, place] = by
    return to_bytes(walker.faces(latents, labels, directions, shifts))
