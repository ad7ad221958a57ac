"""Every page in Chromium, light and dark, as axe-core sees it: contrast, names, roles, order of headings."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.pages import NOT_RUNNING, TITLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT_MS = 120_000
# Streamlit's own faults, by rule and by what they lie in: its navigation has each group's entries in a div between the
# list and its items.
STREAMLIT = {"list": "[data-testid=stSidebarNavItems]", "listitem": "[data-testid=stSidebarNavItems]"}
# A figure's drawing takes axe seconds; a reader has the words of the element around it, which are looked at.
LEFT_OUT = {"exclude": [".js-plotly-plot .svg-container"]}


def faults(page: Any) -> list[str]:
    """Return what is wrong on a page: rule, element, and axe's own sentence."""
    found = Axe().run(page, context=LEFT_OUT, options={"resultTypes": ["violations"]}).response["violations"]
    sentences = []
    for fault in found:
        if fault["impact"] not in ("serious", "critical") and fault["id"] != "heading-order":
            continue
        for node in fault["nodes"]:
            around = STREAMLIT.get(fault["id"])
            element = page.locator(node["target"][0]).first
            if around is None or not element.evaluate("(one, around) => !!one.closest(around)", around):
                sentences.append(f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}")
    unnamed = page.locator(".js-plotly-plot").evaluate_all(
        "figures => figures.filter(one => !one.closest('[role][aria-label]')).length"
    )
    return sentences + ["a chart has no words"] * unnamed


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)], ids=["light", "dark-telephone"])
def test_axe_finds_nothing_serious_on_any_page(page_at, dark: bool, width: int) -> None:
    page = page_at(f"/{next(iter(TITLES))}", dark=dark, width=width)
    root = page.url[: page.url.index("/", len("http://"))]
    found = {}
    for view in TITLES:
        page.goto(f"{root}/{view}")
        page.locator("h1").first.wait_for(timeout=TIMEOUT_MS)
        page.locator(NOT_RUNNING).wait_for(timeout=TIMEOUT_MS)
        found[view] = faults(page)
    assert not any(found.values()), "\n".join(f"{view}: {one}" for view, all_ in found.items() for one in all_)
