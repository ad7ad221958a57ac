"""Findings in networks and scores: exploding weights, an overfitting discriminator, copied faces, a plateau."""

from collections.abc import Iterator

import pandas as pd

from fergan_core.analysis.findings.history import Finding, RunHistory, spans
from fergan_core.analysis.findings.thresholds import LIMITS


def spectral_explosion(history: RunHistory) -> Iterator[Finding]:
    """Report the first layer whose largest singular value grows severalfold within a short time."""
    explosions: list[tuple[int, str, float, float]] = []
    for metric in history.metrics:
        if not metric.startswith("spectral_"):
            continue
        values = history.series(metric)
        values = values[values.index * history.batch_size >= LIMITS.grace]
        span = history.steps(LIMITS.long)
        for step in values.index:
            lowest = float(values.loc[step - span : step].min())
            if values.loc[step] > LIMITS.spectral_growth * max(lowest, 1e-6):
                explosions.append((int(step), metric.removeprefix("spectral_"), lowest, float(values.loc[step])))
                break
    if explosions:
        step, layer, lowest, reached = min(explosions)
        network, _, name = layer.partition("/")
        whose = "generator" if network == "g" else "discriminator"
        yield Finding(
            "spectral-explosion",
            step,
            "warning",
            f"Epoch {history.epoch(step)}: the largest singular value of the {whose}'s layer {name} rose from "
            f"{lowest:.3g} to {reached:.3g} within {LIMITS.long:,} images; such a rise often precedes a collapse.",
            {"layer": layer, "from": lowest, "to": reached},
        )


def overfitting(history: RunHistory) -> Iterator[Finding]:
    """Report a discriminator that tells training faces from unseen real ones: it has memorised the data."""
    gap, sure = history.series("r_v"), history.series("r_t")
    if gap.empty:
        return
    width = LIMITS.overfit_times
    sure = sure.reindex(gap.index)
    overfitted = (gap.rolling(width).mean() > LIMITS.r_v) & (sure.rolling(width).mean() > LIMITS.r_t)
    for start, end in spans(overfitted, 1)[:1]:
        mean_gap, mean_sure = float(gap.loc[start:end].mean()), float(sure.loc[start:end].mean())
        yield Finding(
            "d-overfitting",
            start,
            "warning",
            f"From epoch {history.epoch(start)}: the discriminator overfits; its output for unseen real faces lies "
            f"{mean_gap:.0%} of the way from training faces to generated ones.",
            {"r_v": mean_gap, "r_t": mean_sure},
        )


def memorising(history: RunHistory) -> Iterator[Finding]:
    """Report the first evaluation whose faces lie nearer to training faces than unseen real faces do."""
    rows = history.scores[(history.scores.metric == "ct") & history.scores.emotion.isna()]
    bad = rows[rows.high.fillna(rows.value) < LIMITS.copying].sort_values("step")
    if len(bad):
        row = bad.iloc[0]
        yield Finding(
            "memorising",
            int(row.step),
            "alarm",
            f"Epoch {int(row.epoch)}: generated faces lie nearer to training faces than unseen real faces do "
            f"(C_T {row.value:.1f}, real faces {row.real:.1f}); the generator copies its training data.",
            {"ct": float(row.value), "real": None if pd.isna(row.real) else float(row.real)},
        )


def plateau(history: RunHistory) -> Iterator[Finding]:
    """Report an FID that has not improved over the second half of the evaluations or longer."""
    rows = history.scores[(history.scores.metric == "fid") & history.scores.emotion.isna()].sort_values("step")
    if len(rows) < LIMITS.evaluations:
        return
    best = rows.value.cummin()
    improvements = rows[best < best.shift(1, fill_value=float("inf")) * (1 - LIMITS.better)]
    last = improvements.iloc[-1]
    without_improvement = int((rows.step > last.step).sum())
    if without_improvement >= len(rows) / 2:
        yield Finding(
            "plateau",
            int(last.step),
            "info",
            f"Since epoch {int(last.epoch)}: FID has not improved over {without_improvement} evaluations "
            f"({last.value:.3g} then, {rows.value.iloc[-1]:.3g} at the end).",
            {"fid": float(last.value), "evaluations": without_improvement},
        )
