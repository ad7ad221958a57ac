"""Scores in a terminal: what they are written as, and what is said of scores better than real faces'."""

import io

from rich.console import Console

from fergan_core.registry import Score
from trainers.score_tables import print_scores


def printed(scores: list[Score]) -> str:
    paper = io.StringIO()
    print_scores(Console(width=140, file=paper), "a run, epoch 3", scores, "judge x")
    return paper.getvalue()


def test_every_score_stands_beside_interval_real_faces_and_noise() -> None:
    text = printed(
        [Score("fid", 2.5, 2.4, 2.6, 0.05, noise=37.0), Score("accuracy", 0.24, 0.23, 0.25, 0.66, noise=0.14)]
    )
    (fid,) = [line for line in text.splitlines() if " FID " in line]
    assert [word.strip() for word in fid.split("│")[1:-1]] == [
        "FID", "2.5000", "2.4000 to 2.6000", "0.0500", "37.00", "50.000"
    ]  # fmt: skip
    assert "23.0% to 25.0%" in text
    assert "warning sign" not in text


def test_emotions_have_a_table_of_their_own() -> None:
    text = printed([Score("kid", 0.2, real=0.01, emotion="disgust"), Score("read_as_happy", 0.5, emotion="disgust")])
    assert "0.2000 (0.0100)" in text
    assert "read_as" not in text


def test_better_than_real_faces_is_a_warning() -> None:
    assert "a warning sign: density" in printed([Score("density", 1.4, 1.3, 1.5, 0.98)])
    # Its interval holds real faces' value.
    assert "warning sign" not in printed([Score("density", 1.4, 0.9, 1.9, 0.98)])


def test_no_ratio_to_a_value_that_is_zero_but_for_chance() -> None:
    text = printed([Score("kid", 0.5, 0.4, 0.6, 0.0001), Score("density", 0.5, 0.4, 0.6, 1.0)])
    rows = [line.split("│") for line in text.splitlines() if "│ 0.5000" in line]
    assert {row[1].strip(): row[-2].strip() for row in rows} == {"KID": "", "density": "0.500"}
