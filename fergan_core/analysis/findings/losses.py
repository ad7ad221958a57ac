"""Findings in the game of the two networks: who wins, who swings, who breaks."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fergan_core.analysis.findings.history import Finding, RunHistory, spans
from fergan_core.analysis.findings.thresholds import LIMITS


def broken_numbers(history: RunHistory) -> Iterator[Finding]:
    """Tell of the first loss or gradient that was not a number."""
    first: tuple[int, str] | None = None
    for metric in history.metrics:
        rows = history.rows(metric)
        endless = np.isinf(rows[["low", "high"]].to_numpy(float)).any(axis=1)
        bad = rows[(rows.nans > 0).to_numpy() | endless]
        # A ratio of nothing by nothing is not a failure of the training.
        if len(bad) and metric.startswith(("loss", "grad_norm")):
            step = int(bad.step.iloc[0])
            first = min(first, (step, metric)) if first else (step, metric)
    if first is not None:
        step, metric = first
        yield Finding(
            "nan",
            step,
            "alarm",
            f"Step {step:,}: {_name(metric)} is not a number (NaN or infinite); the weights have overflowed, and no "
            "later step can repair them.",
            {"metric": metric},
        )


def discriminator_wins(history: RunHistory) -> Iterator[Finding]:
    """Tell where the discriminator is nearly always right for long: the generator learns from it hardly anything."""
    right = history.smooth("d_accuracy", LIMITS.window)
    for start, end in spans(right > LIMITS.saturated, 1):
        lasted = history.images(end - start)
        if lasted < LIMITS.window:
            continue
        part = slice(start, end)
        loss_d, loss_g = (history.series(name).loc[part].mean() for name in ("loss_d", "loss_g"))
        died = lasted >= LIMITS.long and loss_d < LIMITS.dead_loss
        yield Finding(
            "saturation",
            start,
            "alarm" if died else "warning",
            f"From epoch {history.epoch(start)}, for {lasted:,} images: the discriminator classifies "
            f"{right.loc[part].mean():.1%} of real and generated faces correctly (its loss {loss_d:.3g}, the "
            f"generator's {loss_g:.3g}); it saturates, and the generator hardly learns from it.",
            {"images": lasted, "d_accuracy": float(right.loc[part].mean()), "loss_d": loss_d, "loss_g": loss_g},
        )


def oscillation(history: RunHistory) -> Iterator[Finding]:
    """Tell where the two networks beat each other in turns: D's accuracy swings to and fro."""
    right = history.smooth("d_accuracy", LIMITS.swing_window)
    if right.empty:
        return
    state, turns = 0, []
    for step, value in right.items():
        side = 1 if value > LIMITS.swing_high else -1 if value < LIMITS.swing_low else 0
        if side and side != state:
            if state:
                turns.append(int(step))  # type: ignore[call-overload]
            state = side
    for first in range(len(turns) - LIMITS.swings + 1):
        lasted = history.images(turns[first + LIMITS.swings - 1] - turns[first])
        if lasted <= LIMITS.long:
            yield Finding(
                "oscillation",
                turns[first],
                "warning",
                f"From epoch {history.epoch(turns[first])}: discriminator and generator win in turns; the "
                f"discriminator's accuracy swings between {LIMITS.swing_low:.0%} and {LIMITS.swing_high:.0%} "
                f"{len(turns)} times.",
                {"turns": len(turns)},
            )
            return


def divergence(history: RunHistory) -> Iterator[Finding]:
    """Tell where gradients or losses leave their history by orders of magnitude and do not come back."""
    for metric in ("grad_norm_g", "grad_norm_d", "loss_g", "loss_d"):
        size = history.smooth(metric, LIMITS.window // 4).abs()
        if len(size) < 4:
            continue
        before = size.expanding().median().shift(1)
        floor = LIMITS.least_size[metric.rpartition("_")[0]]
        gone = (size > LIMITS.blow_up * before.clip(lower=1e-12)) & (size > floor)
        excursions = [
            (a, b) for a, b in spans(gone, 2) if history.images(b - a) >= LIMITS.window // 4 or b == size.index[-1]
        ]
        if excursions:
            start, _ = excursions[0]
            usual, highest = float(before.loc[start]), float(size.loc[start:].max())
            yield Finding(
                "divergence",
                start,
                "alarm",
                f"Epoch {history.epoch(start)}: {_name(metric)} diverged, to {highest:.3g} from a typical {usual:.3g}.",
                {"metric": metric, "usual": usual, "highest": highest},
            )
            return


def _name(metric: str) -> str:
    whose = {"g": "the generator's", "d": "the discriminator's"}[metric.rpartition("_")[2]]
    return f"{whose} {'loss' if metric.startswith('loss') else 'gradient'}"


def forgetting(history: RunHistory) -> Iterator[Finding]:
    """Tell where the discriminator takes earlier fakes for real: what it knew, it has forgotten."""
    old = history.series("d_accuracy_old")
    low = pd.Series(old.to_numpy() < LIMITS.forgotten, index=old.index)
    for start, end in spans(low, LIMITS.forgotten_times)[:1]:
        yield Finding(
            "forgetting",
            start,
            "info",
            f"From epoch {history.epoch(start)}: the discriminator recognises only {old.loc[start:end].mean():.0%} of "
            "earlier generated faces as generated; it has forgotten them, and the generator may return to them.",
            {"d_accuracy_old": float(old.loc[start:end].mean())},
        )
