"""How commands open a dataset: they report on stderr what was read of it."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from trainers.arguments import arg

if TYPE_CHECKING:
    from fergan_core.data import Dataset

_MOST_NOTICES = 12

LabelOrderFlag = Annotated[
    str | None,
    arg(
        metavar="NAME|EMOTION,...",
        help="Order in which label numbers count the emotions, if not FER2013's: alphabetical, raf-db, affectnet, "
        "ferplus, or the emotions separated by commas.",
    ),
]


def open_data(path: str, label_order: str | None = None) -> "Dataset":
    """Open a dataset by `open_dataset`, and report on stderr what was read, what was left out, and what is missing."""
    from fergan_core.data import open_dataset

    return _reported(open_dataset(path, label_order=label_order))


def reopen_data(recorded: Mapping[str, Any], path: str | None = None, label_order: str | None = None) -> "Dataset":
    """Open a run's dataset by `reopen_dataset`, and report on stderr as `open_data` does."""
    from fergan_core.data import reopen_dataset

    return _reported(reopen_dataset(recorded, path, label_order=label_order))


def _reported(dataset: "Dataset") -> "Dataset":
    from fergan_core.data.summary import in_short, warnings

    if dataset.source == "synthfer":
        return dataset
    lines = [f"data: {in_short(dataset)}", *(f"data: {notice}" for notice in dataset.notices[:_MOST_NOTICES])]
    if len(dataset.notices) > _MOST_NOTICES:
        lines.append(f"data: {len(dataset.notices) - _MOST_NOTICES} more notices; `fergan data info` lists them")
    for line in (*lines, *(f"warning: {text}" for text in warnings(dataset))):
        print(line, file=sys.stderr, flush=True)
    return dataset
