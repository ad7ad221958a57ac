"""The page Compare, run by AppTest: what differs is what a result depends on, and scores are of one protocol."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fergan_core import recipe
from fergan_core.registry import Registry, Score
from tests.support.pages import open_page


def add_run(registry: Registry, name: str, plain: dict[str, Any], **others: Any) -> str:
    dataset = {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600}
    run_id = registry.create_run(
        name=name, method="gan", preset="quick", recipe=plain, dataset=dataset | others, seed=0, provenance={},
        epochs=3, steps=27,
    )  # fmt: skip
    registry.set_status(run_id, "finished")
    return run_id


def evaluate(registry: Registry, run_id: str, epoch: int, fid: float, **protocol: Any) -> None:
    registry.add_evaluation(
        run_id, epoch=epoch, step=9 * epoch, judge="synthfer", judge_sha256="5" * 64,
        protocol={"count": 500, "seed": 0, "prior": "natural", **protocol},
        scores=[Score("fid", fid, fid - 1, fid + 1, 1.5)],
    )  # fmt: skip


def page(url: str, monkeypatch: pytest.MonkeyPatch, ids: list[str]) -> AppTest:
    return open_page("compare", url, monkeypatch, {"runs": ",".join(ids)})


@pytest.mark.slow
def test_what_an_older_recipe_did_not_record_is_no_difference_and_bookkeeping_is_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    full = recipe.to_dict(recipe.from_dict({"preset": "quick", "method": {"kind": "gan", "loss": "hinge"}}))
    older = {name: value for name, value in full.items() if name != "sampling"} | {"eval_every": 7}
    older["method"] = {name: value for name, value in full["method"].items() if name not in ("r1", "lecam")}
    older["method"] |= {"width": 7}
    ids = [add_run(registry, "new", full), add_run(registry, "old", older, content_hash="1" * 64)]
    app = page(url, monkeypatch, ids)
    differing, beside = (table.value for table in app.dataframe)
    assert sorted(differing.field) == ["data_hash", "width"]
    assert differing.set_index("field").loc["width", "old"] == "7"
    assert list(beside.field) == ["eval_every"]
    assert any(part.label.endswith("eval\\_every") for part in app.expander)
    again = page(url, monkeypatch, [ids[0], add_run(registry, "again", full)])
    assert any(info.value.startswith("Nothing that a result depends on") for info in again.info)


def test_a_truncated_evaluation_does_not_stand_beside_an_untruncated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    ids = [add_run(registry, name, {"batch_size": 64}) for name in ("one", "two", "three")]
    evaluate(registry, ids[0], 1, 8.0)
    evaluate(registry, ids[0], 2, 9.0)
    evaluate(registry, ids[0], 3, 2.0, truncation=0.5)
    evaluate(registry, ids[1], 3, 9.5, truncation=1.0)
    evaluate(registry, ids[2], 3, 1.0, truncation=0.5)
    app = page(url, monkeypatch, ids)
    scores = app.dataframe[-1].value
    of_runs = scores[scores.epoch.notna()]
    assert [(row.run, int(row.epoch), float(row.fid)) for row in of_runs.itertuples()] == [
        ("one", 2, 9.0), ("two", 3, 9.5),
    ]  # fmt: skip
    assert "Not scored under this protocol: three." in [caption.value.replace("\\", "") for caption in app.caption]


def test_no_run_is_compared_with_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    only = add_run(registry, "only", {"batch_size": 64})
    registry.add_sheet(
        only, epoch=1, step=9, images_seen=600, path="a.png", sha256="0" * 64, bytes=1, emotions=["happy"], columns=1
    )
    app = open_page("compare", url, monkeypatch, {})
    assert app.multiselect(key="chosen runs").value == [only]
    assert page(url, monkeypatch, [only, only]).multiselect(key="chosen runs").value == [only]
