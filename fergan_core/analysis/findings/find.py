"""The table of detectors. A new kind of finding takes one function and one line here."""

from collections.abc import Callable, Iterator, Mapping

from fergan_core.analysis.findings import faces, losses, networks
from fergan_core.analysis.findings.history import Finding, RunHistory

Detector = Callable[[RunHistory], Iterator[Finding]]

DETECTORS: tuple[Detector, ...] = (
    losses.broken_numbers,
    losses.discriminator_wins,
    losses.oscillation,
    losses.divergence,
    losses.forgetting,
    faces.collapses,
    faces.repeats,
    networks.spectral_explosion,
    networks.overfitting,
    networks.memorising,
    networks.plateau,
)

# The scores that detectors read.
SCORES = ("ct", "fid")

KINDS: Mapping[str, str] = {
    "nan": "a loss or gradient is not a number",
    "saturation": "the discriminator saturates",
    "oscillation": "discriminator and generator take turns winning",
    "divergence": "losses or gradients diverge",
    "forgetting": "the discriminator forgets",
    "collapse": "an emotion collapses",
    "global-collapse": "the whole generator collapses",
    "recovery": "an emotion recovers",
    "repeats": "many near-duplicates",
    "spectral-explosion": "a layer's largest singular value explodes",
    "d-overfitting": "the discriminator overfits",
    "memorising": "the generator copies training faces",
    "plateau": "FID stops improving",
}


def find(history: RunHistory) -> list[Finding]:
    """Return all findings in a run's history, ordered by step and kind."""
    findings = [finding for detector in DETECTORS for finding in detector(history)]
    return sorted(findings, key=lambda finding: (finding.step, finding.kind))
