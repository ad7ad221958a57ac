"""The dashboard on the registry of 1,000 runs and on the showcase, beside its limits: every page on the server and
painted in Chromium, the first page of a server that has just started, its memory, many curves, and the first faces.

Each page is opened twice; what counts is the second time, when modules and tables are in memory. In the browser it is
opened as a person does who works there: by a click in the sidebar, in a tab that has shown other pages before. Beside
the seconds by the clock stand those of a processor, which say what a page costs where other programs slow the machine
down.
"""

import contextlib
import re
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import psutil
from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.common import row
from benchmarks.large_registry import SCALARS, large_registry
from benchmarks.page_times import page_times
from fergan_core.registry import Reader
from tests.support.machine import CHROMIUM_ARGUMENTS, ROOT, find_chromium, served
from tests.support.pages import TITLES, visit

SERVER_SECONDS, PAINTED_SECONDS, COLD_SECONDS, INSTABILITY_SECONDS, FACES_SECONDS = 1.0, 2.0, 5.0, 2.0, 4.0
CURVES_SECONDS = 1.0
MEMORY_MIB = 500
CURVES = 10  # charts, and runs in each
_SHOWCASE = ROOT / "runs.db"
_READING_SECONDS = 10  # before a person goes on from the first page
_VIEWPORT: Any = {"width": 1280, "height": 900}
# Whether the page's script has ended and every picture that it asked for is there.
_PAINTED = """() => {
    const app = document.querySelector("[data-testid=stApp]");
    if (!app || app.dataset.testScriptState !== "notRunning" || !document.querySelector("h1")) return false;
    if (document.querySelector("[data-testid=stSkeleton]")) return false;
    const filled = (kind, inside) =>
        [...document.querySelectorAll(kind)].every((one) => !one.checkVisibility() || one.querySelector(inside));
    return filled("[data-testid=stPlotlyChart]", ".main-svg") && filled("[data-testid=stDataFrame]", "canvas")
        && filled("[data-testid=stVegaLiteChart]", "canvas, svg")
        && [...document.images].every((image) => image.complete);
}"""
_ON_AXIS = """([charts, title]) => {
    const titles = [...document.querySelectorAll(".js-plotly-plot .xtitle")].map((one) => one.textContent);
    return titles.length === charts && titles.every((one) => one === title);
}"""
# Plays from the first sheet on; resolves to the seconds from the second sheet to the third.
_PLAY = """async () => {
    const find = (root) => root.querySelector(".player") ??
        [...root.querySelectorAll("*")].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
    const player = find(document);
    const next = (before) => new Promise((done) => {
        const look = () => (player.dataset.drawn === before ? setTimeout(look, 2) : done(performance.now()));
        look();
    });
    const first = player.dataset.drawn;
    [...player.querySelectorAll("button")].find((b) => b.textContent === "Play").click();
    const second = await next(first);
    return (await next(player.dataset.drawn) - second) / 1000;
}"""


class Painted(NamedTuple):
    """How long a page took to be painted: `seconds` by the clock; of a processor, the `server` and the `browser`."""

    seconds: float
    server: float
    browser: float


def run() -> list[dict[str, Any]]:
    """Measure all pages; return the table's rows."""
    chromium = find_chromium()
    if chromium is None:
        print("dashboard: skipped, there is no Chromium on PATH", file=sys.stderr)
        return []
    large = large_registry()
    compare = _ten_runs(str(large))
    rows = [
        _row(
            f"page {page} on the server",
            second.seconds,
            SERVER_SECONDS,
            f"processor {second.busy:.2f} s; the first time {first.seconds:.1f} s, processor {first.busy:.2f} s",
        )
        for page, (first, second) in page_times(str(large), list(TITLES)).items()
    ]
    first, second = page_times(str(large), ["compare", compare])[compare]
    note = f"processor {second.busy:.2f} s; the first time {first.seconds:.1f} s, processor {first.busy:.2f} s"
    rows.append(_row("10 charts of 10 runs of 10,000 steps, on the server", second.seconds, CURVES_SECONDS, note))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        rows += _on_large(browser.new_context(viewport=_VIEWPORT), str(large), compare)
        if _SHOWCASE.exists():
            rows += _on_showcase(browser.new_context(viewport=_VIEWPORT))
        browser.close()
    return rows


def _row(name: str, seconds: float, limit: float, note: str) -> dict[str, Any]:
    return row(name, seconds, "s", f"{note}; reference: the limit", reference=limit, ratio=limit / seconds)


def _ten_runs(registry: str) -> str:
    """Return the address of Compare with ten scalars of ten runs of 10,000 steps."""
    runs = Reader(registry).runs()
    run_ids = runs.id[runs.name.str.startswith("middle ")][:CURVES]
    scalars = "&".join(f"metric={name}" for name in SCALARS[:CURVES])
    return f"compare?runs={','.join(run_ids)}&{scalars}"


def _on_large(context: BrowserContext, registry: str, compare: str) -> list[dict[str, Any]]:
    with served(registry) as (address, pid):
        server = psutil.Process(pid)
        view = context.new_page()
        cold = _opened(view, f"{address}/", server)
        rows = [_painted_row("first page of a cold server, painted", cold, COLD_SECONDS, "1,000 runs")]
        painted = [{page: _clicked(view, title, server) for page, title in TITLES.items()} for _ in range(2)][1]
        rows += [
            _painted_row(f"page {page}, painted", one, PAINTED_SECONDS, "1,000 runs") for page, one in painted.items()
        ]
        curves = [_opened(view, f"{address}/{compare}", server) for _ in range(2)][1]
        rows.append(
            _painted_row("10 charts of 10 runs of 10,000 steps, painted", curves, PAINTED_SECONDS, "1,000 runs")
        )
        anew = [_on_another_axis(view, unit, server) for unit in ("Epoch", "Step")][1]
        name = "10 charts of 10 runs of 10,000 steps, on another x axis"
        rows.append(_painted_row(name, anew, PAINTED_SECONDS, "1,000 runs"))
        memory = server.memory_info().rss / 2**20
    note = "reference: the limit; torch runs in a separate process"
    return [*rows, row("server's memory", memory, "MiB", note, reference=MEMORY_MIB, ratio=MEMORY_MIB / memory)]


def _on_showcase(context: BrowserContext) -> list[dict[str, Any]]:
    with served(str(_SHOWCASE)) as (address, pid):
        server = psutil.Process(pid)
        view = context.new_page()
        _opened(view, f"{address}/", server)
        time.sleep(_READING_SECONDS)
        started = time.perf_counter()
        visit(view, TITLES["checkpoints"])
        view.get_by_role("button", name=re.compile("^Draw ")).click(timeout=120_000)
        view.locator("img[alt*='drawn from']").first.wait_for(timeout=120_000)
        faces = time.perf_counter() - started
        instability = [_clicked(view, title, server) for title in 2 * [TITLES["judges"], TITLES["instability"]]][-1]
        sheet_seconds = _played(view, address)
    note = "at 16 sheets a second; reference: eight"
    return [
        _row("first faces drawn, from the page's opening on", faces, FACES_SECONDS, "the showcase"),
        _painted_row("page instability, painted", instability, INSTABILITY_SECONDS, "the showcase"),
        row("player, from sheet to sheet", sheet_seconds, "s", note, reference=1 / 8, ratio=1 / 8 / sheet_seconds),
    ]


def _painted_row(name: str, painted: Painted, limit: float, note: str) -> dict[str, Any]:
    note = f"{note}; processor: server {painted.server:.2f} s, browser {painted.browser:.2f} s"
    return _row(name, painted.seconds, limit, note)


def _opened(view: Page, address: str, server: psutil.Process) -> Painted:
    """Return how long after its opening at its address a page is painted."""
    return _until_painted(view, lambda: view.goto(address), server)


def _clicked(view: Page, title: str, server: psutil.Process) -> Painted:
    """Return how long after a click on its title in the sidebar a page is painted."""
    return _until_painted(view, lambda: visit(view, title), server)


def _on_another_axis(view: Page, unit: str, server: psutil.Process) -> Painted:
    """Return how long after its choice all charts of the page are painted on another x axis."""
    # By keyboard: a click opens the list, which the scrolling to it closes again.
    view.get_by_role("combobox", name=re.compile("x axis")).press("ArrowDown")
    choice = view.get_by_role("option", name=unit, exact=True)

    def choose() -> None:
        choice.click()
        view.wait_for_function(_ON_AXIS, arg=[CURVES, unit.lower()], timeout=300_000, polling=20)

    return _until_painted(view, choose, server)


def _until_painted(view: Page, open_it: Callable[[], object], server: psutil.Process) -> Painted:
    started, before = time.perf_counter(), _processor_seconds()
    open_it()
    view.wait_for_function(_PAINTED, timeout=300_000, polling=20)
    seconds, after = time.perf_counter() - started, _processor_seconds()
    spent = {pid: busy - before.get(pid, 0.0) for pid, busy in after.items()}
    drawing = {child.pid for child in server.children(recursive=True)}
    browser = sum(busy for pid, busy in spent.items() if pid not in (server.pid, *drawing))
    return Painted(seconds, spent[server.pid], browser)


def _processor_seconds() -> dict[int, float]:
    """Return how long each process below this one, the server and the browser among them, was busy so far."""
    times = {}
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times[child.pid] = sum(child.cpu_times()[:2])
    return times


def _played(view: Page, address: str) -> float:
    """Return the seconds between two sheets that the player of Checkpoints shows at its fastest."""
    view.goto(f"{address}/checkpoints?epoch=1")
    view.locator(".player[data-drawn]:not([data-drawn=''])").first.wait_for(timeout=120_000)
    view.get_by_label("Sheets a second").select_option("16")
    return float(view.evaluate(_PLAY))
