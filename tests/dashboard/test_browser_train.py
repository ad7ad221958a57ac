"""The page Train in Chromium: a training as a person starts and stops it, and a browser elsewhere that is refused."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard import launches
from fergan_core.registry import Reader
from tests.dashboard.servers import started
from tests.dashboard.test_browser_accessibility import APP, OF_THE_LOOK, faults
from tests.support.machine import ROOT, served
from tests.support.pages import overflow, wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]
PageAt = Callable[..., Page]
TIMEOUT_MS = 240_000  # until torch is imported and the data are read, on a machine that does other work beside


def fill(page: Page, label: str, value: str) -> None:
    """Type a number into a field of the recipe."""
    box = page.get_by_role("spinbutton", name=label, exact=True)
    box.fill(value)
    box.press("Enter")
    wait_until_it_stands(page)


def unfold(page: Page, title: str) -> None:
    page.locator("summary", has_text=title).click()


def test_a_person_fills_the_form_starts_a_training_follows_it_and_stops_it(
    page_at: PageAt, tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(launches.SWITCH, "1")
    url = str(tmp_path / "runs.db")
    with served(url) as (address, _):
        page = page_at("/train?method=vae", address=address)
        data = page.get_by_role("combobox", name="Data")
        data.fill(str(small_data))
        page.keyboard.press("Enter")
        wait_until_it_stands(page)
        fill(page, "epochs", "2000")
        unfold(page, "Images and batches")
        fill(page, "images", "64")
        fill(page, "batch_size", "16")
        unfold(page, "Optimiser")
        fill(page, "lr", "2e-3")
        unfold(page, "Scores, checkpoints, precision")
        fill(page, "eval_every (epochs)", "0")
        words = "--preset vae-quick --epochs 2000 --batch-size 16 --images 64 --eval-every 0 --lr 0.002"
        command = f"fergan train vae {words} --data {small_data} --registry {url}"
        expect(page.locator("code", has_text=command)).to_be_visible()
        assert faults(page, {}) == []
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"getComputedStyle(document.querySelector('{APP}')).colorScheme == 'dark'")
        page.set_viewport_size({"width": 390, "height": 900})
        assert overflow(page) <= 0
        assert faults(page, OF_THE_LOOK) == []
        page.set_viewport_size({"width": 1280, "height": 900})
        page.get_by_role("button", name="Start the training").click()
        expect(page.get_by_text("Getting ready")).to_be_visible(timeout=TIMEOUT_MS)
        expect(page.get_by_text("of 2000, step")).to_be_visible(timeout=TIMEOUT_MS)
        assert faults(page, {}) == []
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("interrupted", exact=True)).to_be_visible(timeout=TIMEOUT_MS)
        page.get_by_role("link", name="vae-quick").click()
        expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=TIMEOUT_MS)
    runs = Reader(url).runs()
    assert list(runs[~runs.literature].status) == ["interrupted"]


def own_address() -> str | None:
    """Return an address of this machine at which others could reach it; None where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        return str(probe.getsockname()[0])


def test_a_browser_that_is_not_on_this_machine_starts_nothing(tmp_path: Path, browser: Any) -> None:
    address = own_address()
    if address is None or address.startswith("127."):
        pytest.skip("this machine has no address but its own")
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "Home.py")]
    options = ["--server.headless", "true", "--server.address", "0.0.0.0", "--server.port"]
    allowed = {"FERGAN_ALLOW_REMOTE": "1", launches.SWITCH: "1", "FERGAN_REGISTRY": "runs.db", "PYTHONPATH": str(ROOT)}
    with started([*command, *options], tmp_path, **allowed) as (port, _):
        page = browser.new_context().new_page()
        for host, button in ((address, 0), ("localhost", 1)):
            page.goto(f"http://{host}:{port}/train")
            page.locator("h1").wait_for(timeout=TIMEOUT_MS)
            wait_until_it_stands(page)
            expect(page.get_by_role("button", name="Start the training")).to_have_count(button, timeout=TIMEOUT_MS)
            said = page.get_by_text("only from a browser on the machine on which the dashboard runs")
            expect(said).to_have_count(1 - button)
        page.context.close()
