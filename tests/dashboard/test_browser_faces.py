"""The player, the live grid, the downloads and the addresses of the face pages, in Chromium on two real runs."""

import io
import re

import pytest
from PIL import Image

from tests.support.pages import overflow

pytestmark = pytest.mark.browser

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


def test_play_runs_through_the_epochs_and_the_address_follows(page_at) -> None:
    page = page_at("/checkpoints?epoch=1")
    player = player_of(page)
    assert epoch_shown(player) == 1
    first = canvas_pixels(page)
    page.get_by_role("button", name="Play").click()
    wait_for_epoch(page, 3)
    assert canvas_pixels(page) != first
    page.get_by_role("button", name="Play").wait_for(timeout=TIMEOUT_MS)
    page.wait_for_url(re.compile(r"[?&]epoch=3\b"), timeout=TIMEOUT_MS)
    page.get_by_text("Epoch 3, emotion by emotion").wait_for(timeout=TIMEOUT_MS)


def canvas_pixels(page) -> str:
    return page.locator(".player canvas").first.evaluate("canvas => canvas.toDataURL()")


def test_arrow_keys_move_by_one_epoch_and_home_and_end_to_the_ends(page_at) -> None:
    page = page_at("/checkpoints?epoch=1")
    player_of(page)
    page.get_by_label("Epoch", exact=True).focus()
    for key, epoch in (("ArrowRight", 2), ("End", 3), ("ArrowLeft", 2), ("Home", 1), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        wait_for_epoch(page, epoch)


def test_png_and_gif_of_the_training_are_what_they_say(page_at) -> None:
    page = page_at("/checkpoints?epoch=2")
    player_of(page)
    png = Image.open(io.BytesIO(downloaded(page, re.compile("^Download PNG$"))))
    assert (png.format, png.width > 1000) == ("PNG", True)
    gif = Image.open(io.BytesIO(downloaded(page, re.compile("^Download GIF"))))
    assert (gif.format, gif.n_frames) == ("GIF", 3)


def downloaded(page, name: re.Pattern[str]) -> bytes:
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        page.get_by_role("button", name=name).click()
    with open(download.value.path(), "rb") as file:
        return file.read()


def test_faces_are_drawn_live_and_the_address_opens_the_same(page_at) -> None:
    page = page_at("/checkpoints?emotion=happy&count=7")
    player_of(page)
    page.get_by_text("Draw", exact=True).click()
    picture = page.get_by_alt_text(re.compile("7 happy faces, drawn from epoch"))
    picture.wait_for(timeout=120_000)
    png = Image.open(io.BytesIO(downloaded(page, re.compile("^Download PNG of new faces"))))
    page.wait_for_url(re.compile("draw=true"), timeout=TIMEOUT_MS)
    again = page_at(page.url[page.url.index("/checkpoints") :])
    again.get_by_alt_text(re.compile("7 happy faces, drawn from epoch")).wait_for(timeout=120_000)
    same = Image.open(io.BytesIO(downloaded(again, re.compile("^Download PNG of new faces"))))
    assert same.tobytes() == png.tobytes()
    other = page_at("/checkpoints?emotion=happy&count=7&seed=5&draw=true")
    other.get_by_alt_text(re.compile("7 happy faces, drawn from epoch.*seed 5")).wait_for(timeout=120_000)
    assert (
        Image.open(io.BytesIO(downloaded(other, re.compile("^Download PNG of new faces")))).tobytes() != png.tobytes()
    )


def test_inception_score_draws_the_runs_the_real_line_and_the_report(page_at) -> None:
    page = page_at("/inception_score")
    legend = page.locator(".js-plotly-plot .legendtext")
    legend.first.wait_for(timeout=TIMEOUT_MS)
    names = legend.all_text_contents()
    assert any(name.startswith("real faces") for name in names)
    assert any("Report 2022" in name for name in names)
    page.get_by_text("KL ratio", exact=True).click()
    page.locator(".js-plotly-plot .ytitle", has_text="KL / ln K").wait_for(timeout=TIMEOUT_MS)
    page.wait_for_url(re.compile(r"reading=KL"), timeout=TIMEOUT_MS)


def test_compare_moves_all_runs_with_one_slider(page_at) -> None:
    page = page_at("/compare?epoch=1")
    player_of(page)
    assert page.locator(".player figure").count() == 2
    page.get_by_label("Epoch", exact=True).focus()
    page.keyboard.press("ArrowRight")
    wait_for_epoch(page, 2)
    assert page.locator(".player figcaption .at").all_inner_texts() == ["epoch 2", "epoch 2"]
    page.wait_for_url(re.compile(r"[?&]epoch=2\b"), timeout=TIMEOUT_MS)


@pytest.mark.parametrize(
    ("view", "drawn"),
    [
        ("checkpoints", ".player[data-drawn]:not([data-drawn=''])"),
        ("inception_score", ".js-plotly-plot .legendtext"),
        ("compare", ".player[data-drawn]:not([data-drawn=''])"),
    ],
)
def test_a_telephone_shows_the_whole_page(page_at, view: str, drawn: str) -> None:
    page = page_at(f"/{view}", width=390)
    page.locator(drawn).first.wait_for(timeout=TIMEOUT_MS)
    assert overflow(page) <= 0
