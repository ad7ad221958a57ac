"""The two tables that results are made of: a study's faces, and the trials that people were shown."""

from collections.abc import Sequence

import pandas as pd

from fergan_core.rating.session import GENERATED, NOISE, REAL, Item

REAL_FACES = "real faces"


def with_sources(items: pd.DataFrame) -> pd.DataFrame:
    """Return a study's faces (the registry's columns) with `source` and its `label` in words.

    A source is 'real', 'noise', or the checkpoint that drew the face, as RUN@STEP.
    """
    pairs = [_source(*row) for row in items[["kind", "run_id", "run_name", "step", "epoch"]].itertuples(index=False)]
    return items.assign(source=[source for source, _ in pairs], label=[label for _, label in pairs])


def _source(kind: str, run_id: object, run_name: object, step: object, epoch: object) -> tuple[str, str]:
    if kind == GENERATED:
        return f"{run_id}@{int(float(str(step)))}", f"{run_name}, epoch {int(float(str(epoch)))}"
    return kind, REAL_FACES if kind == REAL else NOISE


def session_items(items: pd.DataFrame) -> list[Item]:
    """Return the faces of `with_sources` as a session needs them."""
    columns = items[["number", "role", "source", "emotion"]]
    rows = columns.astype(object).where(columns.notna(), None).itertuples(index=False)
    return [Item(int(number), role, source, emotion) for number, role, source, emotion in rows]


def labels(items: pd.DataFrame) -> dict[str, str]:
    """Return the label of each source whose faces are judged, checkpoints first, in the study's order."""
    judged = items[items["role"] == "trial"]
    pairs = dict(zip(judged["source"], judged["label"], strict=True))
    return {source: label for source, label in pairs.items() if source != REAL} | (
        {REAL: pairs[REAL]} if REAL in pairs else {}
    )


def counted(ratings: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """Return the answers to some tasks that results are made of: no practice, no check, nothing unanswered."""
    chosen = ratings["task"].isin(tasks) & ratings["answer"].notna()
    return ratings[chosen & ~ratings["practice"].astype(bool) & (ratings["check"] == "")]


def of_single_faces(ratings: pd.DataFrame, items: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return a task's counted answers about single faces, each with its face's columns (`of_` before its emotion)."""
    answers = counted(ratings, [task])
    numbers = [faces[0] for faces in answers["items"]]
    about = items.set_index("number")[["kind", "source", "label", "emotion", "read_as"]]
    faces = about.reindex(numbers).rename(columns={"emotion": "of_emotion"}).reset_index(drop=True)
    return pd.concat([answers.reset_index(drop=True), faces], axis=1)


def of_pairs(ratings: pd.DataFrame, items: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return a task's counted answers about pairs: rater, `winner` and `loser` (sources)."""
    answers = counted(ratings, [task])
    source = dict(zip(items["number"], items["source"], strict=True))
    sides = [[source[number] for number in pair] for pair in answers["items"]]
    chosen = [pair if answer == "left" else pair[::-1] for pair, answer in zip(sides, answers["answer"], strict=True)]
    return pd.DataFrame(
        {
            "rater": answers["rater"].to_numpy(),
            "winner": [pair[0] for pair in chosen],
            "loser": [pair[1] for pair in chosen],
        }
    )
