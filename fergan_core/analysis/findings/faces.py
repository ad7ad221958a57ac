"""Findings in the faces: collapse of an emotion or of the whole generator, recovery, near-duplicates."""

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
    enough = math.ceil(LIMITS.share_of_emotions * len(diversity))
    if len(diversity) > 1 and len(onsets) >= enough:
        onset = sorted(start for start, _ in onsets.values())[enough - 1]
        yield Finding(
            "global-collapse",
            onset,
            "alarm",
            f"Epoch {history.epoch(onset)}: for {len(onsets)} of {len(diversity)} emotions the generator draws nearly "
            "the same face each time; it has collapsed as a whole.",
            {"emotions": sorted(onsets)},
        )


def _started(history: RunHistory, values: pd.Series) -> pd.Series:
    """Drop the beginning of a series, when a generator has not yet learnt to draw different faces."""
    return values[values.index * history.batch_size >= LIMITS.grace]


def _collapse(history: RunHistory, name: str, values: pd.Series, start: int, end: int) -> Finding:
    lowest, before = float(values.loc[start:end].min()), values.loc[: start - 1]
    highest_before = float(before.max()) if len(before) else float("nan")
    earlier = f", up to {highest_before:.2f} before" if highest_before >= LIMITS.collapsed else ""
    recognised = history.series(f"pulse_reads/{name}")
    recognised_as = None
    judged = ""
    if start in recognised.index:
        recognised_as = EMOTIONS[int(recognised.loc[start])]
        judged = f" The judge recognises most of these faces as {recognised_as}."
    lasts = end == values.index[-1]
    return Finding(
        "collapse",
        start,
        "alarm" if lasts else "warning",
        f'Epoch {history.epoch(start)}: the generator draws nearly the same face for "{name}" (diversity {lowest:.2f} '
        f"of real faces'{earlier}; threshold {LIMITS.collapsed:.2f})." + judged,
        {
            "emotion": name,
            "diversity": lowest,
            "before": None if pd.isna(highest_before) else highest_before,
            "into": recognised_as,
            "until": end,
        },
    )


def _recovery(history: RunHistory, name: str, values: pd.Series, end: int) -> Iterator[Finding]:
    later = values[values.index > end]
    for start, _ in spans(later >= LIMITS.recovered, LIMITS.probes)[:1]:
        yield Finding(
            "recovery",
            start,
            "info",
            f'Epoch {history.epoch(start)}: "{name}" recovered (diversity {float(values.loc[start]):.2f} of real '
            f"faces'; threshold {LIMITS.recovered:.2f}).",
            {"emotion": name, "diversity": float(values.loc[start])},
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
