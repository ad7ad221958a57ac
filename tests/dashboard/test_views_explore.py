"""The page Explore without a browser: which runs it has, the view that an address asks for, and faces that the server's
own process draws."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard import face_data
from dashboard.face_client import Waiting
from dashboard.sections import explore_view
from fergan_core import recipe as recipes
from fergan_core.browser import Network
from fergan_core.errors import CheckpointError
from fergan_core.methods import build_learner, load_generator
from fergan_core.methods.protocols import Samplable
from fergan_core.recipe import Sampling
from fergan_core.registry import Registry
from fergan_core.training.checkpoint import save_checkpoint
from fergan_core.training.engine import to_bytes
from tests.support.pages import given_to_components, open_page

EMOTIONS = ("happy", "sad", "neutral")
DATASET = {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600}
SHA256 = "c" * 64


def add_run(registry: Registry, name: str, method: dict[str, Any], *, checkpoint: bool = True) -> str:
    run_id = registry.create_run(
        name=name, method=method["kind"], preset="quick", recipe={"method": method, "emotions": list(EMOTIONS)},
        dataset=DATASET, seed=0, provenance={}, tags=(), epochs=1, steps=9,
    )  # fmt: skip
    if checkpoint:
        registry.add_checkpoint(
            run_id, epoch=1, step=9, images_seen=600, path=f"{run_id}/checkpoints/step-00000009.safetensors",
            sha256=SHA256, bytes=10, state_path=None, state_sha256=None, state_bytes=None,
        )  # fmt: skip
    return run_id


def test_an_address_opens_its_view_and_what_it_cannot_ask_for_opens_as_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    add_run(registry, "stopped before", {"kind": "gan"}, checkpoint=False)
    add_run(registry, "in steps", {"kind": "diffusion"})
    run_id = add_run(registry, "in one pass", {"kind": "gan"})
    network = Network(SHA256, b"onnx", EMOTIONS, (64,), True)
    monkeypatch.setattr(face_data, "network", lambda run, step: network if (run, step) == (run_id, 9) else None)
    asked = {"seed": "12", "first": "3", "blend": "101", "truncation": "5", "emotion": "sad", "other": "fear"}
    app = open_page("explore", registry.url, monkeypatch, asked | {"run": run_id})
    assert set(app.selectbox(key="chosen run").options) == {"in one pass", "in steps"}
    (given,) = [given for given in given_to_components(app) if "generator" in given]
    assert given["view"] == {
        "seed": 12, "first": 3, "second": 1, "blend": 0, "mix": 0, "strength": 100, "truncation": 100,
        "emotion": "sad", "other": "happy",
    }  # fmt: skip
    assert (given["shape"], given["normal"]) == ([64], True)
    assert [emotion["name"] for emotion in given["emotions"]] == list(EMOTIONS)


def test_noise_is_not_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run_id = add_run(registry, "noise", {"kind": "meanflow"})
    monkeypatch.setattr(face_data, "network", lambda run, step: Network(SHA256, b"onnx", EMOTIONS, (1, 48, 48), True))
    app = open_page("explore", registry.url, monkeypatch, {"run": run_id, "truncation": "50"})
    (given,) = [given for given in given_to_components(app) if "generator" in given]
    assert given["view"]["truncation"] == 100


def test_without_a_checkpoint_the_page_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    add_run(registry, "stopped before", {"kind": "flow"}, checkpoint=False)
    app = open_page("explore", registry.url, monkeypatch, {})
    assert app.info[0].value.startswith("No checkpoint here")
    assert app.code[0].value == "python -m trainers.dcgan --checkpoint-every 1"


@pytest.mark.parametrize(
    ("way", "changed", "words"),
    [
        ("faces", {}, "face 1 to face 4, happy"),
        ("faces", {"mix": 30, "strength": 150}, "face 1 to face 4, happy with 30 % sad, strength 150 %"),
        ("emotions", {"mix": 30, "blend": 20}, "face 1 with 20 % of face 4, happy to sad"),
        ("strength", {"strength": 20}, "face 1, happy from 0 to 200 %"),
    ],
)
def test_what_lies_on_a_way_is_said_in_words(way: explore_view.Way, changed: dict[str, int], words: str) -> None:
    view = {"first": 0, "second": 3, "blend": 0, "mix": 0, "strength": 100, "emotion": "happy", "other": "sad"}
    assert explore_view.words_of(way, view | changed) == words


def saved_run(registry: Registry, method: dict[str, Any]) -> tuple[str, Path]:
    """A run with the checkpoint of a generator after a few steps; returns its id and the checkpoint's file."""
    plan = recipes.from_dict({"emotions": list(EMOTIONS), "batch_size": 6, "method": method})
    run_id = registry.create_run(
        name="drawn", method=method["kind"], preset="quick", recipe=recipes.to_dict(plan), dataset=DATASET, seed=0,
        provenance={}, tags=(), epochs=1, steps=4,
    )  # fmt: skip
    torch.manual_seed(0)
    learner = build_learner(plan, torch.device("cpu"), steps=4, bfloat16=False)
    for _ in range(4):
        learner.step(torch.rand(6, 1, 48, 48) * 2 - 1, torch.tensor([3, 4, 6] * 2))
    weights, _ = save_checkpoint(registry.files / run_id / "checkpoints", 4, learner.state_dict(), learner.networks)
    registry.add_checkpoint(
        run_id, epoch=1, step=4, images_seen=24, path=str(weights.path.relative_to(registry.files)),
        sha256=weights.sha256, bytes=weights.bytes,
    )  # fmt: skip
    registry.set_status(run_id, "finished")
    return run_id, weights.path


def until_drawn(app: AppTest) -> AppTest:
    """Run the page again until nothing is drawn any more."""
    for _ in range(5):
        keys = ("explored grid", "explored walk")
        drawings = [app.session_state[key][1] for key in keys if key in app.session_state]
        assert all(drawing.ended(within=120) for drawing in drawings)
        app.run()
        assert not app.exception, app.exception
        if len(drawings) == len(keys) and not app.get("progress"):
            return app
    pytest.fail("the faces were not drawn")


def grid(app: AppTest) -> dict[str, Any]:
    (given,) = [given for given in given_to_components(app) if "captions" in given]
    return given


@pytest.mark.slow
@pytest.mark.thorough
def test_faces_of_many_passes_are_drawn_by_the_server_as_the_address_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    method = {"kind": "flow", "width": 8, "sample_steps": 2, "warmup": 0, "lr": 0.02}
    run_id, weights = saved_run(registry, method)
    asked = {"seed": "5", "emotion": "sad", "first": "2", "second": "4", "steps": "3", "guidance": "2.0"}
    asked |= {"sampler flow": "euler", "walk": "from one emotion to another", "other": "happy"}
    app = until_drawn(open_page("explore", registry.url, monkeypatch, {"run": run_id, **asked}))
    assert not app.error
    generator = load_generator(registry.reader.run(run_id)["recipe"], weights)
    assert isinstance(generator, Samplable)
    generator = generator.resampled(Sampling("euler", 3, 2.0))
    latents = generator.latents(24, 5)
    expected = torch.cat([generator.generate(latents[part], torch.full((len(latents[part]),), 4)) for part in BATCHES])
    shown = grid(app)
    assert base64.b64decode(shown["faces"]) == to_bytes(expected).numpy().tobytes()
    assert (shown["captions"][2], shown["captions"][4], shown["captions"][0]) == ("3: face A", "5: face B", "1")
    assert [place for place, marked in enumerate(shown["marked"]) if marked] == [2, 4]
    faces: np.ndarray = app.session_state["explored walk"][1].faces
    for place, code in ((0, 4), (8, 3)):
        end = to_bytes(generator.generate(latents[2:3].expand(9, -1, -1, -1), torch.full((9,), code)))[place]
        assert np.array_equal(faces[place], end.numpy())
    assert [caption.value.replace("\\", "") for caption in app.caption][-10:-1] == [
        "sad", "12.5 %", "25 %", "37.5 %", "50 %", "62.5 %", "75 %", "87.5 %", "happy",
    ]  # fmt: skip
    assert [button.label for button in app.get("download_button")] == ["Download GIF", "Download PNG"]
    check_long_drawing(app)


def check_long_drawing(app: AppTest) -> None:
    """A drawing that takes long is of fewer faces; it can be cancelled and begun again, and another choice ends it."""
    app.number_input(key="steps").set_value(500).run()
    cancelled: Waiting = app.session_state["explored grid"][1]
    cancelled.cancel()
    assert cancelled.drawing.ended(within=60)
    app.run()
    assert [info.value for info in app.info] == ["The drawing was cancelled."]
    app.button(key="again grid").click().run()
    again: Waiting = app.session_state["explored grid"][1]
    assert again.drawing is not cancelled.drawing
    app.number_input(key="steps").set_value(1).run()
    assert again.drawing.ended(within=60)
    assert again.drawing.cancelled
    assert len(grid(until_drawn(app))["names"]) == 24


BATCHES = (slice(0, 16), slice(16, 24))


@pytest.mark.slow
@pytest.mark.thorough
def test_what_no_browser_can_draw_with_is_drawn_by_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(run_id: str, step: int) -> Network:
        raise CheckpointError("the ONNX file draws other faces; draw with PyTorch instead")

    monkeypatch.setattr(face_data, "network", refuse)
    registry = Registry(str(tmp_path / "runs.db"))
    run_id, weights = saved_run(registry, {"kind": "gan", "width": 4, "g_lr": 0.05})
    app = until_drawn(open_page("explore", registry.url, monkeypatch, {"run": run_id, "truncation": "50"}))
    assert "so the server tries: the ONNX file draws other faces" in app.warning[0].value.replace("\\", "")
    generator = load_generator(registry.reader.run(run_id)["recipe"], weights)
    expected = to_bytes(generator.generate(0.5 * generator.latents(24, 0), torch.full((24,), 3)))
    drawn = np.frombuffer(base64.b64decode(grid(app)["faces"]), np.uint8).reshape(-1, 48, 48)
    assert np.abs(drawn.astype(int) - expected.numpy().astype(int)).max() <= 1  # in other batches
    assert [caption.value for caption in app.caption][-4:-1] == ["happy", "sad", "neutral"]
