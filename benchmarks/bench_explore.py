"""What a person does in Chromium: moves a slider of Explore on the showcase, answers trials of Rate."""

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.common import row
from tests.support.machine import CHROMIUM_ARGUMENTS, ROOT, find_chromium, served
from tests.support.rating_study import add_study

SLIDER_MS = 50.0
_MOVES, _TRIALS = 20, 6
_TIMEOUT_MS = 180_000
_VIEWPORT: Any = {"width": 1280, "height": 900}
# Moves the slider once; resolves to the milliseconds until the large face has been painted.
_MOVE = """([slider, value]) => new Promise((done) => {
    const root = slider.getRootNode().querySelector(".explorer");
    const large = root.querySelector("canvas.large");
    const pixels = () => large.getContext("2d").getImageData(0, 0, 48, 48).data.join();
    const before = pixels(), drawn = root.dataset.drawn, began = performance.now();
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
    const look = () => (root.dataset.drawn === drawn ? setTimeout(look, 1) : done(performance.now() - began));
    look();
})"""


def run() -> list[dict[str, Any]]:
    """Measure Explore's sliders and Rate's trials; return the table's rows."""
    chromium = find_chromium()
    if chromium is None or not (ROOT / "runs.db").exists():
        print("explore: skipped, there is no Chromium on PATH, or no showcase", file=sys.stderr)
        return []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        rows = [*_sliders(browser.new_context(viewport=_VIEWPORT)), _trials(browser.new_context(viewport=_VIEWPORT))]
        browser.close()
    return rows


def _sliders(context: BrowserContext) -> list[dict[str, Any]]:
    with served(str(ROOT / "runs.db")) as (address, _):
        page = context.new_page()
        started = time.perf_counter()
        page.goto(f"{address}/explore")
        page.get_by_text("The generator draws in this browser.").wait_for(timeout=_TIMEOUT_MS)
        ready = time.perf_counter() - started
        slider = page.get_by_role("slider", name="From face A to face B").element_handle()
        page.wait_for_timeout(1000)
        times = [page.evaluate(_MOVE, [slider, 5 * (1 + move % 19)]) for move in range(_MOVES)]
    moved = statistics.median(times)
    note = f"median of {_MOVES}, the slowest {max(times):.0f}; reference: the limit"
    return [
        row(
            "Explore, from its address to faces drawn in the browser",
            ready,
            "s",
            "exported and checked at the first time",
        ),
        row(
            "Explore, from a slider's move to the face", moved, "ms", note, reference=SLIDER_MS, ratio=SLIDER_MS / moved
        ),
    ]


def _trials(context: BrowserContext) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        registry = str(Path(folder) / "runs.db")
        add_study(registry, tasks=("emotion",), trials=_TRIALS)
        with served(registry) as (address, _):
            page = context.new_page()
            page.goto(f"{address}/rate")
            page.get_by_role("textbox", name="Pseudonym").fill("bench")
            page.get_by_role("checkbox", name=re.compile("I have read this")).press("Space")
            page.get_by_role("button", name="Begin").click()
            page.get_by_role("button", name="Start").click()
            times = [_answered(page, number) for number in range(1, _TRIALS + 1)]
    return row(
        "Rate, from an answer to the next face's cross", 1e3 * statistics.median(times), "ms",
        f"median of {_TRIALS}; the answer is stored meanwhile",
    )  # fmt: skip


def _answered(page: Page, number: int) -> float:
    """Answer a trial once its face is shown; return the seconds until the next trial's is counted."""
    page.locator(".frame img").first.wait_for(timeout=_TIMEOUT_MS)
    page.keyboard.press("1")
    started = time.perf_counter()
    page.keyboard.press("3")
    page.locator(".count", has_text=f"{number + 1} of ").wait_for(timeout=_TIMEOUT_MS)
    return time.perf_counter() - started
