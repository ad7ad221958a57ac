"""The best checkpoint and the judges' disagreements, on tables with obvious answers."""

import subprocess
import sys
from typing import Any

import pandas as pd
import pytest

from fergan_core.analysis import ranking


def row(run: str, epoch: int, value: float | None, judge: str = "first", **columns: Any) -> dict[str, Any]:
    about = {"run_id": run, "run_name": f"name {run}", "epoch": epoch, "step": epoch * 9, "judge": judge}
    about |= {"judge_sha256": judge * 8, "count": 2000, "prior": "natural", "seed": 0, "truncation": 1.0}
    ends = {"low": None, "high": None} if value is None else {"low": value - 0.1, "high": value + 0.1}
    return about | {"metric": "is", "emotion": None, "value": value, "real": 3.0, **ends, **columns}


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype(dict.fromkeys(("value", "low", "high", "real"), float))


def pairs(disagreements: pd.DataFrame) -> list[tuple[str, int, str, int]]:
    return list(disagreements[["run_id_a", "epoch_a", "run_id_b", "epoch_b"]].itertuples(index=False, name=None))


def test_a_pair_that_two_judges_order_differently_is_listed_once_with_both_judges_values() -> None:
    scores = table(row("a", 1, 2.0), row("b", 1, 2.5), row("a", 1, 1.9, "second"), row("b", 1, 1.6, "second"))
    disagreements = ranking.judge_disagreements(scores, "is")
    assert pairs(disagreements) == [("a", 1, "b", 1)]
    (pair,) = disagreements.to_dict("records")
    assert (pair["judge_1"], pair["value_a_1"], pair["value_b_1"]) == ("first", 2.0, 2.5)
    assert (pair["judge_2"], pair["value_a_2"], pair["value_b_2"]) == ("second", 1.9, 1.6)
    assert pair["clear"]


def test_a_pair_that_both_judges_order_alike_or_as_equal_is_not_a_disagreement() -> None:
    alike = (row("a", 1, 1.5, "second"), row("b", 1, 1.6, "second"))
    equal = (row("a", 1, 1.5, "second"), row("b", 1, 1.5, "second"))
    for second_judge in (alike, equal):
        assert ranking.judge_disagreements(table(row("a", 1, 2.0), row("b", 1, 2.5), *second_judge), "is").empty


@pytest.mark.parametrize("ends", [{"low": 1.5, "high": 2.0}, {"low": None, "high": None}])
def test_a_disagreement_is_clear_only_where_both_judges_intervals_are_disjoint(ends: dict[str, Any]) -> None:
    scores = table(row("a", 1, 2.0), row("b", 1, 2.5), row("a", 1, 1.9, "second"), row("b", 1, 1.6, "second", **ends))
    assert list(ranking.judge_disagreements(scores, "is").clear) == [False]


def test_scores_of_another_protocol_metric_or_emotion_are_not_compared() -> None:
    first = (row("a", 1, 2.0), row("b", 1, 2.5))
    for other in ({"count": 500}, {"prior": "balanced"}, {"truncation": 0.5}, {"metric": "fid"}, {"emotion": "sad"}):
        scores = table(*first, row("a", 1, 1.9, "second", **other), row("b", 1, 1.6, "second", **other))
        assert ranking.judge_disagreements(scores, "is").empty


def test_an_evaluation_without_recorded_truncation_counts_as_untruncated() -> None:
    old = {"truncation": None}
    scores = table(
        row("a", 1, 2.0, **old), row("b", 1, 2.5), row("a", 1, 1.9, "second"), row("b", 1, 1.6, "second", **old)
    )
    assert len(ranking.judge_disagreements(scores, "is")) == 1


def test_checkpoints_of_one_run_can_be_a_disagreement_but_not_one_of_runs() -> None:
    scores = table(row("a", 1, 2.0), row("a", 2, 2.5), row("a", 1, 1.9, "second"), row("a", 2, 1.6, "second"))
    assert pairs(ranking.judge_disagreements(scores, "is")) == [("a", 1, "a", 2)]
    assert ranking.judge_disagreements_of_runs(scores, "is").empty


def test_runs_are_compared_at_the_last_epoch_that_two_judges_scored_of_both() -> None:
    early = [row("a", 1, 2.0), row("b", 1, 2.5), row("a", 1, 1.9, "second"), row("b", 1, 1.6, "second")]
    alone = [row("a", 3, 2.0), row("b", 3, 2.5), row("a", 4, 2.0, "second")]
    assert pairs(ranking.judge_disagreements_of_runs(table(*early, *alone), "is")) == [("a", 1, "b", 1)]
    agreed = [row("a", 2, 2.0), row("b", 2, 2.5), row("a", 2, 1.0, "second"), row("b", 2, 1.6, "second")]
    assert ranking.judge_disagreements_of_runs(table(*early, *agreed), "is").empty


def test_without_scores_there_is_no_disagreement_and_no_best() -> None:
    empty = table(row("a", 1, 2.0)).iloc[:0]
    assert ranking.judge_disagreements(empty, "is").empty
    assert ranking.judge_disagreements_of_runs(empty, "is").empty
    assert ranking.best(empty, "is", "higher") is None


@pytest.mark.parametrize(
    ("better", "values", "apart"),
    [
        ("higher", {"a": 2.0, "b": 2.3, "c": 2.6}, ("c", "b", True)),
        ("higher", {"a": 2.0, "b": 2.5, "c": 2.6}, ("c", "b", False)),
        ("lower", {"a": 2.0, "b": 2.5, "c": 2.6}, ("a", "b", True)),
        ("real", {"a": 2.95, "b": 3.5, "c": 9.0}, ("a", "b", True)),
        ("real", {"a": 2.6, "b": 3.3, "c": 9.0}, ("b", "a", False)),
    ],
)
def test_the_best_comes_with_whether_its_interval_overlaps_the_next(
    better: ranking.Better, values: dict[str, float], apart: tuple[str, str, bool]
) -> None:
    best = ranking.best(table(*(row(run, 1, value) for run, value in values.items())), "is", better)
    assert best is not None
    assert best.second is not None
    assert (best.first["run_id"], best.second["run_id"], best.apart) == apart


def test_a_single_best_has_no_second_and_without_intervals_nothing_is_apart() -> None:
    alone = ranking.best(table(row("a", 1, 2.0)), "is", "higher")
    assert alone is not None
    assert (alone.second, alone.apart) == (None, None)
    bare = ranking.best(table(row("a", 1, 2.0, low=None, high=None), row("b", 1, 1.0)), "is", "higher")
    assert bare is not None
    assert bare.apart is None


def test_without_a_value_of_real_faces_nothing_is_near_it() -> None:
    scores = table(row("a", 1, 2.0, real=None), row("b", 1, 9.0))
    best = ranking.best(scores, "is", "real")
    assert best is not None
    assert (best.first["run_id"], best.second) == ("b", None)


def test_the_best_of_an_emotion_is_its_own() -> None:
    scores = table(row("a", 1, 2.0), row("b", 1, 1.0), row("a", 1, 1.0, emotion="sad"), row("b", 1, 2.0, emotion="sad"))
    best = ranking.best(scores, "is", "higher", "sad")
    assert best is not None
    assert best.first["run_id"] == "b"


@pytest.mark.slow
def test_ranking_needs_no_torch() -> None:
    script = "import sys, fergan_core.analysis.ranking\nassert 'torch' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
