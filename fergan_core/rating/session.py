"""What a person is shown in a rating study: a pure function of the study, its faces and the person's place in it.

A session has a block for each task, in an order that rotates from person to person. A block begins with practice and
has attention checks in it: noise, which has one right answer, and faces that come again. All of it is ordered by
digests of the study's seed, so that it is the same after a pause, on another machine, and under any version of Python:
what is stored of a session is only which of its positions have been shown.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, cycle, islice
from typing import Any, Literal

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError

TASKS = {
    "real": "Real or generated",
    "emotion": "Which emotion",
    "pair_real": "Which looks more real",
    "pair_emotion": "Which shows more of an emotion",
}
"""The tasks with their titles, in the order in which a study's first person gets them."""

REAL, GENERATED, UNSURE, LEFT, RIGHT = "real", "generated", "unsure", "left", "right"
NOISE = "noise"
STRENGTHS = 5  # how strong an emotion is: 1 faint to 5 very strong
MOST_EXPOSURE = 10_000  # ms
MOST_TRIALS = 400  # a task, which takes a person about twenty minutes
_A_CHECK_EACH = 20  # trials
_REPEATS = 2
_LEAST_FOR_REPEATS = 9  # trials: a face that came just before would be known again

Role = Literal["trial", "practice", "check"]


@dataclass(frozen=True)
class Plan:
    """How a study's faces are judged.

    `trials` is the number of faces, or of pairs, that a person judges in each task, beside practice and checks.
    `exposures` are the times in ms for which a face of the task 'real' is shown, in turn; 0 is until the answer.
    """

    seed: int
    tasks: tuple[str, ...]
    trials: int
    exposures: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values, for JSON."""
        return {**asdict(self), "tasks": list(self.tasks), "exposures": list(self.exposures)}


def plan_of(recorded: Mapping[str, Any]) -> Plan:
    """Return the plan that `Plan.as_dict` gave."""
    names = ("tasks", "exposures")
    lists = {name: tuple(recorded[name]) for name in names}
    return Plan(seed=int(recorded["seed"]), trials=int(recorded["trials"]), **lists)


def check_plan(plan: Plan) -> None:
    """Raise UsageError for a plan that no session can be made of."""
    unknown = [task for task in plan.tasks if task not in TASKS]
    if unknown or not plan.tasks or len(set(plan.tasks)) < len(plan.tasks):
        raise UsageError(f"--tasks: give one or more of {', '.join(TASKS)}, each once")
    if not 4 <= plan.trials <= MOST_TRIALS:
        raise UsageError(f"--trials: {plan.trials} is out of range; give 4 to {MOST_TRIALS} trials a task")
    if not plan.exposures or not all(one == 0 or 16 <= one <= MOST_EXPOSURE for one in plan.exposures):
        raise UsageError(
            f"--exposure: give 16 to {MOST_EXPOSURE:,} ms, or 0 to show each face until it is answered (HYPE-infinity)"
        )


@dataclass(frozen=True)
class Item:
    """A face of a study: `source` is 'real', 'noise', or the checkpoint that drew it; `emotion` its label or request.

    Faces for practice and noise for checks have roles of their own, and are not among the trials.
    """

    number: int
    role: Role
    source: str
    emotion: str | None


@dataclass(frozen=True)
class Trial:
    """One thing that a person is shown and asked: `items` are the faces' numbers from left to right.

    `emotion` is what a pair is compared by, `wished_ms` the exposure (0: until the answer). `check` is 'noise',
    'repeat' or ''; `expected` is the right answer of a check by noise or of practice.
    """

    position: int
    task: str
    items: tuple[int, ...]
    emotion: str | None = None
    wished_ms: int = 0
    practice: bool = False
    check: str = ""
    expected: str | None = None


def session(plan: Plan, items: Sequence[Item], place: int) -> list[Trial]:
    """Return all that the person at a place (0, 1, ...) of a study is shown, in order."""
    first = place % len(plan.tasks)
    trials: list[Trial] = []
    for task in (*plan.tasks[first:], *plan.tasks[:first]):
        trials += _Block(plan, items, place, task).trials()
    return [replace(trial, position=position) for position, trial in enumerate(trials)]


def next_trial(trials: Sequence[Trial], shown: Collection[int]) -> Trial | None:
    """Return the first trial whose position has not been shown, answered or not; None at the end of the session."""
    return next((trial for trial in trials if trial.position not in shown), None)


def as_shown(trial: Trial) -> dict[str, Any]:
    """Return a trial as the registry records that it is being shown."""
    names = ("position", "task", "emotion", "wished_ms", "practice", "check", "expected")
    return {"items": list(trial.items), **{name: getattr(trial, name) for name in names}}


def answers_of(task: str) -> tuple[str, ...]:
    """Return the answers that a task takes."""
    if task == "real":
        return REAL, GENERATED
    return (*EMOTIONS, UNSURE) if task == "emotion" else (LEFT, RIGHT)


class _Block:
    """One task of one person's session."""

    def __init__(self, plan: Plan, items: Sequence[Item], place: int, task: str) -> None:
        self.plan, self.place, self.task = plan, place, task
        self.pools: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            if item.role == "trial":
                self.pools[item.source].append(item)
        self.generated = [source for source in self.pools if source != REAL]
        self.noise = self.shuffled([item for item in items if item.role == "check"], "noise")
        # Different clear faces come in practice and in checks, as far as there are so many.
        self.clear = self.shuffled([item for item in items if item.role == "practice"], "clear")

    def trials(self) -> list[Trial]:
        pairs = self.task.startswith("pair")
        judged = self.pairs() if pairs else self.singles()
        judged = sorted(judged, key=lambda trial: self.digest("order", trial.items))
        return [*self.practice(pairs), *self.with_checks(judged, pairs)]

    def digest(self, *about: Any) -> str:
        text = repr((self.plan.seed, self.place, self.task, *about))
        return hashlib.sha256(text.encode()).hexdigest()

    def shuffled(self, items: Iterable[Item], what: str) -> list[Item]:
        return sorted(items, key=lambda item: self.digest(what, item.number))

    def dealt(self, source: str, count: int) -> list[Item]:
        """Return this person's share of a source's faces: each person goes on where the one before has ended.

        The order, the same for all people, goes round the emotions, so that a share has as many faces of each.
        """
        by_emotion: dict[str | None, list[Item]] = defaultdict(list)
        for item in sorted(self.pools[source], key=lambda item: _digest(self.plan.seed, self.task, item.number)):
            by_emotion[item.emotion].append(item)
        rounds = max(map(len, by_emotion.values()))
        order = [queue[at] for at in range(rounds) for queue in by_emotion.values() if at < len(queue)]
        count = min(count, len(order))
        return list(islice(cycle(order), self.place * count % len(order), self.place * count % len(order) + count))

    def singles(self) -> list[Trial]:
        """Single faces: as many real as generated ones where that is asked, else as many of each source."""
        sources = len(self.generated)
        shares = 2 * sources if self.task == "real" else sources + 1
        each = max(1, self.plan.trials // shares)
        exposures = self.plan.exposures if self.task == "real" else (0,)
        trials = []
        for source in self.pools:
            count = each * sources if self.task == "real" and source == REAL else each
            for at, item in enumerate(self.dealt(source, count)):
                exposure = exposures[(at + self.place) % len(exposures)]
                trials.append(Trial(0, self.task, (item.number,), wished_ms=exposure))
        return trials

    def pairs(self) -> list[Trial]:
        """Two faces of one emotion from two sources: each two sources as often, each side as often."""
        sources = [*self.pools]
        rivals = list(combinations(sources, 2))
        each = max(1, self.plan.trials // len(rivals))
        queues = {source: self.by_emotion(source) for source in sources}
        trials = []
        for number, (first, second) in enumerate(rivals):
            shared = [name for name in EMOTIONS if queues[first].get(name) and queues[second].get(name)]
            for at in range(each if shared else 0):
                emotion = shared[(at + number + self.place) % len(shared)]
                pair = [queues[source][emotion].pop(0) for source in (first, second)]
                for source, item in zip((first, second), pair, strict=True):
                    queues[source][emotion].append(item)  # comes again where there are fewer faces than pairs
                if (at + number + self.place) % 2:
                    pair.reverse()
                asked = emotion if self.task == "pair_emotion" else None
                trials.append(Trial(0, self.task, (pair[0].number, pair[1].number), emotion=asked))
        return trials

    def by_emotion(self, source: str) -> dict[str, list[Item]]:
        queues: dict[str, list[Item]] = defaultdict(list)
        for item in self.shuffled(self.pools[source], "pairs"):
            if item.emotion is not None:
                queues[item.emotion].append(item)
        return queues

    def practice(self, pairs: bool) -> list[Trial]:
        if pairs:
            return [replace(self.against_noise(at), practice=True) for at in range(2)]
        if self.task == "real":
            shown = [(self.clear[0], REAL), (self.noise[0], GENERATED), (self.clear[1], REAL)]
        else:
            shown = [(item, str(item.emotion)) for item in self.clear[:3]]
        longest = 0 if self.task != "real" or 0 in self.plan.exposures else max(self.plan.exposures)
        return [
            Trial(0, self.task, (item.number,), wished_ms=longest, practice=True, expected=answer)
            for item, answer in shown
        ]

    def against_noise(self, at: int) -> Trial:
        """A pair with one right answer: a clear face beside noise."""
        face, noise = self.clear[at % len(self.clear)], self.noise[at % len(self.noise)]
        emotion = face.emotion if self.task == "pair_emotion" else None
        if int(self.digest("side", at), 16) % 2:
            return Trial(0, self.task, (face.number, noise.number), emotion=emotion, expected=LEFT)
        return Trial(0, self.task, (noise.number, face.number), emotion=emotion, expected=RIGHT)

    def with_checks(self, judged: list[Trial], pairs: bool) -> list[Trial]:
        """Put noise at random places in each stretch of trials, and repeats of the first ones in the last third."""
        count = max(2, len(judged) // _A_CHECK_EACH)
        places: list[tuple[int, Trial]] = []
        for at in range(count):
            stretch = len(judged) / count
            offset = int(self.digest("check", at), 16) % max(1, int(stretch))
            places.append((int(at * stretch) + offset, self.noise_check(at, pairs)))
        if not pairs and len(judged) >= _LEAST_FOR_REPEATS:
            third = len(judged) // 3
            for at in range(_REPEATS):
                first = judged[int(self.digest("again", at), 16) % (third // _REPEATS) + at * (third // _REPEATS)]
                places.append((len(judged) - 1 - at * (third // 2), replace(first, check="repeat")))
        mixed: list[Trial] = []
        for number, trial in enumerate(judged):
            mixed += [trial, *(check for place, check in places if place == number)]
        return mixed

    def noise_check(self, at: int, pairs: bool) -> Trial:
        if pairs:
            return replace(self.against_noise(at + 2), check="noise")
        noise = self.noise[(at + 1) % len(self.noise)]
        exposure = self.plan.exposures[at % len(self.plan.exposures)] if self.task == "real" else 0
        expected = GENERATED if self.task == "real" else UNSURE
        return Trial(0, self.task, (noise.number,), wished_ms=exposure, check="noise", expected=expected)


def _digest(*about: Any) -> str:
    return hashlib.sha256(repr(about).encode()).hexdigest()
