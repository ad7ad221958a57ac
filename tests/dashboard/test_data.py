"""The queries that the pages share: each keeps answers of its own, for one registry, until its next write."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from dashboard import data
from fergan_core.registry import Reader, Registry, Score


def add_run(url: str, value: float) -> str:
    registry = Registry(url)
    run_id = registry.create_run(
        name="a", method="gan", preset="quick", recipe={"seed": 1}, seed=0, provenance={}, epochs=2, steps=20,
        dataset={"name": "synthfer", "source": "/no/such.csv", "content_hash": "0" * 64, "images": 600},
    )  # fmt: skip
    registry.add_points(run_id, [("loss_g", step, value) for step in range(10)])
    registry.add_evaluation(
        run_id, epoch=1, step=10, judge="synthfer", judge_sha256="0" * 64,
        protocol={"count": 500, "seed": 0, "prior": "natural"}, scores=[Score("is", value)],
    )  # fmt: skip
    return run_id


@pytest.fixture
def run_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FERGAN_REGISTRY", str(tmp_path / "runs.db"))
    return add_run(data.url(), 2.0)


def test_each_query_gives_what_the_reader_gives(run_id: str) -> None:
    reader, run_ids = data.reader(), (run_id,)
    for _ in range(2):  # read, and from the cache
        assert data.metrics(run_ids) == ["loss_g"]
        assert data.recipes(run_ids) == {run_id: {"seed": 1}}
        pd.testing.assert_frame_equal(data.scores(run_ids), reader.scores(run_ids))
        pd.testing.assert_frame_equal(data.sampled_scores(run_ids), reader.scores(run_ids, sampled=True))
        pd.testing.assert_frame_equal(data.findings(run_ids), reader.findings(run_ids))
        pd.testing.assert_frame_equal(
            data.points(run_ids, ("loss_g",), 2), reader.points(run_ids, ("loss_g",), buckets=2)
        )
        pd.testing.assert_frame_equal(
            data.points(run_ids, ("loss_g",)), reader.points(run_ids, ("loss_g",), buckets=500)
        )
        pd.testing.assert_frame_equal(data.sheets(run_id), reader.sheets(run_id))
        pd.testing.assert_frame_equal(data.checkpoints(run_id), reader.checkpoints(run_id))
    assert len(data.points(run_ids, ("loss_g",), 2)) < len(data.points(run_ids, ("loss_g",)))


def test_an_answer_counts_until_the_next_write_and_each_page_has_a_copy(run_id: str) -> None:
    first = data.scores((run_id,))
    first["value"] = -1.0
    assert data.scores((run_id,)).value.tolist() == [2.0]
    with sa.create_engine(data.url()).begin() as behind:  # no write that the registry counts
        behind.execute(sa.text("UPDATE scores SET value = 7"))
    assert Reader(data.url()).scores((run_id,)).value.tolist() == [7.0]
    assert data.scores((run_id,)).value.tolist() == [2.0]
    data.registry().tag(run_id, "new")
    assert data.scores((run_id,)).value.tolist() == [7.0]


def test_registries_do_not_share_answers(run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = data.last_write()
    assert data.metrics((run_id,)) == ["loss_g"]
    monkeypatch.setenv("FERGAN_REGISTRY", str(tmp_path / "other.db"))
    other = add_run(data.url(), 3.0)
    assert data.last_write() == writes
    assert data.metrics((run_id,)) == []
    assert data.scores((other,)).value.tolist() == [3.0]


def test_rows_that_were_left_out_are_said_of_a_cached_answer_as_well(run_id: str) -> None:
    with sa.create_engine(data.url()).begin() as behind:
        behind.execute(sa.text("UPDATE scores SET value = 'never'"))
    for _ in range(2):
        data.left_out().clear()
        assert data.scores((run_id,)).empty
        assert len(data.left_out()) == 1
    data.left_out().clear()
