"""The page Data in Chromium: what is in a dataset is one click away, and every face can be enlarged by keyboard."""

import re

import pytest

from fergan_core.data import open_dataset
from tests.support.pages import overflow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT_MS = 60_000


def test_what_is_in_the_dataset_is_one_click_away_and_a_face_enlarges_by_keyboard(page_at, small_data) -> None:
    page = page_at("/checkpoints", width=1280)
    page.get_by_role("link", name="Data", exact=True).click(timeout=TIMEOUT_MS)
    faces = page.get_by_role("button", name=re.compile(r"^face \d+: "))
    faces.first.wait_for(timeout=TIMEOUT_MS)
    page.get_by_text(f"{len(open_dataset(small_data)):,}").first.wait_for(timeout=TIMEOUT_MS)
    assert faces.count() == 70
    assert overflow(page) <= 0
    faces.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_alt_text(re.compile(r"^Face 1, \w+, enlarged$")).wait_for(timeout=TIMEOUT_MS)
    page.wait_for_url(re.compile(r"face=1(&|$)"), timeout=TIMEOUT_MS)
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden", timeout=TIMEOUT_MS)
    page.wait_for_url(re.compile(r"^(?!.*face=)"), timeout=TIMEOUT_MS)
