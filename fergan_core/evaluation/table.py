"""The table of scores: what is computed of a task, one line a family. A new metric is one line more."""

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

IS_SIZES = (100, 250, 500, 1000, 2500, 5000, 10_000)  # faces at which the Inception Score's bias is shown
_SPLITS = 10  # of the Inception Score, as papers have it

Found = Iterator[tuple[str, Interval]]


@dataclass(frozen=True)
class Row:
    """One family of scores: of what it is computed, for all emotions together or for one, and what it needs.

    `needs` 'nothing', 'labels' or 'real' (real faces); `each` and `all` tell whether it is given of one emotion
    and of all. `compute` yields (metric, interval).
    """

    compute: Callable[[ScoringTask], Found]
    needs: str
    all: bool = True
    each: bool = True


def _inception(task: ScoringTask) -> Found:
    found = inception_score.score(task.faces.logits, seed=task.seed)
    yield "is", found.inception_score
    yield "kl_nats", found.kl_nats
    yield "kl_ratio", found.kl_ratio
    for size in IS_SIZES:
        if size <= len(task.faces):
            starts = range(0, len(task.faces) - size + 1, size)
            scores = [inception_score.inception_score(task.faces.logits[at : at + size]) for at in starts]
            yield f"is_at_{size}", _plain(sum(scores) / len(scores))


def _splits(task: ScoringTask) -> Found:
    least = _SPLITS * len(EMOTIONS)
    if len(task.faces) < least:
        # The score of n faces is at most n, whatever they show.
        raise UsageError(f"IS in ten splits: {len(task.faces)} faces give a split fewer than 7; score {least} or more")
    mean, std = inception_score.split_scores(task.faces.logits, _SPLITS)
    yield "is_split_mean", _plain(mean)
    yield "is_split_std", _plain(std)


def _accuracy(task: ScoringTask) -> Found:
    assert task.faces.labels is not None
    hits = int((task.faces.logits.argmax(1) == task.faces.labels).sum())
    yield "accuracy", _share(hits, len(task.faces))


def _read_as(task: ScoringTask) -> Found:
    read = torch.bincount(task.faces.logits.argmax(1), minlength=len(EMOTIONS)).tolist()
    for name, hits in zip(EMOTIONS, read, strict=True):
        yield f"read_as_{name}", _share(hits, len(task.faces))


def _frechet(task: ScoringTask) -> Found:
    real = task.reference_set.statistics
    _check_covariance(task.size, real)
    yield (
        "fid",
        task.over_blocks(
            lambda block, groups: (
                frechet.fid_from_statistics(real, frechet.statistics(block.features)),
                frechet.fid_without(real, block.features, groups),
            ),
            low=0.0,
        ),
    )


def _standard_frechet(task: ScoringTask) -> Found:
    _check_covariance(len(task.faces), task.reference_set.statistics)
    yield (
        "fid",
        _plain(frechet.fid_from_statistics(task.reference_set.statistics, frechet.statistics(task.faces.features))),
    )


def _check_covariance(faces: int, real: frechet.Statistics) -> None:
    """Raise UsageError where so few fakes or real faces leave directions of the features without any variance."""
    width, fewest = len(real.mean), min(faces, real.count)
    if fewest <= width:
        raise UsageError(f"FID: {fewest} faces span no covariance of {width} features; see KID")


def _standard_kernel(task: ScoringTask) -> Found:
    real, fake = task.reference_set.reference.features, task.faces.features
    size = min(1000, len(real), len(fake))
    yield "kid", _plain(kernel.kid_subsets(real, fake, size=size, seed=task.seed)[0])


def _frechet_infinity(task: ScoringTask) -> Found:
    real, fake = task.reference_set.statistics, task.faces.features
    value = frechet.fid_infinity(real, fake, seed=task.seed)
    without = frechet.fid_infinity_without(real, fake, task.groups(len(fake)), seed=task.seed)
    yield "fid_infinity", task.of_blocks([(value, without)])


def _kernel(task: ScoringTask) -> Found:
    def score(block: Reading, groups: Tensor) -> tuple[float, Tensor]:
        found = kernel.jackknifed_kid(
            task.reference_set.reference.features, block.features, groups, real_mean=task.reference_set.kernel_mean
        )
        return found.value, found.without

    yield "kid", task.over_blocks(score)


def _neighbours(task: ScoringTask) -> Found:
    found = [neighbours.neighbourhoods(task.manifold, block.features) for block in task.blocks]
    yield "precision", _share_of(torch.cat([one.precision for one in found]))
    yield "density", interval_of_counts(torch.cat([one.density for one in found]))
    yield "recall", neighbours.interval_of_reached([one.recall for one in found])
    yield "coverage", neighbours.interval_of_reached([one.coverage for one in found])


def _vendi(task: ScoringTask) -> Found:
    yield (
        "vendi",
        task.over_blocks(
            lambda block, groups: (vendi.vendi(block.features), vendi.vendi_without(block.features, groups)), low=1.0
        ),
    )


def _different_bins(task: ScoringTask) -> Found:
    bins.check_testable(task.reference_set.bins, len(task.blocks[0]))
    yield "ndb", task.of_blocks([(one.ndb, one.ndb_without) for one in task.binned], 0, 1)


def _divergence(task: ScoringTask) -> Found:
    yield "js", task.of_blocks([(one.js, one.js_without) for one in task.binned], 0)


def _birthday(task: ScoringTask) -> Found:
    found = [birthday.duplicates(block.features, task.reference_set.threshold) for block in task.blocks]
    share = sum(one.share for one in found) / len(found)
    yield "duplicates", birthday.interval_of_share(share, sum(map(len, task.blocks)))
    yield "support", _plain(sum(one.support for one in found) / len(found))


def _copying(task: ScoringTask) -> Found:
    found = [
        copying.copying(task.reference_set.training_set, block.features, task.groups(len(block)))
        for block in task.blocks
    ]
    yield "ct", copying.interval_of_ct(found)
    yield "authenticity", _share_of(torch.cat([one.authentic for one in found]))


def _likeness(task: ScoringTask) -> Found:
    found = diversity.ms_ssim_diversity(task.faces.images, task.groups(len(task.faces)), seed=task.seed)
    yield "ms_ssim", task.of_blocks([(found.value, found.without)], 0, 1)
    apart = diversity.jackknifed_distance(task.faces.features, task.groups(len(task.faces)))
    yield "distance", task.of_blocks([(apart.value, apart.without)], 0)


TABLE: tuple[Row, ...] = (
    Row(_inception, "nothing", each=False),
    Row(_splits, "nothing", each=False),
    Row(_accuracy, "labels"),
    Row(_read_as, "labels", all=False),
    Row(_frechet, "real"),
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

# By Inception-v3, as papers have them: without intervals, since a covariance of 2048 features takes a minute each.
STANDARD: tuple[Row, ...] = (
    Row(_inception, "nothing", each=False),
    Row(_splits, "nothing", each=False),
    Row(_standard_frechet, "real", each=False),
    Row(_standard_kernel, "real", each=False),
)


def scores_of(task: ScoringTask, rows: Sequence[Row], *, one_emotion: bool) -> tuple[dict[str, Interval], list[str]]:
    """Compute all rows that a task allows: the scores by metric, and why others could not be had."""
    found: dict[str, Interval] = {}
    omitted: list[str] = []
    for row in rows:
        wanted = row.each if one_emotion else row.all
        if (
            not wanted
            or (row.needs == "labels" and task.faces.labels is None)
            or (row.needs == "real" and not task.real)
        ):
            continue
        try:
            found |= dict(row.compute(task))
        except UsageError as error:
            omitted.append(str(error))
    return found, omitted


def _plain(value: float) -> Interval:
    """Return a value without an interval of its own."""
    return Interval(value, float("nan"), float("nan"))


def _share(hits: int, count: int) -> Interval:
    return interval_of_share(hits / count, count)


def _share_of(right: Tensor) -> Interval:
    """Return the share of faces, each 1 or 0, that have 1."""
    return interval_of_share(float(right.mean()), len(right))
