"""The pages Checkpoints, Inception Score and Compare, run by AppTest on an empty and on a filled registry."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from fergan_core import recipe as recipes
from fergan_core.methods import build_learner
from fergan_core.registry import Registry, Score
from fergan_core.training.checkpoint import save_checkpoint
from tests.support.pages import given_to_components, open_page

TITLES = {"checkpoints": "Checkpoints", "inception_score": "Inception Score", "compare": "Compare"}
LEARNED = ("angry", "happy", "neutral")


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A registry with two runs of three epochs that have sheets, points and scores; returns its URL and their ids."""
    url = str(tmp_path_factory.mktemp("faces") / "runs.db")
    registry = Registry(url)
    return url, [add_run(registry, "*first* <b>run</b>", 64), add_run(registry, "second", 32)]


def add_run(
    registry: Registry, name: str, batch_size: int, judge: str = "synthfer", learned: tuple[str, ...] = LEARNED,
    epochs: tuple[int, ...] = (1, 2, 3),
) -> str:  # fmt: skip
    recipe = {"emotions": list(learned), "batch_size": batch_size}
    dataset = {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600}
    run_id = registry.create_run(
        name=name, method="dcgan", preset="quick", recipe=recipe, dataset=dataset, seed=0, provenance={}, tags=(),
        epochs=3, steps=27,
    )  # fmt: skip
    for epoch in epochs:
        step = 9 * epoch
        add_sheet(registry, run_id, epoch, step, learned)
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


def add_sheet(registry: Registry, run_id: str, epoch: int, step: int, learned: tuple[str, ...]) -> None:
    path = f"{run_id}/sheets/step-{step:08d}.webp"
    picture = sheet(epoch, len(learned))
    (registry.files / path).parent.mkdir(parents=True, exist_ok=True)
    (registry.files / path).write_bytes(picture)
    at = {"epoch": epoch, "step": step, "images_seen": 600 * epoch}
    sha256 = hashlib.sha256(picture).hexdigest()
    registry.add_sheet(run_id, path=path, sha256=sha256, bytes=len(picture), emotions=learned, columns=10, **at)


def sheet(epoch: int, rows: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(epoch).integers(0, 255, (2 + 50 * rows, 502), dtype=np.uint8)
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


def player(app: AppTest) -> dict[str, Any]:
    """Return what the page's sheet player is given."""
    (data,) = [data for data in given_to_components(app) if "places" in data]
    return data


def test_checkpoints_opens_the_runs_and_the_epoch_of_the_address(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (first, second) = two_runs
    app = page("checkpoints", url, monkeypatch, runs=f"{second},{first}", epoch="2", sheet="happy")
    assert app.multiselect(key="chosen runs").value == [second, first]
    shown = player(app)
    assert [run["id"] for run in shown["runs"]] == [second, first]
    assert (shown["opening"], [emotion["name"] for emotion in shown["emotions"]]) == (2, ["happy"])
    assert [run["at"] for run in shown["runs"]] == [[0, 1, 2]] * 2


def test_checkpoints_opens_at_the_newest_epoch_when_the_address_names_none(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert player(page("checkpoints", two_runs[0], monkeypatch))["opening"] == 3


@pytest.mark.parametrize(("text", "opened"), [("xyz", 3), ("99", 3), ("0", 1), ("9" * 5000, 3), ("-1", 3)])
def test_an_epoch_that_the_run_has_no_sheet_of_is_named_and_the_nearest_one_opened(
    text: str, opened: int, two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page("checkpoints", two_runs[0], monkeypatch, epoch=text, emotion="99", seed="x", checkpoint="7", sheet="?")
    (warning,) = [warning.value.replace("\\", "") for warning in app.warning]
    assert warning.startswith(f"The address asks for epoch '{text[:20]}', but the sheets are of epoch 1 to epoch 3")
    assert player(app)["opening"] == opened


@pytest.fixture
def sparse(tmp_path: Path) -> tuple[str, list[str]]:
    """A registry with a run of three emotions and sheets of epochs 1 and 46, and one of two emotions at 1 and 2."""
    registry = Registry(str(tmp_path / "runs.db"))
    few = add_run(registry, "few", 64, epochs=(1, 46))
    other = add_run(registry, "other", 64, learned=("happy", "sad"), epochs=(1, 2))
    return str(tmp_path / "runs.db"), [few, other]


def test_an_epoch_between_two_sheets_is_named_with_both(
    sparse: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (few, _) = sparse
    app = page("checkpoints", url, monkeypatch, runs=few, epoch="40")
    (warning,) = [warning.value.replace("\\", "") for warning in app.warning]
    assert warning == (
        "The address asks for epoch '40', but the nearest sheets are of epoch 1 and epoch 46; this is epoch 1."
    )
    assert player(app)["opening"] == 1


def test_a_sheet_within_an_epoch_says_how_far_it_was_and_has_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run_id = add_run(registry, "within", 64)
    add_sheet(registry, run_id, 2, 22, LEARNED)
    app = page("checkpoints", str(tmp_path / "runs.db"), monkeypatch, runs=run_id, epoch="2.44")
    assert [place["words"] for place in player(app)["places"]] == ["epoch 1", "epoch 2", "epoch 2.44", "epoch 3"]
    assert (player(app)["opening"], list(app.warning)) == (2.44, [])


def test_runs_of_other_emotions_and_epochs_are_lined_up_and_say_which_sheet_they_show(
    sparse: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = sparse
    shown = player(page("checkpoints", url, monkeypatch, runs=",".join(ids)))
    assert [emotion["name"] for emotion in shown["emotions"]] == ["angry", "happy", "sad", "neutral"]
    assert [place["words"] for place in shown["places"]] == ["epoch 1", "epoch 2", "epoch 46"]
    few, other = shown["runs"]
    assert (few["at"], few["exact"]) == ([0, 0, 1], [True, False, True])
    assert (other["at"], other["exact"]) == ([0, 1, 1], [True, True, False])
    assert [few["emotions"], other["emotions"]] == [list(LEARNED), ["happy", "sad"]]
    by_images = player(page("checkpoints", url, monkeypatch, runs=",".join(ids), align="images seen"))
    assert [place["words"] for place in by_images["places"]] == ["600 images", "1,200 images", "27,600 images"]
    assert by_images["runs"][1]["words"] == ["epoch 1, 600 images", "epoch 2, 1,200 images"]


def test_seconds_that_were_not_recorded_are_named(
    sparse: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = sparse
    app = page("checkpoints", url, monkeypatch, runs=",".join(ids), align="seconds")
    assert any("the seconds of few, other were not recorded" in info.value for info in app.info)
    assert player(app)["axis"] == "epoch"


def test_sheets_are_lined_up_by_the_seconds_of_training(
    sparse: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = sparse
    # A step is a batch of 64: at 32 images a second it takes two seconds, at 64 one.
    for run_id, speed in zip(ids, (32.0, 64.0), strict=True):
        Registry(url).add_points(run_id, [("images_per_second", step, speed) for step in (9, 18, 414)])
    shown = player(page("checkpoints", url, monkeypatch, runs=",".join(ids), align="seconds", at="18"))
    assert [place["value"] for place in shown["places"]] == [9, 18, 828]
    assert shown["runs"][0]["words"] == ["epoch 1, 18 s", "epoch 46, 13 min 48 s"]
    assert shown["opening"] == 18


def test_checkpoints_leaves_out_the_literature_and_says_so_of_an_address_that_names_it(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (first, _) = two_runs
    app = page("checkpoints", url, monkeypatch, run="report22")
    assert "a result from the literature" in app.warning[0].value
    assert any("Choose one or more runs" in info.value for info in app.info)
    chosen = page("inception_score", url, monkeypatch, runs=f"{first},report22")
    chosen.query_params.clear()
    chosen.switch_page("views/checkpoints.py").run()
    assert chosen.multiselect(key="chosen runs").value == [first]
    assert not chosen.warning


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
    assert any(text.startswith("Scores by judge fer2013") for text in captions)
    assert not any(text.startswith("Scores by judge synthfer") for text in captions)
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


@pytest.mark.slow
def test_of_nine_inception_scores_the_chosen_one_has_a_colour_also_where_runs_share_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    ids = [add_run(registry, "twin", 64, epochs=(1, 2)) for _ in range(8)]
    app = page("inception_score", registry.url, monkeypatch, runs=",".join([*ids, "report22"]))
    app.multiselect(key="colour").set_value([f"twin · {ids[3]}"]).run()
    assert not app.exception
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    curves = {trace["name"]: trace["line"]["color"] for trace in figure["data"] if trace.get("meta") == "curve"}
    assert len(curves) == 9
    assert [name for name, colour in curves.items() if colour != "#808890"] == [f"twin · {ids[3]}"]


def test_compare_shows_what_differs_and_the_newest_scores(
    two_runs: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = two_runs
    app = page("compare", url, monkeypatch, runs=",".join(ids), metric="loss_d")
    differences, scores = (table.value for table in app.dataframe)
    assert list(differences.field) == ["batch_size"]
    assert sorted(differences.iloc[0, 1:]) == ["32", "64"]
    assert set(scores.epoch.dropna()) == {3}
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


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "guided"), [("meanflow", False), ("flow", True)])
def test_how_a_face_is_drawn_can_be_chosen_as_far_as_the_method_allows(
    kind: str, guided: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MeanFlow's guidance is trained in; the flow's is not."""
    registry = Registry(str(tmp_path / "runs.db"))
    plan = recipes.from_dict({"emotions": ["angry", "happy"], "method": {"kind": kind, "width": 8, "sample_steps": 2}})
    run_id = registry.create_run(
        name="few steps", method=kind, preset="quick", recipe=recipes.to_dict(plan), seed=0, provenance={}, tags=(),
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600}, epochs=1, steps=1,
    )  # fmt: skip
    learner = build_learner(plan, torch.device("cpu"), steps=1, bfloat16=False)
    folder = registry.files / run_id / "checkpoints"
    weights, _ = save_checkpoint(folder, 1, learner.state_dict(), learner.networks)
    picture = sheet(1, 2)
    path = f"{run_id}/sheets/step-1.webp"
    (registry.files / path).parent.mkdir(parents=True)
    (registry.files / path).write_bytes(picture)
    at = {"epoch": 1, "step": 1, "images_seen": 64}
    sha256 = hashlib.sha256(picture).hexdigest()
    registry.add_sheet(
        run_id, path=path, sha256=sha256, bytes=len(picture), emotions=["angry", "happy"], columns=10, **at
    )
    registry.add_checkpoint(
        run_id, path=str(weights.path.relative_to(registry.files)), sha256=weights.sha256, bytes=weights.bytes, **at
    )
    registry.set_status(run_id, "finished")
    app = page("checkpoints", registry.url, monkeypatch, runs=run_id, count="1", draw="true")
    assert not app.exception
    assert not app.error
    numbers = {number.key for number in app.number_input}
    assert "steps" in numbers
    assert ("guidance" in numbers) == guided
    assert app.number_input(key="steps").value == 2
    samplers = list(app.selectbox(key=f"sampler {kind}").options)
    assert samplers == (["euler", "midpoint", "adaptive"] if guided else ["average"])
    for view in ("run", "runs", "compare", "methods", "overview"):
        query = {"run": run_id} if view == "run" else {"runs": run_id}
        assert not page(view, registry.url, monkeypatch, **query).exception, view
