"""The page Scores in Chromium on two real runs: a cell is clicked, training faces searched, links and themes hold."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.pages import overflow, wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT_MS = 30_000
DRAWN_MS = 180_000
CELL = ("sad", "fear")  # requested, recognised as
ROW, COLUMN = 4, 2


def cell_at(page, row: int, column: int) -> tuple[float, float]:
    """Return where a cell of the first heat map lies on the page, once it stands still."""
    area = page.locator(".js-plotly-plot .nsewdrag").first
    area.wait_for(timeout=TIMEOUT_MS)
    wait_until_it_stands(page)
    area.scroll_into_view_if_needed()
    box, before = area.bounding_box(), None
    while box != before:
        page.wait_for_timeout(100)
        box, before = area.bounding_box(), box
    return box["x"] + box["width"] * (column + 0.5) / 7, box["y"] + box["height"] * (row + 0.5) / 7


def test_a_click_on_a_cell_shows_its_faces_and_the_address_opens_the_same(page_at) -> None:
    page = page_at("/scores?part=Confusion")
    page.mouse.click(*cell_at(page, ROW, COLUMN))
    page.get_by_text(f"Requested {CELL[0]}, recognised as {CELL[1]}").wait_for(timeout=TIMEOUT_MS)
    sentence = page.get_by_text(re.compile(r"\d+ of 400 faces drawn from seed 0"))
    sentence.wait_for(timeout=DRAWN_MS)
    page.wait_for_url(re.compile(r"asked=sad&read_as=fear"), timeout=TIMEOUT_MS)
    again = page_at(page.url[page.url.index("/scores") :])
    same = again.get_by_text(re.compile(r"\d+ of 400 faces drawn from seed 0"))
    same.wait_for(timeout=DRAWN_MS)
    assert same.inner_text() == sentence.inner_text()


def test_generated_faces_are_shown_beside_training_faces(page_at) -> None:
    page = page_at("/scores?part=Copying&emotion=happy&count=5&search=true")
    pictures = page.get_by_alt_text("A generated happy face and its three nearest training faces")
    pictures.nth(4).wait_for(timeout=2 * DRAWN_MS)
    assert pictures.count() == 5


@pytest.mark.thorough
def test_a_telephone_shows_each_part_in_its_theme_and_the_table_is_downloaded_as_csv(page_at) -> None:
    page = page_at("/scores?part=Table", dark=True, width=390)
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        page.get_by_role("button", name="Download CSV").click(timeout=TIMEOUT_MS)
    with open(download.value.path(), encoding="utf-8") as file:
        assert file.readline().startswith("run_id,run_name,epoch,step,judge,judge_sha256,count")
    for part in ("Table", "Confusion", "Copying"):
        if part != "Table":
            page.get_by_test_id("stButtonGroup").get_by_text(part, exact=True).click(timeout=TIMEOUT_MS)
            page.wait_for_url(re.compile(f"part={part}"), timeout=TIMEOUT_MS)
        assert overflow(page) <= 0, part
        if part != "Copying":
            ground = page.locator(".js-plotly-plot .main-svg").first
            expect(ground).to_have_css("background-color", "rgb(20, 24, 27)", timeout=TIMEOUT_MS)
