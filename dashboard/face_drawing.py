"""Faces of emotions and of mixed ones, drawn some at a time: a drawing can tell how far it is, and be cancelled."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from dashboard.face_client import FaceAnswer, Question, Tell
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.methods.one_pass import InOnePass
from fergan_core.methods.protocols import Generator, Samplable
from fergan_core.recipe import Sampling
from fergan_core.training.engine import to_bytes

_BATCH = 16  # faces drawn together: between two steps of them the drawing can be cancelled
_LEAST_SINE = 1e-4  # of the angle between two latents: below, the way along the sphere is not defined

_Draw = Callable[[Tensor, Tensor], Iterator[Tensor]]
"""(latents [n,...], emotions [n] or their shares [n,K]) -> the faces [n,1,48,48] so far, after each step."""


def draw(generator: Generator, question: Question, tell: Tell) -> FaceAnswer:
    """Draw one face a label; `each` faces in a row have latents of their own, the next ones the same again."""
    generator, labels = _sampled(generator, question), torch.tensor(question["labels"])
    each = question.get("each") or len(labels)
    latents = generator.latents(each, question["seed"])
    latents = torch.cat([latents] * -(-len(labels) // each))[: len(labels)]
    if isinstance(generator, Samplable):
        return _drawn(latents, labels, partial(_states, generator.path), generator.sampling.steps, tell)
    return _drawn(latents, labels, partial(_once, generator.generate), 1, tell)


def mixed(generator: Generator, question: Question, tell: Tell) -> FaceAnswer:
    """Draw faces between two latents and of mixed emotions.

    `latents` are drawn of the seed and multiplied by `truncation`; each of `mixtures` is a face: the places of two of
    them, the share of the second (0 to 1), and the shares of the emotions `labels`, which sum to 1.
    """
    generator = _sampled(generator, question)
    first, second, blends, parts = zip(*question["mixtures"], strict=True)
    all_latents = generator.latents(question["latents"], question["seed"]) * question["truncation"]
    latents = spherical(all_latents[list(first)], all_latents[list(second)], torch.tensor(blends))
    shares = torch.zeros(len(latents), len(generator.emotions))
    shares[:, [generator.emotions.index(EMOTIONS[code]) for code in question["labels"]]] = torch.tensor(parts).float()
    if isinstance(generator, Samplable):
        return _drawn(latents, shares, partial(_states, generator.mixed_path), generator.sampling.steps, tell)
    if not isinstance(generator, InOnePass):
        raise UsageError("this run's method cannot mix emotions; draw its faces on the page Checkpoints")
    return _drawn(latents, shares, partial(_once, generator.one_pass()), 1, tell)


def spherical(first: Tensor, second: Tensor, shares: Tensor) -> Tensor:
    """Return the latents [n,...] on the way from `first` to `second` by shares [n] of the second, 0 to 1.

    Along the sphere on which they lie (Shoemake 1985), or straight where that is not defined.
    """
    ends = first.flatten(1), second.flatten(1)
    share = shares[:, None].to(first)
    angle = torch.nn.functional.cosine_similarity(*ends).clamp(-1, 1).arccos()[:, None]
    sine = angle.sin()
    curved = sine > _LEAST_SINE
    of_first = torch.where(curved, ((1 - share) * angle).sin() / sine, 1 - share)
    of_second = torch.where(curved, (share * angle).sin() / sine, share)
    return (of_first * ends[0] + of_second * ends[1]).view_as(first)


def _sampled(generator: Generator, question: Question) -> Generator:
    """Return the generator with the sampling that is asked for, or as it is where none is."""
    if not question.get("sampling"):
        return generator
    if not isinstance(generator, Samplable):
        raise UsageError("this run draws a face in one pass, so there is no sampler to choose")
    return generator.resampled(Sampling(**question["sampling"]))


def _drawn(latents: Tensor, emotions: Tensor, draw_some: _Draw, steps: int, tell: Tell) -> FaceAnswer:
    faces = []
    for start in range(0, len(latents), _BATCH):
        part = slice(start, start + _BATCH)
        count = len(latents[part])
        for step, state in enumerate(draw_some(latents[part], emotions[part]), 1):
            images = state
            tell(start + count * min(step / steps, 1), len(latents))
        faces.append(to_bytes(images))
    return FaceAnswer(torch.cat(faces).numpy(), {})


def _states(
    path: Callable[[Tensor, Tensor], Iterator[tuple[Tensor, Tensor]]], latents: Tensor, emotions: Tensor
) -> Iterator[Tensor]:
    for state, _ in path(latents, emotions):
        yield state


@torch.inference_mode()
def _once(network: Callable[[Tensor, Tensor], Tensor], latents: Tensor, emotions: Tensor) -> Iterator[Tensor]:
    yield network(latents, emotions)
