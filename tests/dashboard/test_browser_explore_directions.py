"""The page Explore's part Directions in Chromium, on the committed showcase: faces that follow a slider."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from fergan_core.browser import script
from fergan_core.emotions import EMOTIONS
from fergan_core.exploring.closed_form import closed_form
from fergan_core.exploring.directions import Space, Walker
from fergan_core.methods import load_generator
from fergan_core.methods.protocols import Generator
from fergan_core.registry import Reader
from fergan_core.training.engine import to_bytes
from tests.dashboard.test_browser_explore import pixels
from tests.support.machine import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

TIMEOUT_MS = 120_000  # for the process that draws to import torch, and to export the generator
RUN, FACES, FACES_OF_A_SEED = "quick-fer2013", 8, 24
KINDS: dict[Space, str] = {"latents": "Closed form, latents", "norms": "Closed form, conditional norms"}
# Takes the script, how many numbers of how many seeds from a first one on; returns uniform numbers, as the page draws.
_LATENTS = """async ([script, first, seeds, size]) => {
    const { randomNumbers } = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    return Array.from({ length: seeds }, (_, at) => Array.from({ length: size }, randomNumbers(first + at, false)));
}"""


def ready(page: Any) -> Any:
    """Wait until faces are drawn and a judge has been asked; return the explorer."""
    page.get_by_text("All that was measured").wait_for(timeout=TIMEOUT_MS)
    explorer = page.locator(".explorer")
    drawn(explorer, 2)
    return explorer


def drawn(explorer: Any, times: int) -> None:
    """Wait until so many rows of faces have been drawn since the page was opened."""
    explorer.page.wait_for_function(
        "([root, times]) => Number(root.dataset.drawn) >= times",
        arg=[explorer.element_handle(), times],
        timeout=TIMEOUT_MS,
    )


def faces_of(explorer: Any, which: str) -> np.ndarray:
    """Return the faces that are shown, `as it is drawn` or `moved`: int [8,48,48]."""
    canvases = explorer.get_by_role("img", name=re.compile(f", {which}$"))
    assert canvases.count() == FACES
    return np.array([pixels(canvases.nth(place)) for place in range(FACES)]).reshape(FACES, 48, 48)


@pytest.fixture(scope="module")
def generator() -> Generator:
    reader = Reader(str(ROOT / "runs.db"))
    run_id = reader.resolve(RUN)
    return load_generator(reader.run(run_id)["recipe"], reader.file(reader.checkpoints(run_id)["path"].iloc[-1]))


@pytest.mark.parametrize("space", KINDS)
def test_faces_follow_a_slider_which_the_address_keeps_and_a_button_resets(
    page_at: Any, showcase_address: str, generator: Generator, space: Space
) -> None:
    run_id = Reader(str(ROOT / "runs.db")).resolve(RUN)
    asked = f"run={run_id}&part=Directions&directions={KINDS[space]}&emotion=sad&seed=3"
    page = page_at(f"/explore?{asked}", address=showcase_address)
    explorer = ready(page)
    still = faces_of(explorer, "as it is drawn")
    assert np.array_equal(faces_of(explorer, "moved"), still)
    assert explorer.get_by_text("To the right:").count() == 6
    reset = explorer.get_by_role("button", name="Reset the sliders")
    expect(reset).to_be_disabled()
    before = int(explorer.get_attribute("data-drawn"))
    explorer.get_by_role("slider", name="Direction 2").press("Home")
    drawn(explorer, before + 1)
    page.wait_for_url(re.compile("along2=-6"), timeout=TIMEOUT_MS)
    moved = faces_of(explorer, "moved")

    walker = Walker(generator)
    numbers = page.evaluate(_LATENTS, [script(), 3 * FACES_OF_A_SEED, FACES, walker.latent_shape[0]])
    shifts = torch.zeros(FACES, 6)
    labels, directions = torch.full((FACES,), EMOTIONS.index("sad")), closed_form(walker, space)
    for shown, by in ((still, 0.0), (moved, -6.0)):
        shifts[:, 1] = by
        with torch.inference_mode():
            expected = to_bytes(walker.faces(torch.tensor(numbers), labels, directions, shifts)).numpy()
        assert np.abs(shown - expected).max() <= 1

    again = page_at(page.url.removeprefix(showcase_address), address=showcase_address)
    same = ready(again)
    assert np.array_equal(faces_of(same, "moved"), moved)
    before = int(same.get_attribute("data-drawn"))
    same.get_by_role("button", name="Reset the sliders").click()
    drawn(same, before + 1)
    assert np.array_equal(faces_of(same, "moved"), still)
    again.wait_for_url(re.compile("^(?!.*along2)"), timeout=TIMEOUT_MS)


def test_another_emotion_is_drawn_with_the_sliders_as_they_are(page_at: Any, showcase_address: str) -> None:
    page = page_at("/explore?part=Directions&along1=4", address=showcase_address)
    explorer = ready(page)
    before, times = faces_of(explorer, "moved"), int(explorer.get_attribute("data-drawn"))
    page.get_by_role("combobox", name="Emotion").fill("happy")
    page.keyboard.press("Enter")
    drawn(explorer, times + 2)
    assert not np.array_equal(faces_of(explorer, "moved"), before)
    assert explorer.get_by_role("slider", name="Direction 1").input_value() == "4"


def test_where_the_browser_cannot_run_a_generator_the_server_draws(context: Any, showcase_address: str) -> None:
    page = context.new_page()
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{showcase_address}/explore?part=Directions&along1=4")
    page.get_by_text("The browser cannot draw with this checkpoint, so the server tries").wait_for(timeout=TIMEOUT_MS)
    faces = page.get_by_role("img", name=re.compile("faces as they are drawn"))
    moved = faces.get_attribute("src", timeout=TIMEOUT_MS)
    expect(page.get_by_role("slider", name="Direction 1")).to_have_value("4", timeout=TIMEOUT_MS)
    page.get_by_role("button", name="Reset the sliders").click()
    expect(faces).not_to_have_attribute("src", moved, timeout=TIMEOUT_MS)
    page.close()
