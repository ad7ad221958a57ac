"""Scores that need more than a judge's reading: true modes, a trained classifier, a generator's derivatives."""

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

LATENTS = 64  # whose Jacobians are computed
_LIKELIHOOD_FACES = 128  # real faces whose likelihood is taken: a minute on two cores


def true_modes(real_faces: RealFaces, judge: Judge) -> Modes | None:
    """Return synthfer's true modes by its training faces; None for data or a judge without identities."""
    if "identity" not in real_faces.dataset.factors or not judge.reads_identities:
        return None
    train = real_faces.train
    assert train.labels is not None
    return Modes(train.features, torch.from_numpy(real_faces.identities), train.labels)


def modes_found(task: ScoringTask, modes: Modes, judge: Judge) -> Interval:
    """Count the true modes that a task's faces show, as a mean over its blocks with an interval."""

    def score(block: Reading, groups: Tensor) -> tuple[float, Tensor]:
        identities = judge.identities(block.features).argmax(1)
        face_modes = modes.shown(block.features, block.logits.argmax(1), identities)
        return float(len(set(face_modes[face_modes >= 0].tolist()))), count_without(face_modes, groups)

    return task.over_blocks(score, 0, MODES)


def log_condition(generator: Generator, labels: Tensor, seed: int) -> Interval | None:
    """Return the mean log condition number of a generator's Jacobian; None where its faces have no derivatives.

    `labels` int64 [N] are the emotions that the protocol requests, in the protocol's order; the first 64 count, so that
    all generators are measured at the same latents and emotions.
    """
    if not isinstance(generator, Differentiable):
        return None
    return interval_of_mean(log_conditions(generator, labels[:LATENTS], seed))


def bits_per_dim(generator: Generator, report: Reading, codes: Sequence[int], seed: int) -> dict[str, Interval]:
    """Return the negative log-likelihood of unseen faces, in bits per pixel of 256 greys; {} without a density.

    It is that of 128 faces of these emotions with uniform noise added within each grey (Theis et al. 2016,
    arXiv:1511.01844, section 3.1), an upper bound. The interval is over the faces; `bits_per_dim_error` is the standard
    error of the divergence's estimator alone, from the spread of its probes.
    """
    if not isinstance(generator, Dense) or report.labels is None:
        return {}
    source = torch.Generator().manual_seed(seed)
    eligible = torch.isin(report.labels, torch.tensor(list(codes))).nonzero()[:, 0]
    index = eligible[torch.randperm(len(eligible), generator=source)[:_LIKELIHOOD_FACES]]
    images, labels = report.images[index].unsqueeze(1), report.labels[index]
    places = torch.rand(images.shape, generator=source)
    log_likelihoods = generator.log_likelihood((images + places) / 127.5 - 1, labels, seed)
    if log_likelihoods is None:
        return {}
    pixels = images[0].numel()
    bits = -log_likelihoods.double().cpu() / (pixels * math.log(2)) + math.log2(127.5)
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
    """Return CAS and CAS gain by metric and emotion: interval, real faces' value, noise's value.

    Real faces are the same number of training faces in the same label prior, or as many as there are.
    """
    train, report = real_faces.train, real_faces.report
    assert train.labels is not None
    assert report.labels is not None
    index = torch.from_numpy(keeping_prior(train.labels.numpy(), codes, shares, len(faces.images), seed))
    real = Faces(train.images[index], train.labels[index])
    eligible = torch.isin(report.labels, torch.tensor(list(codes)))
    test_faces = Faces(report.images[eligible], report.labels[eligible])
    of_fakes = cas_and_gain(faces, real, test_faces, seed=seed, device=device)
    of_real = accuracy_after(real, test_faces, seed=seed, device=device)
    of_noise = accuracy_after(null, test_faces, seed=seed, device=device)
    scores: dict[tuple[str, str | None], tuple[Interval, float | None, float | None]] = {
        ("cas", name): (interval, of_real[name].value, of_noise[name].value) for name, interval in of_fakes.cas.items()
    }
    return scores | {("cas_gain", name): (interval, None, None) for name, interval in of_fakes.gain.items()}
