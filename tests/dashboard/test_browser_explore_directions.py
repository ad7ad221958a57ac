"""The page Explore's part Directions in Chromium, on the committed showcase: faces that follow a slider."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.pages import wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

TIMEOUT_MS = 120_000  # for the process that draws to import torch


def test_faces_follow_a_slider_which_the_address_keeps_and_a_button_resets(page_at: Any, showcase_address: str) -> None:
    page = page_at("/explore?part=Directions", address=showcase_address)
    page.get_by_text("All that was measured").wait_for(timeout=TIMEOUT_MS)
    wait_until_it_stands(page)
    faces = page.get_by_role("img", name=re.compile("faces as they are drawn"))
    as_drawn = faces.get_attribute("src")
    reset = page.get_by_role("button", name="Reset the sliders")
    expect(reset).to_be_disabled()
    page.get_by_role("slider", name="Direction 1").press("End")
    expect(faces).not_to_have_attribute("src", as_drawn, timeout=TIMEOUT_MS)
    page.wait_for_url(re.compile("along1=6"), timeout=TIMEOUT_MS)
    moved = faces.get_attribute("src")
    again = page_at(page.url.removeprefix(showcase_address), address=showcase_address)
    same = again.get_by_role("img", name=re.compile("faces as they are drawn"))
    expect(same).to_have_attribute("src", moved, timeout=TIMEOUT_MS)
    again.get_by_role("button", name="Reset the sliders").click()
    expect(same).to_have_attribute("src", as_drawn, timeout=TIMEOUT_MS)
    assert "along1" not in again.url
