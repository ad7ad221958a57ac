"""Findings in losses and gradients: broken numbers, saturation, oscillation, divergence, forgetting."""

from collections.abc import Iterator

import numpy as np

from fergan_core.analysis.findings.history import Finding, RunHistory, spans
from fergan_core.analysis.findings.thresholds import LIMITS


def broken_numbers(history: RunHistory) -> Iterator[Finding]:
    """Report the first loss or gradient that was not finite."""
    first: tuple[int, str] | None = None
    for metric in history.metrics:
        rows = history.rows(metric)
        infinite = np.isinf(rows[["low", "high"]].to_numpy(float)).any(axis=1)
        bad = rows[(rows.nans > 0).to_numpy() | infinite]
        # Other scalars, such as a ratio 0/0, may be undefined in a healthy training.
        if len(bad) and metric.startswith(("loss", "grad_norm")):
            step = int(bad.step.iloc[0])
            first = min(first, (step, metric)) if first else (step, metric)
    if first is not None:
        step, metric = first
        yield Finding(
            "nan",
            step,
            "alarm",
            f"Step {step:,}: {_name(metric)} is not a number (NaN or infinite); the weights have overflowed and cannot "
            "recover.",
            {"metric": metric},
        )


def discriminator_wins(history: RunHistory) -> Iterator[Finding]:
    """Report a discriminator that is nearly always right for long: the generator learns hardly anything from it."""
    accuracy = history.smooth("d_accuracy", LIMITS.window)
    for start, end in spans(accuracy > LIMITS.saturated, 1):
        images = history.images(end - start)
        if images < LIMITS.window:
            continue
        loss_d, loss_g = (history.series(name).loc[start:end].mean() for name in ("loss_d", "loss_g"))
        mean_accuracy = float(accuracy.loc[start:end].mean())
        dead = images >= LIMITS.long and loss_d < LIMITS.dead_loss
        yield Finding(
            "saturation",
            start,
            "alarm" if dead else "warning",
            f"From epoch {history.epoch(start)}, for {images:,} images: the discriminator classifies "
            f"{mean_accuracy:.1%} of real and generated faces correctly (its loss {loss_d:.3g}, the generator's "
            f"{loss_g:.3g}); it has saturated, and the generator learns hardly anything from it.",
            {"images": images, "d_accuracy": mean_accuracy, "loss_d": loss_d, "loss_g": loss_g},
        )


def oscillation(history: RunHistory) -> Iterator[Finding]:
    """Report networks that take turns winning: the discriminator's accuracy swings back and forth."""
    accuracy = history.smooth("d_accuracy", LIMITS.swing_window)
    if accuracy.empty:
        return
    state, turns = 0, []
    for step, value in accuracy.items():
        side = 1 if value > LIMITS.swing_high else -1 if value < LIMITS.swing_low else 0
        if side and side != state:
            if state:
                turns.append(int(step))  # type: ignore[call-overload]
            state = side
    for first in range(len(turns) - LIMITS.swings + 1):
        images = history.images(turns[first + LIMITS.swings - 1] - turns[first])
        if images <= LIMITS.long:
            yield Finding(
                "oscillation",
                turns[first],
                "warning",
                f"From epoch {history.epoch(turns[first])}: discriminator and generator take turns winning; the "
                f"discriminator's accuracy swings from below {LIMITS.swing_low:.0%} to above "
                f"{LIMITS.swing_high:.0%} or back {len(turns)} times.",
                {"turns": len(turns)},
            )
            return


def divergence(history: RunHistory) -> Iterator[Finding]:
    """Report a gradient or loss that exceeds its own history by more than an order of magnitude and stays there."""
    for metric in ("grad_norm_g", "grad_norm_d", "loss_g", "loss_d"):
        size = history.smooth(metric, LIMITS.window // 4).abs()
        if len(size) < 4:
            continue
        before = size.expanding().median().shift(1)
        floor = LIMITS.least_size[metric.rpartition("_")[0]]
        blown_up = (size > LIMITS.blow_up * before.clip(lower=1e-12)) & (size > floor)
        excursions = [
            (a, b) for a, b in spans(blown_up, 2) if history.images(b - a) >= LIMITS.window // 4 or b == size.index[-1]
        ]
        if excursions:
            start, _ = excursions[0]
            usual, highest = float(before.loc[start]), float(size.loc[start:].max())
            yield Finding(
                "divergence",
                start,
                "alarm",
                f"Epoch {history.epoch(start)}: {_name(metric)} diverged from a typical {usual:.3g} to {highest:.3g}.",
                {"metric": metric, "usual": usual, "highest": highest},
            )
            return


def _name(metric: str) -> str:
    whose = {"g": "the generator's", "d": "the discriminator's"}.get(metric.rpartition("_")[2], "the")
    return f"{whose} {'loss' if metric.startswith('loss') else 'gradient'}"


def forgetting(history: RunHistory) -> Iterator[Finding]:
    """Report a discriminator that takes earlier generated faces for real ones: it has forgotten them."""
    accuracy = history.series("d_accuracy_old")
    for start, end in spans(accuracy < LIMITS.forgotten, LIMITS.forgotten_times)[:1]:
        mean_accuracy = float(accuracy.loc[start:end].mean())
        yield Finding(
            "forgetting",
            start,
            "info",
            f"From epoch {history.epoch(start)}: the discriminator recognises only {mean_accuracy:.0%} of "
            "earlier generated faces as generated; it has forgotten them, and the generator may return to them.",
            {"d_accuracy_old": mean_accuracy},
        )
