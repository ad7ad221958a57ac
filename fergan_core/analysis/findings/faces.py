"""Findings in the faces: an emotion collapses, the whole generator does, an emotion recovers, faces repeat."""

import math
from collections.abc import Iterator

import pandas as pd

from fergan_core.analysis.findings.history import Finding, RunHistory, spans
from fergan_core.analysis.findings.thresholds import LIMITS
from fergan_core.emotions import EMOTIONS


def collapses(history: RunHistory) -> Iterator[Finding]:
    """Report each emotion that collapses to one face, a collapse of the whole generator, and recoveries."""
    diversity = {name: _started(history, values) for name, values in history.of_emotions("pulse_diversity").items()}
    diversity = {name: values for name, values in diversity.items() if len(values)}
    onsets: dict[str, tuple[int, int]] = {}
    for name, values in diversity.items():
        for start, end in spans(values < LIMITS.collapsed, LIMITS.probes)[:1]:
            onsets[name] = (start, end)
            yield _collapse(history, name, values, start, end)
            yield from _recovery(history, name, values, end)
    many = math.ceil(LIMITS.share_of_emotions * len(diversity))
    if len(diversity) > 1 and len(onsets) >= many:
        begun = sorted(start for start, _ in onsets.values())[many - 1]
        yield Finding(
            "global-collapse",
            begun,
            "alarm",
            f"Epoch {history.epoch(begun)}: the generator draws nearly one face each for {len(onsets)} of "
            f"{len(diversity)} emotions; it has collapsed as a whole.",
            {"emotions": sorted(onsets)},
        )


def _started(history: RunHistory, values: pd.Series) -> pd.Series:
    """Leave out the beginning, when a generator has not learnt to draw different faces yet."""
    return values[values.index * history.batch_size >= LIMITS.grace]


def _collapse(history: RunHistory, name: str, values: pd.Series, start: int, end: int) -> Finding:
    lowest, before = float(values.loc[start:end].min()), values.loc[: start - 1]
    had = float(before.max()) if len(before) else float("nan")
    was = f"before, up to {had:.2f}; " if had >= LIMITS.collapsed else ""
    read = history.series(f"pulse_reads/{name}")
    seen_as = ""
    into = None
    if start in read.index:
        into = EMOTIONS[int(read.loc[start])]
        seen_as = f" The judge recognises most of these faces as {into}."
    lasts = end == values.index[-1]
    return Finding(
        "collapse",
        start,
        "alarm" if lasts else "warning",
        f'Epoch {history.epoch(start)}: the generator draws nearly the same face for "{name}" (diversity {lowest:.2f} '
        f"of real faces'; {was}collapse below {LIMITS.collapsed:.2f})." + seen_as,
        {"emotion": name, "diversity": lowest, "before": None if pd.isna(had) else had, "into": into, "until": end},
    )


def _recovery(history: RunHistory, name: str, values: pd.Series, end: int) -> Iterator[Finding]:
    later = values[values.index > end]
    for start, _ in spans(later >= LIMITS.recovered, LIMITS.probes)[:1]:
        yield Finding(
            "recovery",
            start,
            "info",
            f'Epoch {history.epoch(start)}: "{name}" recovered (diversity {float(values.loc[start]):.2f} of real '
            f"faces'; recovery from {LIMITS.recovered:.2f}).",
            {"emotion": name, "diversity": float(values.loc[start])},
        )


def repeats(history: RunHistory) -> Iterator[Finding]:
    """Report emotions with many near-duplicates although their faces as a whole differ: few modes, not one."""
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
                f"the others (warning from {LIMITS.repeated:.0%}); few different faces are left.",
                {"emotion": name, "share": share},
            )
