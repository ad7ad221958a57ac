"""Where the dashboard listens, wherever it is started, and that pages which others could open are refused."""

import sys
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.access import is_local
from fergan_core.registry import Registry
from tests.dashboard.servers import addresses, started
from tests.support.machine import ROOT
from tests.support.rating_study import add_study
from trainers.open_dashboard import settings

HOME = ROOT / "dashboard" / "Home.py"
VIEWS = ROOT / "dashboard" / "views"
PYTHON = (sys.executable, "-m")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a folder with an empty registry, home and working folder of a user who shares other pages of his."""
    Registry(f"sqlite:///{tmp_path / 'runs.db'}")
    (tmp_path / ".streamlit").mkdir()
    settings_file = '[server]\naddress = "0.0.0.0"\n[browser]\ngatherUsageStats = true\n[theme]\nbaseFontSize = 30\n'
    (tmp_path / ".streamlit" / "config.toml").write_text(settings_file)
    return tmp_path


def opened(browser: Any, port: int) -> tuple[str, set[str]]:
    """Open the dashboard; return what the page says and which hosts the browser turned to."""
    context, hosts = browser.new_context(), set()
    context.on("request", lambda request: hosts.add(request.url.split("/")[2].split(":")[0]))
    page = context.new_page()
    try:
        page.goto(f"http://127.0.0.1:{port}/", timeout=180_000)
        page.locator("h1, [data-testid=stAlert]").first.wait_for(timeout=180_000)
        page.wait_for_timeout(500)
        return page.locator("body").inner_text(), hosts
    finally:
        context.close()


@pytest.mark.browser
@pytest.mark.thorough
@pytest.mark.slow
def test_started_elsewhere_by_streamlit_it_listens_here_alone_and_reports_to_nobody(
    elsewhere: Path, browser: Any
) -> None:
    """Though the user's own files of settings say otherwise, in the home and in the working folder."""
    command = ["streamlit", "run", str(HOME), "--server.headless", "true", "--server.port"]
    with started([*PYTHON, *command], elsewhere, PYTHONPATH=str(ROOT), FERGAN_REGISTRY="runs.db") as (port, process):
        assert addresses(process, port) == {"127.0.0.1"}
        text, hosts = opened(browser, port)
    assert "Runs" in text
    assert hosts <= {"127.0.0.1", ""}


@pytest.mark.slow
def test_its_own_command_listens_here_alone_whatever_the_environment_says(elsewhere: Path) -> None:
    command = ["trainers.open_dashboard", "--registry", "runs.db", "--port"]
    with started([*PYTHON, *command], elsewhere, PYTHONPATH=str(ROOT), STREAMLIT_SERVER_ADDRESS="0.0.0.0") as (
        port,
        process,
    ):
        assert addresses(process, port) == {"127.0.0.1"}


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.thorough
def test_a_server_that_others_can_reach_shows_a_sentence_in_place_of_pages(elsewhere: Path, browser: Any) -> None:
    command = ["streamlit", "run", str(HOME), "--server.headless", "true", "--server.address", "0.0.0.0"]
    with started([*PYTHON, *command, "--server.port"], elsewhere, PYTHONPATH=str(ROOT), FERGAN_REGISTRY="runs.db") as (
        port,
        process,
    ):
        assert addresses(process, port) == {"0.0.0.0"}
        text, _ = opened(browser, port)
    assert "The server listens on 0.0.0.0, where others can read the runs" in text
    assert "FERGAN_ALLOW_REMOTE=1" in text
    assert "Checkpoints" not in text


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("unix:///tmp/a.sock", True),
        ("0.0.0.0", False),
        ("0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("no-such-host.invalid", False),
        ("", False),
    ],
)
def test_only_addresses_of_this_machine_alone_are_local(address: str, local: bool) -> None:
    assert is_local(address) == local


@pytest.mark.parametrize(
    ("address", "allowed", "refused"), [("0.0.0.0", "", True), ("0.0.0.0", "1", False), ("localhost", "", False)]
)
def test_home_refuses_by_the_address_that_is_set(
    address: str, allowed: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERGAN_REGISTRY", str(tmp_path / "runs.db"))
    monkeypatch.setenv("FERGAN_ALLOW_REMOTE", allowed)
    Registry(f"sqlite:///{tmp_path / 'runs.db'}")
    before = st.get_option("server.address")
    st.config.set_option("server.address", address)
    try:
        app = AppTest.from_file(str(HOME), default_timeout=60).run()
    finally:
        st.config.set_option("server.address", before)
    assert bool(app.error) == refused
    assert not app.exception


@pytest.mark.parametrize(
    ("token", "query", "says"),
    [
        ("short", {"token": "short"}, "5 characters and could be guessed"),
        ("a" * 24, {}, "lacks the token"),
        ("a" * 24, {"token": "b" * 24}, "lacks the token"),
        ("a" * 24, {"token": "a" * 24}, "names no study"),
        ("a" * 24, {"token": "a" * 24, "study": "STUDY"}, ""),
    ],
)
def test_a_server_for_raters_shows_a_study_to_those_with_its_token_and_nothing_else(
    token: str, query: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "runs.db")
    study = add_study(url)
    monkeypatch.setenv("FERGAN_REGISTRY", url)
    monkeypatch.setenv("FERGAN_RATE_TOKEN", token)
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params.update({name: study if value == "STUDY" else value for name, value in query.items()})
    app.run()
    assert not app.exception
    errors = " ".join(error.value for error in app.error)
    assert says in errors
    assert bool(says) == bool(errors)
    assert ("pseudonym" in app.session_state) == (not says)
    assert not app.selectbox
    assert not app.get("button_group")


@pytest.mark.parametrize("view", sorted(path.name for path in VIEWS.glob("[a-z]*.py")))
def test_a_page_started_by_itself_says_what_to_start(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERGAN_REGISTRY", str(tmp_path / "runs.db"))
    Registry(f"sqlite:///{tmp_path / 'runs.db'}")
    app = AppTest.from_file(str(VIEWS / view), default_timeout=60).run()
    assert [error.value for error in app.error] == [
        "A page does not run by itself; start the dashboard with `streamlit run dashboard/Home.py`."
    ]
    assert not [*app.exception, *app.info, *app.dataframe, *app.code]


def test_the_command_passes_on_the_settings_beside_the_entry() -> None:
    flags = settings(HOME, any_address=False)
    assert {"--server.address=127.0.0.1", "--browser.gatherUsageStats=false", "--server.enableXsrfProtection=true"} < {
        *flags
    }
    assert not [flag for flag in settings(HOME, any_address=True) if flag.startswith("--server.address")]
