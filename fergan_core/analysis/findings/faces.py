"""Findings in the faces: collapse of an emotion or of the whole generator, recovery, near-duplicates."""

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from fergan_core.analysis.findings.history import Finding, RunHistory, spans
from fergan_core.analysis.findings.phases import Phase, phases
from fergan_core.analysis.findings.thresholds import LIMITS
from fergan_core.emotions import EMOTIONS


def collapses(history: RunHistory) -> Iterator[Finding]:
    """Report each collapse of an emotion to one face, of most emotions at the same time, and the recoveries."""
    diversity = {name: _started(history, values) for name, values in history.of_emotions("pulse_diversity").items()}
    diversity = {name: values for name, values in diversity.items() if len(values)}
    of_emotions = {name: phases(values) for name, values in diversity.items()}
    for name, values in diversity.items():
        for phase in of_emotions[name]:
            yield _collapse(history, name, values, phase)
            if phase.recovered is not None:
                yield _recovery(history, name, values, phase.recovered)
    if len(diversity) > 1:
        yield from _of_most(
            history, of_emotions, sorted({step for values in diversity.values() for step in values.index})
        )


def _started(history: RunHistory, values: pd.Series) -> pd.Series:
    """Drop the beginning of a series, when a generator has not yet learnt to draw different faces."""
    return values[values.index * history.batch_size >= LIMITS.grace]


def _collapse(history: RunHistory, name: str, values: pd.Series, phase: Phase) -> Finding:
    varied = phase.before is not None and phase.before >= LIMITS.collapsed
    earlier = f", up to {phase.before:.2f} before" if varied else ""
    recognised = history.series(f"pulse_reads/{name}")
    recognised_as = None
    judged = ""
    if phase.start in recognised.index:
        recognised_as = EMOTIONS[int(recognised.loc[phase.start])]
        judged = f" The judge recognises most of these faces as {recognised_as}."
    lasts = phase.end == values.index[-1]
    return Finding(
        "collapse",
        phase.start,
        "alarm" if lasts else "warning",
        f'Epoch {history.epoch(phase.start)}: the generator draws nearly the same face for "{name}" (diversity '
        f"{phase.lowest:.2f} of real faces'{earlier}; threshold {LIMITS.collapsed:.2f})." + judged,
        {
            "emotion": name,
            "diversity": phase.lowest,
            "before": phase.before,
            "into": recognised_as,
            "until": phase.end,
        },
    )


def _recovery(history: RunHistory, name: str, values: pd.Series, start: int) -> Finding:
    return Finding(
        "recovery",
        start,
        "info",
        f'Epoch {history.epoch(start)}: "{name}" recovered (diversity {float(values.loc[start]):.2f} of real '
        f"faces'; threshold {LIMITS.recovered:.2f}).",
        {"emotion": name, "diversity": float(values.loc[start])},
    )


def _of_most(
    history: RunHistory, of_emotions: Mapping[str, Sequence[Phase]], steps: Sequence[int]
) -> Iterator[Finding]:
    """Report each time at which LIMITS.share_of_emotions of the emotions are collapsed at once; `steps` of readings."""
    collapsed = {
        step: [name for name, found in of_emotions.items() if any(one.start <= step <= one.end for one in found)]
        for step in steps
    }
    enough = math.ceil(LIMITS.share_of_emotions * len(of_emotions))
    for start, end in spans(pd.Series({step: len(names) >= enough for step, names in collapsed.items()}), 1):
        yield Finding(
            "global-collapse",
            start,
            "alarm" if end == steps[-1] else "warning",
            f"Epoch {history.epoch(start)}: the generator has collapsed as a whole: for {len(collapsed[start])} of "
            f"{len(of_emotions)} emotions at the same time it draws nearly the same face again and again.",
            {"emotions": sorted(collapsed[start]), "until": end},
        )


def repeats(history: RunHistory) -> Iterator[Finding]:
    """Report emotions with many near-duplicates although their faces differ overall: few modes, but more than one."""
    diversity = history.of_emotions("pulse_diversity")
    for name, all_values in history.of_emotions("pulse_repeats").items():
        values = _started(history, all_values)
        varied = diversity[name].reindex(values.index) >= LIMITS.collapsed if name in diversity else values >= 0
        for start, end in spans((values >= LIMITS.repeated) & varied, LIMITS.probes)[:1]:
            share = float(values.loc[start:end].mean())
            yield Finding(
                "repeats",
                start,
                "warning",
                f'From epoch {history.epoch(start)}: {share:.0%} of the faces for "{name}" have a near-duplicate among '
                f"the others (threshold {LIMITS.repeated:.0%}); few different faces are left.",
                {"emotion": name, "share": share},
            )
