"""The pages Runs and Run, run by AppTest on an empty and on a filled registry; and what the dashboard may import."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fergan_core.registry import Reader, Registry, Score
from tests.support.pages import open_page

TITLES = {"overview": "Overview", "runs": "Runs", "run": "Run"}


def page(view: str, url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page(view, url, monkeypatch, query)


@pytest.fixture
def one_run(tmp_path: Path) -> tuple[str, str]:
    """A registry with one interrupted run that has points, a tag and a note in somebody's own words."""
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    run_id = registry.create_run(
        name="<b>mine</b> *run*", method="gan", preset="quick", recipe={"emotions": ["happy"], "batch_size": 8},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 80}, seed=0,
        provenance={"device": "cpu", "versions": {"torch": "2"}}, tags=["first"], epochs=2, steps=20,
    )  # fmt: skip
    registry.add_points(run_id, [("loss_d", step, 1 / step) for step in range(1, 11)] + [("loss_g", 10, float("nan"))])
    registry.note(run_id, "<script>alert(1)</script>")
    registry.set_status(run_id, "interrupted", "SIGINT at step 10")
    return url, run_id


@pytest.mark.parametrize("view", TITLES)
def test_without_a_registry_the_page_says_how_to_add_a_run(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(view, str(tmp_path / "runs.db"), monkeypatch)
    assert any("trainers.dcgan" in code.value for code in app.code)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("view", TITLES)
def test_a_damaged_registry_is_a_sentence_on_the_page(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.db"
    Registry(str(path))
    path.write_bytes(path.read_bytes()[:20_000])
    app = page(view, str(path), monkeypatch)
    assert not app.exception
    assert len(app.error) == 1
    assert "fergan restore" in app.error[0].value


def test_a_run_shows_its_state_recipe_and_words_as_text(
    one_run: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, run_id = one_run
    app = page("run", url, monkeypatch, run=run_id)
    assert "SIGINT at step 10" in app.warning[0].value.replace("\\", "")
    texts = [text.value for text in app.text]
    assert "<script>alert(1)</script>" in texts
    assert any("first" in badge.value for badge in app.markdown)
    assert any(("batch_size", "8") in table.value.itertuples(index=False, name=None) for table in app.dataframe)


def test_a_run_that_is_not_there_is_named_and_another_offered(
    one_run: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, run_id = one_run
    app = page("run", url, monkeypatch, run="nosuch")
    assert "nosuch" in app.warning[0].value
    assert app.selectbox(key="chosen run").value == run_id
    assert "nosuch" not in page("run", url, monkeypatch, run=run_id).warning[0].value
    Registry(url).trash(run_id)
    app = page("run", url, monkeypatch, run=run_id)
    # With its only trained run in the trash the registry says how to train one.
    assert any("trainers.dcgan" in code.value for code in app.code)


def test_a_living_run_can_be_held_to_look_closely(one_run: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    url, run_id = one_run
    assert "Live" not in {toggle.label for toggle in page("run", url, monkeypatch, run=run_id).toggle}
    Registry(url).set_status(run_id, "running")
    app = page("run", url, monkeypatch, run=run_id)
    (live,) = (toggle for toggle in app.toggle if toggle.label == "Live")
    live.set_value(False).run()
    assert not app.exception


def test_the_literature_run_cannot_be_changed_here(one_run: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    app = page("run", one_run[0], monkeypatch, run="report22")
    assert not app.button
    assert any("not standard Inception Scores" in text.value for text in app.text)


def test_looking_writes_nothing(one_run: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    url, run_id = one_run
    before = hashlib.sha256(Path(url).read_bytes()).hexdigest()
    write = Reader(url).last_write()
    for view in TITLES:
        page(view, url, monkeypatch, run=run_id)
    assert Reader(url).last_write() == write
    assert hashlib.sha256(Path(url).read_bytes()).hexdigest() == before


@pytest.mark.slow
def test_the_dashboard_opens_without_torch() -> None:
    script = (
        "import importlib, pkgutil, sys\n"
        "import dashboard.charts, dashboard.sections\n"
        "from dashboard import choose, data, face_client, sheet_series\n"
        "for room in (dashboard.charts, dashboard.sections):\n"
        "    for module in pkgutil.iter_modules(room.__path__):\n"
        "        importlib.import_module(f'{room.__name__}.{module.name}')\n"
        "assert 'dashboard.sections.studies' in sys.modules\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        # Nor what takes a second and few pages need.
        "assert not {'scipy.stats', 'statsmodels', 'alembic'} & {*sys.modules}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def judged_twice(one_run: tuple[str, str]) -> tuple[str, str]:
    """The one run, read by its data's own judge and later by the second one, under two priors."""
    url, run_id = one_run
    registry = Registry(url)
    for judge, prior, value in (("synthfer", "natural", 2.0), ("synthfer", "balanced", 3.0), ("x", "natural", 9.0)):
        for epoch in (1, 2):
            registry.add_evaluation(
                run_id, epoch=epoch, step=10 * epoch, judge=judge, judge_sha256=judge[0] * 64,
                protocol={"count": 500, "seed": 0, "prior": prior}, scores=[Score("is", value + epoch / 10)],
            )  # fmt: skip
    return url, run_id


OWN = "judge synthfer (ssssssss), 500 faces, natural prior, seed 0"


def test_a_run_shows_the_scores_that_stand_for_it_and_names_their_judge_and_protocol(
    judged_twice: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, run_id = judged_twice
    app = page("run", url, monkeypatch, run=run_id)
    assert {metric.label: metric.value for metric in app.metric}["IS"] == "2.200"
    assert any(OWN in text.value.replace("\\", "") for text in app.caption)
