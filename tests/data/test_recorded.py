"""A run's dataset opened again: from its own place or another, and refused where it is not what it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fergan_core.data import Dataset, check_recorded, make_dataset, open_dataset, reopen_dataset
from fergan_core.errors import DataError
from tests.data.wild_layouts import LAYOUTS


def recorded(dataset: Dataset) -> dict[str, Any]:
    """Return what a run records of its dataset."""
    order = {} if dataset.label_order is None else {"label_order": dataset.label_order}
    return {"source": dataset.source, "content_hash": dataset.content_hash, **order}


@pytest.fixture
def affectnet(tmp_path: Path) -> Dataset:
    """A dataset whose labels count in another order than FER2013's."""
    return open_dataset(LAYOUTS["AffectNet"].make(tmp_path / "here"), label_order="affectnet")


def test_a_runs_data_are_opened_where_they_were_or_where_they_are_now(affectnet: Dataset, tmp_path: Path) -> None:
    assert reopen_dataset(recorded(affectnet)).content_hash == affectnet.content_hash
    moved = Path(affectnet.source).rename(tmp_path / "there")
    assert reopen_dataset(recorded(affectnet), moved).content_hash == affectnet.content_hash
    with pytest.raises(DataError, match=rf"not at hand.*put the data .* back at '{affectnet.source}'"):
        reopen_dataset(recorded(affectnet))


def test_another_data_set_is_refused_by_the_name_of_each(affectnet: Dataset) -> None:
    other = make_dataset("fer2013", "/other", affectnet.images[1:], affectnet.labels[1:], affectnet.splits[1:])
    with pytest.raises(DataError, match=f"'/other' is not the dataset of the run.*'{affectnet.source}'"):
        check_recorded(other, recorded(affectnet))


def test_data_that_have_changed_are_another_data_set(affectnet: Dataset) -> None:
    next(path for path in Path(affectnet.source).rglob("*") if path.is_file()).unlink()
    with pytest.raises(DataError, match=f"'{affectnet.source}' holds other images or labels than when .* put the data"):
        reopen_dataset(recorded(affectnet))


def test_a_label_order_that_the_data_have_not_is_the_fault_that_is_named(affectnet: Dataset) -> None:
    with pytest.raises(DataError, match=r"^--label-order: label 7 is not in fer2013"):
        reopen_dataset(recorded(affectnet), label_order="fer2013")


def test_built_in_faces_of_another_version_name_the_remedy(affectnet: Dataset) -> None:
    with pytest.raises(DataError, match=r"other images or labels .* the version of FerGAN that trained it"):
        check_recorded(replace(affectnet, source="synthfer"), {"source": "synthfer", "content_hash": "0" * 64})
