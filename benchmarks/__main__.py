"""`make bench`: run all benchmarks, print a table and write bench-results.json."""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

SUITES = ("data", "registry", "training", "rivals", "evaluation", "distances", "dashboard")


def main(suites: list[str]) -> int:
    """Run the named suites, by default all of them; return the exit status."""
    unknown = sorted(set(suites) - set(SUITES))
    if unknown:
        print(f"error: no benchmark called {', '.join(unknown)}; choose from {', '.join(SUITES)}", file=sys.stderr)
        return 2
    rows: list[dict[str, Any]] = []
    for suite in suites or SUITES:
        started = time.perf_counter()
        print(f"{suite} ...", file=sys.stderr, flush=True)
        rows += [{"suite": suite, **row} for row in importlib.import_module(f"benchmarks.bench_{suite}").run()]
        print(f"{suite} took {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    Path("bench-results.json").write_text(json.dumps(rows, indent=1) + "\n")
    table = Table()
    for heading in ("suite", "what", "value", "unit", "reference", "ratio", "note"):
        table.add_column(heading, justify="right" if heading in ("value", "reference", "ratio") else "left")
    for row in rows:
        reference = row.get("reference")
        ratio = row.get("ratio")
        table.add_row(
            row["suite"],
            row["name"],
            f"{row['value']:,.4g}",
            row["unit"],
            "" if reference is None else f"{reference:,.4g}",
            "" if ratio is None else f"{ratio:.2f}",
            row.get("note", ""),
        )
    # A log has no width of its own; a terminal has.
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
