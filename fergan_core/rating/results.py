"""All that a study's answers say, from the registry: what `fergan rate results` and the page Rate show."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from fergan_core import protocols
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.rating import attention, correlation, preference, reading, realism, tables
from fergan_core.rating.session import REAL
from fergan_core.registry import ratings as recorded
from fergan_core.registry.queries import Reader

TAKEN_FOR_REAL, RECOGNISED = "taken for real", "recognised as requested"
LOOKS_REAL, SHOWS_MORE = "looks more real", "shows more of the emotion"


@dataclass(frozen=True)
class Results:
    """Tables of people's answers alone (or of simulated ones alone); the functions that make them name the columns.

    `generated` and `real` are the answers to the task 'emotion', of which `reading.confusion` makes shares;
    `protocol` says in words by which scores people are compared with, '' where there are none.
    """

    people: pd.DataFrame
    hype: pd.DataFrame
    recognition: pd.DataFrame
    generated: pd.DataFrame
    real: pd.DataFrame
    agreement: pd.DataFrame
    looks_real: pd.DataFrame
    shows_more: pd.DataFrame
    correlations: pd.DataFrame
    protocol: str

    @property
    def answers(self) -> int:
        """Return how many answers the results are made of, practice and checks aside."""
        return int(self.people["answers"].sum())


def results(reader: Reader, study_id: str, *, simulated: bool = False) -> Results:
    """Return the results of a study; those of simulated raters only on request, and never together with people's."""
    ratings = recorded.ratings(reader, study_id, simulated=simulated)
    items = tables.with_sources(recorded.items(reader, study_id))
    about_emotion = tables.of_single_faces(ratings, items, "emotion")
    recognition = reading.recognition(ratings, items)
    looks_real = preference.ranking(ratings, items, "pair_real")
    shows_more = preference.ranking(ratings, items, "pair_emotion")
    run_ids = sorted(set(items["run_id"].dropna()))
    scores = protocols.preferred(reader.scores(run_ids, by_emotion=False))
    scores = scores[scores["metric"].isin(CATALOGUE)]
    people = {
        TAKEN_FOR_REAL: taken_for_real(ratings, items),
        RECOGNISED: recognition,
        LOOKS_REAL: looks_real.rename(columns={"strength": "value"}),
        SHOWS_MORE: shows_more.rename(columns={"strength": "value"}),
    }
    measured = {name: table[table["source"] != REAL] for name, table in people.items() if len(table)}
    return Results(
        people=attention.people(ratings),
        hype=realism.hype(ratings, items),
        recognition=recognition,
        generated=reading.generated_only(about_emotion, True),
        real=reading.generated_only(about_emotion, False),
        agreement=reading.agreement(ratings),
        looks_real=looks_real,
        shows_more=shows_more,
        correlations=correlation.with_metrics(measured, scores),
        protocol=protocols.words(scores.iloc[0]) if len(scores) else "",
    )


def taken_for_real(ratings: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Return by checkpoint the share of its faces that were taken for real, at all exposures: source, value."""
    answers = tables.of_single_faces(ratings, items, "real")
    answers = reading.generated_only(answers, True)
    shares = (answers["answer"] == REAL).groupby(answers["source"]).mean()
    return pd.DataFrame({"source": shares.index, "value": shares.to_numpy(dtype=float)})


def exported(reader: Reader, study_id: str, pseudonym: str | None = None) -> pd.DataFrame:
    """Return a row for each trial that people were shown, with what its faces are, for a CSV file.

    Of one person where a pseudonym is given. Columns of the left or only face begin with `first_`, of the right one
    with `second_`.
    """
    ratings = recorded.ratings(reader, study_id)
    if pseudonym is not None:
        ratings = ratings[ratings["rater"] == pseudonym]
    items = tables.with_sources(recorded.items(reader, study_id)).set_index("number")
    about = ["kind", "run_id", "run_name", "epoch", "step", "seed", "data_hash", "data_index", "emotion", "read_as"]
    table = ratings.drop(columns="items").reset_index(drop=True)
    for at, name in enumerate(("first", "second")):
        numbers: list[Any] = [faces[at] if len(faces) > at else None for faces in ratings["items"]]
        side = items[about].reindex(numbers).reset_index(drop=True)
        table = table.join(side.add_prefix(f"{name}_"))
    return table
