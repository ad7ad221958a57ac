"""The page Rate in Chromium: consent, answers by keyboard after a timed exposure, a reload, results."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fergan_core.registry import Reader, ratings
from tests.support.machine import served
from tests.support.rating_study import add_study

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]
PageAt = Callable[..., Page]
expect.set_options(timeout=30_000)  # as for a machine that does other work beside
SHOWN = ".frame img, .frame canvas"  # the face, or its mask


def answered(page: Page, number: int, key: str) -> None:
    """Answer the trial of a number by a key, once its face has been shown."""
    expect(page.locator(".count")).to_contain_text(f"{number} of ")
    page.locator(SHOWN).first.wait_for()
    page.keyboard.press(key)


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until the registry holds what the browser has sent."""
    for _ in range(300):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail("the server has not stored it")


def test_a_person_agrees_answers_by_keyboard_reloads_goes_on_and_sees_the_results(
    page_at: PageAt, tmp_path: Path
) -> None:
    url = str(tmp_path / "runs.db")
    study = add_study(url, tasks=("real",))
    reader = Reader(url)
    with served(url) as (address, _):
        page = page_at("/rate", address=address)
        page.get_by_role("textbox", name="Pseudonym").fill("<b>Ada</b>")
        page.keyboard.press("Tab")
        agrees = page.get_by_role("checkbox", name=re.compile("I have read this"))
        expect(agrees).to_be_focused()
        page.keyboard.press("Space")
        expect(agrees).to_be_checked()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Begin")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Start")).to_be_focused()
        page.keyboard.press("Space")
        answered(page, 1, "r")
        expect(page.locator(".said")).to_have_text("Yes: it is real.")
        answered(page, 2, "g")
        page.locator(SHOWN).first.wait_for()
        expect(page.locator(".count")).to_contain_text("3 of ")
        page.locator(SHOWN).first.wait_for()
        wait_until(page, lambda: len(ratings.ratings(reader, study)) == 3)
        page.reload()  # while the third face is on the screen, which is then not shown again
        expect(page.locator(".count")).to_contain_text("4 of ")
        page.get_by_role("button", name="Go on").click()
        answered(page, 4, "g")
        expect(page.locator(".count")).to_contain_text("5 of ")
        page.get_by_text("Results", exact=True).click()
        expect(page.get_by_text("1 person gave 1 answer;")).to_be_visible()
        assert f"study={study}" in page.url
        assert re.search(r"rater=[a-z0-9]{8}", page.url)
    table = ratings.ratings(reader, study)
    assert set(table.rater) == {"<b>Ada</b>"}
    assert table.answer.fillna("none").tolist()[:4] == ["real", "generated", "none", "generated"]
    done = table[table.answer.notna()]
    assert (done.response_ms > 0).all()
    assert (done.exposure_ms < 1000).all()
