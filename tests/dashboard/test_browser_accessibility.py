"""Every page in Chromium, light and dark, as axe-core sees it: contrast, names, roles, order of headings."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.machine import served
from tests.support.pages import TITLES, overflow, visit, wait_until_it_stands

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

TIMEOUT_MS = 120_000
PageAt = Callable[..., Any]
APP = "[data-testid=stApp]"
# Streamlit's own faults, by rule and by what they lie in: its navigation has each group's entries in a div between the
# list and its items.
STREAMLIT = {"list": "[data-testid=stSidebarNavItems]", "listitem": "[data-testid=stSidebarNavItems]"}
# A figure's drawing takes axe seconds; a reader has the words of the element around it, which are looked at.
DRAWINGS = (".js-plotly-plot .svg-container",)
# What stands beside every page is looked at with the first one, in each theme.
BESIDE = (*DRAWINGS, "[data-testid=stSidebar]", "[data-testid=stHeader]")
# Of an empty registry most pages say the same sentence and show the same commands.
SAY_MUCH_WHEN_EMPTY = ("overview", "judges", "data")
# What the theme and the width can change: names, roles and headings are the same in each.
OF_THE_LOOK = {"runOnly": {"type": "rule", "values": ["color-contrast", "scrollable-region-focusable"]}}


def faults(page: Any, options: dict[str, Any], left_out: Sequence[str] = BESIDE) -> list[str]:
    """Return what is wrong on a page that stands still: what was there only while a part of it was read anew, and
    therefore faded, is gone at a second look."""
    return looked_at(page, options, left_out) and looked_at(page, options, left_out)


def looked_at(page: Any, options: dict[str, Any], left_out: Sequence[str] = BESIDE) -> list[str]:
    """Return what axe finds outside the elements `left_out`: rule, element, and its own sentence."""
    page.wait_for_function("!document.querySelector('[data-stale=true]')", timeout=TIMEOUT_MS)
    asked = {"resultTypes": ["violations"], "preload": False, "iframes": False, **options}
    sentences = []
    for fault in Axe().run(page, context={"exclude": list(left_out)}, options=asked).response["violations"]:
        if fault["impact"] not in ("serious", "critical") and fault["id"] != "heading-order":
            continue
        for node in fault["nodes"]:
            target = node["target"][0]
            element = page.locator(target if isinstance(target, str) else target[-1]).first  # a list in a component
            around = STREAMLIT.get(fault["id"])
            if around is None or not element.evaluate("(one, around) => !!one.closest(around)", around):
                sentences.append(f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}")
    unnamed = page.locator(".js-plotly-plot").evaluate_all(
        "figures => figures.filter(one => !one.closest('[role][aria-label]')).length"
    )
    return sentences + ["a chart has no words"] * unnamed


@pytest.fixture
def empty_address(tmp_path: Path) -> Iterator[str]:
    with served(str(tmp_path / "runs.db")) as (address, _):
        yield address


@pytest.mark.parametrize("registry", ["dashboard", "empty"])
def test_axe_finds_nothing_serious_on_any_page_light_and_dark_and_all_of_it_is_in_sight_on_a_telephone(
    page_at: PageAt, registry: str, request: pytest.FixtureRequest
) -> None:
    page = page_at("/", address=request.getfixturevalue(f"{registry}_address"))
    found = {}
    themes = ["light", "dark"]
    for view, title in TITLES.items():
        visit(page, title)
        wait_until_it_stands(page)
        left_out = DRAWINGS if view == "overview" else BESIDE
        found[f"{view}, {themes[0]}"] = faults(page, {}, left_out)
        if registry == "empty" and view not in SAY_MUCH_WHEN_EMPTY:
            continue
        # The next page opens in the theme in which this one ends: to change it draws the charts anew.
        themes.reverse()
        page.emulate_media(color_scheme=themes[0])
        page.set_viewport_size({"width": 390, "height": 900})
        page.wait_for_function(f"getComputedStyle(document.querySelector('{APP}')).colorScheme == '{themes[0]}'")
        if pixels := max(0, overflow(page)):
            found[f"{view}, narrow"] = [f"{pixels} pixels are out of sight"]
        found[f"{view}, {themes[0]}, narrow"] = faults(page, OF_THE_LOOK, left_out)
        page.set_viewport_size({"width": 1280, "height": 900})
    assert not any(found.values()), "\n".join(f"{view}: {one}" for view, all_ in found.items() for one in all_)
