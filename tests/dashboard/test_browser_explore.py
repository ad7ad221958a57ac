"""The page Explore in Chromium, on the committed showcase: a generator that draws in the browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

TIMEOUT_MS = 120_000  # PyTorch's export of the generator
_PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 48, 48).data].filter((_, at) => at % 4 === 0)"


def pixels(canvas: Any) -> list[int]:
    return list(canvas.evaluate(_PIXELS))


def drawn(explorer: Any, times: int) -> None:
    """Wait until so many pictures have been drawn since the page was opened."""
    explorer.page.wait_for_function(
        "([root, times]) => Number(root.dataset.drawn) >= times",
        arg=[explorer.element_handle(), times],
        timeout=TIMEOUT_MS,
    )


def test_faces_follow_the_sliders_and_the_address_opens_the_same(page_at: Any, showcase_address: str) -> None:
    page = page_at("/explore", address=showcase_address)
    explorer = page.locator(".explorer")
    explorer.get_by_text("The generator draws in this browser.").wait_for(timeout=TIMEOUT_MS)
    drawn(explorer, 3)
    tiles = explorer.get_by_role("button", name=re.compile(r"^Face \d+"))
    assert tiles.count() == 24
    large = explorer.locator("canvas.large")
    assert pixels(large) == pixels(tiles.nth(0).locator("canvas"))  # as it opens: face A in the chosen emotion
    explorer.get_by_role("radio", name="face B").check()
    tiles.nth(7).press("Enter")
    expect(tiles.nth(7)).to_have_accessible_name("Face 8, B")
    blend = explorer.get_by_role("slider", name="From face A to face B")
    blend.press("End")
    drawn(explorer, 6)
    assert pixels(large) == pixels(tiles.nth(7).locator("canvas"))
    explorer.get_by_role("combobox", name="Towards the emotion").select_option("sad")
    explorer.get_by_role("slider", name="How far towards it").fill("60")
    page.wait_for_url(re.compile(r"second=7&.*blend=100&.*mix=60&"), timeout=TIMEOUT_MS)
    before = pixels(large)
    assert before != pixels(tiles.nth(7).locator("canvas"))
    assert int(explorer.get_attribute("data-milliseconds")) < 1000
    again = page_at(page.url.removeprefix(showcase_address), address=showcase_address)
    drawn(again.locator(".explorer"), 3)
    assert pixels(again.locator(".explorer canvas.large")) == before
