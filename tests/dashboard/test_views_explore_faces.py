"""Explore's parts One face and A real face, without a browser, on runs that were trained."""

import io
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.charts import one_face
from dashboard.sections.explore_one_face import distance_in_words
from dashboard.sections.explore_real_face import error_in_words
from tests.support.pages import open_page


def captions(app: AppTest) -> str:
    return " ".join(str(element.value) for kind in ("caption", "markdown") for element in getattr(app, kind)).replace(
        "\\", ""
    )


def alternatives(app: AppTest) -> list[str]:
    """The words of a page's pictures for who cannot see them."""
    return [image.alt for element in app.get("imgs") for image in element.proto.imgs]


def found(app: AppTest, seconds: float = 240) -> AppTest:
    """Press the button and wait until the search has ended."""
    app.button[-1].click().run()
    until = time.monotonic() + seconds
    while "steps done" in str(app.get("progress")) or any(button.label == "Cancel" for button in app.button):
        assert time.monotonic() < until
        time.sleep(0.5)
        app.run()
    return app


@pytest.mark.slow
def test_one_face_shows_what_judges_read_and_what_speaks_for_an_emotion(
    filled_registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"part": "One face", "emotion": "sad", "seed": "3", "number": "24", "evidence": "happy"}
    app = open_page("explore", filled_registry, monkeypatch, asked)
    assert not app.error
    assert app.number_input(key="number").value == 24
    text = captions(app)
    assert "Orange: what the judge synthfer takes as speaking for happy" in text or "judge fer2013 takes" in text
    assert "Integrated gradients divide the difference" in text
    bars = app.get("plotly_chart")
    assert len(bars) == 1
    assert '"sad"' in bars[0].proto.spec
    other = open_page("explore", filled_registry, monkeypatch, asked | {"evidence": "angry"})
    assert captions(other) != text
    app.toggle(key="search").set_value(True).run()
    assert "times as far away as the median for real sad faces" in captions(app)


@pytest.mark.parametrize(
    ("ratio", "nearer", "verdict"),
    [(0.0, 0.0, "may be a copy"), (0.4, 0.03, "suspiciously near"), (1.0, 0.5, "as near as"), (3.0, 1.0, "farther")],
)
def test_a_distance_is_said_in_words(ratio: float, nearer: float, verdict: str) -> None:
    assert verdict in distance_in_words(ratio, nearer, "sad")


@pytest.mark.slow
@pytest.mark.thorough
def test_a_face_of_the_data_is_found_and_shown_in_every_emotion(
    filled_registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"part": "A real face", "emotion": "happy", "real_face": "2"}
    app = open_page("explore", filled_registry, monkeypatch, asked)
    assert "the generator's guess" in captions(app)
    app = found(app)
    assert [error.value for error in app.error] == []
    text = captions(app)
    assert "**given**, happy" in text
    assert "The best of 1,000 random faces, from which the search began, differs by" in text
    assert text.count("read as ") == 7  # the given one and six emotions
    assert app.get("download_button")[0].proto.label == "Download PNG"
    # Another face is not shown with the answer for this one.
    app.number_input(key="real_face").set_value(3).run()
    assert "**given**" not in captions(app)


def uploaded(app: AppTest, name: str, content: bytes, kind: str) -> AppTest:
    return app.file_uploader(key="own face").set_value((name, content, kind)).run()


@pytest.mark.slow
def test_an_uploaded_picture_is_cut_or_refused_in_a_sentence(
    filled_registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("explore", filled_registry, monkeypatch, {"part": "A real face", "which": "A picture of yours"})
    assert "Find this face" not in [button.label for button in app.button]
    refused = uploaded(app, "notes.png", b"no picture", "image/png")
    assert "is not a picture" in refused.error[0].value.replace("\\", "")
    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(picture, "PNG")
    app = uploaded(app, "mine.png", picture.getvalue(), "image/png")
    assert not app.error
    assert [button.label for button in app.button if button.label == "Find this face"]
    assert "your picture, as the generator gets it" in captions(app).lower()


@pytest.mark.parametrize(
    ("error", "words"),
    [(1.0, "draws nearly this face"), (20.0, "like this one, but not the same"), (45.0, "is another")],
)
def test_an_error_is_said_in_words(error: float, words: str) -> None:
    facts: dict[str, Any] = {"difference": error, "contrast": 50.0, "candidate_difference": 55.0}
    assert words in error_in_words(facts)
    assert "best of 1,000" in error_in_words(facts)
    assert "best of 1,000" not in error_in_words(facts | {"candidate_difference": None})


def test_evidence_is_coloured_by_its_sign_and_its_sum_is_kept() -> None:
    shares = np.zeros((48, 48))
    shares[10:20, 10:20], shares[30:40, 30:40] = 1.0, -0.5
    around = one_face.by_region(shares)
    assert around.sum() == pytest.approx(shares.sum())
    picture = one_face.evidence_picture(np.full((48, 48), 128, np.uint8), around).astype(int)
    side = picture.shape[0] // 48
    speaking, against, neither = (picture[at * side, at * side] for at in (15, 35, 46))
    assert speaking[0] > speaking[2] + 100
    assert against[2] > against[0] + 30
    assert neither.tolist() == [128, 128, 128]
