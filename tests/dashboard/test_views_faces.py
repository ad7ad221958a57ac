"""The pages Checkpoints, Inception Score and Compare, run by AppTest on an empty and on a filled registry."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fergan_core.registry import Registry, Score
from tests.support.pages import open_page

TITLES = {"checkpoints": "Checkpoints", "inception_score": "Inception Score", "compare": "Compare"}
LEARNED = ("angry", "happy", "neutral")


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A registry with two runs of three epochs that have sheets, points and scores; returns its URL and their ids."""
    url = str(tmp_path_factory.mktemp("faces") / "runs.db")
    registry = Registry(url)
    return url, [add_run(registry, "*first* <b>run</b>", 64), add_run(registry, "second", 32)]


def add_run(registry: Registry, name: str, batch_size: int, judge: str = "synthfer") -> str:
    recipe = {"emotions": list(LEARNED), "batch_size": batch_size}
    dataset = {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600}
    run_id = registry.create_run(
        name=name, method="dcgan", preset="quick", recipe=recipe, dataset=dataset, seed=0, provenance={}, tags=(),
        epochs=3, steps=27,
    )  # fmt: skip
    for epoch in (1, 2, 3):
        step = 9 * epoch
        path = f"{run_id}/sheets/step-{step:08d}.webp"
        picture = sheet(epoch)
        (registry.files / path).parent.mkdir(parents=True, exist_ok=True)
        (registry.files / path).write_bytes(picture)
        at = {"epoch": epoch, "step": step, "images_seen": 600 * epoch}
        sha256 = hashlib.sha256(picture).hexdigest()
        registry.add_sheet(run_id, path=path, sha256=sha256, bytes=len(picture), emotions=LEARNED, columns=10, **at)
        registry.add_points(run_id, [("loss_g", step, 1.0 / epoch), ("loss_d", step, 0.5)])
        protocol = {"count": 500, "seed": 0, "prior": "natural"}
        scores = [
            Score("is", 1 + epoch / 10, 1.0, 1.5, 2.5),
            Score("kl_nats", epoch / 10),
            Score("kl_ratio", epoch / 20),
        ]
        scores += [Score("accuracy", 0.2 * epoch), Score("accuracy", 0.3 * epoch, real=0.9, emotion="happy")]
        registry.add_evaluation(
            run_id, epoch=epoch, step=step, judge=judge, judge_sha256=judge * 8, protocol=protocol, scores=scores
        )
    registry.progress(run_id, epoch=3, step=27, images_seen=1800)
    registry.set_status(run_id, "finished")
    return run_id


def sheet(epoch: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(epoch).integers(0, 255, (152, 502), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "WEBP", quality=50)
    return file.getvalue()


def page(view: str, url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page(view, url, monkeypatch, query)


@pytest.mark.parametrize("view", TITLES)
def test_without_a_registry_the_page_says_how_to_add_a_run(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(view, str(tmp_path / "runs.db"), monkeypatch)
    assert any("trainers.dcgan" in code.value for code in app.code)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("view", TITLES)
def test_with_the_literature_run_alone_the_page_says_how_to_add_a_run(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Registry(str(tmp_path / "runs.db"))
    app = page(view, str(tmp_path / "runs.db"), monkeypatch)
    assert any("trainers.dcgan" in code.value for code in app.code)


@pytest.mark.slow
def test_checkpoints_opens_the_run_and_the_epoch_of_the_address(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (first, second) = two_runs
    for run_id in (first, second):
        app = page("checkpoints", url, monkeypatch, run=run_id, epoch="2")
        assert app.selectbox(key="chosen run").value == run_id
        assert "Epoch 2, emotion by emotion" in [header.value for header in app.subheader]
        assert app.query_params["run"] in (run_id, [run_id])


def test_checkpoints_opens_at_the_newest_epoch_when_the_address_names_none(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page("checkpoints", two_runs[0], monkeypatch)
    assert "Epoch 3, emotion by emotion" in [header.value for header in app.subheader]


@pytest.mark.parametrize(("text", "opened"), [("xyz", 3), ("99", 3), ("0", 1), ("9" * 5000, 3), ("-1", 3)])
def test_an_epoch_that_the_run_has_no_sheet_of_is_named_and_the_nearest_one_opened(
    text: str, opened: int, two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page("checkpoints", two_runs[0], monkeypatch, epoch=text, emotion="99", seed="x", checkpoint="7")
    (warning,) = [warning.value.replace("\\", "") for warning in app.warning]
    assert warning.startswith(f"The address asks for epoch '{text[:20]}', but the sheets are of epochs 1 to 3")
    assert f"Epoch {opened}, emotion by emotion" in [header.value for header in app.subheader]


def test_checkpoints_of_the_literature_run_says_that_it_has_none(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page("checkpoints", two_runs[0], monkeypatch, run="report22")
    assert any("literature" in info.value for info in app.info)


def test_inception_score_takes_runs_and_reading_from_the_address(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (first, _) = two_runs
    app = page("inception_score", url, monkeypatch, runs=f"{first},report22", reading="KL")
    assert app.multiselect(key="chosen runs").value == [first, "report22"]
    captions = [caption.value for caption in app.caption]
    assert any("500 faces" in text and "natural prior" in text for text in captions)
    assert not app.warning


@pytest.mark.slow
def test_inception_score_shows_one_judge_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    add_run(registry, "one", 64)
    add_run(registry, "two", 64, judge="fer2013")
    app = page("inception_score", url, monkeypatch, judge="fer2013")
    captions = [caption.value.replace("\\", "") for caption in app.caption]
    assert any(text.startswith("judge fer2013") for text in captions)
    assert not any(text.startswith("judge synthfer") for text in captions)
    assert any("No score by this judge yet: one" in text for text in captions)
    assert not app.warning


@pytest.mark.slow
def test_inception_score_warns_where_two_judges_disagree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "runs.db")
    registry = Registry(url)
    ids = [add_run(registry, name, 64) for name in ("one", "two")]
    for judge, values in (("synthfer", (1.5, 1.2)), ("other", (1.1, 1.4))):
        for run_id, value in zip(ids, values, strict=True):
            about = {"epoch": 4, "step": 36, "judge": judge, "judge_sha256": judge * 8}
            protocol = {"count": 500, "seed": 0, "prior": "natural"}
            scores = [Score("is", value, value - 0.1, value + 0.1), Score("is_at_100", value - 0.05, real=2.4)]
            registry.add_evaluation(run_id, protocol=protocol, scores=scores, **about)
    app = page("inception_score", url, monkeypatch)
    (warning,) = app.warning
    text = warning.value.replace("\\", "")
    assert "disagree at epoch 4" in text
    assert "by other, two is ahead (1.400 to 1.100), by synthfer, one is ahead (1.500 to 1.200)" in text
    assert "do not overlap" in text
    assert app.selectbox(key="evaluation").value == "two, epoch 4, 500 faces"
    assert any("Barratt & Sharma" in caption.value for caption in app.caption)


def test_compare_shows_what_differs_and_the_newest_scores(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = two_runs
    app = page("compare", url, monkeypatch, runs=",".join(ids), metric="loss_d")
    differences, scores = (table.value for table in app.dataframe)
    assert list(differences.field) == ["batch_size"]
    assert sorted(differences.iloc[0, 1:]) == ["32", "64"]
    assert set(scores.epoch) == {3}
    assert app.multiselect(key="scalar").value == ["loss_d"]


def test_compare_of_one_run_asks_for_another(two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    app = page("compare", two_runs[0], monkeypatch, runs=two_runs[1][0])
    assert any("two or more runs" in info.value for info in app.info)


@pytest.mark.parametrize(("view", "words"), [("compare", "two or more runs"), ("inception_score", "one or more runs")])
def test_unknown_runs_in_the_address_are_named(
    view: str, words: str, two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(view, two_runs[0], monkeypatch, runs="nosuch,*neither*")
    assert "nosuch" in app.warning[0].value
    assert "neither" in app.warning[0].value
    assert any(words in info.value for info in app.info)
