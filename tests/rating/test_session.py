"""A session is balanced, has practice and checks, goes on where it was left, and shows nothing twice by itself."""

from collections import Counter

import pytest

from fergan_core.errors import UsageError
from fergan_core.rating.session import TASKS, Plan, check_plan, next_trial, plan_of, session
from tests.rating.simulated import CHECKPOINTS, study_items

PLAN = Plan(seed=3, tasks=tuple(TASKS), trials=36, exposures=(250, 1000))
ITEMS = study_items()


def judged(task: str, place: int) -> list:
    return [one for one in session(PLAN, ITEMS, place) if one.task == task and not one.practice and not one.check]


def test_half_of_the_faces_are_real_and_checkpoints_emotions_and_exposures_are_as_frequent() -> None:
    trials = judged("real", 0)
    sources = Counter(ITEMS[one.items[0]].source for one in trials)
    assert sources == {"real": 18, "a@1": 6, "b@2": 6, "c@3": 6}
    emotions = Counter(ITEMS[one.items[0]].emotion for one in trials if ITEMS[one.items[0]].source == "real")
    assert max(emotions.values()) - min(emotions.values()) <= 1
    assert Counter(one.wished_ms for one in trials) == {250: 18, 1000: 18}
    assert len({one.items for one in trials}) == len(trials)


def test_pairs_are_of_one_emotion_and_each_two_sources_meet_as_often_on_either_side() -> None:
    for task in ("pair_real", "pair_emotion"):
        pairs = [[ITEMS[number] for number in one.items] for one in judged(task, 1)]
        assert all(left.emotion == right.emotion for left, right in pairs)
        met = Counter(frozenset((left.source, right.source)) for left, right in pairs)
        assert len(met) == 6
        assert set(met.values()) == {6}
        lefts = Counter(left.source for left, _ in pairs if left.source == "real")
        assert lefts["real"] == 9
        assert all((one.emotion == ITEMS[one.items[0]].emotion) == (task == "pair_emotion") for one in judged(task, 1))


def test_people_share_the_faces_and_the_order_of_tasks_rotates() -> None:
    seen = Counter(ITEMS[one.items[0]].number for place in range(14) for one in judged("real", place))
    generated = [seen[one.number] for one in ITEMS if one.role == "trial" and one.source in CHECKPOINTS]
    assert set(generated) == {3}  # 14 people see 6 of 28 faces each
    firsts = [session(PLAN, ITEMS, place)[0].task for place in range(5)]
    assert firsts == [*TASKS, "real"]


def test_every_task_begins_with_practice_and_has_checks_of_which_repeats_come_late() -> None:
    trials = session(PLAN, ITEMS, 2)
    assert [one.position for one in trials] == list(range(len(trials)))
    for task in TASKS:
        block = [one for one in trials if one.task == task]
        assert block[0].practice
        assert block[0].expected is not None
        noise = [one for one in block if one.check == "noise"]
        assert len(noise) == 2
        assert all(one.expected is not None for one in noise)
        repeats = [at for at, one in enumerate(block) if one.check == "repeat"]
        assert len(repeats) == (0 if task.startswith("pair") else 2)
        for at in repeats:
            before = [place for place in range(at) if block[place].items == block[at].items]
            assert before
            assert at - before[-1] > 5


def test_a_session_is_the_same_whenever_it_is_made_and_goes_on_after_what_was_shown() -> None:
    trials = session(plan_of(PLAN.as_dict()), ITEMS, 5)
    assert trials == session(PLAN, ITEMS, 5)
    assert trials != session(PLAN, ITEMS, 6)
    shown: set[int] = set()
    seen = []
    while (trial := next_trial(trials, shown)) is not None:  # each call as after a reload
        seen.append(trial.position)
        shown.add(trial.position)
    assert seen == list(range(len(trials)))


def test_few_faces_and_one_checkpoint_make_a_session_too() -> None:
    items = study_items(("a@1",), each=3)
    trials = session(Plan(0, tuple(TASKS), 40, (0,)), items, 7)
    for task in ("real", "emotion"):
        once = [one.items for one in trials if one.task == task and not one.practice and not one.check]
        assert len(set(once)) == len(once) == 6
    assert {one.wished_ms for one in trials} == {0}


@pytest.mark.parametrize(
    ("plan", "flag"),
    [
        (Plan(0, (), 40, (0,)), "--tasks"),
        (Plan(0, ("real", "real"), 40, (0,)), "--tasks"),
        (Plan(0, ("real",), 2, (0,)), "--trials"),
        (Plan(0, ("real",), 40, (5,)), "--exposure"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(plan: Plan, flag: str) -> None:
    with pytest.raises(UsageError, match=flag):
        check_plan(plan)
