"""What a data set holds: images by split and emotion, and exact copies within and across its splits."""

from itertools import combinations
from typing import Any

import numpy as np

from fergan_core.data.dataset import SPLITS, UNLABELLED, Dataset, image_keys
from fergan_core.emotions import EMOTIONS


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Return {name, source, images, content_hash, counts, duplicates}, ready for JSON."""
    return {
        "name": dataset.name,
        "source": dataset.source,
        "images": len(dataset),
        "content_hash": dataset.content_hash,
        "counts": count(dataset),
        "duplicates": duplicates(dataset),
    }


def count(dataset: Dataset) -> dict[str, dict[str, int]]:
    """Return split -> emotion -> images, for the splits there are; 'unlabelled' only where some are."""
    counts: dict[str, dict[str, int]] = {}
    for code, split in enumerate(SPLITS):
        labels = dataset.labels[dataset.splits == code]
        if len(labels):
            counts[split] = {name: int(np.sum(labels == emotion)) for emotion, name in enumerate(EMOTIONS)}
            if (labels == UNLABELLED).any():
                counts[split]["unlabelled"] = int(np.sum(labels == UNLABELLED))
    return counts


def duplicates(dataset: Dataset) -> dict[str, Any]:
    """Return how often the very same pixels come again.

    `within`: split -> images equal to an earlier one of that split. `across`: 'train/public' and the like -> images of
    the second split that are in the first too. `contradicting`: different pictures that carry more than one label.
    """
    keys = image_keys(dataset.images)
    by_split = {
        split: [keys[i] for i in np.flatnonzero(dataset.splits == code)]
        for code, split in enumerate(SPLITS)
        if (dataset.splits == code).any()
    }
    known = {split: set(own) for split, own in by_split.items()}
    labels: dict[bytes, set[int]] = {}
    for key, label in zip(keys, dataset.labels.tolist(), strict=True):
        if label != UNLABELLED:
            labels.setdefault(key, set()).add(label)
    return {
        "within": {split: len(own) - len(known[split]) for split, own in by_split.items()},
        "across": {
            f"{first}/{second}": sum(key in known[first] for key in by_split[second])
            for first, second in combinations(by_split, 2)
        },
        "contradicting": sum(len(given) > 1 for given in labels.values()),
    }
