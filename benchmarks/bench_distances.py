"""Nearest neighbours and k-means at the sizes of the scores, beside SciPy's and PyTorch's own: why both are ours.

Features are the judge's, 128 of each face, in float64: 10,000 fakes and the 25,841 training faces of the built-in set.
What takes minutes is timed on the first 1,000 fakes and multiplied by ten.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from scipy.cluster.vq import kmeans2
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from torch import Tensor

from benchmarks.bench_evaluation import _faces
from benchmarks.common import row
from fergan_core.data import open_dataset, split_parts
from fergan_core.evaluation import RealFaces, load_judge
from fergan_core.metrics import bins, distances

_FEW = 1000
_TURNS = 3


def _seconds(computations: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the least processor time of each computation; they take turns, for the machine's own speed changes."""
    least = dict.fromkeys(computations, float("inf"))
    for _ in range(_TURNS):
        for name, compute in computations.items():
            started = time.process_time()
            compute()
            least[name] = min(least[name], time.process_time() - started)
    return least


def _nearest_by_product(queries: Tensor, keys: Tensor) -> Tensor:
    """Return each query's distance to its nearest key by torch.cdist, whose matrix is held a chunk at a time."""
    parts = torch.split(queries, max(1, distances.CHUNK // len(keys)))
    return torch.cat([torch.cdist(part, keys, compute_mode="use_mm_for_euclid_dist").amin(1) for part in parts])


def _rows(train: Tensor, fake: Tensor) -> list[dict[str, Any]]:
    reference = train[: len(fake)]
    standardised = (reference - reference.mean(0)) / reference.std(0).clamp(min=1e-12)
    tree = cKDTree(train.numpy())
    seconds = _seconds(
        {
            "nearest": lambda: distances.nearest(fake, train, 1),
            "torch.cdist": lambda: _nearest_by_product(fake, train),
            "scipy cdist": lambda: cdist(fake[:_FEW], train).min(1),
            "cKDTree": lambda: tree.query(fake[:_FEW].numpy()),
            "k-means": lambda: bins.kmeans(standardised, bins.BINS),
            "kmeans2": lambda: kmeans2(standardised.numpy(), bins.BINS, minit="++", rng=0),
        }
    )
    seconds["scipy cdist"] *= len(fake) / _FEW
    seconds["cKDTree"] *= len(fake) / _FEW
    compared = [("nearest", name) for name in ("torch.cdist", "scipy cdist", "cKDTree")] + [("k-means", "kmeans2")]
    apart = float(_nearest_by_product(train[:_FEW], train).max())
    return [
        *(
            row(f"{ours}, {other}", seconds[ours], "s", reference=seconds[other], ratio=seconds[other] / seconds[ours])
            for ours, other in compared
        ),
        row("a face's distance to itself by torch.cdist", apart, "", "by ours exactly 0"),
    ]


def run() -> list[dict[str, Any]]:
    """Time nearest neighbours and k-means on one thread, as scores are computed."""
    dataset, judge = open_dataset("synthfer"), load_judge("synthfer")
    train = RealFaces(dataset, split_parts(dataset), judge).train.features.double()
    fake = judge.read(_faces(10_000, seed=0).images)[1].double()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _rows(train, fake)
    finally:
        torch.set_num_threads(threads)
