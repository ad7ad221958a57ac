"""The page Run: the scores that stand for a run, its recipe beside its preset, and how far a training is."""

import time
from pathlib import Path

import pandas as pd
import pytest

from dashboard.sections.run_progress import activity_words, seconds_left
from fergan_core.registry import Activity, Registry
from tests.dashboard.test_views_collapse import add_run
from tests.support.machine import ROOT
from tests.support.pages import open_page

SHOWCASE = str(ROOT / "runs.db")


@pytest.mark.slow
def test_a_run_shows_its_own_judges_scores_and_not_those_of_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("run", SHOWCASE, monkeypatch, {"run": "44dzmlfk"})  # report-small
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown == {"FID": "12.8", "Recognised as requested": "54\u00a0%", "IS": "1.397"}
    assert any("real faces: " in caption.value.replace("\\", "") for caption in app.caption)
    assert all(metric.help for metric in app.metric)


@pytest.mark.slow
def test_what_the_page_shows_first_is_the_newest_sheet_and_then_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("run", SHOWCASE, monkeypatch, {"run": "qoych4ns"})  # unstable-norm
    assert app.get("image")[0].proto.imgs[0].alt.endswith("drawn at epoch 6")
    order = [header.value for header in app.header]
    wanted = ["Findings", "Curves", "Recipe", "Parents and forks", "Provenance", "Checkpoints"]
    assert [header for header in order if header in wanted] == wanted
    assert any("trainers.dcgan" in block.value and "unstable-norm" in block.value for block in app.code)


@pytest.mark.slow
def test_while_it_trains_it_says_how_far_it_is_and_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run_id = add_run(registry, "alive", probe=False)
    registry.add_points(run_id, [("images_per_second", step, 640.0) for step in range(1, 201)])
    registry.progress(run_id, epoch=2, step=200, images_seen=12_800)
    registry.set_status(run_id, "running")
    (registry.files / run_id / "activity.json").write_text(f'{{"doing": "scoring", "since": {time.time() - 40}}}')
    app = open_page("run", registry.url, monkeypatch, {"run": run_id})
    (bar,) = app.get("progress")
    assert bar.proto.value == 50
    assert "Epoch 3 of 4, step 200 of 400 · 640 images/s" in bar.proto.text.replace("\\", "")
    assert any(box.value.startswith("Scoring, 4") for box in app.info)
    (registry.files / run_id / "activity.json").unlink()
    app = open_page("run", registry.url, monkeypatch, {"run": run_id})
    assert not any("Scoring" in box.value for box in app.info)


def test_the_time_left_is_told_by_the_pace_between_sheets_or_by_the_speed() -> None:
    sheets = pd.DataFrame({"step": [100, 200, 300], "created": [0.0, 50.0, 90.0]})
    assert seconds_left(300, 500, sheets, 100.0) == pytest.approx(200 * 0.45)
    # Stopped for a night between the first two, with two intervals after it.
    stopped = pd.DataFrame({"step": [100, 200, 300, 400], "created": [0.0, 30_000.0, 30_050.0, 30_100.0]})
    assert seconds_left(400, 500, stopped, None) == pytest.approx(50)
    assert seconds_left(100, 500, sheets[:1], 4.0) == 100
    assert seconds_left(100, 500, sheets[:0], None) is None


def test_an_activity_is_told_with_its_duration() -> None:
    assert activity_words(Activity("scoring", 100.0), 140.0) == "Scoring, 40 s so far."
