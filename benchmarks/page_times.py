"""How long the server takes for a page: `python -m benchmarks.page_times REGISTRY PAGE ...` in a process of its own.

Prints a line of JSON: for each page (an address without its first slash) how long its first and second run took.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qs

from tests.support.machine import ROOT
from tests.support.pages import HOME


class PageTime(NamedTuple):
    """How long a page's script took: `seconds` by the clock, `busy` of a processor, disturbed less by others."""

    seconds: float
    busy: float


def page_times(registry: str, pages: Sequence[str]) -> dict[str, tuple[PageTime, PageTime]]:
    """Return how long each page's first and second run of its script took, in another process."""
    command = [sys.executable, "-m", "benchmarks.page_times", registry, *pages]
    printed = subprocess.run(
        command, check=True, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout
    times = json.loads(printed.splitlines()[-1])
    return {page: (PageTime(*first), PageTime(*second)) for page, (first, second) in times.items()}


def _measure(registry: str, pages: Sequence[str]) -> dict[str, list[PageTime]]:
    from streamlit.components.v2 import manifest_scanner
    from streamlit.testing.v1 import AppTest

    os.environ["FERGAN_REGISTRY"] = registry
    # A server looks for components among the installed packages once, an AppTest each time, for 0.4 s.
    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
    times: dict[str, list[PageTime]] = {}
    for page in pages:
        view, _, query = page.partition("?")
        app = AppTest.from_file(str(HOME), default_timeout=600)
        app.switch_page(f"views/{view}.py")
        for name, values in parse_qs(query).items():
            app.query_params[name] = values
        for _ in range(2):
            started, busy = time.perf_counter(), time.process_time()
            app.run()
            spent = PageTime(time.perf_counter() - started, time.process_time() - busy)
            times.setdefault(page, []).append(spent)
        if app.exception:
            raise RuntimeError(f"page {page}: {app.exception[0].message}")
    return times


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], sys.argv[2:])))
