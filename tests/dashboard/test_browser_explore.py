"""The page Explore in Chromium, on the committed showcase: a generator that draws in the browser, and one that the
server draws with."""

import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

TIMEOUT_MS = 120_000  # PyTorch's export of the generator
_PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 48, 48).data].filter((_, at) => at % 4 === 0)"


def pixels(canvas: Any) -> list[int]:
    return list(canvas.evaluate(_PIXELS))


def drawn(explorer: Any, times: int) -> None:
    """Wait until so many pictures have been drawn since the page was opened."""
    explorer.wait_for(timeout=TIMEOUT_MS)
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
    again = page_at(page.url.removeprefix(showcase_address), address=showcase_address)
    drawn(again.locator(".explorer"), 3)
    assert pixels(again.locator(".explorer canvas.large")) == before


def saved(page: Any, name: str) -> tuple[str, Any]:
    """Click a button that downloads; return the file's name and picture."""
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        page.get_by_role("button", name=name, exact=True).click()
    return download.value.suggested_filename, Image.open(download.value.path())


def test_what_lies_between_is_saved_as_a_gif_and_as_a_png(page_at: Any, showcase_address: str) -> None:
    page = page_at("/explore?second=7&emotion=sad&other=fear", address=showcase_address)
    explorer = page.locator(".explorer")
    drawn(explorer, 3)
    name, gif = saved(page, "GIF of what lies between face A and face B")
    assert re.fullmatch(r"fergan-\w+-epoch-\d{4}-seed-0-face-1-to-face-8-sad\.gif", name)
    assert (gif.format, gif.n_frames, gif.info["loop"]) == ("GIF", 48, 0)
    explorer.get_by_text(re.compile(r"^Downloaded: GIF, \d\.\d MB\.$")).wait_for(timeout=TIMEOUT_MS)
    name, png = saved(page, "PNG of what lies between the two emotions")
    assert name.endswith("-face-1-sad-to-fear.png")
    assert (png.format, png.height) == ("PNG", 160)


def test_a_face_of_many_passes_is_chosen_and_walked_to_by_keyboard(page_at: Any, showcase_address: str) -> None:
    asked = "run=4lodomfs&steps=1&emotion=happy&walk=from+face+A+to+face+B"
    page = page_at(f"/explore?{asked}", address=showcase_address)
    faces = page.get_by_role("group", name="Faces: arrows move, Enter chooses").get_by_role("button")
    expect(faces).to_have_count(24, timeout=TIMEOUT_MS)
    page.get_by_role("radio", name="face B", exact=True).click()
    faces.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(faces.nth(2)).to_have_accessible_name("Face 3: face B", timeout=TIMEOUT_MS)
    expect(faces.nth(2)).to_be_focused()
    page.wait_for_url(re.compile(r"second=2\b"), timeout=TIMEOUT_MS)
    expect(page.get_by_role("img", name=re.compile("^Generated face, "))).to_have_count(9, timeout=TIMEOUT_MS)
    name, gif = saved(page, "Download GIF")
    assert (name, gif.n_frames) == ("fergan-4lodomfs-epoch-0014-seed-0-face-1-to-face-3-happy.gif", 16)
    assert saved(page, "Download PNG")[1].size == (2 * (84 + 9 * 50), 2 * (30 + 50))


def test_a_drawing_goes_on_for_who_else_waits_and_ends_when_nobody_does(page_at: Any, showcase_address: str) -> None:
    asked = "/explore?run=4lodomfs&emotion=happy&seed=11&steps="
    first, second = (page_at(f"{asked}500", address=showcase_address) for _ in range(2))
    for page in (first, second):
        page.get_by_text(re.compile(r"of 6 faces drawn")).first.wait_for(timeout=TIMEOUT_MS)
    second.get_by_role("button", name="Cancel").first.click()
    second.get_by_text("The drawing was cancelled.").first.wait_for(timeout=TIMEOUT_MS)
    first.bring_to_front()
    first.get_by_text(re.compile(r"[1-6] of 6 faces drawn, about")).first.wait_for(timeout=TIMEOUT_MS)
    expect(first.get_by_text("The drawing was cancelled.")).to_have_count(0)
    second.bring_to_front()
    second.get_by_role("button", name="Draw again").first.click()
    second.get_by_text(re.compile(r"[1-6] of 6 faces drawn")).first.wait_for(timeout=TIMEOUT_MS)
    first.goto("about:blank")
    second.get_by_role("button", name="Cancel").first.click()
    second.get_by_text("The drawing was cancelled.").first.wait_for(timeout=TIMEOUT_MS)
    # Nothing keeps the process any more.
    third = page_at(f"{asked}1", address=showcase_address)
    expect(third.get_by_role("group", name=re.compile("^Faces: ")).get_by_role("button")).to_have_count(
        24, timeout=20_000
    )
