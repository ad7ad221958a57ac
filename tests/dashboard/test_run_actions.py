"""What a person does to a run on its page: rename, tag, note, trash and restore."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fergan_core.registry import Reader, Registry
from tests.support.pages import open_page


def enter(registry: Registry, name: str) -> str:
    return registry.create_run(
        name=name, method="gan", preset="quick", recipe={"emotions": ["happy"], "batch_size": 8},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 80}, seed=0,
        provenance={"device": "cpu"}, tags=["first"], epochs=2, steps=20,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> tuple[str, str]:
    """A registry with a finished run that has a tag and a note, beside another one; url and the run's id."""
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    enter(registry, "other")
    run_id = enter(registry, "mine")
    registry.note(run_id, "eyes appear")
    registry.set_status(run_id, "finished")
    return url, run_id


def open_form(app: AppTest, key: str) -> None:
    app.session_state[key] = True
    app.run()


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


@pytest.mark.slow
def test_a_run_is_renamed_tagged_and_noted_on_its_page_by_two_clicks_each(
    run: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, run_id = run
    app = open_page("run", url, monkeypatch, {"run": run_id})
    open_form(app, "rename")
    app.text_input[0].set_value("<b>better</b>")
    press(app, "Save name")
    open_form(app, "tags")
    app.multiselect[0].set_value(["good"])
    press(app, "Save tags")
    open_form(app, "add note")
    app.text_area[0].set_value("a mouth too")
    press(app, "Save note")
    record = Reader(url).run(run_id)
    assert (record["name"], record["tags"]) == ("<b>better</b>", ["good"])
    assert [note["text"] for note in record["notes"]] == ["eyes appear", "a mouth too"]
    assert not app.error


@pytest.mark.slow
def test_a_note_is_edited_and_deleted_and_what_cannot_be_saved_is_a_sentence_in_its_form(
    run: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, run_id = run
    (number,) = [note["number"] for note in Reader(url).run(run_id)["notes"]]
    app = open_page("run", url, monkeypatch, {"run": run_id})
    open_form(app, f"edit note {number}")
    app.text_area[0].set_value(" ")
    press(app, "Save note")
    assert "cannot be empty" in app.error[0].value
    app.text_area[0].set_value("eyes and a mouth")
    press(app, "Save note")
    assert [note["text"] for note in Reader(url).run(run_id)["notes"]] == ["eyes and a mouth"]
    open_form(app, f"edit note {number}")
    press(app, "Delete note")
    assert Reader(url).run(run_id)["notes"] == []


@pytest.mark.slow
def test_a_run_goes_to_the_trash_and_is_restored_from_the_same_page(
    run: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, run_id = run
    app = open_page("run", url, monkeypatch, {"run": run_id})
    press(app, "Move to trash")
    assert set(Reader(url).runs(trashed=True).id) == {run_id}
    press(app, "Restore")
    assert Reader(url).runs(trashed=True).empty
    assert any("restored" in box.value for box in app.success)
    Registry(url).trash(run_id)
    app = open_page("run", url, monkeypatch, {"run": run_id})  # an old link
    press(app, "Restore mine")
    assert Reader(url).runs(trashed=True).empty
    assert app.selectbox(key="chosen run").value == run_id
