"""Verdicts that do not stand by another judge or in another space of features, on tables with obvious answers."""

from typing import Any

import pandas as pd
import pytest

from fergan_core.analysis import elsewhere
from fergan_core.analysis.comparison import PairedComparison, family
from fergan_core.analysis.scales import Scale


def matched(**values: dict[str, list[float]]) -> pd.DataFrame:
    """Scores as `comparison.matched` returns them, by metric and rival one for each seed."""
    rows = [
        {"rival": rival, "run_id": f"{rival}{seed}", "seed": seed, "step": 9, "spent": 1.0, "metric": metric}
        | {"emotion": None, "value": value, "low": 0.95 * value, "high": 1.05 * value}
        for metric, of_metric in values.items()
        for rival, by_seed in of_metric.items()
        for seed, value in enumerate(by_seed)
    ]
    return pd.DataFrame(rows)


def compared(table: pd.DataFrame, metric: str) -> list[PairedComparison]:
    return family(table, [(metric, "lower", Scale("ratio"))])[metric]


@pytest.mark.parametrize(
    ("pixels", "sentences"),
    [
        ({"gan": [0.05], "flow": [0.01]}, ["By pixels the order is the other way round: 'flow' 0.01, 'gan' 0.05."]),
        (
            {"gan": [0.0101], "flow": [0.01]},
            ["By pixels the order is the other way round, by no more than chance may give: 'flow' 0.01, 'gan' 0.0101."],
        ),
        ({"gan": [0.01], "flow": [0.05]}, []),
        ({"gan": [0.01], "flow": [0.01]}, []),
        ({"flow": [0.01], "gan": [0.05]}, ["By pixels the order is the other way round: 'flow' 0.01, 'gan' 0.05."]),
        ({"gan": [0.05], "vae": [0.01]}, []),  # of other rivals
    ],
)
def test_an_opposite_order_elsewhere_is_told_with_whether_chance_may_give_it(
    pixels: dict[str, list[float]], sentences: list[str]
) -> None:
    (verdict,) = compared(matched(fid={"gan": [1.0], "flow": [3.0]}), "fid")
    places = {"pixels": compared(matched(fid_pixels=pixels), "fid_pixels")}
    assert elsewhere.contradictions(verdict, places) == sentences
    assert elsewhere.contradictions(verdict, {"one": [], "two": []}) == []


def test_seeds_are_paired_elsewhere_too_and_every_place_has_its_sentence() -> None:
    table = matched(
        fid={"gan": [1.0, 2.0, 4.0], "flow": [1.5, 2.9, 6.2]},
        fid_pixels={"gan": [0.10, 0.20, 0.40], "flow": [0.07, 0.14, 0.27]},
        fid_random={"gan": [0.10, 0.20, 0.40], "flow": [0.01, 0.90, 0.30]},
    )
    (verdict,) = compared(table, "fid")
    assert verdict.winner == 0
    places = {words: compared(table, key) for key, words in elsewhere.other_spaces("fid").items()}
    first, second = elsewhere.contradictions(verdict, places, lambda value: f"{value:.2f}")
    assert first == "By pixels' principal components the order is the other way round: 'flow' 0.14, 'gan' 0.20."
    assert second.startswith("By a random network's features the order is the other way round, by no more than chance")


def test_a_verdict_without_a_winner_is_not_contradicted() -> None:
    (verdict,) = compared(matched(fid={"gan": [1.0], "flow": [1.01]}), "fid")
    assert verdict.winner is None
    places = {"pixels": compared(matched(fid={"gan": [9.0], "flow": [1.0]}), "fid")}
    assert elsewhere.contradictions(verdict, places) == []


def test_a_distance_is_compared_in_the_other_spaces_and_no_other_score_is() -> None:
    assert list(elsewhere.other_spaces("fid")) == ["fid_pixels", "fid_random"]
    assert elsewhere.other_spaces("kid") == elsewhere.other_spaces("fid")
    assert list(elsewhere.other_spaces("fid_pixels")) == ["fid", "fid_random"]
    assert elsewhere.other_spaces("recall") == {}


def score(run: str, value: float, **columns: Any) -> dict[str, Any]:
    about = {"run_id": run, "data": "fer2013", "epoch": 1, "step": 9, "judge": "fer2013", "judge_sha256": "f" * 64}
    protocol = {"count": 2000, "prior": "natural", "seed": 0, "truncation": 1.0, "real_count": 500}
    return about | protocol | {"metric": "fid", "emotion": None, "value": value, "low": value, "high": value} | columns


def test_another_judge_counts_where_it_scored_the_same_evaluations() -> None:
    check = {"judge": "fer2013-check", "judge_sha256": "c" * 64}
    chosen = pd.DataFrame([score("gan0", 1.0), score("flow0", 3.0)])
    others = [
        score("gan0", 9.0, **check), score("flow0", 8.0, **check, truncation=None),
        score("gan0", 7.0, **check, step=5), score("gan0", 6.0, **check, count=500),
        score("gan0", 5.0, **check, prior="balanced"), score("vae0", 4.0, **check),
    ]  # fmt: skip
    table = matched(fid={"gan": [1.0], "flow": [3.0]})
    by_judge = elsewhere.by_other_judges(pd.concat([chosen, pd.DataFrame(others)]), chosen, table)
    assert list(by_judge) == ["judge fer2013-check (cccccccc)"]
    rows = by_judge["judge fer2013-check (cccccccc)"]
    assert list(rows.columns) == list(table.columns)
    assert dict(zip(rows.rival, rows.value, strict=True)) == {"gan": 9.0, "flow": 8.0}
    (verdict,) = compared(table, "fid")
    places = {place: compared(rows, "fid") for place, rows in by_judge.items()}
    assert elsewhere.contradictions(verdict, places) == [
        "By judge fer2013-check (cccccccc) the order is the other way round: 'flow' 8, 'gan' 9."
    ]
    alone = pd.DataFrame([score("gan0", 9.0, **check), score("flow0", 8.0, **check, step=5)])
    for nobody in (chosen, pd.concat([chosen, alone])):
        assert elsewhere.by_other_judges(nobody, chosen, table) == {}


def test_what_has_no_such_score_and_no_second_judge_is_told() -> None:
    table = matched(fid={"gan": [1.0], "flow": [3.0]}, fid_pixels={"flow": [0.1]})
    (sentence,) = elsewhere.unscored(table, {"fid": "FID", "fid_pixels": "FID, pixels"})
    assert sentence.startswith("Not known of 'gan': FID, pixels. ")
    of_both = elsewhere.unscored(table, {"fid_random": "FID, random network", "kid": "KID"})
    assert [sentence.partition(".")[0] for sentence in of_both] == [
        "Not known of any of these: FID, random network; KID"
    ]
    assert "`fergan evaluate RUN@all --judge fer2013-check --count 2000`" in elsewhere.one_judge(
        pd.DataFrame([score("gan0", 1.0)])
    )
