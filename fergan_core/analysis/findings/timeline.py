"""A run's findings as statements in order: one for each emotion that collapsed, from its onset to what became of it.

The detectors report each collapse and recovery of an emotion, and the whole generator's collapses, as findings of their
own. Listed one by one they seem to contradict each other; here they are told together. Runs of older versions have an
emotion's first collapse alone as a finding; the probe's readings show the later ones.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from fergan_core.analysis.findings.find import KINDS
from fergan_core.analysis.findings.phases import Phase, phases
from fergan_core.analysis.findings.thresholds import LIMITS
from fergan_core.emotions import EMOTIONS

Readings = Mapping[str, "pd.Series[float]"]
End = Literal["collapsed", "recovered", "low"]
EpochOf = Callable[[int], int]

DIVERSITY = tuple(f"pulse_diversity/{emotion}" for emotion in EMOTIONS)
"""The scalars of the probe's diversity, which statements about collapses take into account."""

_ONE, _WHOLE, _RECOVERY = "collapse", "global-collapse", "recovery"
TITLES: Mapping[End, str] = {
    "collapsed": "collapsed to the end",
    "recovered": "collapsed and recovered",
    "low": "collapsed, did not recover",
}
_SEVERITY: Mapping[End, str] = {"collapsed": "alarm", "recovered": "info", "low": "warning"}


@dataclass(frozen=True)
class Statement:
    """What happened, in a sentence: to an emotion, the whole generator or the training; and where it stands in time.

    `step` and `epoch` are of the onset; `places` are the places in the table of the findings that it tells of. An
    emotion's collapses have their `phases`.
    """

    kind: str
    title: str
    step: int
    epoch: int
    severity: str
    sentence: str
    places: tuple[int, ...]
    emotion: str | None = None
    phases: tuple[Phase, ...] = ()


def readings_of(points: pd.DataFrame) -> Readings:
    """Return the probe's readings of one run by emotion, over their steps, from its points of DIVERSITY."""
    return {
        str(metric).partition("/")[2]: rows.set_index("step")["mean"].dropna()
        for metric, rows in points.groupby("metric")
    }


def statements(findings: pd.DataFrame, readings: Readings, epoch_of: EpochOf) -> list[Statement]:
    """Return a run's findings as statements, in order of their onsets.

    `findings` has columns kind, step, epoch, severity, sentence, numbers; `readings` are the probe's diversity by
    emotion, over its steps, empty where the run has none; `epoch_of` gives the epoch in which a step lies.
    """
    names = ["kind", "step", "epoch", "severity", "sentence", "numbers"]
    rows: list[tuple[int, dict[str, Any]]] = [
        (place, dict(zip(names, values, strict=True))) for place, values in enumerate(findings[names].to_numpy())
    ]
    merged: list[Statement] = []
    emotions = dict.fromkeys(row["numbers"]["emotion"] for _, row in rows if row["kind"] == _ONE)
    for emotion in emotions:
        of_emotion = [
            (place, row)
            for place, row in rows
            if row["kind"] in (_ONE, _RECOVERY) and row["numbers"].get("emotion") == emotion
        ]
        merged.append(_of_emotion(emotion, of_emotion, readings.get(emotion), epoch_of))
    known = {place for statement in merged for place in statement.places}
    of_whole = [(place, row) for place, row in rows if row["kind"] == _WHOLE]
    if of_whole:
        merged.append(_of_whole(of_whole, [one for one in merged if one.kind == _ONE], readings, epoch_of))
    for place, row in rows:
        if row["kind"] != _WHOLE and place not in known:
            title = KINDS.get(row["kind"], row["kind"])
            emotion = row["numbers"].get("emotion")
            merged.append(
                Statement(
                    row["kind"], title, row["step"], row["epoch"], row["severity"], row["sentence"], (place,), emotion
                )
            )
    # The whole generator before its emotions, these in their usual order.
    order = {name: place for place, name in enumerate(EMOTIONS)}
    return sorted(merged, key=lambda one: (one.step, one.kind != _WHOLE, order.get(one.emotion or "", len(order))))


def _known(row: Mapping[str, Any]) -> Phase:
    numbers = row["numbers"]
    until = int(numbers.get("until") or row["step"])
    return Phase(row["step"], until, numbers.get("diversity"), numbers.get("before"))


def _of_emotion(
    emotion: str, rows: Sequence[tuple[int, Mapping[str, Any]]], values: "pd.Series[float] | None", epoch_of: EpochOf
) -> Statement:
    """Say what became of an emotion; `rows` are its findings, collapses and recoveries, with their places."""
    collapses = [row for _, row in rows if row["kind"] == _ONE]
    recoveries = [row["step"] for _, row in rows if row["kind"] == _RECOVERY]
    first = collapses[0]
    # Runs of older versions have the first collapse alone as a finding: the readings show the later ones.
    read = values if values is not None else pd.Series(dtype=float)
    found = phases(read, [_known(row) for row in collapses], recoveries)
    last, newest, now = found[-1], None, ""
    if len(read):
        newest, now = int(read.index[-1]), f"{float(read.iloc[-1]):.2f} at the last reading, "
    lasts = last.end >= newest if newest is not None else collapses[-1]["severity"] == "alarm"
    end: End = "recovered" if last.recovered is not None else "collapsed" if lasts else "low"
    story = ", ".join(_words(found, first["numbers"].get("into"), epoch_of))
    if end == "collapsed":
        rises = ", but for short rises," if last.broken else ""
        story += f" and stays so{rises} to the last reading, epoch {epoch_of(max(last.end, newest or 0))}"
    elif end == "low":
        rises = ", with short rises," if last.broken else ""
        story += (
            f" and stays so{rises} until epoch {epoch_of(last.end)}; its faces differ more since then, but less than a "
            f"recovery takes ({now}{LIMITS.recovered:.2f} needed)"
        )
    return Statement(
        _ONE, TITLES[end], first["step"], first["epoch"], _SEVERITY[end], f'"{emotion}" {story}.',
        tuple(place for place, _ in rows), emotion, tuple(found),
    )  # fmt: skip


def _words(found: Sequence[Phase], into: str | None, epoch_of: EpochOf) -> Iterator[str]:
    """Say of each collapse when it came, how far it went, what was before, and when it ended."""
    for number, phase in enumerate(found):
        remarks = [] if phase.lowest is None else [f"diversity down to {phase.lowest:.2f} of real faces'"]
        if number == 0:
            remarks += [] if phase.before is None else [f"up to {phase.before:.2f} before"]
            remarks += [] if into is None else [f"recognised mostly as {into}"]
        again = "again " if number else ""
        first = ", at the first reading after the start" if number == 0 and phase.before is None else ""
        yield f"collapsed {again}at epoch {epoch_of(phase.start)}{first} ({', '.join(remarks)})".replace(" ()", "")
        if phase.recovered is not None:
            yield f"recovered at epoch {epoch_of(phase.recovered)}"


def _of_whole(
    rows: Sequence[tuple[int, Mapping[str, Any]]], emotions: list[Statement], readings: Readings, epoch_of: EpochOf
) -> Statement:
    """Say of how many emotions the faces are nearly the same at once, at worst, and at the end."""
    of_all = f" of {len(readings)}" if readings else ""

    def collapsed(at: int) -> int:
        return sum(any(phase.start <= at <= phase.end for phase in one.phases) for one in emotions)

    onset = rows[0][1]
    worst = max(sorted({onset["step"], *(phase.start for one in emotions for phase in one.phases)}), key=collapsed)
    ended = sum(one.title == TITLES["collapsed"] for one in emotions)
    at_once = f"{collapsed(worst)}{of_all} at once in epoch {epoch_of(worst)}"
    if collapsed(worst) >= LIMITS.share_of_emotions * len(readings):
        title, text = KINDS[_WHOLE], f"The generator collapsed as a whole: {at_once}"
    else:
        title = "most emotions collapse, not all at once"
        text = f"{len(emotions)}{of_all} emotions collapsed at one time or another, at most {at_once}"
    text += f"; at the last reading {ended or 'none'}{of_all} {'is' if ended == 1 else 'are'} collapsed."
    places = tuple(place for place, _ in rows)
    return Statement(_WHOLE, title, onset["step"], onset["epoch"], "alarm" if ended else "warning", text, places)


def moments(statement: Statement, steps: Sequence[int]) -> list[tuple[str, int]]:
    """Choose of the steps that have sheets those that show a statement: (what it shows, step), in order.

    They are the last before the onset and the first at or after it; of an emotion that recovered or collapsed again
    also the first at or after each of these. A step is chosen once.
    """
    wished = [("before", max((step for step in steps if step < statement.step), default=None))]
    turns = [(statement.step, "after")]
    for number, phase in enumerate(statement.phases):
        turns += [(phase.start, "collapsed again")] if number else []
        turns += [(phase.recovered, "recovered")] if phase.recovered is not None else []
    for place, (at, words) in enumerate(turns):
        until = turns[place + 1][0] if place + 1 < len(turns) else math.inf
        wished.append((words, min((step for step in steps if at <= step < until), default=None)))
    return [(words, step) for words, step in wished if step is not None]
