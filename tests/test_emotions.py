"""Emotions' names and the orders that labels count them in."""

import pytest

from fergan_core.emotions import EMOTIONS, label_order
from fergan_core.errors import DataError


def test_known_orders_by_name() -> None:
    assert label_order("fer2013") == EMOTIONS
    assert label_order("Alphabetical") == ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    assert label_order("raf-db")[0] == "surprise"


def test_an_order_in_any_published_spelling() -> None:
    text = "Surprise, Fear, Disgust, Happiness, Sadness, Anger, Neutral"
    assert label_order(text) == label_order("raf-db")


@pytest.mark.parametrize("text", ["", "affectnet", "angry,disgust", "angry,angry,fear,happy,sad,surprise,neutral"])
def test_anything_else_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(DataError, match=r"--label-order.*fer2013, alphabetical, raf-db"):
        label_order(text)
