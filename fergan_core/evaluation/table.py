"""The table of scores: what is computed of a scene, one line a family. A new metric is one line more."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.evaluation.faces import Reading
from fergan_core.evaluation.scene import Scene
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

    compute: Callable[[Scene], Found]
    needs: str
    all: bool = True
    each: bool = True


def _inception(scene: Scene) -> Found:
    found = inception_score.score(scene.faces.logits, seed=scene.seed)
    yield "is", found.inception_score
    yield "kl_nats", found.kl_nats
    yield "kl_ratio", found.kl_ratio
    for size in IS_SIZES:
        if size <= len(scene.faces):
            starts = range(0, len(scene.faces) - size + 1, size)
            scores = [inception_score.inception_score(scene.faces.logits[at : at + size]) for at in starts]
            yield f"is_at_{size}", _plain(sum(scores) / len(scores))


def _splits(scene: Scene) -> Found:
    least = _SPLITS * len(EMOTIONS)
    if len(scene.faces) < least:
        # The score of n faces is at most n, whatever they show.
        raise UsageError(f"IS in ten splits: {len(scene.faces)} faces give a split fewer than 7; score {least} or more")
    mean, std = inception_score.split_scores(scene.faces.logits, _SPLITS)
    yield "is_split_mean", _plain(mean)
    yield "is_split_std", _plain(std)


def _accuracy(scene: Scene) -> Found:
    assert scene.faces.labels is not None
    hits = int((scene.faces.logits.argmax(1) == scene.faces.labels).sum())
    yield "accuracy", _share(hits, len(scene.faces))


def _read_as(scene: Scene) -> Found:
    read = torch.bincount(scene.faces.logits.argmax(1), minlength=len(EMOTIONS)).tolist()
    for name, hits in zip(EMOTIONS, read, strict=True):
        yield f"read_as_{name}", _share(hits, len(scene.faces))


def _frechet(scene: Scene) -> Found:
    real = scene.stand.statistics
    _check_covariance(scene.size, real)
    yield (
        "fid",
        scene.over_blocks(
            lambda block, groups: (
                frechet.fid_from_statistics(real, frechet.statistics(block.features)),
                frechet.fid_without(real, block.features, groups),
            ),
            low=0.0,
        ),
    )


def _standard_frechet(scene: Scene) -> Found:
    _check_covariance(len(scene.faces), scene.stand.statistics)
    yield "fid", _plain(frechet.fid_from_statistics(scene.stand.statistics, frechet.statistics(scene.faces.features)))


def _check_covariance(faces: int, real: frechet.Statistics) -> None:
    """Raise UsageError where so few fakes or real faces leave directions of the features without any variance."""
    width, fewest = len(real.mean), min(faces, real.count)
    if fewest <= width:
        raise UsageError(f"FID: {fewest} faces span no covariance of {width} features; see KID")


def _standard_kernel(scene: Scene) -> Found:
    real, fake = scene.stand.reference.features, scene.faces.features
    size = min(1000, len(real), len(fake))
    yield "kid", _plain(kernel.kid_subsets(real, fake, size=size, seed=scene.seed)[0])


def _frechet_infinity(scene: Scene) -> Found:
    real, fake = scene.stand.statistics, scene.faces.features
    value = frechet.fid_infinity(real, fake, seed=scene.seed)
    without = frechet.fid_infinity_without(real, fake, scene.groups(len(fake)), seed=scene.seed)
    yield "fid_infinity", scene.of_blocks([(value, without)])


def _kernel(scene: Scene) -> Found:
    def score(block: Reading, groups: Tensor) -> tuple[float, Tensor]:
        found = kernel.jackknifed_kid(
            scene.stand.reference.features, block.features, groups, real_mean=scene.stand.kernel_mean
        )
        return found.value, found.without

    yield "kid", scene.over_blocks(score)


def _neighbours(scene: Scene) -> Found:
    found = [neighbours.neighbourhoods(scene.manifold, block.features) for block in scene.blocks]
    yield "precision", _share_of(torch.cat([one.precision for one in found]))
    yield "density", interval_of_counts(torch.cat([one.density for one in found]))
    yield "recall", neighbours.interval_of_reached([one.recall for one in found])
    yield "coverage", neighbours.interval_of_reached([one.coverage for one in found])


def _vendi(scene: Scene) -> Found:
    yield (
        "vendi",
        scene.over_blocks(
            lambda block, groups: (vendi.vendi(block.features), vendi.vendi_without(block.features, groups)), low=1.0
        ),
    )


def _different_bins(scene: Scene) -> Found:
    bins.check_testable(scene.stand.bins, len(scene.blocks[0]))
    yield "ndb", scene.of_blocks([(one.ndb, one.ndb_without) for one in scene.binned], 0, 1)


def _divergence(scene: Scene) -> Found:
    yield "js", scene.of_blocks([(one.js, one.js_without) for one in scene.binned], 0)


def _birthday(scene: Scene) -> Found:
    found = [birthday.duplicates(block.features, scene.stand.threshold) for block in scene.blocks]
    share = sum(one.share for one in found) / len(found)
    yield "duplicates", birthday.interval_of_share(share, sum(map(len, scene.blocks)))
    yield "support", _plain(sum(one.support for one in found) / len(found))


def _copying(scene: Scene) -> Found:
    found = [
        copying.copying(scene.stand.training_set, block.features, scene.groups(len(block))) for block in scene.blocks
    ]
    yield "ct", copying.interval_of_ct(found)
    yield "authenticity", _share_of(torch.cat([one.authentic for one in found]))


def _likeness(scene: Scene) -> Found:
    found = diversity.ms_ssim_diversity(scene.faces.images, scene.groups(len(scene.faces)), seed=scene.seed)
    yield "ms_ssim", scene.of_blocks([(found.value, found.without)], 0, 1)
    apart = diversity.jackknifed_distance(scene.faces.features, scene.groups(len(scene.faces)))
    yield "distance", scene.of_blocks([(apart.value, apart.without)], 0)


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


def scores_of(scene: Scene, rows: Sequence[Row], *, one_emotion: bool) -> tuple[dict[str, Interval], list[str]]:
    """Compute all rows that a scene allows: the scores by metric, and why others could not be had."""
    found: dict[str, Interval] = {}
    omitted: list[str] = []
    for row in rows:
        wanted = row.each if one_emotion else row.all
        if (
            not wanted
            or (row.needs == "labels" and scene.faces.labels is None)
            or (row.needs == "real" and not scene.real)
        ):
            continue
        try:
            found |= dict(row.compute(scene))
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
