"""What is written is there, once, and nothing else is touched."""

import math
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from fergan_core.errors import NoRun, RegistryError
from fergan_core.registry import Reader, Registry, Score, default_url
from fergan_core.registry import queries as queries_module
from fergan_core.registry.schema import Base, RunRow

Enter = Callable[..., str]


def add_files(registry: Registry, run_id: str, step: int) -> list[Path]:
    """Record a checkpoint and a sheet of a step with small real files; return the files."""
    files = []
    for name in (f"checkpoints/{step}.safetensors", f"checkpoints/{step}.state.safetensors", f"sheets/{step}.webp"):
        file = registry.files / run_id / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"1234")
        files.append(file)
    weights, state, sheet = (file.relative_to(registry.files).as_posix() for file in files)
    at = {"epoch": step // 10, "step": step, "images_seen": step * 4}
    registry.add_checkpoint(
        run_id, **at, path=weights, sha256="b" * 64, bytes=4, state_path=state, state_sha256="c" * 64, state_bytes=4
    )
    registry.add_sheet(run_id, **at, path=sheet, sha256="d" * 64, bytes=4, emotions=["happy", "sad"], columns=10)
    return files


def test_a_new_run_is_all_that_was_given(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry, tags=["a", "b", "a"], recipe={"method": {"width": 8}})
    assert re.fullmatch(r"[a-z2-7]{8}", run_id)
    run = reader.run(run_id)
    assert run["name"] == f"quick-{run_id[:4]}"
    assert run["status"] == "running"
    assert run["recipe"] == {"method": {"width": 8}}
    assert run["dataset"] == {"name": "synthfer", "source": "synthfer", "content_hash": "a" * 64, "images": 128}
    assert (run["data"], run["data_hash"], run["device"], run["seed"]) == ("synthfer", "a" * 64, "cpu", 7)
    assert (run["tags"], run["notes"], run["epochs"], run["steps"]) == (["a", "b"], [], 3, 30)


def test_a_name_that_was_given_is_kept_and_may_be_changed(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry, name="first one")
    assert reader.run(run_id)["name"] == "first one"
    registry.rename(run_id, " second ")
    assert reader.run(run_id)["name"] == "second"
    with pytest.raises(RegistryError, match="cannot be empty"):
        registry.rename(run_id, "  ")


def test_progress_and_status(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    registry.progress(run_id, epoch=2, step=20, images_seen=80)
    run = reader.run(run_id)
    assert (run["epoch"], run["step"], run["images_seen"], run["finished"]) == (2, 20, 80, None)
    registry.set_status(run_id, "diverged", "loss_g became nan at step 21")
    run = reader.run(run_id)
    assert (run["status"], run["reason"]) == ("diverged", "loss_g became nan at step 21")
    assert run["finished"] == pytest.approx(time.time(), abs=60)
    registry.set_status(run_id, "running")
    assert reader.run(run_id)["finished"] is None
    with pytest.raises(ValueError, match="not one of running"):
        registry.set_status(run_id, "crashed")


@pytest.mark.slow
def test_a_run_without_heartbeat_has_crashed_until_it_beats_again(
    registry: Registry, reader: Reader, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, ended = enter(registry), enter(registry)
    registry.set_status(ended, "finished")
    now = time.time()
    for later, status in ((20, "running"), (30, "crashed")):
        monkeypatch.setattr(queries_module.time, "time", lambda later=later: now + later)
        assert reader.run(run_id)["status"] == status
        statuses = reader.runs().set_index("id")["status"]
        assert (statuses[run_id], statuses[ended]) == (status, "finished")
    registry.heartbeat(run_id)  # the same clock, 30 seconds on
    assert reader.run(run_id)["status"] == "running"


def test_points_replace_one_another_and_are_no_numbers_where_they_were_none(
    registry: Registry, reader: Reader, enter: Enter
) -> None:
    run_id, other = enter(registry), enter(registry)
    registry.add_points(run_id, [("loss_g", 1, 0.5), ("loss_g", 2, math.nan), ("loss_g", 3, math.inf)])
    registry.add_points(run_id, [("loss_g", 1, 0.25), ("loss_g", 4, -math.inf)])
    registry.add_points(run_id, [])
    registry.add_points(other, [("loss_g", 1, 9.0)])
    points = reader.points([run_id], ["loss_g"])
    assert points["step"].tolist() == [1, 2, 3, 4]
    assert points["mean"].tolist() == pytest.approx([0.25, math.nan, math.inf, -math.inf], nan_ok=True)
    assert points["nans"].tolist() == [0, 1, 0, 0]
    assert reader.run(run_id)["step"] == 4


def test_a_checkpoint_and_a_sheet_of_the_same_step_are_replaced(
    registry: Registry, reader: Reader, enter: Enter
) -> None:
    run_id = enter(registry)
    for _ in range(2):
        add_files(registry, run_id, 10)
    checkpoints, sheets = reader.checkpoints(run_id), reader.sheets(run_id)
    assert len(checkpoints) == len(sheets) == 1
    assert checkpoints.iloc[0][["epoch", "step", "images_seen", "bytes"]].tolist() == [1, 10, 40, 4]
    assert reader.file(checkpoints.iloc[0]["state_path"]).read_bytes() == b"1234"
    assert sheets.iloc[0]["emotions"] == ["happy", "sad"]
    assert reader.runs().set_index("id").loc[run_id, "sheet_path"] == f"{run_id}/sheets/10.webp"


def test_evaluations_of_one_protocol_are_replaced_and_of_another_kept(
    registry: Registry, reader: Reader, enter: Enter
) -> None:
    run_id = enter(registry)
    at = {"epoch": 1, "step": 10, "judge": "synthfer", "judge_sha256": "e" * 64}
    scores = [Score("is", 2.5, 2.4, 2.6, real=3.0), Score("accuracy", 0.5, emotion="happy"), Score("kl_nats", math.nan)]
    registry.add_evaluation(run_id, **at, protocol={"count": 10, "seed": 0, "prior": "natural"}, scores=scores[:1])
    registry.add_evaluation(run_id, **at, protocol={"seed": 0, "count": 10, "prior": "natural"}, scores=scores)
    registry.add_evaluation(run_id, **at, protocol={"count": 99, "seed": 0, "prior": "natural"}, scores=scores[:1])
    frame = reader.scores([run_id])
    assert frame["count"].tolist() == [10, 10, 10, 99]
    first = frame[frame["count"] == 10].set_index("metric")
    assert first.loc["is", ["value", "low", "high", "real"]].tolist() == [2.5, 2.4, 2.6, 3.0]
    assert first.loc["accuracy", "emotion"] == "happy"
    assert first.loc["is", "emotion"] is None
    assert math.isnan(first.loc["kl_nats", "value"])
    assert reader.run(run_id)["evaluations"] == 2


def test_forget_after_takes_what_came_later_and_its_files(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id, other = enter(registry), enter(registry)
    remaining, lost, others = (add_files(registry, *where) for where in ((run_id, 10), (run_id, 20), (other, 20)))
    for one in (run_id, other):
        registry.add_points(one, [("loss_g", step, 1.0) for step in range(1, 26)])
        registry.progress(one, epoch=2, step=25, images_seen=100)
        for step in (10, 20):
            registry.add_evaluation(
                one,
                epoch=1,
                step=step,
                judge="j",
                judge_sha256="",
                protocol={"count": 10, "seed": 0, "prior": "natural"},
                scores=[Score("is", 1.0)],
            )
        finding = {"epoch": 1, "kind": "k", "severity": "info", "sentence": "s", "numbers": {"n": 1}}
        registry.set_findings(one, [{"step": step, **finding} for step in (10, 20)])
    registry.forget_after(run_id, 10)
    for one, last, count in ((run_id, 10, 1), (other, 25, 2)):
        assert reader.points([one], ["loss_g"])["step"].max() == last
        assert reader.run(one)["evaluations"] == reader.run(one)["findings"] == count
        assert len(reader.scores([one])) == count
    assert reader.checkpoints(run_id)["step"].tolist() == reader.sheets(run_id)["step"].tolist() == [10]
    assert [file.exists() for file in remaining + lost + others] == [True] * 3 + [False] * 3 + [True] * 3
    run = reader.run(run_id)
    assert (run["epoch"], run["step"], run["images_seen"]) == (1, 10, 40)


def test_tags_and_notes(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    registry.tag(run_id, "good")
    registry.tag(run_id, "good")
    registry.tag(run_id, "<b>odd</b>")
    registry.untag(run_id, "never hung")
    registry.note(run_id, " first ")
    registry.note(run_id, "second")
    assert reader.run(run_id)["tags"] == ["<b>odd</b>", "good"]
    assert reader.runs().set_index("id").loc[run_id, "tags"] == ["<b>odd</b>", "good"]
    assert [note["text"] for note in reader.run(run_id)["notes"]] == ["first", "second"]
    registry.untag(run_id, "good")
    assert reader.run(run_id)["tags"] == ["<b>odd</b>"]
    for empty in (lambda: registry.tag(run_id, " "), lambda: registry.note(run_id, " ")):
        with pytest.raises(RegistryError, match="cannot be empty"):
            empty()


def test_a_note_is_edited_and_deleted_by_its_number(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id, other = enter(registry), enter(registry)
    for text in ("first", "second"):
        registry.note(run_id, text)
    first, second = reader.run(run_id)["notes"]
    registry.edit_note(run_id, first["number"], " better ")
    assert reader.run(run_id)["notes"] == [{**first, "text": "better"}, second]
    registry.delete_note(run_id, second["number"])
    assert [note["text"] for note in reader.run(run_id)["notes"]] == ["better"]
    with pytest.raises(RegistryError, match="cannot be empty"):
        registry.edit_note(run_id, first["number"], " ")
    for gone in (
        lambda: registry.delete_note(run_id, second["number"]),
        lambda: registry.edit_note(run_id, second["number"], "x"),
        lambda: registry.edit_note(other, first["number"], "not this run's"),
        lambda: registry.delete_note(other, first["number"]),
    ):
        with pytest.raises(RegistryError, match="has no note"):
            gone()
    assert [note["text"] for note in reader.run(run_id)["notes"]] == ["better"]


def test_trash_restore_purge(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id, other = enter(registry), enter(registry)
    file = add_files(registry, run_id, 10)[0]
    others = add_files(registry, other, 10)[0]
    registry.add_points(run_id, [("loss_g", 1, 1.0)])
    with pytest.raises(RegistryError, match="not in the trash"):
        registry.purge(run_id)
    registry.trash(run_id)
    assert run_id not in set(reader.runs()["id"])
    assert reader.runs(trashed=True)["id"].tolist() == [run_id]
    registry.restore(run_id)
    assert run_id in set(reader.runs()["id"])
    registry.trash(run_id)
    registry.purge(run_id)
    assert not file.parent.parent.exists()
    assert others.exists()
    with pytest.raises(NoRun):
        reader.run(run_id)
    with pytest.raises(NoRun):  # a training that still runs cannot bring it back
        registry.add_points(run_id, [("loss_g", 2, 1.0)])
    assert reader.points([run_id], ["loss_g"]).empty
    with registry.write() as connection:
        for table in Base.metadata.sorted_tables:
            if "run_key" in table.c:
                orphans = sa.select(sa.func.count()).where(table.c.run_key.not_in(sa.select(RunRow.key)))
                assert connection.scalar(orphans) == 0, table.name


@pytest.mark.slow
def test_the_literatures_run_is_in_every_registry_and_cannot_be_changed(registry: Registry, reader: Reader) -> None:
    run = reader.run("report22")
    assert run["literature"] is True
    assert "exponential" in run["notes"][0]["text"]
    scores = reader.scores(["report22"]).pivot(index="epoch", columns="metric", values="value")
    assert scores["kl_nats"].to_dict() == {25: 0.15283, 50: 0.15732, 75: 0.3594, 100: 0.3791}
    assert scores.loc[100, "is"] == pytest.approx(math.exp(0.3791))
    assert scores.loc[100, "kl_ratio"] == pytest.approx(0.3791 / math.log(5))
    before = reader.last_write()
    for change in (
        lambda: registry.tag("report22", "x"),
        lambda: registry.note("report22", "x"),
        lambda: registry.edit_note("report22", 1, "x"),
        lambda: registry.delete_note("report22", 1),
        lambda: registry.trash("report22"),
        lambda: registry.purge("report22"),
        lambda: registry.rename("report22", "x"),
        lambda: registry.forget_after("report22", 0),
        lambda: registry.add_points("report22", [("loss_g", 1, 1.0)]),
    ):
        with pytest.raises(RegistryError, match="literature"):
            change()
    assert reader.last_write() == before
    assert len(Registry(registry.url).reader.runs()) == 1  # opening it again adds no second one


def test_recorded_paths_that_lead_out_are_never_followed(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    victim = registry.files.parent / "victim"
    victim.write_text("mine")
    registry.files.mkdir(exist_ok=True)
    (registry.files / "link").symlink_to(victim.parent)
    for path in ("../victim", str(victim), "link/victim", "a/../../victim", "", "."):
        with pytest.raises(RegistryError, match="leads out"):
            reader.file(path)
    registry.add_checkpoint(run_id, epoch=1, step=10, images_seen=1, path="../victim", sha256="", bytes=4)
    with pytest.raises(RegistryError, match="leads out"):
        registry.forget_after(run_id, 0)
    assert victim.read_text() == "mine"


def test_where_the_registry_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERGAN_REGISTRY", raising=False)
    top = Path(__file__).resolve().parents[2]
    assert default_url() == f"sqlite:///{top / 'runs.db'}"
    monkeypatch.setenv("FERGAN_REGISTRY", str(tmp_path / "mine.db"))
    assert default_url() == f"sqlite:///{tmp_path / 'mine.db'}"
    by_path, by_url = Registry(str(tmp_path / "a.db")), Registry(f"sqlite:///{tmp_path / 'a.db'}")
    assert by_path.url == by_url.url
    assert by_path.files == tmp_path / "a.files"
    with pytest.raises(RegistryError, match="no folder"):
        Registry(str(tmp_path / "no" / "runs.db"))
    with pytest.raises(RegistryError, match="not a database URL"):
        Registry("://")
