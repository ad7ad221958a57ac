"""The page Runs in Chromium, on two real runs: rows are picked, opened and sorted, by mouse and by keyboard."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fergan_core.registry import Reader, Registry
from tests.support.pages import wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PageAt = Callable[..., Page]
expect.set_options(timeout=30_000)  # as for a machine that does other work beside


def row(page: Page, name: str) -> Any:
    return page.locator("tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))


@pytest.fixture
def run_id(filled_registry: str) -> Iterator[str]:
    """The run 'small', which is afterwards as it was."""
    reader = Reader(filled_registry)
    found = reader.resolve("small")
    yield found
    registry = Registry(filled_registry)
    if found in set(reader.runs(trashed=True).id):
        registry.restore(found)
    registry.rename(found, "small")
    for tag in reader.run(found)["tags"]:
        registry.untag(found, tag)


def test_a_run_opens_by_one_click_in_this_tab_and_back_brings_the_list_as_it_was(
    page_at: PageAt, run_id: str, filled_registry: str
) -> None:
    write = Reader(filled_registry).last_write()
    page = page_at("/runs")
    tabs = len(page.context.pages)
    page.get_by_role("button", name="FID").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text(re.compile("FID"))
    row(page, "other").locator("td.epoch").click()
    expect(page).to_have_url(re.compile("runs=[a-z0-9]{8}$"))
    row(page, "small").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    expect(page).to_have_title(re.compile("small"))
    assert f"run={run_id}" in page.url
    assert len(page.context.pages) == tabs
    page.go_back()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text(re.compile("FID"))
    assert Reader(filled_registry).last_write() == write  # looking, picking and sorting write nothing


def test_picked_rows_survive_reruns_and_are_the_choice_of_the_next_page(page_at: PageAt) -> None:
    page = page_at("/runs")
    for name in ("small", "other"):
        row(page, name).locator("td.epoch").click()
    bar = page.locator(".st-key-runs-actions")
    expect(bar).to_contain_text("2 runs picked")
    page.get_by_role("button", name="FID").click()  # the list is made anew, as it is every five seconds by itself
    expect(page.locator("th[aria-sort=ascending]")).to_have_text(re.compile("FID"))
    expect(row(page, "small").get_by_role("checkbox")).to_be_checked()
    bar.get_by_role("button", name="Compare").click()
    expect(page).to_have_title(re.compile("small.*other|other.*small"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare")


def test_a_run_is_renamed_tagged_trashed_and_restored_by_two_clicks_each(
    page_at: PageAt, run_id: str, filled_registry: str
) -> None:
    reader = Reader(filled_registry)
    page = page_at("/runs")
    row(page, "small").locator("td.epoch").click()
    bar = page.locator(".st-key-runs-actions")
    bar.get_by_label("Name").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("<b>smaller</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="<b>smaller</b>")).to_be_visible()
    wait_until_it_stands(page)
    expect(bar.get_by_label("Tags")).to_have_count(1)  # the field of before the new name is gone
    bar.get_by_label("Tags").click()
    page.keyboard.type("fresh")
    page.keyboard.press("Enter")
    expect(row(page, "<b>smaller</b>").locator("td.tags")).to_have_text("fresh")
    bar.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_role("link", name="<b>smaller</b>")).to_have_count(0)
    page.get_by_role("radio", name="Trash").click()
    page.locator("tbody").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    assert (reader.run(run_id)["name"], reader.run(run_id)["tags"]) == ("<b>smaller</b>", ["fresh"])


def test_by_keyboard_a_row_is_reached_picked_and_opened_and_no_cell_is_laid_over_it(page_at: PageAt) -> None:
    page = page_at("/runs")
    first = page.locator("tbody tr").first.get_by_role("checkbox")
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    second = page.locator("tbody tr").nth(1)
    expect(second.get_by_role("checkbox")).to_be_checked()
    expect(page.locator(".st-key-runs-actions")).to_be_visible()
    name = second.get_by_role("link").inner_text()
    second.get_by_role("checkbox").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    expect(page).to_have_title(re.compile(re.escape(name)))


@pytest.mark.thorough
def test_enter_on_a_row_of_another_page_chooses_or_opens_its_run_and_lays_no_cell_over_it(
    page_at: PageAt, showcase_address: str
) -> None:
    page = page_at("/collapse", address=showcase_address)
    tabs = len(page.context.pages)
    rows = page.locator("tbody tr")
    rows.first.get_by_role("button").focus()
    page.keyboard.press("ArrowDown")
    second = rows.nth(1)
    name = second.get_by_role("button").inner_text()
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile(re.escape(name)))
    expect(second.get_by_role("button")).to_have_attribute("aria-current", "true")
    expect(second.get_by_role("button")).to_be_focused()
    page.get_by_role("link", name="Studies").click()
    title = page.get_by_role("columnheader").get_by_role("button", name="FID", exact=True)
    title.press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text(re.compile("FID"))  # the rows are in the new order
    expect(title).to_be_focused()
    first = page.locator("tbody tr").get_by_role("link").first
    name = first.inner_text()
    first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    expect(page).to_have_title(re.compile(re.escape(name)))
    assert len(page.context.pages) == tabs


def test_on_a_telephone_the_first_columns_are_faces_name_and_status(page_at: PageAt) -> None:
    page = page_at("/runs", width=390)
    line = row(page, "small")
    expect(line.get_by_role("link")).to_be_in_viewport()
    expect(line.locator("td.name .badge").first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
