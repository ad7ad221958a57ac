"""Emotions' names, what misspelt ones mean, and the orders that labels count them in."""

import pytest

from fergan_core.emotions import EMOTIONS, LABEL_ORDERS, is_emotion, label_codes, label_order, likely_emotion
from fergan_core.errors import DataError


def test_known_orders_by_name() -> None:
    assert label_order("fer2013") == EMOTIONS
    assert label_order("Alphabetical") == ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    assert label_order("raf-db")[0] == "surprise"
    assert all(sorted(set(order) - {"contempt"}) == sorted(EMOTIONS) for order in LABEL_ORDERS.values())


def test_an_order_in_any_published_spelling() -> None:
    text = "Surprise, Fear, Disgust, Happiness, Sadness, Anger, Neutral"
    assert label_order(text) == label_order("raf-db")


def test_an_order_has_a_place_for_contempt() -> None:
    text = "angry,contempt,disgust,fear,happy,neutral,sad,surprise"
    assert label_order(text)[1] == "contempt"
    assert label_codes(text, {0, 1, 7}) == {0: 0, 1: None, 7: 5}
    assert label_codes("affectnet", {0, 6, 7}) == {0: 6, 6: 0, 7: None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jaffe",
        "angry,disgust",
        "angry,angry,fear,happy,sad,surprise,neutral",
        "angry,contempt,fear,happy,sad,surprise,neutral",
        "angry,disgust,fear,happy,sad,surprise,neutral,bored",
    ],
)
def test_anything_else_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(DataError, match=r"--label-order.*fer2013, alphabetical, raf-db"):
        label_order(text)


@pytest.mark.parametrize(
    ("text", "numbers", "codes"),
    [
        ("fer2013", {0, 3, 6}, {0: 0, 3: 3, 6: 6}),
        ("fer2013", {1, 7}, {1: 0, 7: 6}),
        ("fer2013", {1, 3}, {1: 1, 3: 3}),
        ("raf-db", {1, 4, 7}, {1: 5, 4: 3, 7: 6}),
        ("raf-db", {0, 6}, {0: 5, 6: 6}),
        ("raf-db", {1, 6}, {1: 5, 6: 0}),
        ("alphabetical", {4, 5, 6}, {4: 6, 5: 4, 6: 5}),
    ],
)
def test_numbers_count_from_0_or_from_1(text: str, numbers: set[int], codes: dict[int, int]) -> None:
    assert label_codes(text, numbers) == codes


@pytest.mark.parametrize("numbers", [{0, 7}, {1, 8}, {-1, 3}])
def test_a_number_beyond_the_order_is_refused(numbers: set[int]) -> None:
    with pytest.raises(DataError, match=r"label -?\d is not in fer2013, which counts 7 from [01]"):
        label_codes("fer2013", numbers)


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("suprise", "surprise"),
        ("Suprised", "surprise"),
        ("nuetral", "neutral"),
        ("netural", "neutral"),
        ("natural", "neutral"),
        ("disgut", "disgust"),
        ("Hapiness", "happy"),
        ("angery", "angry"),
        ("sadnes", "sad"),
        ("joy", "happy"),
        ("scared", "fear"),
    ],
)
def test_misspellings_and_synonyms_are_understood(word: str, emotion: str) -> None:
    assert not is_emotion(word)
    assert likely_emotion(word) == EMOTIONS.index(emotion)


@pytest.mark.parametrize(
    "word", ["contempt", "unhappy", "angel", "tear", "year", "bad", "mad", "hungry", "anxious", "none", "", "disguise"]
)
def test_other_words_are_not_taken_for_an_emotion(word: str) -> None:
    assert likely_emotion(word) is None
