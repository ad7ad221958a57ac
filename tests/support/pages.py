"""Pages of the dashboard as tests open them: by AppTest, on a registry, at an address; and in a browser."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.machine import ROOT

HOME = ROOT / "dashboard" / "Home.py"
TITLES = {
    "overview": "Overview",
    "runs": "Runs",
    "run": "Run",
    "checkpoints": "Checkpoints",
    "explore": "Explore",
    "inception_score": "Inception Score",
    "scores": "Scores",
    "judges": "Judges",
    "collapse": "Mode collapse",
    "instability": "Instability",
    "compare": "Compare",
    "methods": "Methods",
    "studies": "Studies",
    "claims": "Claims",
    "rate": "Rate",
    "data": "Data",
}
SWITCHED_ON = {"train": "Train"}
"""The pages that a setting switches on: without it a page is only at its address, and says how to."""


NOT_RUNNING = "[data-testid=stApp][data-test-script-state=notRunning]"


def wait_until_it_stands(page: Any) -> None:
    """Wait until a page in a browser has been made anew after a choice: until then old parts stand beside new ones."""
    page.locator(NOT_RUNNING).wait_for(timeout=120_000)


def overflow(page: Any) -> int:
    """Return by how many pixels a page in a browser is wider than its window, once all of it is there."""
    wait_until_it_stands(page)
    # Charts and components are laid out in the frames after the last answer of the server.
    return int(
        page.evaluate(
            """async () => {
                for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
                const main = document.querySelector('[data-testid=stMain]');
                return main.scrollWidth - main.clientWidth;
            }"""
        )
    )


def visit(page: Any, title: str, timeout_ms: float = 120_000) -> None:
    """Go to a page of a dashboard that is open in a browser, by a click on its title in the sidebar."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click(timeout=timeout_ms)
    page.get_by_role("heading", level=1, name=title, exact=True).wait_for(timeout=timeout_ms)


def count_clicks(page: Any) -> None:
    """Count a person's clicks on a page from now on, until it is loaded anew."""
    page.evaluate("window.clicks = 0; addEventListener('pointerdown', () => { window.clicks += 1; }, true)")


def clicks(page: Any) -> int:
    """Return how many times a person has clicked since `count_clicks`."""
    return int(page.evaluate("window.clicks"))


def open_page(view: str, url: str, monkeypatch: pytest.MonkeyPatch, query: Mapping[str, str]) -> AppTest:
    """Open a page through Home on a registry, with its address's parameters; fail where it raises."""
    monkeypatch.setenv("FERGAN_REGISTRY", url)
    app = AppTest.from_file(str(HOME), default_timeout=300)
    app.switch_page(f"views/{view}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [(error.message, error.stack_trace) for error in app.exception]
    assert [title.value for title in app.title] == [{**TITLES, **SWITCHED_ON}[view]]
    return app


def given_to_components(app: AppTest) -> list[dict[str, Any]]:
    """Return what each of a page's components of ours was given to show."""
    return [json.loads(part.proto.json) for part in app.get("bidi_component") if part.proto.json]


def listed_runs(app: AppTest, label: str) -> list[dict[str, Any]]:
    """Return the rows of the first table of runs of a label: by column's key a text, or a list of badges' texts."""
    table = next(table for table in given_to_components(app) if table.get("label") == label)
    return [
        {
            key: [badge["text"] for badge in cell["badges"]] if "badges" in cell else cell["text"]
            for key, cell in row["cells"].items()
        }
        for row in table["rows"]
    ]


def seen_backticks(app: AppTest) -> list[str]:
    """Return the texts of a page in which a person sees a backtick: Markdown in which it is escaped, and what is shown
    as it is, blocks of code aside."""
    kinds = ("markdown", "caption", "info", "warning", "error", "success")
    markdown = [str(element.value) for kind in kinds for element in getattr(app, kind)]
    markdown += [part.label for part in app.expander]
    as_it_is = [str(text.value) for text in app.text] + [table.value.to_csv() for table in app.dataframe]
    as_it_is += [chart.proto.spec for chart in app.get("plotly_chart")]
    as_it_is += [component.proto.json for component in app.get("bidi_component")]
    return [text for text in markdown if "\\`" in text] + [text for text in as_it_is if "`" in text]


@contextmanager
def opened_offline(browser: Any, file: Path) -> Iterator[Any]:
    """Open a file in Chromium without a network; fail where the page says anything to the console, or asks for more
    than what it holds."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_offline(True)
    page = context.new_page()
    said: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.add(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert said == []
    assert {url for url in asked if not url.startswith("blob:")} == {file.as_uri()}
