"""Findings in the faces: an emotion that collapses, all that do, one that comes back, faces that repeat themselves."""

import math
from collections.abc import Iterator

import pandas as pd

from fergan_core.analysis.findings.history import Finding, RunHistory, spans
from fergan_core.analysis.findings.thresholds import LIMITS
from fergan_core.emotions import EMOTIONS


def collapses(history: RunHistory) -> Iterator[Finding]:
    """Tell of each emotion whose faces become one face, of all at once, and of those that come back."""
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
            f"By epoch {history.epoch(begun)}, {len(onsets)} of {len(diversity)} emotions show one face each: the "
            "whole generator has collapsed.",
            {"emotions": sorted(onsets)},
        )


def _started(history: RunHistory, values: pd.Series) -> pd.Series:
    """Leave out the beginning, when a generator has not learnt to draw different faces yet."""
    return values[values.index * history.batch_size >= LIMITS.grace]


def _collapse(history: RunHistory, name: str, values: pd.Series, start: int, end: int) -> Finding:
    lowest, before = float(values.loc[start:end].min()), values.loc[: start - 1]
    had = float(before.max()) if len(before) else float("nan")
    was = f"had {had:.2f} of real faces' variety" if had >= LIMITS.collapsed else "never had variety"
    read = history.series(f"pulse_reads/{name}")
    seen_as = ""
    into = None
    if start in read.index:
        into = EMOTIONS[int(read.loc[start])]
        seen_as = f" The judge reads it as {into}."
    lasts = end == values.index[-1]
    return Finding(
        "collapse",
        start,
        "alarm" if lasts else "warning",
        f"In epoch {history.epoch(start)} {name} collapsed: it {was} and now has {lowest:.2f}, one face in many lights."
        + seen_as,
        {"emotion": name, "diversity": lowest, "before": None if pd.isna(had) else had, "into": into, "until": end},
    )


def _recovery(history: RunHistory, name: str, values: pd.Series, end: int) -> Iterator[Finding]:
    later = values[values.index > end]
    for start, _ in spans(later >= LIMITS.recovered, LIMITS.probes)[:1]:
        yield Finding(
            "recovery",
            start,
            "info",
            f"In epoch {history.epoch(start)} {name} came back: {float(values.loc[start]):.2f} of real faces' variety.",
            {"emotion": name, "diversity": float(values.loc[start])},
        )


def repeats(history: RunHistory) -> Iterator[Finding]:
    """Tell of emotions many of whose faces are another one's twin though their whole is varied: few modes, not one."""
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
                f"From epoch {history.epoch(start)} on {share:.0%} of {name} faces are nearly another one's twin: "
                "the emotion has few faces left.",
                {"emotion": name, "share": share},
            )
