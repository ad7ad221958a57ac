"""A small study without any run: pictures of noise in the place of faces, since only people look at them."""

import numpy as np

from fergan_core.emotions import EMOTIONS
from fergan_core.rating import new_study, tables
from fergan_core.rating.session import Plan, as_shown, plan_of, session
from fergan_core.registry import Registry, ratings
from fergan_core.registry.ratings import NewItem


def add_study(url: str, *, tasks: tuple[str, ...] = ("real", "emotion"), trials: int = 4) -> str:
    """Record a study of one checkpoint; return its id."""
    random = np.random.default_rng(0)

    def pictures(count: int) -> list[bytes]:
        return [new_study.png(face) for face in random.integers(0, 256, (count, 48, 48), dtype=np.uint8)]

    drawn = {"run_id": "aaaaaaaa", "run_name": "<b>mine</b>", "step": 10, "epoch": 1, "seed": 0}
    items = [
        NewItem("trial", "generated", picture, EMOTIONS[at], EMOTIONS[at], **drawn)
        for at, picture in enumerate(pictures(7))
    ]
    for role, count in (("trial", 7), ("practice", 7)):
        items += [
            NewItem(role, "real", picture, EMOTIONS[at], EMOTIONS[at], data_hash="a" * 64, data_index=at)
            for at, picture in enumerate(pictures(count))
        ]
    items += new_study.noise_items(0)
    plan = Plan(seed=0, tasks=tasks, trials=trials, exposures=(100,))
    return ratings.add_study(Registry(url), "first", plan.as_dict(), items)


def rate(url: str, study_id: str, pseudonym: str, *, right: bool = True, simulated: bool = False) -> str:
    """Let somebody answer all trials of a study, rightly or wrongly; return their id."""
    registry = Registry(url)
    study = ratings.study_named(registry.reader, study_id)
    faces = tables.session_items(tables.with_sources(ratings.items(registry.reader, study_id)))
    rater = ratings.add_rater(registry, study_id, pseudonym, simulated=simulated)
    place = int(ratings.raters(registry.reader, study_id).place.max())
    for trial in session(plan_of(study["plan"]), faces, place):
        ratings.add_shown(registry, rater, as_shown(trial))
        face = faces[trial.items[0]]
        if trial.task == "real":
            answer = "real" if (face.source == "real") == right else "generated"
        else:
            answer = (face.emotion or "unsure") if right else "angry"
        times = {"exposure_ms": None, "response_ms": 700.0}
        ratings.add_answer(registry, rater, trial.position, answer=answer, strength=None, **times)
    return rater
