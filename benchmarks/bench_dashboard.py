"""The dashboard's server: its memory after five pages have been opened, and how long each page takes.

The registry is the showcase (`runs.db`) if it exists, otherwise one filled by two short trainings.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import row
from fergan_core.registry import Reader
from tests.support.machine import CHROMIUM_ARGUMENTS, ROOT, find_chromium, served

_LIMIT_MIB = 500
# The element that is on a page once it is complete.
_PAGES = {
    "runs": "tbody tr",
    "run": ".js-plotly-plot",
    "checkpoints": ".player[data-drawn]:not([data-drawn=''])",
    "inception_score": ".js-plotly-plot",
    "compare": ".js-plotly-plot",
}
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
_SHEET_SECONDS = 1 / 8  # at the most, to be seen as a film


def run() -> list[dict[str, Any]]:
    """Open every page twice in Chromium and draw faces; return the table's rows."""
    chromium = find_chromium()
    if chromium is None:
        print("dashboard: skipped, there is no Chromium on PATH", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        registry = _registry(Path(folder))
        with served(registry) as (address, pid):
            server = psutil.Process(pid)
            seconds = _visit(chromium, address, _PAGES)
            sheet_seconds = _played(chromium, address)
            memory = server.memory_info().rss / 2**20
            _visit(chromium, address, {"checkpoints?draw=true&emotion=happy&count=50": "img[alt*='drawn from']"})
            memory_with_faces = server.memory_info().rss / 2**20
    rows = [
        row(f"page {page}", value, "s", "second opening, until its figure is drawn") for page, value in seconds.items()
    ]
    name, note = "player, from sheet to sheet", "at 16 epochs a second; reference: eight sheets a second"
    rows.append(row(name, sheet_seconds, "s", note, reference=_SHEET_SECONDS, ratio=_SHEET_SECONDS / sheet_seconds))
    for state, value in (("all pages opened", memory), ("faces drawn as well", memory_with_faces)):
        name, note = f"server's memory, {state}", "reference: the limit; torch runs in a separate process"
        rows.append(row(name, value, "MiB", note, reference=_LIMIT_MIB, ratio=_LIMIT_MIB / value))
    return rows


def _registry(folder: Path) -> str:
    showcase = ROOT / "runs.db"
    if showcase.exists() and (~Reader(str(showcase)).runs().literature.astype(bool)).sum() >= 2:
        return str(showcase)
    registry = folder / "runs.db"
    for width in ("4", "8"):
        flags = ["--images", "640", "--epochs", "3", "--eval-every", "1", "--width", width, "--registry", str(registry)]
        subprocess.run([sys.executable, "-m", "trainers.dcgan", *flags], check=True, capture_output=True)
    return str(registry)


def _visit(chromium: str, address: str, pages: dict[str, str]) -> dict[str, float]:
    """Open each page twice; return the seconds of the second opening, when modules and tables are cached."""
    from playwright.sync_api import sync_playwright

    seconds = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        for page, selector in pages.items():
            for _ in range(2):
                view = browser.new_page(viewport={"width": 1280, "height": 900})
                started = time.perf_counter()
                view.goto(f"{address}/{page}")
                view.locator(selector).first.wait_for(timeout=120_000)
                seconds[page] = time.perf_counter() - started
                view.close()
        browser.close()
    return seconds


def _played(chromium: str, address: str) -> float:
    """Return the seconds between two sheets of the newest run that the player of Checkpoints shows at its fastest."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        view = browser.new_page(viewport={"width": 1280, "height": 900})
        view.goto(f"{address}/checkpoints?epoch=1")
        view.locator(_PAGES["checkpoints"]).first.wait_for(timeout=120_000)
        view.get_by_label("Sheets a second").select_option("16")
        seconds = float(view.evaluate(_PLAY))
        browser.close()
    return seconds
