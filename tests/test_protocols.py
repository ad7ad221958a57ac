"""Which evaluations compare, how a protocol is described, and which is shown first, on small tables."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fergan_core import protocols
from fergan_core.evaluation.protocol import Protocol
from fergan_core.registry import Reader

ROOT = Path(__file__).parents[1]


def row(run: str = "a", step: int = 10, value: float = 2.0, **others: Any) -> dict[str, Any]:
    fields = {"run_id": run, "data": "synthfer", "epoch": step // 10, "step": step, "judge": "synthfer"}
    fields |= {"judge_sha256": "5" * 64, "count": 2000, "prior": "natural", "seed": 0, "truncation": 1.0}
    return fields | {"real_count": 500, "metric": "is", "emotion": None, "value": value} | others


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows)


CHECK = {"judge": "synthfer-check", "judge_sha256": "6" * 64}


@pytest.mark.parametrize(
    "other",
    [{"judge_sha256": "7" * 64}, {"count": 500}, {"prior": "balanced"}, {"seed": 1}, {"truncation": 0.5}],
)
def test_scores_that_differ_in_any_part_of_the_protocol_do_not_compare(other: dict[str, Any]) -> None:
    assert protocols.numbers(table(row(), row("b", **other))).nunique() == 2


@pytest.mark.parametrize("same", [{"truncation": None}, {"judge": "renamed"}, {"real_count": 0}, {"step": 20}])
def test_what_lacks_a_truncation_was_drawn_untruncated_and_what_is_no_part_of_it_does_not_separate(
    same: dict[str, Any],
) -> None:
    scores = table(row(), row("b", **same))
    assert protocols.numbers(scores).nunique() == 1
    assert protocols.numbers(scores, "real_count").nunique() == (2 if "real_count" in same else 1)


def test_judges_without_weights_are_told_apart_by_their_names() -> None:
    unknown = {"judge_sha256": "", "count": None, "prior": None, "seed": None, "truncation": None}
    assert protocols.numbers(table(row(judge="x", **unknown), row(judge="y", **unknown))).nunique() == 2


def test_an_evaluation_records_exactly_what_makes_its_protocol() -> None:
    recorded = Protocol("synthfer", count=100, truncation=0.5).as_dict()
    assert list(recorded) == protocols.BESIDE_JUDGE
    assert protocols.complete(recorded) == recorded | {"real_count": None}
    old = {"count": 100, "seed": 0, "prior": "natural", "real_count": 0}
    assert protocols.complete(old) == old | {"truncation": 1.0}
    assert set(protocols.complete({}).values()) == {None}


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        (row(), "judge synthfer (55555555), 2,000 faces, natural prior, seed 0"),
        (row(truncation=None), "judge synthfer (55555555), 2,000 faces, natural prior, seed 0"),
        (row(truncation=0.5), "judge synthfer (55555555), 2,000 faces, natural prior, seed 0, truncated to 0.5"),
        ({"judge": "not documented", "judge_sha256": "", "count": None}, "judge not documented"),
        (
            row(sampling={"sampler": "heun", "steps": 4, "guidance": 1.5}),
            "judge synthfer (55555555), 2,000 faces, natural prior, seed 0, drawn by heun in 4 steps, guidance 1.5",
        ),
    ],
)
def test_a_protocol_is_said_in_one_way(protocol: dict[str, Any], sentence: str) -> None:
    assert protocols.words(protocol) == sentence


def test_protocols_are_taken_apart_by_their_words() -> None:
    scores = table(row(count=10_000), row(), row("b"), row(truncation=0.5), row(truncation=None, step=20))
    by_protocol = protocols.by_words(scores)
    assert [sentence.partition(", ")[2] for sentence in by_protocol] == [
        "2,000 faces, natural prior, seed 0, truncated to 0.5",
        "2,000 faces, natural prior, seed 0",
        "10,000 faces, natural prior, seed 0",
    ]
    assert [len(rows) for rows in by_protocol.values()] == [1, 3, 1]
    assert protocols.by_words(scores.iloc[:0]) == {}


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([row(**CHECK), row("b", **CHECK)], "the one of most runs"),
        ([row(**CHECK)], "the data's own judge"),
        ([row(prior="balanced", count=9000)], "the natural prior"),
        ([row(truncation=0.5, count=9000)], "untruncated"),
        ([row(count=9000)], "most faces"),
        ([row(step=10, count=500), row(step=20, count=500)], "most checkpoints"),
        ([row(seed=1)], "the newest"),
    ],
)
def test_the_protocol_that_is_shown_first(others: list[dict[str, Any]], reason: str) -> None:
    theirs = reason in ("the one of most runs", "most faces", "most checkpoints", "the newest")
    preferred = protocols.preferred(table(row(), *others))
    assert protocols.words(preferred.iloc[0]) == protocols.words((others if theirs else [row()])[0])


def test_what_is_not_documented_is_shown_last_and_nothing_stays_nothing() -> None:
    unknown = {"judge": "?", "judge_sha256": "", "count": None, "prior": None, "seed": None, "truncation": None}
    scores = table(row("a", **unknown), row("b", **unknown), row("c"))
    assert list(protocols.preferred(scores).run_id) == ["c"]
    assert list(protocols.preferred(scores.iloc[:2]).run_id) == ["a", "b"]
    for choose in (protocols.preferred, protocols.preferred_of_each_run, protocols.newest, protocols.once):
        assert choose(scores.iloc[:0]).empty


def test_each_run_is_shown_by_a_judge_of_its_own_data_and_by_what_most_of_these_runs_have() -> None:
    photographs = {"data": "fer2013", "judge": "fer2013", "judge_sha256": "f" * 64}
    foreign = {"data": "fer2013"}  # read by synthfer's judge, which most runs of the table have
    scores = table(
        row("a"), row("a", count=9000), row("b"), row("c", **photographs, count=9000), row("c", **foreign),
        row("d", count=9000), row("e"),
    )  # fmt: skip
    preferred = protocols.preferred_of_each_run(scores).set_index("run_id")
    assert preferred["count"].to_dict() == {"a": 2000, "b": 2000, "c": 9000, "d": 9000, "e": 2000}
    assert list(preferred.index[preferred["judge"] != "synthfer"]) == ["c"]


def test_a_checkpoint_evaluated_twice_counts_once_with_the_real_faces_where_it_has_them() -> None:
    scores = table(row(value=1.0), row(value=2.0, real_count=0), row(step=20, value=3.0), row(step=20, value=4.0))
    assert list(protocols.once(scores).value) == [1.0, 4.0]
    assert list(protocols.newest(protocols.once(scores)).value) == [4.0]
    by_sampling = scores.assign(sampler="heun", steps=[1, 2, 1, 1], guidance=1.0)
    assert list(protocols.once(by_sampling).value) == [1.0, 2.0, 4.0]


def test_evaluations_that_are_numbered_are_told_apart_as_row_by_row() -> None:
    of_some = [
        row("a", count=500), row("a", **CHECK), row("a", real_count=0), row("b", truncation=None), row("a", step=20),
        row("a", real_count=900), row("b", prior="balanced"), row("c", data="fer2013", **CHECK),
    ]  # fmt: skip
    # An evaluation lacks a score that another one of the same checkpoint and protocol has; another lies in two parts.
    metrics = [("is", None), ("accuracy", None), ("accuracy", "fear")]
    rows = [
        of | {"metric": metric, "emotion": emotion, "evaluation": number, "value": 10.0 * number + place}
        for number, of in enumerate(of_some)
        for place, (metric, emotion) in enumerate(metrics[: 2 if number == 5 else 3])
    ]
    numbered = table(*rows[3:], *rows[:3])
    alone = numbered.drop(columns="evaluation")
    pd.testing.assert_series_equal(protocols.numbers(numbered), protocols.numbers(alone))
    for choose in (protocols.once, protocols.preferred, protocols.preferred_of_each_run):
        pd.testing.assert_frame_equal(choose(numbered).drop(columns="evaluation"), choose(alone))
    split, expected = protocols.by_words(numbered), protocols.by_words(alone)
    assert list(split) == list(expected)
    for words, rows_of_protocol in expected.items():
        pd.testing.assert_frame_equal(split[words].drop(columns="evaluation"), rows_of_protocol)
    # The newest with the most real faces, and what it lacks from the one before.
    once = protocols.once(numbered)
    assert list(once[(once.run_id == "a") & (once.step == 10) & (once["count"] == 2000)].value) == [
        10,
        11,
        12,
        22,
        50,
        51,
    ]


def test_other_numbers_of_real_faces_are_warned_of() -> None:
    assert protocols.real_faces(table(row(), row("b", real_count=0), row("c", real_count=None))) == ""
    assert "500 and 1,813 real faces" in protocols.real_faces(table(row(), row("b", real_count=1813)))


@pytest.mark.slow
def test_report_small_of_the_committed_runs_is_shown_by_its_first_judge(tmp_path: Path) -> None:
    database = tmp_path / "runs.db"
    done = subprocess.run(["git", "show", "HEAD:runs.db"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no git clone with a committed showcase in it")
    database.write_bytes(done.stdout)
    reader = Reader(str(database))
    scores = reader.scores(list(reader.runs()["id"]))
    scores = scores[scores.emotion.isna()]
    newest = protocols.newest(protocols.preferred_of_each_run(scores))
    small = newest[newest.run_name == "report-small"].set_index("metric")
    assert protocols.words(small.iloc[0]) == "judge fer2013 (3869b927), 10,000 faces, natural prior, seed 0"
    assert (small.value["is"], small.value["accuracy"]) == (pytest.approx(1.397, abs=5e-4), pytest.approx(0.537))
    assert small.real["is"] == pytest.approx(2.3305, abs=1e-4)
    # No run but the literature's is shown by a check judge, another dataset's, or a balanced prior.
    trained = newest[newest.run_id != "report22"]
    assert (trained.judge == trained.data).all()
    assert set(trained.prior) == {"natural"}


def test_protocols_are_told_apart_without_torch() -> None:
    script = "import sys, fergan_core.protocols\nassert not {'torch', 'sqlalchemy'} & set(sys.modules)\n"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
