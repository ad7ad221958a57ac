"""What a dataset holds: images by split and emotion, and exact copies within and across its splits."""

from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from fergan_core.data.dataset import SPLITS, UNLABELLED, Dataset, Index, image_keys
from fergan_core.emotions import EMOTIONS


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Return {name, source, images, content_hash, counts, duplicates, files, notices, label_order}, ready for JSON."""
    return {
        "name": dataset.name,
        "source": dataset.source,
        "images": len(dataset),
        "content_hash": dataset.content_hash,
        "counts": count(dataset),
        "duplicates": duplicates(dataset),
        "files": [asdict(entry) for entry in dataset.files],
        "notices": [*dataset.notices, *warnings(dataset)],
        "label_order": dataset.label_order,
    }


def warnings(dataset: Dataset) -> list[str]:
    """Say what a training or a score will miss in a dataset."""
    labelled = dataset.labels != UNLABELLED
    training = dataset.splits == SPLITS.index("train")
    sentences = []
    if not (labelled & training).any():
        sentences.append("no images with an emotion in split train: there is nothing to train on")
    if not (labelled & ~training).any():
        sentences.append(
            "no images with an emotion outside of split train: scores stand without real faces' values beside them, "
            "and a judge of emotion cannot be trained"
        )
    return sentences


def in_short(dataset: Dataset) -> str:
    """Return one line: images by split, from how many files or folders, and how many were left out."""
    counts = (int((dataset.splits == code).sum()) for code in range(len(SPLITS)))
    by_split = ", ".join(f"{split} {count:,}" for split, count in zip(SPLITS, counts, strict=True) if count)
    places = len({entry.name for entry in dataset.files if entry.used})
    source = f" from {places:,} files or folders" if places > 1 else ""
    skipped = sum(entry.skipped for entry in dataset.files)
    lost = f"; {skipped:,} left out" if skipped else ""
    return f"{len(dataset):,} images{source}: {by_split}{lost}"


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
    """Count images of exactly the same pixels.

    `within`: split -> images equal to an earlier one of that split. `across`: 'train/public' and the like -> images of
    the second split that are in the first too. `contradicting`: different pictures that carry more than one label.
    """
    keys = image_keys(dataset.images)
    by_split = {
        split: [keys[i] for i in np.flatnonzero(dataset.splits == code)]
        for code, split in enumerate(SPLITS)
        if (dataset.splits == code).any()
    }
    distinct_keys = {split: set(split_keys) for split, split_keys in by_split.items()}
    labels: dict[bytes, set[int]] = {}
    for key, label in zip(keys, dataset.labels.tolist(), strict=True):
        if label != UNLABELLED:
            labels.setdefault(key, set()).add(label)
    return {
        "within": {split: len(split_keys) - len(distinct_keys[split]) for split, split_keys in by_split.items()},
        "across": {
            f"{first}/{second}": sum(key in distinct_keys[first] for key in by_split[second])
            for first, second in combinations(by_split, 2)
        },
        "contradicting": sum(len(image_labels) > 1 for image_labels in labels.values()),
    }


def copies(dataset: Dataset) -> list[Index]:
    """Return the images of exactly the same pixels, a group for each picture that is there more than once: int64 [n].

    The groups, and the images in each, are in the dataset's order.
    """
    places: dict[bytes, list[int]] = {}
    for place, key in enumerate(image_keys(dataset.images)):
        places.setdefault(key, []).append(place)
    return [np.array(group, dtype=np.int64) for group in places.values() if len(group) > 1]
