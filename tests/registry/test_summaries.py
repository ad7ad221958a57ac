"""The scores that stand for a run, and how much it has to show, on registries of a few runs and on the showcase."""

from collections.abc import Callable
from pathlib import Path

from fergan_core.registry import Reader, Registry, Score
from fergan_core.registry.summaries import contents, datasets, headlines

ROOT = Path(__file__).parents[2]
PROTOCOL = {"count": 2000, "seed": 0, "prior": "natural", "truncation": 1.0, "real_count": 500}


def evaluate(registry: Registry, run_id: str, step: int, fid: float, **changes: object) -> None:
    judge = str(changes.pop("judge", "synthfer"))
    registry.add_evaluation(
        run_id, epoch=step // 10, step=step, judge=judge, judge_sha256=judge[-1] * 64, protocol=PROTOCOL | changes,
        scores=[Score("fid", fid, fid - 1, fid + 1, 0.5), Score("fid", 99.0, emotion="happy"), Score("kid", 7.0)],
    )  # fmt: skip


def test_a_run_is_known_by_its_newest_evaluation_under_its_own_judge(
    registry: Registry, reader: Reader, enter: Callable[..., str]
) -> None:
    run_id, other = enter(registry), enter(registry)
    evaluate(registry, run_id, 10, 40.0)
    evaluate(registry, run_id, 20, 30.0)
    evaluate(registry, run_id, 30, 1.0, judge="synthfer-check")
    evaluate(registry, run_id, 30, 2.0, truncation=0.5)
    evaluate(registry, run_id, 30, 3.0, sampling={"sampler": "heun", "steps": 2, "guidance": 1.0})
    evaluate(registry, other, 10, 50.0)
    evaluate(registry, other, 20, 1.0, judge="synthfer-check")
    scores = headlines(reader).set_index("run_id", drop=False).loc[[run_id, other]]
    assert list(scores.columns) == [
        name for name in reader.scores([run_id]).columns if name not in ("evaluation", "emotion")
    ]
    assert scores[["run_id", "step", "metric", "value", "low", "high", "real"]].to_dict("records") == [
        {"run_id": run_id, "step": 20, "metric": "fid", "value": 30.0, "low": 29.0, "high": 31.0, "real": 0.5},
        {"run_id": other, "step": 10, "metric": "fid", "value": 50.0, "low": 49.0, "high": 51.0, "real": 0.5},
    ]
    assert set(headlines(reader, ["kid"]).value) == {7.0}
    registry.trash(other)
    assert other not in set(headlines(reader).run_id)


def test_where_there_is_no_registry_there_are_no_headlines_and_no_contents(tmp_path: Path) -> None:
    reader = Reader(str(tmp_path / "runs.db"))
    assert headlines(reader).empty
    assert contents(reader).empty


def test_what_cannot_be_compared_is_left_out_and_named(
    registry: Registry, reader: Reader, enter: Callable[..., str]
) -> None:
    run_id = enter(registry)
    evaluate(registry, run_id, 10, 40.0, count=None)
    scores = headlines(reader)
    assert run_id not in set(scores.run_id)
    assert [run_id in sentence for sentence in scores.attrs["left_out"]] == [True]


def test_contents_count_what_a_run_has(registry: Registry, reader: Reader, enter: Callable[..., str]) -> None:
    run_id, bare = enter(registry), enter(registry)
    evaluate(registry, run_id, 10, 40.0)
    finding = {"epoch": 1, "step": 10, "kind": "divergence", "sentence": "It diverged.", "numbers": {}}
    registry.set_findings(run_id, [finding | {"severity": severity} for severity in ("alarm", "warning")])
    table = contents(reader)
    expected = {"sheets": 0, "checkpoints": 0, "evaluations": 1, "findings": 2, "alarms": 1}
    assert table.loc[run_id].to_dict() == expected
    assert not table.loc[bare].any()


def test_the_reports_run_is_known_by_its_own_judge_and_not_by_the_one_that_scored_it_last() -> None:
    """The second judge gave IS 1.658 and 33 % later."""
    scores = headlines(Reader(str(ROOT / "runs.db"))).set_index(["run_id", "metric"]).value
    assert (round(scores["44dzmlfk", "is"], 3), round(scores["44dzmlfk", "accuracy"], 2)) == (1.397, 0.54)


def test_datasets_are_known_by_their_content_those_of_most_runs_first(
    registry: Registry, reader: Reader, enter: Callable[..., str]
) -> None:
    one, two = "1" * 64, "2" * 64
    first = enter(registry, dataset={"name": "fer2013", "source": "a.csv", "content_hash": one, "images": 5})
    moved = enter(registry, dataset={"name": "fer2013", "source": "b.csv", "content_hash": one, "images": 2})
    other = enter(registry, dataset={"name": "fer2013", "source": "a.csv", "content_hash": two, "images": 5})
    found = {dataset["content_hash"]: dataset for dataset in datasets(reader)}
    assert (found[one]["runs"], found[one]["sources"]) == ([moved, first], ["b.csv", "a.csv"])
    assert found[two]["runs"] == [other]
    assert "" not in found
    registry.trash(other)
    assert [dataset["content_hash"] for dataset in datasets(reader)] == [one]
