"""The thread behind the training: nothing lost, nothing slow, no error kept to itself."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fergan_core.errors import NoRun
from fergan_core.registry import PointWriter, Reader, Registry
from fergan_core.registry import writer as writer_module

Enter = Callable[..., str]


def test_everything_put_is_there_after_close(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    with PointWriter(registry, run_id) as writer:
        for step in range(1, 2001):
            writer.put([("loss_d", step, step / 2), ("loss_g", step, -float(step))])
    points = reader.points([run_id], ["loss_d", "loss_g"], buckets=1)
    assert points["count"].tolist() == [2000, 2000]
    assert points.set_index("metric").loc["loss_g", ["low", "high"]].tolist() == [-2000.0, -1.0]


def test_points_belong_to_their_run_though_they_are_written_without_a_look_at_it(
    registry: Registry, enter: Enter
) -> None:
    """Their keys are taken in the same transaction, so the database need not check each; deletions still reach them."""
    run_id = enter(registry)
    with PointWriter(registry, run_id) as writer:
        writer.put([("loss_g", step, 1.0) for step in range(1, 101)])
    with registry.write() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    registry.trash(run_id)
    registry.purge(run_id)
    with registry.write() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM points").scalar() == 0


def test_flush_waits_for_what_was_put_before(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    with PointWriter(registry, run_id) as writer:
        for step in range(1, 6):
            writer.put([("loss_g", step, 1.0)])
            writer.flush()
            assert reader.points([run_id], ["loss_g"])["step"].max() == step


@pytest.mark.slow
def test_put_does_not_wait_for_a_database_that_is_held(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    with PointWriter(registry, run_id) as writer:
        with registry.write():
            time.sleep(1.5 * writer_module.WRITE_SECONDS)
            started = time.perf_counter()
            for step in range(1, 1001):
                writer.put([("loss_g", step, 1.0)])
            assert time.perf_counter() - started < 0.5
            assert reader.points([run_id], ["loss_g"]).empty
        writer.flush()
        assert reader.points([run_id], ["loss_g"], buckets=1)["count"].tolist() == [1000]


def test_an_idle_writer_says_that_the_run_lives(
    registry: Registry, reader: Reader, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "WRITE_SECONDS", 0.05)
    monkeypatch.setattr(writer_module, "BEAT_SECONDS", 0.2)
    run_id = enter(registry)
    first = reader.run(run_id)["heartbeat"]
    with PointWriter(registry, run_id):
        deadline = time.monotonic() + 20
        while reader.run(run_id)["heartbeat"] == first and time.monotonic() < deadline:
            time.sleep(0.05)
    assert reader.run(run_id)["heartbeat"] > first


def test_the_threads_error_reaches_who_puts(registry: Registry, enter: Enter) -> None:
    run_id = enter(registry)
    writer = PointWriter(registry, run_id)
    registry.trash(run_id)
    registry.purge(run_id)
    writer.put([("loss_g", 1, 1.0)])
    with pytest.raises(NoRun):
        writer.flush()
    writer.close()  # told once
    other = PointWriter(registry, run_id)
    other.put([("loss_g", 1, 1.0)])
    with pytest.raises(NoRun):
        other.close()


def test_a_closed_writer_takes_no_more(registry: Registry, enter: Enter) -> None:
    writer = PointWriter(registry, enter(registry))
    writer.close()
    with pytest.raises(ValueError, match="is closed"):
        writer.put([("loss_g", 1, 1.0)])
    writer.flush()
    writer.close()


@pytest.mark.slow
def test_no_more_points_wait_than_may_and_none_is_lost(
    registry: Registry, reader: Reader, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_WAITING", 1000)
    run_id = enter(registry)
    most = 0
    with PointWriter(registry, run_id) as writer:

        def watched() -> Iterator[tuple[str, int, float]]:
            nonlocal most
            for step in range(1, 20_001):
                most = max(most, writer._waiting)
                yield "loss_g", step, float(step)

        writer.put(watched())
        for step in range(20_001, 30_001):
            writer.put([("loss_g", step, float(step))])
            most = max(most, writer._waiting)
        assert 0 < most <= 1000
        writer.flush()
        assert reader.points([run_id], ["loss_g"], buckets=1)[["count", "high"]].values.tolist() == [[30_000, 30_000]]


@pytest.mark.slow
def test_a_put_that_waits_for_room_goes_on_hears_of_the_error_or_of_the_end(
    registry: Registry, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_WAITING", 10)
    outcomes: list[str] = []

    def put(writer: PointWriter) -> threading.Thread:
        def work() -> None:
            try:
                writer.put([("loss_g", step, 1.0) for step in range(100)])
                outcomes.append("all in")
            except Exception as error:
                outcomes.append(type(error).__name__)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    run_id = enter(registry)
    writer, closed = PointWriter(registry, run_id), PointWriter(registry, enter(registry))
    with registry.write():  # nothing can be written, so that both queues fill up
        waiting, late = put(writer), put(closed)
        waiting.join(1)
        assert waiting.is_alive()
        assert late.is_alive()
        end = threading.Thread(target=closed.close)
        end.start()
        late.join(20)
        assert outcomes == ["ValueError"]
    waiting.join(20)
    end.join(20)
    assert outcomes == ["ValueError", "all in"]
    assert not end.is_alive()
    writer.flush()
    registry.trash(run_id)
    registry.purge(run_id)
    failing = put(writer)
    failing.join(20)
    assert outcomes[2:] == ["NoRun"]


def test_points_are_kept_bit_for_bit_and_the_last_of_a_key_stays(registry: Registry, enter: Enter) -> None:
    run_id = enter(registry)
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, float("inf"), -float("inf"), 2.0**53 + 1]
    rows = [("b", step, value) for step, value in enumerate(values)] + [("a", 3, 1.0), ("a", 3, 2.0), ("a", 1, 7.0)]
    registry.add_points(run_id, rows[::-1])
    registry.add_points(run_id, [("a", 1, float("nan")), ("b", 0, 0.2), ("b", 0, values[0])])
    registry.add_points(run_id, ((f"m{i}", step, step + i / 7) for i in range(7) for step in range(999)))
    query = "SELECT m.name, p.step, p.value FROM points p JOIN metrics m ON m.key = p.metric_key"
    with sqlite3.connect(registry.url.removeprefix("sqlite:///")) as connection:
        recorded = {(name, step): value for name, step, value in connection.execute(query)}
    assert [recorded["b", step].hex() for step in range(len(values))] == [value.hex() for value in values]
    assert (recorded["a", 1], recorded["a", 3]) == (None, 1.0)  # reversed: of step 3 the last given is 1.0
    assert all(recorded[f"m{i}", step] == step + i / 7 for i in range(7) for step in range(999))
