"""The page Explore without a browser: which runs it has, and the view that an address asks for."""

from pathlib import Path

import pytest

from dashboard import face_data
from fergan_core.browser import Network
from fergan_core.registry import Registry
from tests.support.pages import given_to_components, open_page

EMOTIONS = ("happy", "sad", "neutral")


def add_run(registry: Registry, name: str, method: str) -> str:
    run_id = registry.create_run(
        name=name, method=method, preset="quick", recipe={"method": {"kind": method}, "emotions": list(EMOTIONS)},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600}, seed=0,
        provenance={}, tags=(), epochs=1, steps=9,
    )  # fmt: skip
    registry.add_checkpoint(
        run_id, epoch=1, step=9, images_seen=600, path=f"{run_id}/checkpoints/step-00000009.safetensors",
        sha256="c" * 64, bytes=10, state_path=None, state_sha256=None, state_bytes=None,
    )  # fmt: skip
    return run_id


def test_an_address_opens_its_view_and_what_it_cannot_ask_for_opens_as_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    add_run(registry, "steps", "diffusion")
    run_id = add_run(registry, "one pass", "gan")
    network = Network("c" * 64, b"onnx", EMOTIONS, (64,), True)
    monkeypatch.setattr(face_data, "network", lambda run, step: network if (run, step) == (run_id, 9) else None)
    asked = {"seed": "12", "first": "3", "blend": "101", "truncation": "5", "emotion": "sad", "other": "fear"}
    app = open_page("explore", str(tmp_path / "runs.db"), monkeypatch, asked)
    assert app.selectbox(key="chosen run").options == ["one pass"]
    (given,) = [given for given in given_to_components(app) if "generator" in given]
    assert given["view"] == {
        "seed": 12, "first": 3, "second": 1, "blend": 0, "mix": 0, "strength": 100, "truncation": 100,
        "emotion": "sad", "other": "happy",
    }  # fmt: skip
    assert (given["shape"], given["normal"]) == ([64], True)
    assert [emotion["name"] for emotion in given["emotions"]] == list(EMOTIONS)


def test_without_a_generator_of_one_pass_the_page_says_which_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(Registry(str(tmp_path / "runs.db")), "steps", "flow")
    app = open_page("explore", str(tmp_path / "runs.db"), monkeypatch, {})
    assert "as GANs, VAEs and MeanFlow do" in app.info[0].value
