"""A registry that real runs filled, and the dashboard on it in a real browser."""

import re
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner

from tests.support.commands import few_light_faces, run_module
from tests.support.machine import CHROMIUM_ARGUMENTS, ROOT, served
from tests.support.once import made_once

ARTIFACTS = ROOT / "test-artifacts"


@pytest.fixture(scope="session", autouse=True)
def installed_packages_searched_once() -> Iterator[None]:
    """Let Streamlit look for components among the installed packages once; it does so for every AppTest, for 0.4 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_process_for_readers() -> Iterator[None]:
    """Let no page that a test opens in this process start the one that draws faces: there is nobody who reads it."""
    from dashboard import face_data  # not above: Streamlit warns of every cached function, and pytest does not hide it

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_data, "READING_SECONDS", threading.TIMEOUT_MAX)
        yield


@pytest.fixture(scope="session")
def filled_registry(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> str:
    """Train two small runs of different recipes, three epochs each; return the registry's path."""

    def train(folder: Path) -> None:
        common = ["--data", str(small_data), "--images", "600", "--epochs", "3", "--eval-every", "2", "--device", "cpu"]
        for flags in (["--name", "small", "--width", "4"], ["--name", "other", "--width", "4", "--batch-size", "32"]):
            done = run_module("trainers.dcgan", *common, *flags, "--registry", folder / "runs.db")
            assert done.returncode == 0, done.stderr

    with few_light_faces():
        return str(made_once(tmp_path_factory, "filled", train) / "runs.db")


@pytest.fixture(scope="session")
def dashboard_address(filled_registry: str) -> Iterator[str]:
    """Serve the filled registry for all browser tests."""
    with served(filled_registry) as (address, _):
        yield address


@pytest.fixture(scope="session")
def showcase_address() -> Iterator[str]:
    """Serve the committed showcase."""
    with served(str(ROOT / "runs.db")) as (address, _):
        yield address


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """Start Chromium once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def context(browser: Any) -> Any:
    """Open the one context of all pages, which share a cache: Streamlit is loaded once."""
    # What moves while a page is made costs the machine a third of the page's time.
    return browser.new_context(accept_downloads=True, reduced_motion="reduce")


@pytest.fixture(scope="session")
def idle_pages() -> list[Any]:
    """Keep the pages that tests have left: to go on with one takes half as long as to open one."""
    return []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Let fixtures know whether their test failed."""
    report = yield
    item.stash.setdefault(_FAILED, []).append(report.failed)
    return report


_FAILED = pytest.StashKey[list[bool]]()


@pytest.fixture
def page_at(request: pytest.FixtureRequest, context: Any, idle_pages: list[Any]) -> Iterator[Callable[..., Any]]:
    """Return a function (path, dark=False, width=1280, address=None) -> page, of the filled registry's dashboard unless
    another address is given; a failed test leaves screenshots in test-artifacts."""
    pages: list[Any] = []

    def open_page(path: str, dark: bool = False, width: int = 1280, address: str | None = None) -> Any:
        page = idle_pages.pop() if idle_pages else context.new_page()
        pages.append(page)
        page.bring_to_front()  # a page behind another draws one frame a second
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": width, "height": 900})
        page.goto((address or request.getfixturevalue("dashboard_address")) + path)
        page.locator("h1").first.wait_for(timeout=60_000)
        return page

    yield open_page
    failed = any(request.node.stash.get(_FAILED, []))
    for number, page in enumerate(pages):
        if failed:
            ARTIFACTS.mkdir(exist_ok=True)
            name = re.sub(r"[^\w-]+", "-", request.node.name)
            page.screenshot(path=str(ARTIFACTS / f"{name}-{number}.png"), full_page=True)
            page.close()
        else:
            page.mouse.move(0, 0)
            page.goto("about:blank")  # which ends the session and its runs of the page
            idle_pages.append(page)
