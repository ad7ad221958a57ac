"""Scores that need more than a judge's reading: true modes, a classifier's training, a generator's derivatives."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from fergan_core.evaluation.cas import accuracy_after, cas_and_gain
from fergan_core.evaluation.faces import Faces, Reading
from fergan_core.evaluation.jacobian import log_conditions
from fergan_core.evaluation.protocol import keeping_prior
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.evaluation.scoring_task import ScoringTask
from fergan_core.judges.judge import Judge
from fergan_core.methods.protocols import Dense, Differentiable, Generator
from fergan_core.metrics.intervals import Interval, interval_of_mean
from fergan_core.metrics.modes import MODES, Modes, count_without

_LATENTS = 64  # whose Jacobians are taken
_SEEN = 128  # real faces whose likelihood is taken: a minute on two cores


def true_modes(real_faces: RealFaces, judge: Judge) -> Modes | None:
    """Return synthfer's true modes by its training faces; None for data or a judge that know no identities."""
    if "identity" not in real_faces.dataset.factors or not judge.reads_identities:
        return None
    train = real_faces.train
    assert train.labels is not None
    return Modes(train.features, torch.from_numpy(real_faces.identities), train.labels)


def modes_found(task: ScoringTask, modes: Modes, judge: Judge) -> Interval:
    """Count the true modes among a task's faces, in blocks of real faces' number, with its interval."""

    def score(block: Reading, groups: Tensor) -> tuple[float, Tensor]:
        who = judge.identities(block.features).argmax(1)
        shown = modes.shown(block.features, block.logits.argmax(1), who)
        return float(len(set(shown[shown >= 0].tolist()))), count_without(shown, groups)

    return task.over_blocks(score, 0, MODES)


def log_condition(generator: Generator, labels: Tensor, seed: int) -> Interval | None:
    """Return the mean log condition number of a generator's Jacobian; None where its faces have no derivatives.

    `labels` int64 [N] are the emotions that the protocol requests, in the protocol's order; the first 64 count, so that
    all generators are measured at the same latents and emotions.
    """
    if not isinstance(generator, Differentiable):
        return None
    return interval_of_mean(log_conditions(generator, labels[:_LATENTS], seed))


def bits_per_dim(generator: Generator, report: Reading, codes: Sequence[int], seed: int) -> dict[str, Interval]:
    """Return how surprising unseen faces are to a generator that has a density: bits a pixel of 256 greys.

    Of _SEEN faces of these emotions, each at a random place within its grey (Theis et al. 2016, arXiv:1511.01844,
    section 3.1), which makes it an upper bound. The interval is over the faces; `bits_per_dim_error` is the standard
    error that the divergence's estimator alone has, by its probes' spread.
    """
    if not isinstance(generator, Dense) or report.labels is None:
        return {}
    source = torch.Generator().manual_seed(seed)
    known = torch.isin(report.labels, torch.tensor(list(codes))).nonzero()[:, 0]
    index = known[torch.randperm(len(known), generator=source)[:_SEEN]]
    images, labels = report.images[index].unsqueeze(1), report.labels[index]
    places = torch.rand(images.shape, generator=source)
    found = generator.log_likelihood((images + places) / 127.5 - 1, labels, seed)
    if found is None:
        return {}
    pixels = images[0].numel()
    bits = -found.double().cpu() / (pixels * math.log(2)) + math.log2(127.5)
    error = float(bits.mean(1).std()) / math.sqrt(len(bits))
    return {"bits_per_dim": interval_of_mean(bits.mean(0)), "bits_per_dim_error": Interval(error, math.nan, math.nan)}


def cas_scores(
    faces: Faces,
    null: Faces,
    real_faces: RealFaces,
    codes: Sequence[int],
    shares: Sequence[float],
    seed: int,
    device: torch.device,
) -> dict[tuple[str, str | None], tuple[Interval, float | None, float | None]]:
    """Return CAS and what the faces add to real ones, by metric and emotion: interval, real faces' value, noise's.

    Real faces are as many training faces in the same label prior, or as there are.
    """
    train, report = real_faces.train, real_faces.report
    assert train.labels is not None
    assert report.labels is not None
    index = torch.from_numpy(keeping_prior(train.labels.numpy(), codes, shares, len(faces.images), seed))
    real = Faces(train.images[index], train.labels[index])
    known = torch.isin(report.labels, torch.tensor(list(codes)))
    tried = Faces(report.images[known], report.labels[known])
    found = cas_and_gain(faces, real, tried, seed=seed, device=device)
    of_real = accuracy_after(real, tried, seed=seed, device=device)
    of_noise = accuracy_after(null, tried, seed=seed, device=device)
    scores: dict[tuple[str, str | None], tuple[Interval, float | None, float | None]] = {
        ("cas", name): (interval, of_real[name].value, of_noise[name].value) for name, interval in found.cas.items()
    }
    return scores | {("cas_gain", name): (interval, None, None) for name, interval in found.gain.items()}
