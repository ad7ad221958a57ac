"""Pages of the dashboard as tests open them: by AppTest, on a registry, at an address; and in a browser."""

from collections.abc import Mapping
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
    "inception_score": "Inception Score",
    "scores": "Scores",
    "judges": "Judges",
    "collapse": "Mode collapse",
    "instability": "Instability",
    "compare": "Compare",
    "methods": "Methods",
    "studies": "Studies",
    "claims": "Claims",
    "data": "Data",
}


NOT_RUNNING = "[data-testid=stApp][data-test-script-state=notRunning]"


def overflow(page: Any) -> int:
    """Return by how many pixels a page in a browser is wider than its window, once all of it is there."""
    page.locator(NOT_RUNNING).wait_for()
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
    assert [title.value for title in app.title] == [TITLES[view]]
    return app
