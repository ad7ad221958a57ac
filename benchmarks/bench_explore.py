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
_MOVES, _TRIALS = 20, 8
_ON_SYNTHFER = "qoych4ns"  # the showcase's run `unstable-norm`, whose faces are built in
_TIMEOUT_MS = 180_000
_VIEWPORT: Any = {"width": 1280, "height": 900}
# Moves the slider once; resolves to the milliseconds until what follows it has been painted.
_MOVE = """([slider, value]) => new Promise((done) => {
    const root = slider.getRootNode().querySelector(".explorer");
    const drawn = root.dataset.drawn, began = performance.now();
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
        moved = _moved(page, "From face A to face B", [5 * (1 + move % 19) for move in range(_MOVES)])
        page.goto(f"{address}/explore?part=Directions")
        page.get_by_text("All that was measured").wait_for(timeout=_TIMEOUT_MS)
        page.get_by_text("The generator draws in this browser.").wait_for(timeout=_TIMEOUT_MS)
        along = _moved(page, "Direction 1", [0.5 * (move - _MOVES // 2) for move in range(_MOVES)])
        found = _found(page, address)
    return [
        _slider_row("Explore, from a slider's move to the face", moved),
        _slider_row("Explore, from a move along a direction to its eight faces", along),
        row("Explore, a real face in every emotion", found, "s", "found among 1,000 faces and by 150 steps"),
        row(
            "Explore, from its address to faces drawn in the browser",
            ready,
            "s",
            "exported and checked at the first time",
        ),
    ]


def _moved(page: Page, name: str, values: list[float]) -> list[float]:
    """Return the milliseconds from each of a slider's moves, to these values, to the faces that the browser draws."""
    slider = page.get_by_role("slider", name=name).element_handle()
    page.wait_for_timeout(1000)
    return [page.evaluate(_MOVE, [slider, value]) for value in values]


def _slider_row(what: str, times: list[float]) -> dict[str, Any]:
    median = statistics.median(times)
    note = f"median of {len(times)}, the slowest {max(times):.0f}; reference: the limit"
    return row(what, median, "ms", note, reference=SLIDER_MS, ratio=SLIDER_MS / median)


def _found(page: Page, address: str) -> float:
    """Return the seconds in which a face of synthfer is found in a GAN and shown in every emotion."""
    page.goto(f"{address}/explore?run={_ON_SYNTHFER}&part=A+real+face")
    button = page.get_by_role("button", name="Find this face")
    button.wait_for(timeout=_TIMEOUT_MS)
    started = time.perf_counter()
    button.click()
    page.get_by_role("heading", name="The face in every emotion").wait_for(timeout=_TIMEOUT_MS)
    return time.perf_counter() - started


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
            count = page.locator(".count")
            of = int(count.inner_text().split(" of ")[1].split()[0])
            times = [_answered(page, number, of) for number in range(1, of)]
    # After a practice trial the page says for a while what was right.
    counted = [seconds for seconds, practice in times if not practice]
    note = f"median of {len(counted)}; the answer is stored meanwhile"
    return row("Rate, from an answer to the next trial", 1e3 * statistics.median(counted), "ms", note)


def _answered(page: Page, number: int, of: int) -> tuple[float, bool]:
    """Answer a trial once its face is shown; return the seconds to the next one, and whether it was practice."""
    count = page.locator(".count")
    count.filter(has_text=f"{number} of {of}").wait_for(timeout=_TIMEOUT_MS)
    practice = "practice" in count.inner_text()
    page.locator(".frame img").first.wait_for(timeout=_TIMEOUT_MS)
    page.keyboard.press("1")
    started = time.perf_counter()
    page.keyboard.press("3")
    count.filter(has_text=f"{number + 1} of {of}").wait_for(timeout=_TIMEOUT_MS)
    return time.perf_counter() - started, practice
