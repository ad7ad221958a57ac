"""The comparison of two presets: the committed runs' numbers are those of the documents."""

import io

import pytest
from rich.console import Console

from benchmarks import presets
from benchmarks.common import ended
from fergan_core.registry import Reader
from tests.support.machine import ROOT


@pytest.mark.slow
def test_the_committed_runs_of_two_presets_compare_as_documented() -> None:
    reader = Reader(str(ROOT / "runs.db"))
    runs = ended(reader)
    groups = {
        preset: [str(runs[f"{preset}, 8 epochs, seed {seed}"]["id"]) for seed in range(3)]
        for preset in ("dcgan-concat", "robust")
    }
    table, notes = presets.compared(reader, groups)
    printed = io.StringIO()
    Console(file=printed, width=200).print(table)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.getvalue().splitlines() if "│" in line]
    assert len(rows) == 25  # two budgets, eleven scores at each, and collapses
    section = (ROOT / "docs" / "collapse.md").read_text().partition("## What saves it on FER2013")[2]
    for title, first, second, difference, verdict, _ in rows[1:12]:
        size, _, interval = difference.partition(" (")
        if title.startswith("FID"):
            assert (difference, verdict) == ("0.202 times (0.0866 to 0.473)", "suggests")
        else:
            documented = f"{size}, cannot tell" if verdict == "cannot tell" else f"{size} ({interval}"
            assert f"| {first} | {second} | {documented} |" in section, title
    assert notes.startswith("FID: compared as a ratio")
    assert "22 comparisons" in notes
