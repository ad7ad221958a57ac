"""What a stranger asks of the committed showcase, in Chromium, by as many clicks as it may take at most.

Other tasks are shown where their page's tests are: saved curves (test_browser_curves.py), changes to a run
(test_browser_runs.py), every epoch by keyboard (test_browser_faces.py), a dataset (test_browser_data.py).
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages import clicks, count_clicks, visit, wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow]

expect.set_options(timeout=60_000)
Start = Callable[[str], Page]


@pytest.fixture
def start(page_at: Callable[..., Page], showcase_address: str) -> Start:
    """Return a function that opens a page of the showcase and counts the clicks from then on."""

    def open_page(path: str) -> Page:
        page = page_at(path, address=showcase_address)
        count_clicks(page)
        return page

    return open_page


def player_shows(page: Page, label: str) -> Any:
    return expect(page.locator(f".player canvas[aria-label='{label}']"))


def test_which_run_is_best_on_fer2013_and_how_sure_that_is_stands_on_the_first_page(start: Start) -> None:
    page = start("/")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text("95\u00a0%: 0.561 to 0.655")).to_be_visible()
    expect(main.get_by_text("the intervals do not overlap")).to_be_visible()
    main.get_by_role("link", name="robust, 40 CPU minutes").first.click()
    expect(page).to_have_url(re.compile(r"/run\?run=ufrcf2ww"))
    expect(page.get_by_alt_text("drawn at epoch 25").locator("visible=true")).to_be_visible()
    assert clicks(page) == 1


def test_when_a_run_collapsed_and_its_faces_before_and_after(start: Start) -> None:
    page = start("/")
    visit(page, "Mode collapse")
    page.get_by_role("button", name="unstable-norm", exact=True).click()
    expect(page).to_have_title(re.compile("^unstable-norm "))
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text(re.compile("emotions collapse, first at epoch 4"))).to_be_visible()
    for when in ("before", "after"):
        expect(main.get_by_alt_text(re.compile(f"^happy faces, epoch [34], {when}"))).to_be_visible()
    assert clicks(page) == 2


def test_disgust_of_two_runs_at_the_same_epoch_and_a_link_to_precisely_this(
    start: Start, page_at: Callable[..., Page], showcase_address: str
) -> None:
    page = start("/checkpoints?run=6zqvtlyo")
    player_shows(page, "happy faces of quick-fer2013 at epoch 16").to_be_visible()
    page.get_by_role("combobox", name=re.compile("Runs")).click()
    page.keyboard.type("report-small")
    page.get_by_role("option", name="report-small").click()
    page.keyboard.press("Escape")  # the list stays open over the pills below it
    player_shows(page, "disgust faces of report-small at epoch 100").to_be_visible()
    page.get_by_test_id("stButtonGroup").get_by_text("disgust", exact=True).click()
    wait_until_it_stands(page)
    page.locator(".player input[type=range]").press("Home")
    expect(page).to_have_url(re.compile("sheet=disgust"))
    expect(page).to_have_url(re.compile("epoch=1(&|$)"))
    assert clicks(page) <= 4
    again = page_at(page.url.removeprefix(showcase_address), address=showcase_address)
    for shown in (page, again):
        for run in ("quick-fer2013", "report-small"):
            player_shows(shown, f"disgust faces of {run} at epoch 1").to_be_visible()


@pytest.mark.thorough
def test_the_inception_score_of_many_runs_with_their_seeds_as_a_band(start: Start) -> None:
    page = start("/")
    visit(page, "Inception Score")
    page.get_by_role("combobox", name=re.compile("Or all of")).click()
    page.get_by_role("option", name=re.compile("^tag presets")).click()
    wait_until_it_stands(page)
    page.get_by_text("Seeds together", exact=True).click()
    legend = page.locator(".js-plotly-plot").first.locator(".legendtext")
    expect(legend.filter(has_text="(3 runs)").first).to_be_visible()
    names = legend.all_text_contents()
    assert any(name.startswith("real faces") for name in names), names
    assert page.locator(".js-plotly-plot").first.locator(".scatterlayer .js-fill").count() >= 1
    assert len(re.findall("%2C", page.url)) >= 4  # five runs or more are chosen
    assert clicks(page) <= 4


def test_which_fields_differ_between_two_runs(start: Start) -> None:
    page = start("/runs?search=8+epochs")
    for name in ("robust, 8 epochs, seed 2", "dcgan-concat, 8 epochs, seed 2"):
        row = page.locator("tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))
        row.locator("td.epoch").click()
    page.locator(".st-key-runs-actions").get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
    # What a table of Streamlit's draws is in its canvas as a table for those who do not see it.
    expect(page.locator("canvas td").filter(has_text=re.compile("^d_lr$"))).to_have_count(1)
    assert clicks(page) <= 3
