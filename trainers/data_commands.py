"""`fergan data`: the counts of a dataset, and its contact sheet."""

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.files import atomic_write
from trainers.console import console, print_table

if TYPE_CHECKING:
    from rich.table import Table

_MOST_FILES = 40


def info(path: str, *, label_order: str | None = None, json: bool = False) -> None:
    """Print what was read of PATH, or of synthfer, and left out, its counts, exact duplicates and content hash.

    With `json` one line: {"name", "source", "images", "content_hash", "counts": {split: {emotion: images}},
    "duplicates": {"within": {split: images}, "across": {"train/public": images}, "contradicting": pictures},
    "files": [{"name", "split", "used", "skipped", "why"}], "notices": [sentence], "label_order": text or null}.
    """
    from fergan_core.data import open_dataset
    from fergan_core.data.summary import summarise

    summary = summarise(open_dataset(path, label_order=label_order))
    if json:
        print(json_text.dumps(summary))
    else:
        _print_summary(summary)


def sheet(path: str, *, out: Path, label_order: str | None = None) -> None:
    """Draw a contact sheet of PATH, or of synthfer, to a PNG: one row per emotion, 16 faces each."""
    from fergan_core.data import open_dataset
    from fergan_core.data.contact_sheet import contact_sheet

    if not out.parent.is_dir() or out.is_dir():
        raise UsageError(f"--out: '{out}' cannot be written; name a file in a folder that exists")
    page = contact_sheet(open_dataset(path, label_order=label_order))
    try:
        with atomic_write(out) as temporary:
            page.save(temporary, "PNG")
    except OSError as error:
        raise UsageError(f"--out: '{out}' cannot be written ({error.strerror}); choose another place") from None
    print(f"{out}: {page.width}x{page.height}")


def _files_table(files: list[dict[str, Any]]) -> "Table":
    """Return a table of the images read and skipped, by file and by split."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="what was read", title_justify="left")
    for column in ("file or folder", "split", "used", "skipped", "why skipped"):
        table.add_column(column, justify="right" if column in ("used", "skipped") else "left")
    for entry in files[:_MOST_FILES]:
        table.add_row(
            escape(entry["name"]), entry["split"], f"{entry['used']:,}", f"{entry['skipped']:,}", escape(entry["why"])
        )
    if len(files) > _MOST_FILES:
        table.add_row(f"{len(files) - _MOST_FILES:,} more (--json lists all)", "", "", "", "")
    table.add_section()
    for split in dict.fromkeys(entry["split"] for entry in files):
        of_split = [entry for entry in files if entry["split"] == split]
        used, skipped = (sum(entry[key] for entry in of_split) for key in ("used", "skipped"))
        table.add_row("all" if split else "all, not read", split, f"{used:,}", f"{skipped:,}", "")
    return table


def _print_summary(summary: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    counts: dict[str, dict[str, int]] = summary["counts"]
    words = [*EMOTIONS, *(["unlabelled"] if any("unlabelled" in by_emotion for by_emotion in counts.values()) else [])]
    table = Table(title=escape(f"{summary['name']}: {summary['source']}"), title_justify="left")
    table.add_column("emotion")
    for split in (*counts, "all"):
        table.add_column(split, justify="right")
    for word in words:
        numbers = [by_emotion.get(word, 0) for by_emotion in counts.values()]
        table.add_row(word, *(f"{number:,}" for number in (*numbers, sum(numbers))), end_section=word == words[-1])
    totals = [sum(by_emotion.values()) for by_emotion in counts.values()]
    table.add_row("all", *(f"{number:,}" for number in (*totals, sum(totals))))
    output = console()
    if summary["files"]:
        print_table(_files_table(summary["files"]), output)
    for notice in summary["notices"]:
        output.print(notice, markup=False, highlight=False, soft_wrap=True)
    print_table(table, output)
    copies = summary["duplicates"]
    within = ", ".join(f"{number:,} in {split}" for split, number in copies["within"].items())
    output.print(f"exact copies: {within}", highlight=False)
    for pair, number in copies["across"].items():
        first, second = pair.split("/")
        output.print(f"images of {second} that are in {first} too: {number:,}", highlight=False)
    output.print(f"pictures with more than one label: {copies['contradicting']:,}", highlight=False)
    output.print(f"content hash: {summary['content_hash']}", highlight=False, soft_wrap=True)
