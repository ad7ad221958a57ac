"""Explore's parts One face and A real face in Chromium, on the committed showcase; all parts as axe-core sees them."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from fergan_core.registry import Reader
from tests.dashboard.test_browser_accessibility import APP, OF_THE_LOOK, faults
from tests.support.machine import ROOT
from tests.support.pages import overflow, wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

TIMEOUT_MS = 180_000  # for the process that draws to import torch, and to read faces of the data
READY = {
    "Faces": re.compile("The generator draws in this browser"),
    "Directions": re.compile("All that was measured"),
    "One face": re.compile("The evidence for"),
    "A real face": re.compile("Where do they lie"),
}


def look_sound(page: Any) -> None:
    """Fail where axe finds something serious in the light, or in the dark on a telephone, or a part is out of sight."""
    assert faults(page, {}) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function(f"getComputedStyle(document.querySelector('{APP}')).colorScheme == 'dark'")
    assert overflow(page) <= 0
    assert faults(page, OF_THE_LOOK) == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_axe_finds_nothing_serious_in_any_part(page_at: Any, showcase_address: str) -> None:
    page = page_at("/explore", address=showcase_address)
    for part, ready in READY.items():
        page.get_by_role("radio", name=part, exact=True).click()
        page.get_by_text(ready).first.wait_for(timeout=TIMEOUT_MS)
        wait_until_it_stands(page)
        look_sound(page)


def test_a_face_of_the_data_is_found_shown_in_every_emotion_and_saved(page_at: Any, showcase_address: str) -> None:
    run_id = Reader(str(ROOT / "runs.db")).resolve("unstable-norm")  # whose faces are the built-in ones
    page = page_at(f"/explore?run={run_id}&part=One+face", address=showcase_address)
    page.get_by_text("The evidence for").wait_for(timeout=TIMEOUT_MS)
    page.get_by_role("radio", name="A real face", exact=True).click()
    page.get_by_role("button", name="Find this face").click(timeout=TIMEOUT_MS)
    page.get_by_role("heading", name="The face in every emotion").wait_for(timeout=TIMEOUT_MS)
    expect(page.get_by_text(re.compile("^read as "))).to_have_count(7)
    look_sound(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    assert re.fullmatch(r"fergan-\w+-face-\d+-in-every-emotion\.png", download.value.suggested_filename)
    assert "part=A+real+face" in page.url
