"""`fergan data`: what a data set holds, in numbers and as a contact sheet."""

import json as json_text
import os
from pathlib import Path
from typing import Any

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError


def info(path: str, *, json: bool = False) -> None:
    """Print the counts by split and emotion, the exact duplicates and the content hash of PATH, or of synthfer.

    With `json` one line: {"name", "source", "images", "content_hash", "counts": {split: {emotion: images}},
    "duplicates": {"within": {split: images}, "across": {"train/public": images}, "contradicting": pictures}}.
    """
    from fergan_core.data import open_dataset
    from fergan_core.data.summary import summarise

    summary = summarise(open_dataset(path))
    if json:
        print(json_text.dumps(summary))
    else:
        _print_summary(summary)


def sheet(path: str, *, out: Path) -> None:
    """Draw a contact sheet of PATH, or of synthfer, to a PNG: a row an emotion, 16 faces a row."""
    from fergan_core.data import open_dataset
    from fergan_core.data.contact_sheet import contact_sheet

    if not out.parent.is_dir() or out.is_dir():
        raise UsageError(f"--out: '{out}' cannot be written; name a file in a folder that exists")
    page = contact_sheet(open_dataset(path))
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        page.save(temporary, "PNG")
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"--out: '{out}' cannot be written ({error.strerror}); choose another place") from None
    print(f"{out}: {page.width}x{page.height}")


def _print_summary(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    counts: dict[str, dict[str, int]] = summary["counts"]
    words = [*EMOTIONS, *(["unlabelled"] if any("unlabelled" in own for own in counts.values()) else [])]
    table = Table(title=escape(f"{summary['name']}: {summary['source']}"), title_justify="left")
    table.add_column("emotion")
    for split in (*counts, "all"):
        table.add_column(split, justify="right")
    for word in words:
        numbers = [own.get(word, 0) for own in counts.values()]
        table.add_row(word, *(f"{number:,}" for number in (*numbers, sum(numbers))), end_section=word == words[-1])
    totals = [sum(own.values()) for own in counts.values()]
    table.add_row("all", *(f"{number:,}" for number in (*totals, sum(totals))))
    console = Console()
    console.print(table)
    copies = summary["duplicates"]
    within = ", ".join(f"{number:,} in {split}" for split, number in copies["within"].items())
    console.print(f"exact copies: {within}", highlight=False)
    for pair, number in copies["across"].items():
        first, second = pair.split("/")
        console.print(f"images of {second} that are in {first} too: {number:,}", highlight=False)
    console.print(f"pictures with more than one label: {copies['contradicting']:,}", highlight=False)
    console.print(f"content hash: {summary['content_hash']}", highlight=False, soft_wrap=True)
