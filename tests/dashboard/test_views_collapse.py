"""The page Mode collapse, run by AppTest: with no run, no probe, no collapse, a collapse; its faces among real ones."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.sections import collapse_runs
from fergan_core import methods, recipe
from fergan_core.data import open_dataset
from fergan_core.registry import Registry, Score
from fergan_core.training import checkpoint
from tests.support.pages import listed_runs, open_page

LEARNED = ("angry", "happy", "neutral")
PER_EPOCH, EPOCHS = 100, 4
SENTENCE = 'Epoch 2: the generator draws nearly the same face for "happy" (diversity 0.10 of real faces\').'
COLLAPSE = {
    "step": 150, "epoch": 2, "kind": "collapse", "severity": "alarm", "sentence": SENTENCE,
    "numbers": {"emotion": "happy", "diversity": 0.1, "before": 0.9, "into": "sad", "until": 400},
}  # fmt: skip


def add_run(registry: Registry, name: str, *, probe: bool = True, happy: float = 0.9, **others: object) -> str:
    """Enter a finished run of four epochs with sheets and a checkpoint whose weights are gone."""
    defaults = {"recipe": {"emotions": list(LEARNED), "batch_size": 64}, "seed": 0, "provenance": {}}
    defaults |= {"dataset": {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 6400}}
    run_id = registry.create_run(
        name=name, method="gan", preset="quick", epochs=EPOCHS, steps=EPOCHS * PER_EPOCH, **defaults | others
    )
    for epoch in range(1, EPOCHS + 1):
        step = epoch * PER_EPOCH
        picture, where = sheet(epoch), {"epoch": epoch, "step": step, "images_seen": step * 64}
        path = f"{run_id}/sheets/step-{step:08d}.webp"
        (registry.files / path).parent.mkdir(parents=True, exist_ok=True)
        (registry.files / path).write_bytes(picture)
        sha256 = hashlib.sha256(picture).hexdigest()
        registry.add_sheet(run_id, path=path, sha256=sha256, bytes=len(picture), emotions=LEARNED, columns=10, **where)
        registry.add_points(run_id, [("loss_g", step, 1.0)])
    weights = f"{run_id}/checkpoints/step-{step:08d}.safetensors"
    registry.add_checkpoint(run_id, path=weights, sha256="0" * 64, bytes=1, **where)
    if probe:
        variety = {"angry": 0.8, "happy": happy, "neutral": 0.7}
        looks = [
            (f"pulse_diversity/{one}", step, value) for step in range(50, 401, 50) for one, value in variety.items()
        ]
        registry.add_points(run_id, looks + [("pulse_accuracy/happy", step, 0.5) for step in range(50, 401, 50)])
    registry.progress(run_id, epoch=EPOCHS, step=step, images_seen=step * 64)
    registry.set_status(run_id, "finished")
    return run_id


def sheet(epoch: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(epoch).integers(0, 255, (152, 502), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "WEBP", quality=50)
    return file.getvalue()


def add_coverage(registry: Registry, run_id: str, real: float | None = 0.8, count: int = 500) -> None:
    for epoch in (2, 4):
        scores = [Score("coverage", 0.1 * epoch, real=real, emotion=emotion) for emotion in (None, *LEARNED)]
        registry.add_evaluation(
            run_id, epoch=epoch, step=epoch * PER_EPOCH, judge="synthfer", judge_sha256="5" * 64, scores=scores,
            protocol={"count": count, "seed": 0, "prior": "natural", "truncation": 1.0, "real_count": 500},
        )  # fmt: skip


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """A registry with a collapsed run, a sound one, and one that is older than the probe; its URL, and ids by name."""
    url = str(tmp_path_factory.mktemp("lived") / "runs.db")
    registry = Registry(url)
    ids = {
        "dead": add_run(registry, "*dead* <b>run</b>", happy=0.1),
        "sound": add_run(registry, "sound"),
        "old": add_run(registry, "[old]", probe=False),
    }
    registry.set_findings(ids["dead"], [COLLAPSE])
    return url, ids


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("collapse", url, monkeypatch, query)


def text_of(elements) -> str:
    return "\n".join(element.value.replace("\\", "") for element in elements)


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def test_without_a_registry_the_page_says_how_to_add_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch)
    assert any("trainers.dcgan" in code.value for code in app.code)
    assert list(tmp_path.iterdir()) == []


def test_it_opens_on_a_run_that_collapsed_and_else_on_the_runs_that_were_chosen(
    lived: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = lived
    app = page(url, monkeypatch)
    assert app.multiselect(key="chosen runs").value == [ids["dead"]]
    assert listed_runs(app, "Runs in which an emotion collapsed, with the epoch and the emotions") == [
        {"name": "*dead* <b>run</b>", "epoch": "2", "emotions": "happy", "whole": "–", "sheets": "4"}
    ]


def test_runs_with_sheets_before_and_after_are_listed_before_others_and_then_those_with_more_alarms() -> None:
    rows = [
        ("few", "collapse", "warning", 9, {"emotion": "sad"}), ("few", "collapse", "warning", 4, {"emotion": "fear"}),
        ("worse", "collapse", "alarm", 5, {"emotion": "sad"}), ("worse", "global-collapse", "alarm", 7, {}),
        ("seen", "collapse", "warning", 8, {"emotion": "sad"}), ("sound", "plateau", "info", 3, {}),
    ]  # fmt: skip
    findings = pd.DataFrame(rows, columns=["run_id", "kind", "severity", "epoch", "numbers"])
    table = collapse_runs.collapsed_runs(findings, pd.Series({"seen": 2, "few": 1}))
    assert table.fillna(0).to_numpy().tolist() == [
        ["seen", "sad", 8, 0, 0, 2], ["worse", "sad", 5, 7, 2, 0], ["few", "sad, fear", 4, 0, 0, 1],
    ]  # fmt: skip
    assert collapse_runs.collapsed_runs(findings[:0], pd.Series(dtype=int)).empty


def test_with_no_run_chosen_one_is_asked_for(
    lived: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Choose one or more runs" in text_of(page(lived[0], monkeypatch, runs="").info)


def test_a_run_older_than_the_probe_says_what_can_still_be_measured(
    lived: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = lived
    app = page(url, monkeypatch, runs=ids["old"])
    assert charts(app) == 0
    assert "No probe readings of [old] yet: the first is taken after 4,000 images" in text_of(app.info)
    assert "`fergan evaluate RUN@all`" in text_of(app.info)
    assert "[old] has no probe readings, so collapses were not looked for." in text_of(app.info)
    assert not app.success


def test_a_run_with_a_probe_and_no_collapse_says_so(
    lived: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = lived
    app = page(url, monkeypatch, runs=ids["sound"])
    assert charts(app) == 1
    assert "sound: no emotion collapsed" in text_of(app.success)


def test_several_runs_have_a_map_each_and_one_spread_and_those_without_a_probe_are_named(
    lived: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = lived
    app = page(url, monkeypatch, runs=",".join(ids.values()), emotion="happy")
    assert charts(app) == 3
    assert "No probe readings of [old] yet" in text_of(app.info)
    assert "the mean of 2 runs" in text_of(app.caption)
    assert [part.label.replace("\\", "") for part in app.expander] == [
        "***dead* <b>run</b>**: 1 emotion collapses, first at epoch 2 (1 to the end)"
    ]


@pytest.mark.slow
def test_a_collapse_is_one_statement_with_its_emotions_faces_before_and_after(
    lived: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = lived
    app = page(url, monkeypatch, runs=ids["dead"])
    text = text_of(app.markdown)
    assert text.count("collapsed at epoch 2") == 1
    assert '"happy" collapsed at epoch 2 (diversity down to 0.10 of real faces\', up to 0.90 before' in text
    assert "stays so to the last reading, epoch 4." in text
    assert [f": epoch {epoch}**" in text for epoch in (1, 2, 3, 4)] == [True, True, False, False]
    assert "**before: epoch 1**" in text
    assert len(app.get("image")) == 2


def test_a_run_whose_only_sheet_is_later_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    run_id = add_run(registry, "late", happy=0.1)
    registry.set_findings(run_id, [COLLAPSE | {"step": 50, "epoch": 1}])
    app = page(url, monkeypatch, runs=run_id)
    assert "There is no sheet before epoch 1 here." in text_of(app.caption)
    assert "**after: epoch 1**" in text_of(app.markdown)


@pytest.mark.slow
def test_coverage_comes_from_evaluations_of_one_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    with_it, blind, without = (add_run(registry, name, probe=False) for name in ("with it", "blind", "without"))
    assert "No score yet" in text_of(page(url, monkeypatch, measure="coverage").info)
    add_coverage(registry, with_it)
    add_coverage(registry, blind, real=None)
    app = page(url, monkeypatch, runs=f"{with_it},{blind},{without}", measure="coverage")
    assert charts(app) == 1
    assert "No coverage by emotion for blind, without in these" in text_of(app.info)
    assert "Choose two or more runs" in text_of(app.info)
    add_coverage(registry, without, count=2000)
    app = page(url, monkeypatch, runs=f"{with_it},{without}", measure="coverage")
    assert charts(app) == 1
    assert "No coverage by emotion for with it in these" in text_of(app.info)
    app.selectbox(key="protocol").set_value(app.selectbox(key="protocol").options[0]).run()
    assert charts(app) == 1
    assert "No coverage by emotion for without in these" in text_of(app.info)


def test_faces_are_not_drawn_before_they_are_asked_for(
    lived: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = lived
    app = page(url, monkeypatch, runs=ids["sound"])
    assert "Press Draw" in text_of(app.caption)
    assert list(app.selectbox(key="among").options) == ["all", *LEARNED]
    assert "Duplicates" not in text_of(app.markdown)


def test_a_run_without_a_checkpoint_says_when_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "runs.db")
    dataset = {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 64}
    Registry(url).create_run(
        name="new", method="gan", preset="quick", epochs=1, steps=9, recipe={}, dataset=dataset, seed=0, provenance={}
    )
    assert "No checkpoint here" in text_of(page(url, monkeypatch).info)


@pytest.mark.slow
def test_faces_stand_among_real_ones_until_others_are_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = np.random.default_rng(5).integers(0, 256, (200, 6, 6), dtype=np.uint8)
    place = tmp_path / "few.npz"
    np.savez(place, images=np.kron(blocks, np.ones((8, 8), np.uint8)), labels=np.repeat([0, 3], 100))
    dataset = {"name": "fer2013", "source": str(place), "content_hash": open_dataset(place).content_hash}
    url = str(tmp_path / "runs.db")
    complete, gone = (
        add_generator(Registry(url), name, dataset | others)
        for name, others in (("whole", {}), ("gone", {"source": str(tmp_path / "gone.npz"), "content_hash": "9" * 64}))
    )

    app = page(url, monkeypatch, runs=f"{complete},{gone}", faces_of=complete, among="happy", count="20")
    before = charts(app)
    app.button(key="draw among").click().run()
    assert not app.exception
    assert not app.error
    assert charts(app) == before + 1
    assert "**Duplicates**" in text_of(app.markdown)
    assert any(text.value.startswith("happy: ") for text in app.markdown)
    app.run()
    assert charts(app) == before + 1
    app.number_input(key="count").set_value(21).run()
    assert charts(app) == before
    assert "Press Draw" in text_of(app.caption)

    app.selectbox(key="faces_of").set_value(gone).run()
    app.button(key="draw among").click().run()
    assert not app.exception
    assert "they are not at" in text_of(app.markdown)
    assert charts(app) == before


def add_generator(registry: Registry, name: str, dataset: dict[str, str]) -> str:
    """Enter a run of angry and happy faces with the weights of a generator that has learnt nothing."""
    untrained = {"preset": "quick", "emotions": ["angry", "happy"], "method": {"kind": "gan", "width": 4}}
    plan = recipe.from_dict(untrained)
    run_id = add_run(registry, name, recipe=recipe.to_dict(plan), dataset=dataset)
    torch.manual_seed(0)
    learner = methods.build_learner(plan, torch.device("cpu"), steps=1, bfloat16=False)
    folder = registry.files / run_id / "checkpoints"
    checkpoint.save_checkpoint(folder, EPOCHS * PER_EPOCH, learner.state_dict(), learner.networks)
    return run_id


def twins_page() -> None:
    import numpy as np
    import streamlit as st

    from dashboard.face_client import FaceAnswer
    from dashboard.sections import collapse_among

    none = {"label": 0, "faces": 50, "pairs": 0, "share": 0.0, "real_faces": 40, "real_share": 0.0}
    some = {"label": 3, "faces": 50, "pairs": 1225, "share": 1.0, "real_faces": 40, "real_share": 0.05}
    one = {"label": 1, "faces": 50, "pairs": 1, "share": 0.04, "real_faces": 1, "real_share": None}
    for twins, labels in (([none], []), ([none, none | {"label": 6}], []), ([none, some, one], [3, 1])):
        faces = np.zeros((2 * len(labels), 48, 48), np.uint8)
        facts = {"twins": twins, "nearest": {"labels": labels, "distances": [0.0, 0.456][: len(labels)]}}
        with st.container():
            collapse_among.show_twins(FaceAnswer(faces, facts))


def test_duplicates_are_told_by_emotion_and_none_is_said_with_how_many_were_drawn() -> None:
    app = AppTest.from_function(twins_page, default_timeout=300).run()
    assert not app.exception
    assert [text.value for text in app.markdown] == [
        "**Duplicates**",
        "angry: none among the 50 faces drawn.",
        "**Duplicates**",
        "angry, neutral: none among the 50 faces drawn of each.",
        "**Duplicates**",
        "angry: none among the 50 faces drawn.",
        "happy: 1,225 pairs; 100% of 50 faces have a duplicate, against 5% of 40 real ones.",
        "disgust: 1 pair; 4% of 50 faces have a duplicate.",
    ]
    captions = [caption.value for caption in app.caption]
    assert captions[2:4] == ["happy, distance 0.00", "disgust, distance 0.46"]
    assert [text.startswith("The nearest pairs first") for text in captions if "count as duplicates" in text] == [
        False,
        False,
        True,
    ]
