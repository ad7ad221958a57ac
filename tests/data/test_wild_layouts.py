"""Layouts found in the wild: each is read whole, or what is left out is said, or it is refused with the remedy."""

import numpy as np
import pytest

from fergan_core.data import SPLITS, open_dataset
from fergan_core.errors import DataError
from tests.data.wild_faces import IMAGES, LABELS, USAGE
from tests.data.wild_layouts import LAYOUTS


@pytest.mark.parametrize("name", LAYOUTS)
def test_nothing_is_lost_or_split_wrongly_without_a_word(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    layout = LAYOUTS[name]
    # A plain name: what a folder is called can say a split.
    path = layout.make(tmp_path_factory.mktemp("faces"))
    if layout.refused:
        with pytest.raises(DataError) as refused:
            open_dataset(path, label_order=layout.order)
        assert len(str(refused.value).splitlines()) == 1
        for words in layout.refused:
            assert words in str(refused.value)
        return
    for _ in ("read", "from the cache"):
        dataset = open_dataset(path, label_order=layout.order)
        counts = np.bincount(dataset.splits, minlength=len(SPLITS)).tolist()
        assert {split: count for split, count in zip(SPLITS, counts, strict=True) if count} == layout.splits
        assert sum(entry.used for entry in dataset.files) == len(dataset) == 98
        assert sum(entry.skipped for entry in dataset.files) == layout.skipped
        for words in layout.notices:
            assert any(words in notice for notice in dataset.notices), dataset.notices
        plain = [notice for notice in dataset.notices if "labels read in the order" not in notice]
        assert bool(plain) == bool([words for words in layout.notices if "order raf-db" not in words]), plain
    labels = {image.tobytes(): label for image, label in zip(IMAGES, LABELS.tolist(), strict=True)}
    assert all(labels[image.tobytes()] == label for image, label in zip(dataset.images, dataset.labels, strict=True))
    training = {image.tobytes() for image in dataset.images[dataset.splits == 0]}
    if "train" in layout.splits and layout.splits["train"] == 70:
        assert training == {image.tobytes() for image in IMAGES[USAGE == "Training"]}
