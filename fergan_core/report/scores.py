"""Scores as tables: each protocol's newest and best checkpoint beside real faces and noise; by emotion; by run."""

from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import NamedTuple

import pandas as pd

from fergan_core import protocols
from fergan_core.analysis.ranking import best
from fergan_core.emotions import EMOTIONS
from fergan_core.metrics.catalogue import ARROWS, CATALOGUE, Metric, written
from fergan_core.registry.summaries import HEADLINE
from fergan_core.report.contents import Headline, Table

HOW_TO_READ = "↑ higher is better, ↓ lower, ≈ nearer to real faces; in brackets the 95 % interval."
BEYOND = (
    "⚠ better than real faces, which is a warning and not a success: the judge is pleased by faces that are all "
    "exaggerated, or too much alike."
)
NONE = "–"
_BY_EMOTION = ("accuracy", "coverage", "ms_ssim")
_RUNS_OF_A_TABLE = 5  # beside each other
_MOST_TABLES = 4  # of protocols


class Value(NamedTuple):
    """A score with its interval and the values of real faces and of noise; NaN for what is not known."""

    value: float
    low: float
    high: float
    real: float
    noise: float


Values = dict[tuple[str, str], Value]


def title_of(metric: Metric) -> str:
    """Return a metric's title with the arrow of its better direction."""
    return f"{metric.title} {ARROWS[metric.better]}"


def headlines(scores: pd.DataFrame) -> tuple[Headline, ...]:
    """Return the scores that stand for a run, from those of one evaluation."""
    values = _values(scores)
    found = []
    for key in HEADLINE:
        score = values.get((key, ""))
        if score is not None:
            entry = CATALOGUE[key]
            text, _, interval = written(score.value, entry, score.low, score.high).partition(" [")
            real = "" if isnan(score.real) else written(score.real, entry)
            title = f"{entry.title[0].upper()}{entry.title[1:]} {ARROWS[entry.better]}"
            found.append(Headline(title, text, interval.removesuffix("]"), real))
    return tuple(found)


def tables_of_run(scores: pd.DataFrame) -> tuple[Table, ...]:
    """Return a run's scores under each of its protocols, the preferred one first, and by emotion under this one."""
    if scores.empty:
        return ()
    preferred = protocols.preferred(scores)
    first = protocols.words(preferred.iloc[0])
    by_words = protocols.by_words(scores)
    others = sorted((words for words in by_words if words != first), key=lambda words: -_step(by_words[words]))
    ordered = {first: preferred, **{words: by_words[words] for words in others[: _MOST_TABLES - 1]}}
    tables = [_of_protocol(words, rows) for words, rows in ordered.items()]
    by_emotion = _by_emotion(first, preferred)
    return (tables[0], *([by_emotion] if by_emotion is not None else []), *tables[1:])


def tables_of_runs(newest: pd.DataFrame, labels: Mapping[str, str]) -> tuple[Table, ...]:
    """Return the newest scores of one protocol, a column a run, in tables of a few runs; `newest` as of that name."""
    run_ids = [run_id for run_id in labels if run_id in set(newest["run_id"])]
    words = protocols.words(newest.iloc[0])
    parts = [run_ids[place : place + _RUNS_OF_A_TABLE] for place in range(0, len(run_ids), _RUNS_OF_A_TABLE)]
    return tuple(_side_by_side(newest, part, labels, words) for part in parts)


def epoch_of(scores: pd.DataFrame) -> int:
    """Return the epoch of the last evaluation in a table."""
    return int(scores.loc[scores["step"] == scores["step"].max(), "epoch"].iloc[0])


def _step(scores: pd.DataFrame) -> int:
    return int(scores["step"].max())


def _of_protocol(words: str, scores: pd.DataFrame) -> Table:
    last = scores[scores["step"] == scores["step"].max()]
    ranked = best(scores, "fid", "lower")
    chosen = {f"epoch {epoch_of(last)}": _values(last)}
    if ranked is not None and ranked.first["step"] != last["step"].iloc[0]:
        of_best = scores[scores["step"] == ranked.first["step"]]
        chosen[f"epoch {ranked.first['epoch']}, lowest FID"] = _values(of_best)
    rows = []
    for key, entry in CATALOGUE.items():
        found = [values.get((key, "")) for values in chosen.values()]
        known = next((score for score in found if score is not None), None)
        if known is not None:
            cells = [_cell(score, entry) for score in found]
            rows.append((title_of(entry), *cells, _beside(known.real, entry), _beside(known.noise, entry)))
    return Table(f"Scores by {words}", ("score", *chosen, "real faces", "noise"), tuple(rows), _note(rows))


def _by_emotion(words: str, scores: pd.DataFrame) -> Table | None:
    last = scores[scores["step"] == scores["step"].max()]
    values = _values(last)
    emotions = [name for name in EMOTIONS if any((key, name) in values for key in _BY_EMOTION)]
    metrics = [key for key in _BY_EMOTION if any((key, name) in values for name in emotions)]
    if not metrics:
        return None
    columns = [name for key in metrics for name in (title_of(CATALOGUE[key]), "real faces")]
    rows = []
    for emotion in emotions:
        cells = []
        for key in metrics:
            score = values.get((key, emotion))
            cells += [_cell(score, CATALOGUE[key]), _beside(nan if score is None else score.real, CATALOGUE[key])]
        rows.append((emotion, *cells))
    title = f"Scores by emotion, epoch {epoch_of(last)}, by {words}"
    return Table(title, ("emotion", *columns), tuple(rows), _note(rows))


def _side_by_side(newest: pd.DataFrame, run_ids: Sequence[str], labels: Mapping[str, str], words: str) -> Table:
    of_run = {run_id: newest[newest["run_id"] == run_id] for run_id in run_ids}
    values = [_values(scores) for scores in of_run.values()]
    rows = []
    for key, entry in CATALOGUE.items():
        found = [of_one.get((key, "")) for of_one in values]
        if all(score is None for score in found):
            continue
        real = [_beside(score.real, entry) for score in found if score is not None]
        # Runs of other data or emotions have other real faces.
        texts = [text for text in dict.fromkeys(real) if text != NONE]
        rows.append((title_of(entry), *(_cell(score, entry) for score in found), " / ".join(texts) or NONE))
    columns = [f"{labels[run_id]}, epoch {epoch_of(scores)}" for run_id, scores in of_run.items()]
    note = _note(rows)
    if any(" / " in row[-1] for row in rows):
        note += " Where real faces have several values, those of the runs' evaluations differ."
    return Table(f"Newest scores by {words}", ("score", *columns, "real faces"), tuple(rows), note)


def _note(rows: Sequence[tuple[str, ...]]) -> str:
    """Say how scores are to be read, and what the sign for those better than real faces' means if there are any."""
    beyond = any("⚠" in cell for row in rows for cell in row)
    return f"{HOW_TO_READ} {BEYOND}" if beyond else HOW_TO_READ


def _values(scores: pd.DataFrame) -> Values:
    """Return the numbers of one evaluation by metric and emotion, '' for all together; the last where there are two."""
    rows = scores[["metric", "emotion", "value", "low", "high", "real", "noise"]].itertuples(index=False, name=None)
    return {
        (metric, emotion if isinstance(emotion, str) else ""): Value(*map(float, numbers))
        for metric, emotion, *numbers in rows
        if not isnan(numbers[0])
    }


def _cell(score: Value | None, entry: Metric) -> str:
    if score is None:
        return NONE
    beyond = entry.beyond_real(score.value, score.low, score.high, score.real)
    return ("⚠ " if beyond else "") + written(score.value, entry, score.low, score.high)


def _beside(value: float, entry: Metric) -> str:
    return NONE if isnan(value) else written(value, entry)
