"""The list of runs: what the database searches, filters, sorts, groups and pages."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fergan_core.registry import Reader, Registry, Score
from fergan_core.registry.run_list import (
    GROUPS,
    SORTS,
    RunQuery,
    facets,
    members,
    recipe_fields,
    run_list,
    run_rows,
)
from fergan_core.registry.schema import EvaluationRow, RunRow, ScoreRow
from fergan_core.registry.summaries import preferred_evaluations
from tests.support.statements import statements

PROTOCOL = {"count": 2000, "seed": 0, "prior": "natural", "truncation": 1.0, "real_count": 500}


def evaluate(registry: Registry, run_id: str, fid: float, *, step: int = 10, judge: str = "synthfer") -> None:
    registry.add_evaluation(
        run_id, epoch=step // 10, step=step, judge=judge, judge_sha256=judge[-1] * 64, protocol=PROTOCOL,
        scores=[Score("fid", fid), Score("fid", 0.1, emotion="happy")],
    )  # fmt: skip


@pytest.fixture
def runs(registry: Registry, enter: Callable[..., str]) -> dict[str, str]:
    """Four runs of three presets, by name; their recipes, tags, scores and findings differ."""
    ids = {
        "plain": enter(registry, name="plain", preset="quick", recipe={"method": {"kind": "gan", "width": 8}}),
        "100% wide": enter(
            registry, name="100% wide", preset="robust", tags=["good", "wide"],
            recipe={"batch_size": 8, "method": {"kind": "gan", "width": 64, "loss": "hinge"}},
        ),
        "flow": enter(
            registry, name="flow", preset="flow-cpu", method="flow", tags=["good"], recipe={"method": {"kind": "flow"}}
        ),
    }  # fmt: skip
    ids["fork"] = enter(registry, name="fork", preset="quick", parent=ids["plain"], parent_step=3)
    evaluate(registry, ids["plain"], 30.0)
    evaluate(registry, ids["100% wide"], 20.0)
    evaluate(registry, ids["100% wide"], 1.0, step=20, judge="synthfer-check")
    evaluate(registry, ids["flow"], 25.0)
    evaluate(registry, ids["flow"], 10.0, step=20)
    alarm = {"step": 5, "epoch": 1, "kind": "collapse", "severity": "alarm", "sentence": "It fell.", "numbers": {}}
    registry.set_findings(ids["fork"], [alarm])
    registry.note(ids["fork"], "Eyes look ODD")
    registry.set_status(ids["plain"], "finished")
    return ids


@pytest.fixture
def names(reader: Reader, runs: dict[str, str]) -> Callable[..., list[str]]:
    """Return a function (a query's fields) -> the names of the runs, or the groups' keys, in order."""
    by_id = {run_id: name for name, run_id in runs.items()}

    def listed(**query: Any) -> list[str]:
        rows = run_list(reader, RunQuery(**query), preferred_evaluations(reader)).rows
        found = [by_id.get(run_id, run_id) or key for run_id, key in zip(rows.run_id, rows.key, strict=True)]
        return [name for name in found if name not in ("report22", "literature")]

    return listed


def test_each_word_is_looked_for_in_names_ids_tags_and_notes(names: Callable[..., list[str]]) -> None:
    assert names(words="PLAIN") == ["plain"]
    assert names(words="good") == ["flow", "100% wide"]
    assert names(words="good wide") == names(words="100%") == names(words="%") == ["100% wide"]
    assert names(words="eyes odd") == ["fork"]
    assert names(words="eyes wide") == []


def test_filters_take_the_status_as_it_is_now_and_all_of_the_tags(
    registry: Registry, runs: dict[str, str], names: Callable[..., list[str]]
) -> None:
    assert names(statuses=("finished",)) == ["plain"]
    with registry.write() as connection:
        connection.execute(
            sa.text("UPDATE runs SET heartbeat = :then WHERE id = :id"), {"then": time.time() - 60, "id": runs["fork"]}
        )
    assert names(statuses=("crashed",)) == ["fork"]
    assert names(statuses=("running",)) == ["flow", "100% wide"]
    assert names(presets=("quick", "robust")) == ["fork", "100% wide", "plain"]
    assert names(methods=("flow",)) == ["flow"]
    assert names(tags=("good",)) == ["flow", "100% wide"]
    assert names(tags=("good", "wide")) == ["100% wide"]
    assert names(data=("fer2013",)) == []


def test_runs_are_sorted_by_columns_their_own_scores_and_recipe_fields(names: Callable[..., list[str]]) -> None:
    assert names() == ["fork", "flow", "100% wide", "plain"]
    assert names(sort="name", descending=False) == ["100% wide", "flow", "fork", "plain"]
    assert names(sort="alarms")[0] == "fork"
    # The newest of each run's own judge; who has no score comes last, up and down.
    assert names(sort="score:fid", descending=False) == ["flow", "100% wide", "plain", "fork"]
    assert names(sort="score:fid") == ["plain", "100% wide", "flow", "fork"]
    # As a number and not as text; a recipe that does not record the field has its method's default.
    assert names(sort="recipe:width", descending=False)[0] == "plain"
    assert names(sort="recipe:width")[0] == "100% wide"
    assert names(sort="recipe:batch_size", descending=False)[0] == "100% wide"
    assert names(sort="recipe:loss", descending=False)[:1] == ["100% wide"]
    assert names(sort="recipe:loss", descending=False)[-1] == "flow"  # which has no such field


def test_every_sort_lists_every_run_in_both_directions(names: Callable[..., list[str]]) -> None:
    fields = ("loss", "g_lr", "batch_size", "ema")  # a text, numbers, and one that some recipes do not have
    assert set(fields) <= set(recipe_fields())
    for sort in [*SORTS, "score:is", *(f"recipe:{name}" for name in fields)]:
        both = [names(sort=sort, descending=descending) for descending in (True, False)]
        assert sorted(both[0]) == sorted(both[1]), sort
        assert len(both[0]) == 4, sort
        assert len(names(sort=sort, group="tag")) == 3, sort


def test_a_recipe_that_is_no_json_does_not_end_the_list(
    registry: Registry, runs: dict[str, str], names: Callable[..., list[str]]
) -> None:
    with registry.write() as connection:
        connection.execute(sa.text("UPDATE runs SET recipe = 'no JSON' WHERE id = :id"), {"id": runs["fork"]})
    assert names(sort="recipe:width")[0] == "100% wide"


def test_runs_are_grouped_and_who_is_in_no_study_or_family_stands_alone(
    registry: Registry, reader: Reader, runs: dict[str, str], enter: Callable[..., str],
    names: Callable[..., list[str]],
) -> None:  # fmt: skip
    assert names(group="preset") == ["quick", "flow-cpu", "robust"]
    assert names(group="tag", sort="name", descending=False) == ["good", "wide", ""]
    assert names(group="parent") == [runs["plain"], "flow", "100% wide"]
    for seed in (0, 1):
        evaluate(registry, enter(registry, name=f"trial {seed}", tags=["study:s", "new"], seed=seed), 5.0 + seed)
    assert names(group="study") == ["study:s", "fork", "flow", "100% wide", "plain"]
    assert names(group="study", sort="score:fid", descending=False)[:2] == ["study:s", "flow"]
    query = RunQuery(group="study")
    listed = run_list(reader, query, preferred_evaluations(reader))
    assert (listed.total, listed.runs, listed.rows.runs[0]) == (6, 7, 2)
    inside = members(reader, query, ["study:s"])
    assert sorted(inside.name) == ["trial 0", "trial 1"]
    assert set(inside.key) == {"study:s"}


def test_a_group_opens_to_as_many_runs_as_it_says(reader: Reader, runs: dict[str, str]) -> None:
    evaluations = preferred_evaluations(reader)
    for group in GROUPS:
        listed = run_list(reader, RunQuery(group=group), evaluations)
        groups = listed.rows[listed.rows.key.notna()]
        for key, count in zip(groups.key, groups.runs, strict=True):
            inside = run_list(reader, RunQuery(within=(group, key)), evaluations)
            assert inside.runs == inside.total == count
            assert set(inside.rows.run_id) == set(members(reader, RunQuery(group=group), [key]).run_id)


def test_pages_have_their_size_and_the_one_beyond_the_last_is_the_last(reader: Reader, runs: dict[str, str]) -> None:
    evaluations = preferred_evaluations(reader)
    pages = [run_list(reader, RunQuery(page=page, page_size=2), evaluations) for page in (1, 2, 3, 9)]
    assert [(page.total, page.page, len(page.rows)) for page in pages] == [(5, 1, 2), (5, 2, 2), (5, 3, 1), (5, 3, 1)]
    assert len({run_id for page in pages[:3] for run_id in page.rows.run_id}) == 5


def test_the_trash_has_a_list_of_its_own(
    registry: Registry, reader: Reader, runs: dict[str, str], names: Callable[..., list[str]]
) -> None:
    registry.trash(runs["flow"])
    assert "flow" not in names()
    assert names(trashed=True) == ["flow"]
    assert facets(reader, trashed=True) == {
        "presets": ["flow-cpu"], "methods": ["flow"], "data": ["synthfer"], "tags": ["good"]
    }  # fmt: skip
    assert "flow-cpu" not in facets(reader)["presets"]
    assert list(preferred_evaluations(reader, trashed=True).run_id) == [runs["flow"]] * 2


def test_rows_have_what_the_list_shows_of_a_run_in_the_order_asked_for(
    registry: Registry, reader: Reader, runs: dict[str, str]
) -> None:
    for step in (10, 20):
        registry.add_sheet(
            runs["fork"], epoch=1, step=step, images_seen=9, path=f"{step}.webp", sha256="ab", bytes=9,
            emotions=["happy"], columns=2,
        )  # fmt: skip
    asked = [runs[name] for name in ("100% wide", "fork", "plain")]
    rows = run_rows(reader, [*asked, "nosuch"])
    assert list(rows.id) == asked
    assert list(rows.tags) == [["good", "wide"], [], []]
    assert list(rows.alarms) == [0, 1, 0]
    assert list(rows.notes) == [0, 1, 0]
    assert [path if isinstance(path, str) else None for path in rows.sheet_path] == [None, "20.webp", None]
    assert list(rows.status) == ["running", "running", "finished"]


def test_where_there_is_no_registry_the_list_is_empty(tmp_path: Path) -> None:
    reader = Reader(str(tmp_path / "runs.db"))
    for group in (None, *GROUPS):
        listed = run_list(reader, RunQuery(group=group), preferred_evaluations(reader))
        assert (len(listed.rows), listed.total, listed.runs) == (0, 0, 0)
    assert run_rows(reader, []).empty
    assert facets(reader)["tags"] == []


@pytest.mark.slow
def test_a_thousand_runs_cost_as_many_statements_as_ten_and_little_time(registry: Registry, reader: Reader) -> None:
    def numbers(runs: int) -> list[int]:
        """Add runs with an evaluation each; return how many statements the list, its groups and its rows take."""
        with registry.write() as connection:
            first = int(connection.scalar(sa.text("SELECT max(key) FROM runs")) or 0) + 1
            keys = range(first, first + runs)
            connection.execute(sa.insert(RunRow), [_run_row(key) for key in keys])
            connection.execute(sa.insert(EvaluationRow), [_evaluation_row(key) for key in keys])
            connection.execute(
                sa.insert(ScoreRow),
                [{"evaluation_key": key + 100, "metric": "fid", "emotion": "", "value": key % 97} for key in keys],
            )
        evaluations = preferred_evaluations(reader)
        counts = []
        for query in (RunQuery(sort="score:fid"), RunQuery(group="preset", sort="recipe:width", words="run")):
            with statements() as sent:
                listed = run_list(reader, query, evaluations)
                members(reader, query, [key for key in listed.rows.key if key])
                rows = run_rows(reader, [run_id for run_id in listed.rows.run_id if run_id])
            assert len(rows) <= 50
            counts.append(len(sent))
        return counts

    few = numbers(10)
    begun = time.process_time()
    assert numbers(990) == few
    assert max(few) < 10
    assert time.process_time() - begun < 5  # of which writing them takes the most; a query for each run takes longer
    listed = run_list(reader, RunQuery(sort="score:fid", page=3), preferred_evaluations(reader))
    assert (listed.total, len(listed.rows)) == (1001, 50)


def _run_row(key: int) -> dict[str, Any]:
    recipe = {"method": {"kind": "gan", "width": key % 7}}
    texts = dict.fromkeys(("reason", "device"), "")
    numbers = dict.fromkeys(("seed", "epoch", "epochs", "step", "steps", "images_seen"), key)
    return texts | numbers | {
        "key": key, "id": f"r{key}", "name": f"run {key}", "status": "finished", "method": "gan", "recipe": recipe,
        "preset": f"p{key % 5}", "data": "synthfer", "data_hash": "a", "dataset": {}, "provenance": {},
        "created": float(key), "heartbeat": 0.0, "literature": False, "thinned": False,
    }  # fmt: skip


def _evaluation_row(key: int) -> dict[str, Any]:
    return {
        "key": key + 100, "run_key": key, "step": 1, "epoch": 1, "judge": "synthfer", "judge_sha256": "a" * 64,
        "protocol": PROTOCOL, "protocol_key": "", "created": 0.0,
    }  # fmt: skip
