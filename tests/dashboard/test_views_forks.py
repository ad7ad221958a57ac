"""The forks on the page Run, run by AppTest on a registry with a tree of them, and with a parent that is gone."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fergan_core.registry import Reader, Registry
from tests.support.pages import listed_runs, open_page


def add_run(registry: Registry, name: str, parent: str | None = None, step: int | None = None, **method: Any) -> str:
    recipe = {"preset": "quick", "batch_size": 64, "method": {"kind": "gan", "d_lr": 2e-4, "augment": "none", **method}}
    run_id = registry.create_run(
        name=name, method="gan", preset="quick", recipe=recipe, seed=0, provenance={}, epochs=10, steps=1000,
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 6400},
        parent=parent, parent_step=step,
    )  # fmt: skip
    names = ("loss_g", "pulse_diversity/happy")
    registry.add_points(run_id, [(name, at, at / 1000) for name in names for at in range((step or 0) + 50, 1001, 50)])
    registry.progress(run_id, epoch=10, step=1000, images_seen=64_000)
    registry.set_status(run_id, "finished")
    return run_id


def collapse(step: int) -> dict[str, Any]:
    numbers = {"emotion": "happy", "until": 1000}
    sentence = "In epoch 5 happy collapsed."
    return {
        "step": step, "epoch": step // 100, "kind": "collapse", "severity": "alarm", "sentence": sentence,
        "numbers": numbers,
    }  # fmt: skip


@pytest.fixture
def branched(tmp_path: Path) -> tuple[str, list[str]]:
    """A registry with a run that collapsed, two forks of it, a fork of one of them, and a run with none."""
    registry = Registry(str(tmp_path / "runs.db"))
    trunk = add_run(registry, "trunk")
    slower = add_run(registry, "slow*er*", trunk, 300, d_lr=1e-4)
    helped = add_run(registry, "helped", trunk, 400, augment="ada")
    again = add_run(registry, "again", helped, 600, augment="ada")
    registry.set_findings(trunk, [collapse(500)])
    registry.set_findings(slower, [collapse(700)])
    registry.set_findings(again, [collapse(700) | {"severity": "warning"}])
    return registry.url, [trunk, slower, helped, again, add_run(registry, "alone")]


def page(url: str, monkeypatch: pytest.MonkeyPatch, run_id: str) -> AppTest:
    return open_page("run", url, monkeypatch, {"run": run_id})


def tree(app: AppTest) -> pd.DataFrame:
    return pd.DataFrame(listed_runs(app, "The run and its forks: what each changed, and which alarms it had"))


def has_forks(app: AppTest) -> bool:
    return "Parents and forks" in [header.value for header in app.header]


def test_the_tree_says_what_each_fork_changed_and_what_came_of_it(
    branched: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (_, _, helped, _, _) = branched
    app = page(url, monkeypatch, helped)
    assert has_forks(app)
    table = tree(app)
    assert table["name"].to_list() == ["trunk", "↳ slow*er*", "↳ helped (this run)", "↳ ↳ again"]
    assert table["epoch"].to_list() == ["–", "3", "4", "6"]
    assert table["changed"].to_list() == ["–", "d_lr 0.0002 → 0.0001", "augment none → ada", "nothing"]
    assert table["outcome"].to_list() == ["–", "recurred", "did not recur", "none to compare"]
    assert table["alarms"].to_list() == [
        "epoch 5: An emotion collapses (happy)", "epoch 7: An emotion collapses (happy)", "none",
        "collapsed for a while: happy",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_curve_opens_at_the_emotion_that_died_and_draws_the_chosen_forks(
    branched: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (_, slower, helped, again, _) = branched
    app = page(url, monkeypatch, again)
    assert app.selectbox(key="curve").value == "pulse_diversity/happy"
    forks_to_draw = next(box for box in app.multiselect if box.label == "Forks to draw")
    assert forks_to_draw.value == [again, slower, helped]
    forks_to_draw.set_value([]).run()
    assert not app.exception
    app.selectbox(key="curve").set_value("loss_g").run()
    assert not app.exception


def test_a_run_that_neither_is_nor_has_a_fork_has_no_such_section(
    branched: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_forks(page(branched[0], monkeypatch, branched[1][-1]))
    assert not has_forks(page(branched[0], monkeypatch, "report22"))


@pytest.mark.slow
def test_forks_of_a_run_that_was_deleted_are_still_told(
    branched: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (trunk, slower, *_) = branched
    registry = Registry(url)
    registry.trash(trunk)
    app = page(url, monkeypatch, slower)
    assert any(f"run {trunk}, which is not here" in caption.value for caption in app.caption)
    assert tree(app)["changed"].iloc[0] == "d_lr 0.0002 → 0.0001"  # the trash still has its recipe
    registry.purge(trunk)
    table = tree(page(url, monkeypatch, slower))
    assert table["changed"].to_list() == ["unknown", "unknown", "nothing"]
    assert table["outcome"].to_list() == ["unknown", "unknown", "none to compare"]


def test_recipes_are_read_of_all_runs_there_are(branched: tuple[str, list[str]]) -> None:
    url, ids = branched
    Registry(url).trash(ids[0])
    recipes = Reader(url).recipes([*ids[:2], "nosuch"])
    assert {run_id: recipe["method"]["d_lr"] for run_id, recipe in recipes.items()} == {ids[0]: 2e-4, ids[1]: 1e-4}
    assert Reader(str(Path(url).parent / "none.db")).recipes(ids) == {}
