"""What a dataset holds: its faces by emotion and split, how many of each, which twice, and how good its labels are."""

from collections.abc import Callable

from dashboard import choose
from dashboard.open_datasets import OpenDataset
from dashboard.sections import (
    dataset_balance,
    dataset_choice,
    dataset_copies,
    dataset_faces,
    dataset_factors,
    dataset_judge,
    dataset_summary,
    dataset_votes,
)


def parts_of(opened: OpenDataset) -> dict[str, Callable[[OpenDataset], None]]:
    """Return the page's parts by name: those that the dataset has something for."""
    parts: dict[str, Callable[[OpenDataset], None]] = {
        "Faces": dataset_faces.show,
        "Balance": dataset_balance.show,
        "Duplicates": dataset_copies.show,
        "Read by a judge": dataset_judge.show,
    }
    if opened.dataset.factors:
        parts["Factors"] = dataset_factors.show
    else:
        parts["FER+ votes"] = dataset_votes.show
    return parts


choose.heading(
    "Data",
    "Which faces does a dataset hold, how many of each emotion, which of them twice, and how good are its labels?",
)
opened = dataset_choice.choose_dataset()
if opened is not None:
    dataset_summary.show(opened)
    parts = parts_of(opened)
    choose.fragment(parts[choose.part(*parts)])(opened)
