"""Trees of forks, with and without their root; what forks changed, and whether their parent's alarms recurred."""

from typing import Any

import pandas as pd
import pytest

from fergan_core.analysis.alarms import alarms
from fergan_core.analysis.studies.forks import family, outcomes, roots


def runs(*rows: tuple[str, str | None, int | None]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["id", "parent", "parent_step"])
    return table.assign(created=[float(place) for place in range(len(rows))], status="finished", step=1000, epoch=10)


def recipe(**method: Any) -> dict[str, Any]:
    return {"epochs": 10, "batch_size": 64, "method": {"kind": "gan", "d_lr": 2e-4, **method}}


def findings(*rows: tuple[str, str, int, dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["run_id", "kind", "step", "numbers"])
    return table.assign(severity="alarm", epoch=table["step"] // 100)


TREE = runs(("other", None, None), ("a", None, None), ("b", "a", 200), ("c", "b", 400), ("d", "a", 300))


@pytest.mark.parametrize("member", ["a", "b", "c", "d"])
def test_a_family_is_the_same_whichever_member_it_is_looked_up_by(member: str) -> None:
    tree = family(TREE, member)
    assert list(zip(tree["id"], tree["depth"], strict=True)) == [("a", 0), ("b", 1), ("c", 2), ("d", 1)]
    assert tree["known"].all()
    assert tree["parent_step"].iloc[1:].to_list() == [200, 400, 300]


def test_a_run_without_forks_is_its_own_family() -> None:
    assert family(TREE, "other")["id"].to_list() == ["other"]
    assert family(runs(("a", None, None)), "a")["id"].to_list() == ["a"]


def test_forks_of_a_run_that_is_gone_stay_together() -> None:
    table = runs(("b", "gone", 200), ("d", "gone", 300), ("e", "elsewhere", 1))
    tree = family(table, "d")
    assert tree["id"].to_list() == ["gone", "b", "d"]
    assert tree["known"].to_list() == [False, True, True]
    assert roots(table) == {"b": "gone", "d": "gone", "e": "elsewhere"}


def test_a_circle_of_imported_runs_is_followed_once() -> None:
    table = runs(("a", "c", 1), ("b", "a", 1), ("c", "b", 1), ("x", "b", 1), ("self", "self", 1))
    for member in "abcx":
        assert sorted(family(table, member)["id"]) == ["a", "b", "c", "x"]
    assert family(table, "self")["id"].to_list() == ["self"]
    tree = outcomes(family(table, "a"), findings(), dict.fromkeys("abcx", recipe()))
    assert len(tree) == 4


def outcome(fork: list[tuple[str, int, dict[str, Any]]], step: int = 1000, status: str = "finished") -> str:
    """The outcome of a fork that ends at `step`, whose parent's 'happy' collapses at 500 for good."""
    table = runs(("p", None, None), ("f", "p", 300))
    table.loc[1, ["step", "status"]] = [step, status]
    recorded = findings(
        ("p", "saturation", 100, {}), ("p", "collapse", 500, {"emotion": "happy", "until": 1000}),
        *[("f", kind, at, numbers) for kind, at, numbers in fork],
    )  # fmt: skip
    tree = outcomes(family(table, "f"), recorded, {"p": recipe(), "f": recipe(d_lr=1e-4)})
    assert tree["outcome"].iloc[0] is None
    assert tree["changed"].to_list() == [None, {"d_lr": (2e-4, 1e-4)}]
    return str(tree["outcome"].iloc[1])


def test_the_outcome_says_whether_the_parents_alarm_recurred() -> None:
    assert outcome([("collapse", 800, {"emotion": "happy"})]) == "comes too"
    assert outcome([]) == "stays away"
    assert outcome([("collapse", 800, {"emotion": "sad"})]) == "one of its own"
    assert outcome([], status="diverged") == "one of its own"
    # 16,000 images of 64 a step past the onset at 500.
    assert (outcome([], step=749), outcome([], step=750)) == ("too short", "stays away")


def test_a_fork_from_after_the_onset_starts_with_its_parents_collapse() -> None:
    table = runs(("p", None, None), ("f", "p", 600), ("g", "p", 600))
    recorded = findings(
        ("p", "collapse", 500, {"emotion": "happy", "until": 1000}),
        ("p", "collapse", 550, {"emotion": "sad", "until": 1000}),
        ("f", "collapse", 610, {"emotion": "happy", "until": 1000}),
    )
    tree = outcomes(family(table, "p"), recorded, dict.fromkeys("pfg", recipe())).set_index("id")
    assert tree["outcome"].to_dict() == {"p": None, "f": "in part", "g": "stays away"}
    assert tree["changed"].to_dict() == {"p": None, "f": {}, "g": {}}


def test_where_the_parent_has_no_alarm_there_is_none_to_avoid() -> None:
    table = runs(("p", None, None), ("f", "p", 600), ("g", "gone", 600))
    tree = outcomes(family(table, "p"), findings(("p", "nan", 500, {})), dict.fromkeys("pfg", recipe()))
    assert tree["outcome"].iloc[1] == "none in either"
    lone = outcomes(family(table, "g"), findings(), {"g": recipe()}).set_index("id")
    assert lone.loc["g", ["outcome", "changed"]].to_list() == [None, None]


def test_alarms_come_in_order_and_a_broken_run_without_one_has_its_end() -> None:
    table = runs(("a", None, None), ("b", None, None), ("c", None, None)).assign(
        status=["diverged", "diverged", "crashed"]
    )
    recorded = findings(("a", "collapse", 700, {"emotion": "sad", "until": 900}), ("a", "nan", 300, {}))
    recorded = pd.concat(
        [recorded, recorded.assign(run_id="c", severity="warning"), recorded.assign(run_id="not asked")]
    )
    rows = alarms(table, recorded).itertuples(index=False, name=None)
    assert list(rows) == [
        ("a", "nan", "", 300, 300, 3), ("a", "collapse", "sad", 700, 900, 7), ("b", "diverged", "", 1000, 1000, 10)
    ]  # fmt: skip
