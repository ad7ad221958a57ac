"""What is read: buckets that keep every spike, names that mean one run, and the empty registry."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fergan_core.errors import NewerSchema, NoRun, RegistryError
from fergan_core.registry import Reader, Registry, Score, studies, trials
from fergan_core.registry.schema import PointRow, RunRow
from fergan_core.registry.study_tables import study_tables
from tests.support.statements import statements

Enter = Callable[..., str]


def by_hand(values: np.ndarray, first: int, buckets: int) -> pd.DataFrame:
    """Return the buckets of values at steps first, first + 1, ... as pandas makes them."""
    steps = np.arange(first, first + len(values))
    width = max(1, int(np.ceil(len(values) / buckets)))
    table = pd.DataFrame({"bucket": (steps - first) // width, "step": steps, "value": values})
    return (
        table.groupby("bucket")
        .agg(
            step=("step", "max"),
            low=("value", "min"),
            high=("value", "max"),
            mean=("value", "mean"),
            count=("value", "size"),
            nans=("value", lambda group: group.isna().sum()),
        )
        .reset_index(drop=True)
    )


@pytest.mark.parametrize("buckets", [1, 7, 500, 5000])
def test_buckets_are_those_that_pandas_makes(registry: Registry, reader: Reader, enter: Enter, buckets: int) -> None:
    run_id = enter(registry)
    values = np.random.default_rng(0).normal(size=3001)
    values[[5, 6, 2999]] = np.nan
    registry.add_points(run_id, [("loss_g", 4 + i, value) for i, value in enumerate(values.tolist())])
    registry.add_points(run_id, [("loss_d", i, 0.0) for i in range(1, 10)])
    points = reader.points([run_id], ["loss_g"], buckets=buckets)
    assert len(points) <= buckets
    assert set(points["metric"]) == {"loss_g"}
    expected = by_hand(values, 4, buckets)
    pd.testing.assert_frame_equal(points[expected.columns], expected, check_dtype=False)


def test_a_single_spike_survives(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    rows = [("loss_g", step, 1.0) for step in range(1, 20_001)]
    rows[12_344] = ("loss_g", 12_345, 77.0)
    registry.add_points(run_id, rows)
    points = reader.points([run_id], ["loss_g"])
    spike = points[points["high"] == 77.0]
    assert len(points) == 500
    assert len(spike) == 1
    assert spike.iloc[0]["step"] - 40 < 12_345 <= spike.iloc[0]["step"]


def test_points_of_some_steps_and_several_runs(registry: Registry, reader: Reader, enter: Enter) -> None:
    one, two = enter(registry), enter(registry)
    for run_id, value in ((one, 1.0), (two, 2.0)):
        registry.add_points(run_id, [(name, step, value) for name in ("a", "b") for step in range(1, 101)])
    points = reader.points([one, two, one], ["a", "b"], step_from=20, step_to=39)
    assert len(points) == 2 * 2 * 20
    assert (points["step"].min(), points["step"].max()) == (20, 39)
    assert points.groupby("run_id")["mean"].first().to_dict() == {one: 1.0, two: 2.0}
    assert reader.points([one], ["no such"]).empty
    assert reader.points([], ["a"]).empty
    assert reader.metrics([one]) == ["a", "b"]
    assert reader.metrics(["report22"]) == []


def test_stretches_of_a_given_width_begin_at_the_same_steps_for_all_runs(
    registry: Registry, reader: Reader, enter: Enter
) -> None:
    whole, fork = enter(registry), enter(registry)
    registry.add_points(whole, [("a", step, float(step)) for step in range(1, 101)])
    registry.add_points(fork, [("a", step, float(step)) for step in range(47, 101)])
    points = reader.points([whole, fork], ["a"], width=25).set_index("run_id")
    assert points.loc[whole, ["step", "low", "high"]].values.tolist() == [
        [25, 1, 25], [50, 26, 50], [75, 51, 75], [100, 76, 100]
    ]  # fmt: skip
    assert points.loc[fork, ["step", "low", "high"]].values.tolist() == [[50, 47, 50], [75, 51, 75], [100, 76, 100]]
    some = reader.points([whole], ["a"], width=10, step_from=41, step_to=60)
    assert some[["step", "low"]].values.tolist() == [[50, 41], [60, 51]]


def test_thinned_points_give_their_stretchs_extremes(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    registry.add_points(run_id, [("loss_g", 1, 1.0), ("loss_g", 2, 2.0)])
    with registry.write() as connection:
        connection.execute(PointRow.__table__.update().values(low=-5.0, high=5.0))
        connection.execute(RunRow.__table__.update().values(thinned=True))
    assert reader.points([run_id], ["loss_g"])[["low", "high", "mean"]].values.tolist() == [[-5, 5, 1], [-5, 5, 2]]
    assert reader.run(run_id)["thinned"] is True


def test_a_run_is_found_by_id_prefix_or_name(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry, name="report small")
    enter(registry, name="twice"), enter(registry, name="twice")
    for text in (run_id, run_id[:7], "report small"):
        assert reader.resolve(text) == run_id
    assert reader.resolve("report22") == "report22"
    with pytest.raises(NoRun, match="means 2 runs"):
        reader.resolve("twice")
    with pytest.raises(NoRun, match="did you mean 'report small'"):
        reader.resolve("report smal")
    for text in ("", "zzzzzzzz", "%", "report.*"):
        with pytest.raises(NoRun):
            reader.resolve(text)
    with pytest.raises(NoRun, match="fergan runs list"):
        reader.run("zzzzzzzz")
    registry.trash(run_id)
    assert reader.resolve(run_id) == run_id  # or it could not be restored


def test_a_registry_that_is_not_there_reads_as_empty(tmp_path: Path, registry: Registry, enter: Enter) -> None:
    registry.add_evaluation(
        enter(registry), epoch=1, step=1, judge="j", judge_sha256="", protocol={}, scores=[Score("is", 1.0)]
    )
    full, empty = registry.reader, Reader(str(tmp_path / "none.db"))
    run_id = full.runs().iloc[0]["id"]
    assert (full.exists, empty.exists) == (True, False)
    assert list(empty.runs()) == list(full.runs())
    assert list(empty.scores([run_id])) == list(full.scores([run_id]))
    assert list(empty.points([run_id], ["a"])) == list(full.points([run_id], ["a"]))
    assert list(empty.checkpoints(run_id)) == list(full.checkpoints(run_id))
    assert list(empty.sheets(run_id)) == list(full.sheets(run_id))
    assert list(empty.findings([run_id])) == list(full.findings([run_id]))
    assert (empty.last_write(), empty.metrics([run_id])) == (0, [])
    for question in (empty.run, empty.resolve):
        with pytest.raises(NoRun):
            question(run_id)
    assert not (tmp_path / "none.db").exists()


def test_scores_of_all_emotions_together_are_read_without_the_others(
    registry: Registry, reader: Reader, enter: Enter
) -> None:
    run_id = enter(registry)
    protocol = {"count": 10, "prior": "natural", "seed": 0}
    scores = [Score("fid", 9.0), Score("accuracy", 0.5), Score("accuracy", 0.25, emotion="fear")]
    registry.add_evaluation(
        run_id, epoch=1, step=1, judge="j", judge_sha256="0" * 64, protocol=protocol, scores=scores
    )  # fmt: skip
    every, together = reader.scores([run_id]), reader.scores([run_id], by_emotion=False)
    assert len(every) == 3
    pd.testing.assert_frame_equal(together, every[every["emotion"].isna()].reset_index(drop=True))


def test_last_write_changes_with_every_write_and_with_no_reading(
    registry: Registry, reader: Reader, enter: Enter
) -> None:
    write_numbers = [reader.last_write()]
    run_id = enter(registry)
    for write in (
        lambda: registry.heartbeat(run_id),
        lambda: registry.tag(run_id, "a"),
        lambda: registry.add_points(run_id, [("a", 1, 1.0)]),
    ):
        write()
        write_numbers.append(reader.last_write())
        reader.runs(), reader.points([run_id], ["a"])
        assert reader.last_write() == write_numbers[-1]
    assert len(set(write_numbers)) == len(write_numbers)


def test_what_is_no_registry_is_refused_in_one_sentence(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("no database at all, but long enough to have a header " * 20)
    (tmp_path / "folder.db").mkdir()
    for opener in (Reader, Registry):
        for path in (text, tmp_path / "folder.db"):
            with pytest.raises(RegistryError, match=r"--registry: .*db' cannot be"):
                opener(str(path))
    assert text.read_text().startswith("no database")


@pytest.mark.slow
def test_many_runs_take_as_few_statements_as_few(registry: Registry, reader: Reader, enter: Enter) -> None:
    counts = []
    for runs in (2, 5):
        run_ids = [enter(registry, tags=["study:s"]) for _ in range(runs)]
        for run_id in run_ids:
            registry.add_points(run_id, [("a", step, 1.0) for step in range(20)])
            protocol = {"count": 9, "seed": 0, "prior": "natural"}
            scores = [Score("is", 2.0)]
            about = {"epoch": 1, "step": 9, "judge": "j", "judge_sha256": "ab"}
            registry.add_evaluation(run_id, **about, protocol=protocol, scores=scores)
            registry.set_status(run_id, "finished")
        run_ids = reader.runs()["id"].tolist()
        with statements() as run:
            reader = Reader(reader.url)
            assert len(reader.runs()) == len(run_ids)
            assert reader.points(run_ids, ["a"])["count"].sum() == 20 * (len(run_ids) - 1)
            assert len(reader.scores(run_ids, sampled=True)) >= len(run_ids) - 1
            assert len(trials(reader, "s").table) == len(run_ids) - 1
            assert len(study_tables(reader, "s")[0]) == len(run_ids) - 1
            assert studies(reader) == ["s"]
            reader.findings(run_ids), reader.recipes(run_ids), reader.metrics(run_ids)
        counts.append(len(run))
    assert counts[0] == counts[1] < 40


def test_a_file_is_asked_for_its_schema_once_until_it_changes(registry: Registry, enter: Enter) -> None:
    url = registry.url
    Reader(url)
    with statements() as run:
        for _ in range(5):
            assert Reader(url).exists
    assert run == []
    enter(registry)
    with statements() as run:
        Reader(url)
    assert run
    with registry.write() as connection:
        connection.exec_driver_sql("UPDATE fergan_version SET version_num = '9999'")
    with pytest.raises(NewerSchema):
        Reader(url)
