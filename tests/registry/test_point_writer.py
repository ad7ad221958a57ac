"""The thread behind the training: nothing lost, nothing slow, no error kept to itself."""

import time
from collections.abc import Callable

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


def test_flush_waits_for_what_was_put_before(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    with PointWriter(registry, run_id) as writer:
        for step in range(1, 6):
            writer.put([("loss_g", step, 1.0)])
            writer.flush()
            assert reader.points([run_id], ["loss_g"])["step"].max() == step


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
