"""Given faces found in a generator, and shown with its other emotions: expression transfer.

Generators of one pass are searched: for each face the best of CANDIDATES latents is moved by Adam. Such a generator
draws a face of nearly the same pose, light and features, but not the same person; so the given face is changed only
where the generator's other emotion differs from its own, as the attention masks of GANimation do (Pumarola et al. 2018,
arXiv:1807.09251, eq. 1), here without a network that learns them. Flow and diffusion need no search: their sampler is
run backwards with the face's emotion, which gives its noise, and forwards with another.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fergan_core.emotions import emotion_code
from fergan_core.errors import UsageError
from fergan_core.methods.one_pass import InOnePass, as_one_pass
from fergan_core.methods.protocols import Generator, Invertible
from fergan_core.metrics.spaces import random_weights
from fergan_core.training.engine import to_bytes, to_float

CANDIDATES = 1000
_BATCH = 100  # candidates drawn together: between two batches a search can be cancelled
STEPS, RATE = 150, 0.05  # Adam's
_PRIOR = 1e-3  # weight of the latents' mean square where they are normal, beside 1 for the pixels'
_TOLERANCE = 0.15  # difference of two emotions' pixels in [-1,1] at which 1/e of the given face is left
_NEIGHBOURS = 2  # pixels on each side over which that difference is averaged

OnProgress = Callable[[int, int], None]
"""Takes how many steps of how many are done; what it raises ends the search."""


@dataclass(frozen=True)
class FoundFaces:
    """n given faces as a generator of K emotions draws them.

    `latents` float [n,...]; `drawn` uint8 [n,K,48,48], the generator's own faces in each of its emotions; `shown` uint8
    [n,K,48,48], the given faces with each emotion (flow and diffusion draw them as they are given: the same as
    `drawn`). `errors` float [n] are root mean squares over the pixels of what the generator draws in a face's own
    emotion less the face, in greys of 0 to 255; `candidate_errors` those of the best of CANDIDATES latents, None where
    nothing was searched.
    """

    latents: Tensor
    drawn: Tensor
    shown: Tensor
    errors: Tensor
    candidate_errors: Tensor | None


def find_faces(
    generator: Generator,
    faces: Tensor,
    codes: Tensor,
    seed: int = 0,
    on_progress: OnProgress = lambda done, of: None,
) -> FoundFaces:
    """Find faces, uint8 [n,48,48], of FER2013 codes int64 [n] in a generator; the seed draws the candidates.

    Raises UsageError where the generator did not learn an emotion, or can neither be searched nor run backwards.
    """
    learned = [emotion_code(name) for name in generator.emotions]
    if any(code not in learned for code in codes.tolist()):
        raise UsageError(f"this run did not learn that emotion; choose one of {', '.join(generator.emotions)}")
    places = torch.tensor([learned.index(code) for code in codes.tolist()])
    one_pass = as_one_pass(generator)
    if one_pass is not None:
        return _searched(one_pass, faces, places, seed, on_progress)
    if isinstance(generator, Invertible):
        return _run_backwards(generator, faces, codes, places, on_progress)
    raise UsageError("this method's generator can neither be searched for a face nor run backwards; choose another run")


def changed_where_it_differs(faces: Tensor, own: Tensor, others: Tensor) -> Tensor:
    """Return given faces [n,1,48,48] with other expressions: [n,K,1,48,48], all pixels in [-1,1].

    `own` [n,1,48,48] is what a generator draws in a face's own emotion, `others` [n,K,1,48,48] in K emotions of the
    same latents. Where these two do not differ the face stays; the more they do, the more it is the generator's.
    """
    differences = (others - own.unsqueeze(1)).abs()
    padded = F.pad(differences.flatten(0, 1), (_NEIGHBOURS,) * 4, mode="replicate")
    around = F.avg_pool2d(padded, 2 * _NEIGHBOURS + 1, 1).view_as(others)
    kept = torch.exp(-((around / _TOLERANCE) ** 2))
    return (others + kept * (faces - own).unsqueeze(1)).clamp(-1, 1)


def greys_apart(faces: Tensor, others: Tensor) -> Tensor:
    """Return the root mean square differences of faces uint8 [n,48,48] from others, in greys of 0 to 255: float [n]."""
    return (faces.float() - others.float()).square().mean((1, 2)).sqrt()


def _searched(generator: InOnePass, faces: Tensor, places: Tensor, seed: int, on_progress: OnProgress) -> FoundFaces:
    """Find faces by search; `places` are those of their emotions among the generator's."""
    network, shares = generator.one_pass(), torch.eye(len(generator.emotions))
    target, own, rows = to_float(faces), shares[places], torch.arange(len(faces))
    candidates = generator.latents(CANDIDATES, seed).cpu()
    before, likeness = CANDIDATES // _BATCH * len(set(places.tolist())), _Likeness(target)
    total = before + STEPS
    start = _best_candidates(network, candidates, places, shares, likeness, lambda done: on_progress(done, total))
    latents = _moved(network, start, own, likeness, generator.normal, lambda done: on_progress(before + done, total))
    with torch.inference_mode():
        candidate_errors = greys_apart(to_bytes(network(start, own)), faces)
        everywhere = latents.repeat_interleave(len(shares), 0)
        drawn = network(everywhere, shares.repeat(len(faces), 1)).view(len(faces), len(shares), 1, 48, 48)
        shown = changed_where_it_differs(target, drawn[rows, places], drawn)
    in_bytes = _to_bytes(drawn)
    errors = greys_apart(in_bytes[rows, places], faces)
    return FoundFaces(latents, in_bytes, _to_bytes(shown), errors, candidate_errors)


@torch.inference_mode()
def _best_candidates(
    network: nn.Module,
    candidates: Tensor,
    places: Tensor,
    shares: Tensor,
    likeness: "_Likeness",
    on_batch: Callable[[int], None],
) -> Tensor:
    """Return for each face the latents [n,...] among the candidates that draw the face most like it."""
    best = torch.zeros(len(places), dtype=torch.int64)
    done = 0
    for place in sorted(set(places.tolist())):
        rows, distances = torch.nonzero(places == place)[:, 0], []
        for latents in torch.split(candidates, _BATCH):
            drawn = network(latents, shares[place].expand(len(latents), -1))
            distances.append(likeness.between(drawn, rows))
            done += 1
            on_batch(done)
        best[rows] = torch.cat(distances, 1).argmin(1)
    return candidates[best]


@torch.enable_grad()
def _moved(
    network: nn.Module, start: Tensor, own: Tensor, likeness: "_Likeness", normal: bool, on_step: Callable[[int], None]
) -> Tensor:
    """Move latents by Adam until their faces are like the given ones, and keep them where latents are drawn: normal
    ones are drawn towards 0, uniform ones stay within -1 and 1."""
    latents = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([latents], RATE)
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        loss = likeness(network(latents, own)).sum()
        if normal:
            loss = loss + _PRIOR * latents.square().flatten(1).mean(1).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if not normal:
            with torch.no_grad():
                latents.clamp_(-1, 1)
        on_step(step + 1)
    return latents.detach()


class _Likeness:
    """How far faces are from given ones [n,1,48,48]: mean squares in pixels, and in what the convolutions of a fixed
    random network make of them. It knows no emotion and no person, so that a judge can say whether these stay."""

    def __init__(self, faces: Tensor) -> None:
        self._targets = _layers(faces)

    def __call__(self, faces: Tensor) -> Tensor:
        """Return the distance of each of the faces [n,1,48,48] from its own given one: [n]."""
        pairs = zip(_layers(faces), self._targets, strict=True)
        return _weighted([(one - other).square().flatten(1).mean(1) for one, other in pairs])

    def between(self, faces: Tensor, rows: Tensor) -> Tensor:
        """Return the distances of given faces, by their rows int64 [r], from all faces [m,1,48,48]: [r,m]."""
        pairs = [
            (one.flatten(1), other[rows].flatten(1)) for one, other in zip(_layers(faces), self._targets, strict=True)
        ]
        return _weighted([torch.cdist(other, one).square() / one.shape[1] for one, other in pairs])


def _layers(faces: Tensor) -> list[Tensor]:
    layers = [faces]
    for weight in random_weights()[:-1]:
        layers.append(F.relu(F.conv2d(layers[-1], weight, stride=2, padding=weight.shape[-1] // 2)))
    return layers


def _weighted(distances: list[Tensor]) -> Tensor:
    pixels, *layers = distances
    return pixels + torch.stack(layers).mean(0)


@torch.inference_mode()
def _run_backwards(
    generator: Invertible, faces: Tensor, codes: Tensor, places: Tensor, on_progress: OnProgress
) -> FoundFaces:
    """Find faces by the sampler run backwards, and draw them forwards in every emotion."""
    emotions = torch.tensor([emotion_code(name) for name in generator.emotions])
    steps, count = generator.sampling.steps, len(emotions)
    latents = drawn = torch.empty(0)
    for done, state in enumerate(generator.path_back(to_float(faces), codes), 1):
        latents = state
        on_progress(min(done, steps), 2 * steps)
    everywhere = generator.path(latents.repeat_interleave(count, 0), emotions.repeat(len(faces)))
    for done, (state, _) in enumerate(everywhere, steps + 1):
        drawn = state
        on_progress(min(done, 2 * steps), 2 * steps)
    in_bytes = _to_bytes(drawn.view(len(faces), count, 1, 48, 48))
    errors = greys_apart(in_bytes[torch.arange(len(faces)), places], faces)
    return FoundFaces(latents.cpu(), in_bytes, in_bytes, errors, None)


def _to_bytes(faces: Tensor) -> Tensor:
    """Turn faces [n,K,1,48,48] in [-1,1] into uint8 [n,K,48,48] on the CPU."""
    return to_bytes(faces.flatten(0, 1)).view(*faces.shape[:2], 48, 48).cpu()
