"""The dashboard's server: its memory after all five pages have been opened, and how long each takes to draw.

The registry is the showcase where there is one (`runs.db`), otherwise one that a short training fills.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from fergan_core.registry import Reader

_ROOT = Path(__file__).resolve().parents[1]
_LIMIT_MB = 500
# What a page has drawn when it is done.
_PAGES = {
    "runs": "[data-testid=stDataFrame]",
    "run": ".js-plotly-plot",
    "checkpoints": ".player[data-drawn]:not([data-drawn=''])",
    "inception_score": ".js-plotly-plot",
    "compare": ".js-plotly-plot",
}
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
              "--disable-sync", "--no-first-run")  # fmt: skip


def run() -> list[dict[str, Any]]:
    """Open every page twice in Chromium and draw faces; rows of name, value, unit, reference, ratio, note."""
    chromium = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if chromium is None:
        print("dashboard: skipped, there is no Chromium on PATH", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        registry = _registry(Path(folder))
        with _server(registry) as (address, server):
            seconds = _visit(chromium, address, _PAGES)
            memory = server.memory_info().rss / 2**20
            _visit(chromium, address, {"checkpoints?draw=true&emotion=happy&count=50": "img[alt*='drawn from']"})
            drawn = server.memory_info().rss / 2**20
    rows = [
        _row(f"page {page}", value, "s", None, "second opening, until its figure stands")
        for page, value in seconds.items()
    ]
    rows.append(_row("server's memory, all pages opened", memory, "MiB", _LIMIT_MB, "reference: the limit"))
    rows.append(
        _row("server's memory, faces drawn as well", drawn, "MiB", _LIMIT_MB, "torch is in a process of its own")
    )
    return rows


def _row(name: str, value: float, unit: str, reference: float | None, note: str) -> dict[str, Any]:
    ratio = None if reference is None else reference / value
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio, "note": note}


def _registry(folder: Path) -> str:
    showcase = _ROOT / "runs.db"
    if showcase.exists() and (~Reader(str(showcase)).runs().literature.astype(bool)).sum() >= 2:
        return str(showcase)
    made = folder / "runs.db"
    for width in ("4", "8"):
        flags = ["--images", "640", "--epochs", "3", "--eval-every", "1", "--width", width, "--registry", str(made)]
        subprocess.run([sys.executable, "-m", "trainers.dcgan", *flags], check=True, capture_output=True)
    return str(made)


@contextlib.contextmanager
def _server(registry: str) -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(_ROOT / "dashboard" / "Home.py")]
    options = ["--server.headless", "true", "--server.port", str(port)]
    environment = {**os.environ, "FERGAN_REGISTRY": registry}
    server = subprocess.Popen(
        [*command, *options], cwd=_ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                break
            time.sleep(0.25)
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _visit(chromium: str, address: str, pages: dict[str, str]) -> dict[str, float]:
    """Open each page twice; return the seconds of the second opening, whose modules and tables are known."""
    from playwright.sync_api import sync_playwright

    seconds = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
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
