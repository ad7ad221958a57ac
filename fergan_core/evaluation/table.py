"""The table of scores that a task computes, one line for each family; a new metric adds one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.evaluation.faces import Reading
from fergan_core.evaluation.scoring_task import ScoringTask
from fergan_core.metrics import (
    bins,
    birthday,
    copying,
    diversity,
    frechet,
    inception_score,
    kernel,
    neighbours,
    vendi,
)
from fergan_core.metrics.intervals import Interval, interval_of_counts, interval_of_share

IS_SIZES = (100, 250, 500, 1000, 2500, 5000, 10_000)  # numbers of faces at which the Inception Score's bias is shown
_SPLITS = 10  # of the Inception Score, as papers have it

Scores = Iterator[tuple[str, Interval]]


@dataclass(frozen=True)
class Row:
    """One family of scores: what it needs, and whether it is for all emotions together or for one.

    `needs` 'nothing', 'labels' or 'real' (real faces); `each` and `all` say whether it is computed for one emotion and
    for all. `compute` yields (metric, interval).
    """

    compute: Callable[[ScoringTask], Scores]
    needs: str
    all: bool = True
    each: bool = True


def _inception(task: ScoringTask) -> Scores:
    score = inception_score.score(task.faces.logits, seed=task.seed)
    yield "is", score.inception_score
    yield "kl_nats", score.kl_nats
    yield "kl_ratio", score.kl_ratio
    for size in IS_SIZES:
        if size <= len(task.faces):
            starts = range(0, len(task.faces) - size + 1, size)
            scores = [inception_score.inception_score(task.faces.logits[at : at + size]) for at in starts]
            yield f"is_at_{size}", _plain(sum(scores) / len(scores))


def _splits(task: ScoringTask) -> Scores:
    least = _SPLITS * len(EMOTIONS)
    if len(task.faces) < least:
        # The Inception Score of n faces is at most n, so that of fewer than 7 cannot reach 7.
        raise UsageError(f"IS in ten splits: {len(task.faces)} faces give a split fewer than 7; score {least} or more")
    mean, std = inception_score.split_scores(task.faces.logits, _SPLITS)
    yield "is_split_mean", _plain(mean)
    yield "is_split_std", _plain(std)


def _accuracy(task: ScoringTask) -> Scores:
    assert task.faces.labels is not None
    hits = int((task.faces.logits.argmax(1) == task.faces.labels).sum())
    yield "accuracy", _share(hits, len(task.faces))


def _read_as(task: ScoringTask) -> Scores:
    read = torch.bincount(task.faces.logits.argmax(1), minlength=len(EMOTIONS)).tolist()
    for name, hits in zip(EMOTIONS, read, strict=True):
        yield f"read_as_{name}", _share(hits, len(task.faces))


def _frechet(task: ScoringTask) -> Scores:
    real = task.reference_set.statistics
    _check_covariance(task.size, real, "FID")
    yield "fid", _frechet_interval(task, real)


def _frechet_in_spaces(task: ScoringTask) -> Scores:
    title, real = "FID of pixels and of a random network", task.reference_set
    if not real.in_spaces:
        raise UsageError(f"{title}: the training faces are too few for principal axes")
    for space, statistics in real.in_spaces.items():
        _check_covariance(task.size, statistics, title)
        variance = float(statistics.covariance.trace())
        if variance == 0:
            raise UsageError(f"{title}: the training faces are all alike")
        yield f"fid_{space}", _frechet_interval(task, statistics, space, variance)


def _frechet_interval(
    task: ScoringTask, real: frechet.Statistics, space: str | None = None, unit: float = 1.0
) -> Interval:
    """Return the mean of the blocks' FIDs by their features in a space (None: the judge's), in a unit."""

    def score(block: Reading, groups: Tensor) -> tuple[float, Tensor]:
        features = block.features if space is None else block.spaces[space]
        value = frechet.fid_from_statistics(real, frechet.statistics(features))
        return value / unit, frechet.fid_without(real, features, groups) / unit

    return task.over_blocks(score, low=0.0)


def _standard_frechet(task: ScoringTask) -> Scores:
    _check_covariance(len(task.faces), task.reference_set.statistics, "FID")
    yield (
        "fid",
        _plain(frechet.fid_from_statistics(task.reference_set.statistics, frechet.statistics(task.faces.features))),
    )


def _check_covariance(faces: int, real: frechet.Statistics, title: str) -> None:
    """Raise UsageError where there are too few fakes or real faces for a covariance of full rank."""
    width, fewest = len(real.mean), min(faces, real.count)
    if fewest <= width:
        raise UsageError(f"{title}: {fewest} faces span no covariance of {width} features; see KID")


def _standard_kernel(task: ScoringTask) -> Scores:
    real, fake = task.reference_set.reference.features, task.faces.features
    size = min(1000, len(real), len(fake))
    yield "kid", _plain(kernel.kid_subsets(real, fake, size=size, seed=task.seed)[0])


def _frechet_infinity(task: ScoringTask) -> Scores:
    real, fake = task.reference_set.statistics, task.faces.features
    value = frechet.fid_infinity(real, fake, seed=task.seed)
    without = frechet.fid_infinity_without(real, fake, task.groups(len(fake)), seed=task.seed)
    yield "fid_infinity", task.of_blocks([(value, without)])


def _kernel(task: ScoringTask) -> Scores:
    def score(block: Reading, groups: Tensor) -> tuple[float, Tensor]:
        kid = kernel.jackknifed_kid(
            task.reference_set.reference.features, block.features, groups, real_mean=task.reference_set.kernel_mean
        )
        return kid.value, kid.without

    yield "kid", task.over_blocks(score)


def _neighbours(task: ScoringTask) -> Scores:
    of_blocks = [neighbours.neighbourhoods(task.manifold, block.features) for block in task.blocks]
    yield "precision", _share_of(torch.cat([scores.precision for scores in of_blocks]))
    yield "density", interval_of_counts(torch.cat([scores.density for scores in of_blocks]))
    yield "recall", neighbours.interval_of_reached([scores.recall for scores in of_blocks])
    yield "coverage", neighbours.interval_of_reached([scores.coverage for scores in of_blocks])


def _vendi(task: ScoringTask) -> Scores:
    yield (
        "vendi",
        task.over_blocks(
            lambda block, groups: (vendi.vendi(block.features), vendi.vendi_without(block.features, groups)), low=1.0
        ),
    )


def _different_bins(task: ScoringTask) -> Scores:
    bins.check_testable(task.reference_set.bins, len(task.blocks[0]))
    yield "ndb", task.of_blocks([(one.ndb, one.ndb_without) for one in task.binned], 0, 1)


def _divergence(task: ScoringTask) -> Scores:
    yield "js", task.of_blocks([(one.js, one.js_without) for one in task.binned], 0)


def _birthday(task: ScoringTask) -> Scores:
    of_blocks = [birthday.duplicates(block.features, task.reference_set.threshold) for block in task.blocks]
    share = sum(repeated.share for repeated in of_blocks) / len(of_blocks)
    yield "duplicates", birthday.interval_of_share(share, sum(map(len, task.blocks)))
    yield "support", _plain(sum(repeated.support for repeated in of_blocks) / len(of_blocks))


def _copying(task: ScoringTask) -> Scores:
    of_blocks = [
        copying.copying(task.reference_set.training_set, block.features, task.groups(len(block)))
        for block in task.blocks
    ]
    yield "ct", copying.interval_of_ct(of_blocks)
    yield "authenticity", _share_of(torch.cat([copied.authentic for copied in of_blocks]))


def _likeness(task: ScoringTask) -> Scores:
    likeness = diversity.ms_ssim_diversity(task.faces.images, task.groups(len(task.faces)), seed=task.seed)
    yield "ms_ssim", task.of_blocks([(likeness.value, likeness.without)], 0, 1)
    distance = diversity.jackknifed_distance(task.faces.features, task.groups(len(task.faces)))
    yield "distance", task.of_blocks([(distance.value, distance.without)], 0)


TABLE: tuple[Row, ...] = (
    Row(_inception, "nothing", each=False),
    Row(_splits, "nothing", each=False),
    Row(_accuracy, "labels"),
    Row(_read_as, "labels", all=False),
    Row(_frechet, "real"),
    Row(_frechet_in_spaces, "real"),
    Row(_frechet_infinity, "real", each=False),
    Row(_kernel, "real"),
    Row(_neighbours, "real"),
    Row(_vendi, "nothing"),
    Row(_different_bins, "real", each=False),
    Row(_divergence, "real", each=False),
    Row(_birthday, "real"),
    Row(_copying, "real", each=False),
    Row(_likeness, "nothing", all=False),
)

# By Inception-v3, as in papers: without intervals, as each covariance of 2048 features takes a minute.
STANDARD: tuple[Row, ...] = (
    Row(_inception, "nothing", each=False),
    Row(_splits, "nothing", each=False),
    Row(_standard_frechet, "real", each=False),
    Row(_standard_kernel, "real", each=False),
)


def scores_of(task: ScoringTask, rows: Sequence[Row], *, one_emotion: bool) -> tuple[dict[str, Interval], list[str]]:
    """Compute all rows that a task allows: the scores by metric, and why others are missing."""
    scores: dict[str, Interval] = {}
    omitted: list[str] = []
    for row in rows:
        applies = row.each if one_emotion else row.all
        if (
            not applies
            or (row.needs == "labels" and task.faces.labels is None)
            or (row.needs == "real" and not task.real)
        ):
            continue
        try:
            scores |= dict(row.compute(task))
        except UsageError as error:
            omitted.append(str(error))
    return scores, omitted


def _plain(value: float) -> Interval:
    """Return a value without an interval of its own."""
    return Interval(value, float("nan"), float("nan"))


def _share(hits: int, count: int) -> Interval:
    return interval_of_share(hits / count, count)


def _share_of(right: Tensor) -> Interval:
    """Return the share of faces, each 1 or 0, that have 1."""
    return interval_of_share(float(right.mean()), len(right))
