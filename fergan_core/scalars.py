"""The table of recorded scalars: the label, unit, panel and scale of each.

A new scalar takes one line. A scalar that is not in the table, for example one that another script recorded, is drawn
as well, in a panel of its own under its own name. Scalars named PREFIX/PART share one line.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

LOSSES = "Losses"
DISCRIMINATOR_OUTPUT = "Discriminator output"
DISCRIMINATOR_ACCURACY = "Discriminator accuracy"
DISCRIMINATOR_LOGITS = "Discriminator logits"
OVERFITTING = "Discriminator overfitting"
PENALTIES = "Penalties"
LOSS_BY_NOISE = "Loss by noise level, seen and unseen faces"
BITS = "Bits per pixel"
DIVERGENCE = "Latents' KL divergence from the prior"
ACTIVE_LATENTS = "Active latents"
GRADIENTS = "Gradient norms"
UPDATES = "Update size relative to the weights"
JACOBIAN = "Log condition number of the generator's Jacobian"
SPEED = "Images per second"
MEMORY = "Memory"
GPU_USE = "GPU use"

# The Run page shows these panels and those of scalars that are not in the table; Instability shows all.
MAIN_PANELS = (LOSSES, DISCRIMINATOR_OUTPUT, LOSS_BY_NOISE, BITS, GRADIENTS, SPEED)


@dataclass(frozen=True)
class Scalar:
    """A recorded scalar: its label within its panel, its unit ('' for a plain number), its panel and scale.

    `panel` is None for scalars that are drawn elsewhere (the probe's as heat maps, spectra in their own chart).
    """

    label: str
    unit: str
    panel: str | None
    scale: Literal["linear", "log"] = "linear"


SCALARS: dict[str, Scalar] = {
    "loss": Scalar("loss", "", LOSSES),
    "loss_d": Scalar("loss of D", "", LOSSES),
    "loss_g": Scalar("loss of G", "", LOSSES),
    "loss_velocity": Scalar("velocity at a time", "", LOSSES),
    "loss_average": Scalar("average velocity over a span", "", LOSSES),
    "d_real": Scalar("D(real)", "probability", DISCRIMINATOR_OUTPUT),
    "d_fake": Scalar("D(fake)", "probability", DISCRIMINATOR_OUTPUT),
    "d_wrong": Scalar("D(real, wrong emotion)", "probability", DISCRIMINATOR_OUTPUT),
    "d_accuracy": Scalar("mean accuracy", "share", DISCRIMINATOR_OUTPUT),
    "loss_train/low": Scalar("little noise, seen", "", LOSS_BY_NOISE),
    "loss_held_out/low": Scalar("little noise, unseen", "", LOSS_BY_NOISE),
    "loss_train/middle": Scalar("some noise, seen", "", LOSS_BY_NOISE),
    "loss_held_out/middle": Scalar("some noise, unseen", "", LOSS_BY_NOISE),
    "loss_train/high": Scalar("much noise, seen", "", LOSS_BY_NOISE),
    "loss_held_out/high": Scalar("much noise, unseen", "", LOSS_BY_NOISE),
    "bits_per_dim": Scalar("training batch", "bits", BITS),
    "bits_per_dim/train": Scalar("seen faces", "bits", BITS),
    "bits_per_dim/held_out": Scalar("unseen faces", "bits", BITS),
    "kl": Scalar("KL divergence", "nats", DIVERGENCE),
    "active_latents": Scalar("active latents", "latents", ACTIVE_LATENTS),
    "d_accuracy_real": Scalar("real faces", "share", DISCRIMINATOR_ACCURACY),
    "d_accuracy_fake": Scalar("generated faces", "share", DISCRIMINATOR_ACCURACY),
    "d_accuracy_held_out": Scalar("unseen real faces", "share", DISCRIMINATOR_ACCURACY),
    "d_accuracy_old": Scalar("earlier generated faces", "share", DISCRIMINATOR_ACCURACY),
    "d_emotion_accuracy": Scalar("real faces' emotion", "share", DISCRIMINATOR_ACCURACY),
    "r_t": Scalar("r_t: how surely training faces are called real", "", OVERFITTING),
    "r_v": Scalar("r_v: how far training and unseen faces are apart", "", OVERFITTING),
    "ada_p": Scalar("p of ADA", "probability", OVERFITTING),
    "penalty_gradient": Scalar("gradient penalty", "", PENALTIES, "log"),
    "penalty_r1": Scalar("R1", "", PENALTIES, "log"),
    "penalty_r2": Scalar("R2", "", PENALTIES, "log"),
    "penalty_lecam": Scalar("LeCam", "", PENALTIES, "log"),
    "grad_norm": Scalar("gradient", "", GRADIENTS, "log"),
    "grad_norm_d": Scalar("gradient of D", "", GRADIENTS, "log"),
    "grad_norm_g": Scalar("gradient of G", "", GRADIENTS, "log"),
    "grad_ratio": Scalar("G's divided by D's", "", GRADIENTS, "log"),
    "update_ratio": Scalar("update", "", UPDATES, "log"),
    "update_ratio_d": Scalar("update of D", "", UPDATES, "log"),
    "update_ratio_g": Scalar("update of G", "", UPDATES, "log"),
    "logit_real": Scalar("mean, real faces", "", DISCRIMINATOR_LOGITS),
    "logit_fake": Scalar("mean, generated faces", "", DISCRIMINATOR_LOGITS),
    "logit_gap": Scalar("mean, real minus generated face", "", DISCRIMINATOR_LOGITS),
    "logit_spread": Scalar("standard deviation", "", DISCRIMINATOR_LOGITS),
    "jacobian": Scalar("ln of the condition number", "", JACOBIAN),
    "images_per_second": Scalar("images per second", "images/s", SPEED),
    "memory_mib": Scalar("peak of the process", "MiB", MEMORY),
    "gpu_memory_mib": Scalar("peak of the GPU", "MiB", MEMORY),
    "gpu_use": Scalar("share of the time", "share", GPU_USE),
    "flops_per_image": Scalar("operations per training image", "FLOP", None),
    "pulse_accuracy/": Scalar("recognised as requested", "share", None),
    "pulse_reads/": Scalar("emotion most often recognised", "FER2013's code", None),
    "pulse_diversity/": Scalar("diversity", "relative to real faces", None),
    "pulse_repeats/": Scalar("near-duplicates", "share", None),
    "spectral_d/": Scalar("largest singular value, D", "", None, "log"),
    "spectral_g/": Scalar("largest singular value, G", "", None, "log"),
}


@dataclass(frozen=True)
class Panel:
    """The scalars on one axis: their labels by name, in order, the unit if they share one (else ''), and the scale."""

    title: str
    labels: dict[str, str]
    unit: str
    scale: Literal["linear", "log"]


def scalar(name: str) -> Scalar | None:
    """Return a scalar's entry by its recorded name; None if it is not in the table."""
    return SCALARS.get(name) or SCALARS.get(name.partition("/")[0] + "/")


def label_of(name: str) -> str:
    """Return a label that stands alone: panel and label, or the scalar's own name if it is not in the table."""
    entry = scalar(name)
    if entry is None:
        return name
    part = name.partition("/")[2] if name not in SCALARS else ""
    redundant = entry.panel in (None, LOSSES) or entry.panel.lower() == entry.label
    panel = "" if redundant else f"{entry.panel}: "
    return panel + entry.label + (f", {part}" if part else "")


def panels_of(recorded: Iterable[str], limit_to: Collection[str] | None = None) -> list[Panel]:
    """Return the panels of recorded scalars in the table's order, followed by one per unlisted prefix.

    `limit_to` restricts the table's own panels to these titles.
    """
    names = set(recorded)
    listed = [name for name in SCALARS if name in names]
    titles = dict.fromkeys(panel for name in listed if (panel := SCALARS[name].panel) is not None)
    panels = [
        _panel(title, {name: SCALARS[name].label for name in listed if SCALARS[name].panel == title})
        for title in titles
        if limit_to is None or title in limit_to
    ]
    unlisted = sorted(name for name in names if scalar(name) is None)
    prefixes = dict.fromkeys(name.partition("/")[0] for name in unlisted)
    return panels + [
        _panel(prefix, {name: name for name in unlisted if name.partition("/")[0] == prefix}) for prefix in prefixes
    ]


def _panel(title: str, labels: dict[str, str]) -> Panel:
    scalars = [SCALARS[name] for name in labels if name in SCALARS]
    units = {entry.unit for entry in scalars}
    return Panel(
        title,
        labels,
        units.pop() if len(units) == 1 else "",
        "log" if any(entry.scale == "log" for entry in scalars) else "linear",
    )
