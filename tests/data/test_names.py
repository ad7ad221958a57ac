"""What names say: splits as whole words of them, emotions, numbers; and what only looks like it."""

import pytest

from fergan_core.data import SPLITS
from fergan_core.data.fer2013.names import emotion_in, number_in, read_usage, split_of, split_of_dataset, splits_in
from fergan_core.errors import DataError


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("FER2013Train", "train"),
        ("trainset", "train"),
        ("train-00000-of-00001-4f2cd27a7d7a8d0e", "train"),
        ("partial-train", "train"),
        ("fer2013_valid", "public"),
        ("validation", "public"),
        ("dev", "public"),
        ("VAL", "public"),
        ("PublicTest", "public"),
        ("public_test", "public"),
        ("public", "public"),
        ("PrivateTest", "private"),
        ("fer2013-test", "test"),
        ("test_set", "test"),
        ("FER2013Test", "test"),
        ("FER2013TEST", "test"),
        ("eval", "test"),
        ("test.with.emotions", "test"),
    ],
)
def test_a_split_is_a_whole_word_of_a_name(name: str, split: str) -> None:
    assert splits_in(name) == {split}


@pytest.mark.parametrize(
    "name", ["latest", "contest", "devices", "evaluator", "constrained", "value", "retrain", "public_faces", "0000", ""]
)
def test_other_words_are_no_split(name: str) -> None:
    assert splits_in(name) == set()


def test_the_innermost_telling_part_of_a_path_counts_and_one_that_names_two_splits_tells_nothing() -> None:
    assert split_of(("train", "test", "faces")) == "test"
    assert split_of(("test", "train_val_split")) == "test"
    assert split_of(("train_test_split",)) is None


@pytest.mark.parametrize(("name", "split"), [("test", "test"), ("FER2013Test", "test"), ("dev_set", "public")])
def test_the_name_of_the_whole_says_a_split_where_it_says_nothing_else(name: str, split: str) -> None:
    assert split_of_dataset(name) == split


@pytest.mark.parametrize("name", ["fer2013", "test_of_mine", "my latest test", "train_test"])
def test_the_name_of_the_whole_is_otherwise_not_listened_to(name: str) -> None:
    assert split_of_dataset(name) is None


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("Training", 0),
        (" train ", 0),
        ("PUBLICTEST", 1),
        ("Validation", 1),
        ("dev", 1),
        ("PrivateTest", 2),
        ("Test", 3),
    ],
)
def test_usages_in_any_spelling(word: str, split: int) -> None:
    assert SPLITS[read_usage(word, "x")] == SPLITS[split]


@pytest.mark.parametrize("word", ["", "Holiday", "0", "test2", "not test"])
def test_other_usages_are_refused(word: str) -> None:
    with pytest.raises(DataError, match=r"fer\.csv, row 3: usage .* is unknown"):
        read_usage(word, "fer.csv, row 3")


@pytest.mark.parametrize(
    ("folder", "word"),
    [("Happy", "happy"), ("3_happy", "happy"), ("happy (2)", "happy"), ("suprise", "suprise"), ("not_happy", None)],
)
def test_the_emotion_in_a_folders_name(folder: str, word: str | None) -> None:
    assert emotion_in(folder) == word


@pytest.mark.parametrize(
    ("folder", "number"), [("3", 3), ("03", 3), ("class_7", 7), ("s03", None), ("123", None), ("²", None)]
)
def test_the_number_in_a_folders_name(folder: str, number: int | None) -> None:
    assert number_in(folder) == number
