"""The player, the live grid, the downloads and the addresses of the face pages, in Chromium on two real runs."""

import io
import re

import pytest
from PIL import Image

from tests.support.pages import wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT_MS = 30_000


def player_of(page):
    """Wait until the player has drawn its first sheet."""
    player = page.locator(".player[data-drawn]:not([data-drawn=''])")
    player.wait_for(timeout=TIMEOUT_MS)
    return player


def epoch_shown(player) -> int:
    return int(player.get_attribute("data-drawn"))


def wait_for_epoch(page, epoch: int) -> None:
    page.wait_for_selector(f".player[data-drawn='{epoch}']", timeout=TIMEOUT_MS)


def canvas_pixels(page) -> str:
    return page.locator(".player canvas").first.evaluate("canvas => canvas.toDataURL()")


def test_every_epoch_is_reached_by_keyboard_without_a_tab_and_play_runs_through_them(page_at) -> None:
    page = page_at("/checkpoints?epoch=1")
    assert epoch_shown(player_of(page)) == 1
    for key, epoch in (("ArrowRight", 2), ("End", 3), ("ArrowLeft", 2), ("Home", 1), ("ArrowLeft", 1), ("Space", 3)):
        page.keyboard.press(key)
        wait_for_epoch(page, epoch)
    page.keyboard.press("Home")
    wait_for_epoch(page, 1)
    first = canvas_pixels(page)
    page.get_by_role("button", name="Play").click()
    wait_for_epoch(page, 3)
    assert canvas_pixels(page) != first
    page.get_by_role("button", name="Play").wait_for(timeout=TIMEOUT_MS)
    page.wait_for_url(re.compile(r"[?&]epoch=3\b"), timeout=TIMEOUT_MS)


def test_png_strip_gif_and_mp4_are_of_what_is_shown(page_at) -> None:
    page = page_at("/checkpoints?epoch=2&sheet=happy")
    player_of(page)
    page.keyboard.press("ArrowLeft")  # a download just after a step once failed without a word
    png, name = downloaded(page, "PNG")
    assert re.fullmatch(r"fergan-\w+-happy-epoch-1\.png", name)
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.height) == ("PNG", 2 * (2 * 8 + 40 + 98))
    strip = Image.open(io.BytesIO(downloaded(page, "PNG strip")[0]))
    assert (strip.width, strip.height) == (3 * picture.width // 2, picture.height // 2)
    gif = Image.open(io.BytesIO(downloaded(page, "GIF")[0]))
    assert (gif.format, gif.n_frames) == ("GIF", 3)
    assert downloaded(page, "MP4")[0][4:8] == b"ftyp"
    page.get_by_role("status").get_by_text("Downloaded: MP4").wait_for(timeout=TIMEOUT_MS)


def downloaded(page, name: str) -> tuple[bytes, str]:
    wait_until_it_stands(page)  # until then a button may have the file of before
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        page.get_by_role("button", name=name, exact=True).click()
    with open(download.value.path(), "rb") as file:
        return file.read(), download.value.suggested_filename


@pytest.mark.thorough
def test_a_wipe_moves_by_keyboard_and_by_mouse(page_at) -> None:
    page = page_at("/compare?view=Wipe&wipe=40")
    player_of(page)
    wipe = page.get_by_role("slider", name=re.compile("^Wipe between"))
    assert wipe.get_attribute("aria-valuenow") == "40"
    before = canvas_pixels(page)
    wipe.focus()
    page.keyboard.press("PageUp")
    page.wait_for_url(re.compile(r"[?&]wipe=50\b"), timeout=TIMEOUT_MS)
    assert canvas_pixels(page) != before
    box = page.locator(".player canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 5, box["y"] + 20)
    page.mouse.up()
    page.wait_for_url(re.compile(r"[?&]wipe=20\b"), timeout=TIMEOUT_MS)
    assert wipe.get_attribute("aria-valuenow") == "20"


def test_faces_are_drawn_live_and_the_address_opens_the_same(page_at) -> None:
    page = page_at("/checkpoints?emotion=happy&count=7")
    player_of(page)
    page.get_by_role("button", name="Draw 7 faces").click()
    picture = page.get_by_alt_text(re.compile("7 happy faces, drawn from epoch"))
    picture.wait_for(timeout=120_000)
    png = Image.open(io.BytesIO(downloaded(page, "Download PNG of new faces")[0]))
    page.wait_for_url(re.compile("draw=true"), timeout=TIMEOUT_MS)
    again = page_at(page.url[page.url.index("/checkpoints") :])
    again.get_by_alt_text(re.compile("7 happy faces, drawn from epoch")).wait_for(timeout=120_000)
    same = Image.open(io.BytesIO(downloaded(again, "Download PNG of new faces")[0]))
    assert same.tobytes() == png.tobytes()
    again.get_by_role("spinbutton", name="Seed").fill("5")
    again.keyboard.press("Enter")
    again.wait_for_url(re.compile("seed=5"), timeout=TIMEOUT_MS)
    again.get_by_role("button", name="Draw 7 faces").click()
    again.get_by_alt_text(re.compile("7 happy faces, drawn from epoch.*seed 5")).wait_for(timeout=120_000)
    assert Image.open(io.BytesIO(downloaded(again, "Download PNG of new faces")[0])).tobytes() != png.tobytes()


@pytest.mark.thorough
def test_compare_moves_all_runs_with_one_slider(page_at) -> None:
    page = page_at("/compare?epoch=1")
    page.get_by_role("heading", name="Curves").scroll_into_view_if_needed()
    player_of(page)
    assert page.locator(".player figure").count() == 2
    page.locator(".player input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    wait_for_epoch(page, 2)
    assert page.locator(".player figcaption .at").all_inner_texts() == ["epoch 2", "epoch 2"]
    page.wait_for_url(re.compile(r"[?&]epoch=2\b"), timeout=TIMEOUT_MS)
