"""Which emotion people see, beside what was requested and what the judge recognises; and how far people agree."""

import numpy as np
import pandas as pd

from fergan_core.emotions import EMOTIONS
from fergan_core.rating.realism import share_interval
from fergan_core.rating.session import GENERATED, UNSURE
from fergan_core.rating.tables import counted, of_single_faces

ANSWERS = (*EMOTIONS, UNSURE)


def confusion(answers: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return shares of answers, rows requested or labelled emotion, columns what people saw ('answer') or the judge.

    `answers` are those of `of_single_faces`; `by` is 'answer', which has a column for unsure, or 'read_as', the judge
    on the same faces. An emotion without answers has no row, a judge that has read none gives an empty table.
    """
    columns = ANSWERS if by == "answer" else EMOTIONS
    known = answers[answers[by].notna() & answers["of_emotion"].notna()]
    counts = pd.crosstab(known["of_emotion"], known[by])
    counts = counts.reindex(index=[name for name in EMOTIONS if name in counts.index], columns=list(columns))
    counts = counts.fillna(0.0)
    return counts.div(counts.sum(axis=1), axis=0)


def recognition(ratings: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Return by source how often people, and the judge on the same faces, see the emotion that was requested.

    Columns: source, label, value, low, high, answers, judge (None without readings), unsure (share), strength (mean, 1
    to 5, of what was recognised).
    """
    answers = of_single_faces(ratings, items, "emotion")
    rows = []
    for (source, label), part in answers.groupby(["source", "label"], sort=False):
        right = part["answer"] == part["of_emotion"]
        read = part[part["read_as"].notna()]
        judge = float((read["read_as"] == read["of_emotion"]).mean()) if len(read) else None
        row = {"source": source, "label": label, **share_interval(right, list(part["rater"]))._asdict()}
        strength = part.loc[right, "strength"].astype(float).mean()
        rows.append({**row, "judge": judge, "unsure": float((part["answer"] == UNSURE).mean()), "strength": strength})
    return pd.DataFrame(rows)


def agreement(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return Krippendorff's alpha (2004) for each task about single faces: 1 is agreement, 0 what chance gives.

    Columns: task, alpha, faces (that two people or more have judged), raters. Only such faces tell anything; without
    any there is no row.
    """
    import krippendorff

    rows = []
    for task, values in (("real", ("real", "generated")), ("emotion", ANSWERS)):
        answers = counted(ratings, [task])
        answers = answers.assign(face=[faces[0] for faces in answers["items"]])
        people = answers.groupby("face")["rater"].nunique()
        answers = answers[answers["face"].isin(people.index[people > 1])]
        if answers["answer"].nunique() < 2:
            continue  # where all answers are the same alpha is 0 / 0
        codes = answers.assign(code=answers["answer"].map(values.index).astype(float))
        table = codes.pivot_table(index="rater", columns="face", values="code", aggfunc="first")
        alpha = krippendorff.alpha(
            reliability_data=table.to_numpy(), level_of_measurement="nominal", value_domain=np.arange(len(values))
        )
        rows.append({"task": task, "alpha": float(alpha), "faces": table.shape[1], "raters": table.shape[0]})
    return pd.DataFrame(rows, columns=["task", "alpha", "faces", "raters"])


def generated_only(answers: pd.DataFrame, generated: bool) -> pd.DataFrame:
    """Return the answers about generated faces, or those about real ones."""
    return answers[(answers["kind"] == GENERATED) == generated]
