"""The page Runs, run by AppTest: what its table holds, what is asked for, and what can be done with picked runs."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sections import runs_export
from fergan_core.registry import Reader, Registry, Score
from fergan_core.registry.exchange.archive import import_run
from fergan_core.registry.run_list import RunQuery, run_rows
from fergan_core.registry.summaries import preferred_evaluations
from tests.support.pages import given_to_components, open_page

NUMBERS = {"emotion": "happy"}
OWN = "judge synthfer (rrrrrrrr), 500 faces, natural prior, seed 0"


def add_run(registry: Registry, name: str, **changes: Any) -> str:
    about: dict[str, Any] = {
        "method": "gan", "preset": "quick", "recipe": {"batch_size": 8, "method": {"kind": "gan", "width": 8}},
        "dataset": {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 80}, "seed": 0,
        "provenance": {"device": "cpu"}, "epochs": 2, "steps": 20,
    }  # fmt: skip
    return registry.create_run(name=name, **about | changes)


def evaluate(
    registry: Registry, run_id: str, epoch: int, value: float, judge: str = "synthfer", **changes: Any
) -> None:
    registry.add_evaluation(
        run_id, epoch=epoch, step=10 * epoch, judge=judge, judge_sha256=judge[-1] * 64,
        protocol={"count": 500, "seed": 0, "prior": "natural"} | changes,
        scores=[Score("is", value, value - 0.1, value + 0.1, 6.0), Score("accuracy", value / 10)],
    )  # fmt: skip


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with a run of two judges and two priors, one of a single evaluation, and a study of two trials."""
    registry = Registry(str(tmp_path / "runs.db"))
    judged = add_run(registry, "judged")
    for epoch in (1, 2):
        evaluate(registry, judged, epoch, 2.0 + epoch / 10)
        evaluate(registry, judged, epoch, 3.0, prior="balanced")
        evaluate(registry, judged, epoch, 9.0, judge="synthfer-x")
    evaluate(registry, add_run(registry, "<b>once</b> *x*", tags=["first"]), 1, 4.0)
    for seed in (0, 1):
        evaluate(registry, add_run(registry, f"trial {seed}", tags=["study:s"], seed=seed), 1, 5.0 + seed)
    alarm = {"step": 5, "epoch": 1, "kind": "collapse", "severity": "alarm", "sentence": "It fell.", "numbers": NUMBERS}
    registry.set_findings(judged, [alarm])
    registry.set_status(judged, "interrupted", "SIGINT at step 10")
    return registry


def id_of(registry: Registry, name: str) -> str:
    return registry.reader.resolve(name)


def page(registry: Registry, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("runs", registry.url, monkeypatch, query)


def table(app: AppTest) -> dict[str, Any]:
    """Return what the table was given to show."""
    (shown,) = shown_tables(app)
    return shown


def shown_tables(app: AppTest) -> list[dict[str, Any]]:
    return [given for given in given_to_components(app) if "rows" in given]


def names(app: AppTest) -> list[str]:
    return [row["cells"]["name"]["text"] for row in table(app)["rows"]]


def cells(app: AppTest, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = next(row["cells"] for row in table(app)["rows"] if row["cells"]["name"]["text"] == name)
    return answer


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_a_row_shows_the_scores_and_the_course_of_one_judge_and_protocol_and_names_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = cells(page(registry, monkeypatch), "judged")
    assert (judged["score:is"]["text"], judged["score:is"]["small"]) == ("2.200", "2.100 – 2.300")
    assert judged["score:accuracy"]["text"] == "22.0%"
    assert judged["curve"]["line"] == [[1, 2.1], [2, 2.2]]
    assert judged["protocol"]["text"] == OWN
    assert OWN in judged["curve"]["help"]
    assert judged["status"] == {
        "badges": [{"text": "interrupted", "colour": "orange"}, {"text": "1 alarm", "colour": "red"}],
        "help": "SIGINT at step 10",
    }


def test_a_single_score_is_one_point_of_the_axis_that_its_judge_has(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(registry, monkeypatch, group="Nothing")
    curves = {row["cells"]["name"]["text"]: row["cells"]["curve"] for row in table(app)["rows"]}
    assert curves["<b>once</b> *x*"]["line"] == [[1, 4.0]]
    assert {(curve["low"], curve["high"]) for curve in curves.values() if OWN in curve.get("help", "")} == {(1.0, 6.0)}


def test_a_study_is_one_row_that_opens(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(registry, monkeypatch)
    assert names(app)[:3] == ["Study s", "<b>once</b> *x*", "judged"]
    study = table(app)["rows"][0]
    assert (study["open"], len(study["ids"]), study["cells"]["name"]["small"]) == (False, 2, "2 runs")
    assert study["cells"]["score:is"]["text"] == "5.000 – 6.000"
    assert study["cells"]["status"]["badges"] == [{"text": "2 running", "colour": "blue"}]
    app = page(registry, monkeypatch, open="study:s")
    assert names(app)[:3] == ["Study s", "trial 1", "trial 0"]
    assert [row["level"] for row in table(app)["rows"]][:4] == [0, 1, 1, 0]


def test_scores_of_several_judges_make_no_range(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate(registry, add_run(registry, "trial 2", tags=["study:s"], seed=2), 1, 1.5, judge="synthfer-x")
    study = table(page(registry, monkeypatch, search="trial"))["rows"][0]
    assert study["cells"]["score:is"]["text"] == "–"
    assert study["cells"]["protocol"]["text"] == "several judges or protocols"


def test_a_registry_of_the_literature_alone_says_how_to_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(Registry(str(tmp_path / "runs.db")), monkeypatch)
    assert any("trainers.dcgan" in code.value for code in app.code)
    assert len(table(app)["rows"]) == 1


def test_the_address_carries_words_filters_group_sort_columns_and_picked_runs(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = id_of(registry, "judged")
    query = {"group": "Nothing", "sort": "score:is", "status": "running", "columns": "Recipe: width", "runs": judged}
    app = page(registry, monkeypatch, **query)
    assert names(app) == ["<b>once</b> *x*", "trial 0", "trial 1"]
    shown = table(app)
    assert (shown["sort"], shown["descending"], shown["picked"]) == ("score:is", False, [judged])
    assert [column["key"] for column in shown["columns"]][-2:] == ["curve", "recipe:width"]
    assert cells(app, "trial 0")["recipe:width"] == {"text": "8"}
    assert names(page(registry, monkeypatch, search="first")) == ["<b>once</b> *x*"]
    app = page(registry, monkeypatch, search="no such words")
    assert "No run matches" in app.info[0].value
    assert not shown_tables(app)


def test_a_sort_that_there_is_not_is_the_newest_first(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(registry, monkeypatch, sort="recipe:nosuch", page="77")
    assert (table(app)["sort"], table(app)["descending"]) == ("created", True)


def test_a_picked_run_is_renamed_tagged_and_annotated(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = id_of(registry, "judged")
    app = page(registry, monkeypatch, runs=run_id)
    next(field for field in app.text_input if field.label == "Name").set_value("better").run()
    next(field for field in app.multiselect if field.label == "Tags").set_value(["good", "first"]).run()
    next(field for field in app.text_input if field.label == "Note").set_value("eyes appear")
    press(app, "Add")
    run = registry.reader.run(run_id)
    assert (run["name"], run["tags"], [note["text"] for note in run["notes"]]) == (
        "better", ["first", "good"], ["eyes appear"],
    )  # fmt: skip
    next(field for field in app.text_input if field.label == "Name").set_value(" ").run()
    assert "cannot be empty" in app.error[0].value
    write = registry.reader.last_write()
    app.run()
    assert registry.reader.last_write() == write
    assert registry.reader.run(run_id)["name"] == "better"


def test_tags_of_several_runs_are_those_that_they_share(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    once, judged = id_of(registry, "<b>once</b> *x*"), id_of(registry, "judged")
    app = page(registry, monkeypatch, runs=f"{once},{judged}")
    tags = next(field for field in app.multiselect if field.label == "Tags of all of them")
    assert tags.value == []
    tags.set_value(["both"]).run()
    assert [registry.reader.run(run_id)["tags"] for run_id in (once, judged)] == [["both", "first"], ["both"]]
    next(field for field in app.multiselect if field.label == "Tags of all of them").set_value([]).run()
    assert [registry.reader.run(run_id)["tags"] for run_id in (once, judged)] == [["first"], []]


def test_a_run_goes_to_the_trash_and_comes_back(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = id_of(registry, "judged")
    app = page(registry, monkeypatch, runs=run_id)
    press(app, "Move to the trash")
    assert "judged" not in names(app)
    press(app, "Restore")
    assert "judged" in names(app)
    registry.trash(run_id)
    app = page(registry, monkeypatch, part="Trash")
    assert names(app) == ["judged"]
    assert cells(app, "judged")["restore"] == {"button": "Restore"}
    assert [column["key"] for column in table(app)["columns"]][:3] == ["faces", "name", "restore"]
    assert page(registry, monkeypatch, part="Trash", search="nosuch").info[0].value == "Nothing in the trash matches."


def test_the_literatures_run_cannot_be_changed(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(registry, monkeypatch, runs="report22")
    assert next(button for button in app.button if button.label == "Move to the trash").disabled
    assert "Name" not in [field.label for field in app.text_input]


def test_the_csv_has_the_runs_of_all_pages_with_their_scores_and_fields(registry: Registry) -> None:
    reader = registry.reader
    query = RunQuery(sort="score:is", group="study", page_size=1)
    columns = ["name", "score:is", "recipe:width"]
    csv = runs_export.as_table(reader, query, columns, preferred_evaluations(reader)).set_index("name")
    assert list(csv.index)[:5] == ["trial 1", "trial 0", "<b>once</b> *x*", "judged", *csv.index[4:5]]
    assert csv.loc["judged", ["is", "is_low", "judge", "prior", "width"]].to_list() == [
        2.2, 2.1, "synthfer", "natural", 8,
    ]  # fmt: skip


def test_an_archive_of_one_run_is_imported_as_it_is_and_several_are_one_each(
    registry: Registry, tmp_path: Path
) -> None:
    judged, once = id_of(registry, "judged"), id_of(registry, "<b>once</b> *x*")
    runs = run_rows(registry.reader, [judged, once])
    archives = {row.id: runs_export.archive_name(row.name, row.id) for row in runs.itertuples()}
    assert archives[once] == f"b-once-b-x-{once}.zip"
    (tmp_path / "one.zip").write_bytes(runs_export.archive(registry.reader, {judged: archives[judged]}))
    other = Registry(str(tmp_path / "other.db"))
    assert import_run(other, tmp_path / "one.zip") == judged
    (tmp_path / "two.zip").write_bytes(runs_export.archive(registry.reader, archives))
    with zipfile.ZipFile(tmp_path / "two.zip") as whole:
        assert sorted(whole.namelist()) == sorted(archives.values())
        whole.extract(archives[once], tmp_path)
    assert import_run(other, tmp_path / archives[once]) == once
    assert Reader(other.url).run(once)["tags"] == ["first"]
