"""The page Explore's part Directions without a browser: a small generator's faces, moved, and directions learned."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import face_data
from dashboard.rows import rows_of
from dashboard.sections.explore_directions import FACES, SLIDERS
from fergan_core.browser import Network
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError
from fergan_core.exploring.closed_form import closed_form
from fergan_core.exploring.directions import Space, Walker
from fergan_core.methods import load_generator
from fergan_core.recipe import Flow, Gan
from fergan_core.registry import Reader, Registry
from tests.support.commands import run_module
from tests.support.pages import given_to_components, open_page
from tests.support.small_run import STEP, add_small_run

pytestmark = pytest.mark.slow  # the process that draws imports torch

KEYS = [f"along{place}" for place in range(1, SLIDERS + 1)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """A registry's URL, and the ids of a run with conditional norms and one without."""
    registry = Registry(str(tmp_path_factory.mktemp("explore") / "runs.db"))
    without = add_small_run(registry, Gan(width=4, latent_size=8), name="without")
    return registry.url, add_small_run(registry), without


Open = Callable[..., AppTest]


@pytest.fixture
def open_directions(small: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> Open:
    def open_part(run_id: str, **query: str) -> AppTest:
        return open_page("explore", small[0], monkeypatch, {"run": run_id, "part": "Directions", **query})

    return open_part


@pytest.fixture
def not_in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no network be written for the browser."""

    def refuse(run_id: str, step: int) -> Network:
        raise CheckpointError("the ONNX file draws other faces; draw with PyTorch instead")

    monkeypatch.setattr(face_data, "network", refuse)


@pytest.fixture
def in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a network be there without the seconds that its export takes."""
    network = Network("c" * 64, b"onnx", EMOTIONS, (8,), False)
    monkeypatch.setattr(face_data, "network", lambda run_id, step: network)


def explorer(app: AppTest) -> dict[str, Any]:
    (given,) = [given for given in given_to_components(app) if given.get("part") == "directions"]
    return given


def words(app: AppTest) -> list[str]:
    """What is sent to stand beside the sliders that the browser draws."""
    contents = [part.proto.bytes for part in app.get("bidi_component") if b'"kind": "words"' in part.proto.bytes]
    (content,) = contents
    said: list[str] = json.loads(content[4:])["words"]
    return said


@pytest.mark.usefixtures("in_the_browser")
@pytest.mark.parametrize("space", ["latents", "norms"])
def test_the_browser_gets_what_the_sliders_of_the_address_move(
    small: tuple[str, str, str], open_directions: Open, monkeypatch: pytest.MonkeyPatch, space: Space
) -> None:
    monkeypatch.setattr(face_data, "along", lambda *given: pytest.fail("the server draws"))
    kind = {"latents": "Closed form, latents", "norms": "Closed form, conditional norms"}[space]
    asked = {"directions": kind, "along2": "-3.5", "along3": "7", "along4": "much", "emotion": "sad", "seed": "7"}
    given = explorer(open_directions(small[1], **asked))
    assert given["view"] == dict.fromkeys(KEYS, 0.0) | {"along2": -3.5}
    assert (given["emotion"], given["seed"], given["count"]) == ("sad", 7, SLIDERS)
    assert given["input"] == {"latents": "latents", "norms": "emotions"}[space]
    record = Reader(small[0]).run(small[1])
    (checkpoint,) = rows_of(Reader(small[0]).checkpoints(small[1]))
    walker = Walker(load_generator(record["recipe"], Reader(small[0]).file(checkpoint.path)))
    directions = closed_form(walker, space)
    moves = np.frombuffer(base64.b64decode(given["moves"]), "<f4").reshape(SLIDERS, -1)
    assert np.allclose(moves, directions.unit * directions.vectors.numpy(), atol=1e-6)


@pytest.mark.usefixtures("in_the_browser")
def test_what_a_judge_says_is_sent_to_stand_beside_the_sliders(
    small: tuple[str, str, str], open_directions: Open
) -> None:
    said = words(app := open_directions(small[1]))
    assert len(said) == SLIDERS
    assert all("Lines and shapes change" in one for one in said)
    assert list(app.dataframe[0].value.index) == [1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("not_in_the_browser")
@pytest.mark.thorough
def test_faces_follow_the_sliders_of_the_address_and_a_button_resets_them(
    small: tuple[str, str, str], open_directions: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[Any, ...]] = []
    along = face_data.along
    monkeypatch.setattr(face_data, "along", lambda *given: (drawn.append(given), along(*given))[1])
    app = open_directions(small[1], along2="-3.5", emotion="sad", seed="7")
    assert [slider.key for slider in app.slider] == KEYS
    of_sad = (face_data.Along(small[1], STEP, "latents"), EMOTIONS.index("sad"), FACES, 7)
    assert drawn == [of_sad, (*of_sad, (0.0, -3.5, 0.0, 0.0, 0.0, 0.0))]
    still, moved = (along(*given).faces for given in drawn)
    assert moved.shape == still.shape == (FACES, 48, 48)
    assert (moved != still).any(axis=(1, 2)).all()
    said = [text.value for text in app.markdown if text.value.startswith("**To the right:**")]
    assert len(said) == SLIDERS
    (table,) = app.dataframe
    assert list(table.value.index) == [1, 2, 3, 4, 5, 6]
    (reset,) = (button for button in app.button if button.label == "Reset the sliders")
    reset.click().run()
    assert [slider.value for slider in app.slider] == [0.0] * SLIDERS
    assert drawn[-1] == of_sad


def test_without_conditional_norms_the_page_says_so_in_a_sentence(
    small: tuple[str, str, str], open_directions: Open
) -> None:
    app = open_directions(small[2], directions="Closed form, conditional norms")
    (warning,) = app.warning
    assert "this generator has no conditional norms" in warning.value


def test_a_generator_of_many_passes_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run_id = add_small_run(registry, Flow(width=4))
    app = open_page("explore", registry.url, monkeypatch, {"run": run_id, "part": "Directions"})
    assert "choose a run of a GAN, a VAE or MeanFlow" in app.info[0].value


@pytest.mark.usefixtures("in_the_browser")
@pytest.mark.thorough
def test_directions_are_learned_by_a_button_and_then_moved_along(
    small: tuple[str, str, str], open_directions: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_directions(small[1], directions="Learned")
    (button,) = (button for button in app.button if button.label == "Learn directions")
    assert not app.slider
    button.click().run()
    going_on = face_data.learning(small[1], STEP)
    assert going_on is not None
    other = open_directions(small[1], directions="Learned")
    cancel(app)
    app.run()
    assert "somebody else waits for it" in app.info[0].value
    assert not going_on.cancelled
    cancel(other)
    assert going_on.ended(within=60)
    assert going_on.cancelled
    assert not face_data.learned_directions(small[1], STEP).changed
    app.run()
    assert [info.value for info in app.info] == ["The learning was cancelled."]
    # A learning of a minute is not for a test: the command does the same in two steps.
    done = run_module("trainers.cli", "directions", small[1], "--count", 3, "--steps", 2, "--registry", small[0])
    assert done.returncode == 0, done.stderr
    app.run()
    assert list(explorer(app)["view"]) == KEYS[:3]
    assert len(words(app)) == 3


def cancel(app: AppTest) -> None:
    (button,) = (button for button in app.button if button.label == "Cancel")
    button.click().run()
