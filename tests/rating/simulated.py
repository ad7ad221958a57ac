"""Raters of known skill: how often each kind of face deceives them, which emotion they see, what they prefer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from fergan_core.emotions import EMOTIONS
from fergan_core.rating.session import Item, Plan, Trial, session

CHECKPOINTS = ("a@1", "b@2", "c@3")


@dataclass(frozen=True)
class Skill:
    """Chances of a simulated rater: `errs` by source in the task real, `recognises` the emotion, `worth` by source.

    A rater of attention 0 answers everything by chance. The rater's own bias, in log odds, is added to every error.
    """

    errs: Mapping[str, float] = field(default_factory=lambda: {"real": 0.2, "a@1": 0.6, "b@2": 0.35, "c@3": 0.1})
    recognises: Mapping[str, float] = field(default_factory=lambda: {"real": 0.8, "a@1": 0.7, "b@2": 0.5, "c@3": 0.3})
    worth: Mapping[str, float] = field(default_factory=lambda: {"real": 1.5, "a@1": 0.7, "b@2": -0.4, "c@3": -1.8})
    attention: float = 1.0
    bias: float = 0.0


def study_items(checkpoints: Sequence[str] = CHECKPOINTS, each: int = 28) -> list[Item]:
    """Return faces of checkpoints, as many real ones, and what practice and checks need."""
    items: list[Item] = []
    for source, count in [*((name, each) for name in checkpoints), ("real", each * len(checkpoints))]:
        items += [Item(len(items) + at, "trial", source, EMOTIONS[at % 7]) for at in range(count)]
    items += [Item(len(items) + at, "practice", "real", EMOTIONS[at % 7]) for at in range(14)]
    return [*items, *(Item(len(items) + at, "check", "noise", None) for at in range(6))]


def items_table(items: Sequence[Item]) -> pd.DataFrame:
    """Return faces as `tables.with_sources` does; the judge reads each as it was requested."""
    kinds = {"real": "real", "noise": "noise"}
    return pd.DataFrame(
        [
            {"number": one.number, "role": one.role, "kind": kinds.get(one.source, "generated"), "source": one.source,
             "label": one.source, "emotion": one.emotion, "read_as": one.emotion}
            for one in items
        ]
    )  # fmt: skip


def answer(trial: Trial, items: Sequence[Item], skill: Skill, random: np.random.Generator) -> tuple[str, int | None]:
    """Return a rater's answer to a trial, and how strong the emotion is to them."""
    faces = [items[number] for number in trial.items]
    attends = random.random() < skill.attention
    if trial.task == "real":
        if not attends:
            return ("real" if random.random() < 0.5 else "generated"), None
        if faces[0].source == "noise":
            return "generated", None
        chance = _shifted(skill.errs[faces[0].source], skill.bias)
        truth, other = ("real", "generated") if faces[0].source == "real" else ("generated", "real")
        return (other if random.random() < chance else truth), None
    if trial.task == "emotion":
        if not attends:
            return str(random.choice(EMOTIONS)), 3
        if faces[0].source == "noise":
            return "unsure", None
        seen = str(faces[0].emotion)
        if random.random() >= skill.recognises[faces[0].source]:
            seen = str(random.choice([name for name in EMOTIONS if name != faces[0].emotion]))
        return seen, int(random.integers(1, 6))
    left, right = (skill.worth.get(face.source, -9.0) for face in faces)
    chance = 1 / (1 + math.exp(right - left)) if attends else 0.5
    return ("left" if random.random() < chance else "right"), None


def rated(plan: Plan, items: Sequence[Item], skills: Sequence[Skill], seed: int = 0) -> pd.DataFrame:
    """Return what all raters answer in their whole sessions, as `ratings.ratings` does."""
    random = np.random.default_rng(seed)
    rows = []
    for place, skill in enumerate(skills):
        for trial in session(plan, items, place):
            given, strength = answer(trial, items, skill, random)
            rows.append(
                {"rater": f"p{place}", "position": trial.position, "task": trial.task, "items": list(trial.items),
                 "emotion": trial.emotion, "practice": trial.practice, "check": trial.check, "expected": trial.expected,
                 "answer": given, "strength": strength, "wished_ms": trial.wished_ms,
                 "response_ms": float(random.lognormal(6.8, 0.3))}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _shifted(chance: float, log_odds: float) -> float:
    return 1 / (1 + math.exp(-math.log(chance / (1 - chance)) - log_odds))
