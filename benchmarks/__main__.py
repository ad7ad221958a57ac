"""`make bench`: run all benchmarks, print a table and write bench-results.json."""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import print_rows

SUITES = ("data", "registry", "training", "rivals", "evaluation", "distances", "dashboard", "explore", "reports")


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
    print_rows(rows, "suite")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
