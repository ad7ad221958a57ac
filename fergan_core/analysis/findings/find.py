"""The table of detectors. A new kind of finding takes one function and one line here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fergan_core.analysis.findings import faces, losses, networks
from fergan_core.analysis.findings.history import Finding, RunHistory


@dataclass(frozen=True)
class Detector:
    """A function that detects findings in a history, the titles of the kinds it reports, and the scores it reads."""

    detect: Callable[[RunHistory], Iterator[Finding]]
    kinds: Mapping[str, str]
    scores: tuple[str, ...] = ()


DETECTORS: tuple[Detector, ...] = (
    Detector(losses.broken_numbers, {"nan": "a loss or gradient is not a number"}),
    Detector(losses.discriminator_wins, {"saturation": "the discriminator saturates"}),
    Detector(losses.oscillation, {"oscillation": "discriminator and generator take turns winning"}),
    Detector(losses.divergence, {"divergence": "losses or gradients diverge"}),
    Detector(losses.forgetting, {"forgetting": "the discriminator forgets"}),
    Detector(
        faces.collapses,
        {
            "collapse": "an emotion collapses",
            "global-collapse": "the whole generator collapses",
            "recovery": "an emotion recovers",
        },
    ),
    Detector(faces.repeats, {"repeats": "many near-duplicates"}),
    Detector(networks.spectral_explosion, {"spectral-explosion": "a layer's largest singular value explodes"}),
    Detector(networks.overfitting, {"d-overfitting": "the discriminator overfits"}),
    Detector(networks.memorising, {"memorising": "the generator copies training faces"}, scores=("ct",)),
    Detector(networks.plateau, {"plateau": "FID stops improving"}, scores=("fid",)),
)

KINDS: Mapping[str, str] = {kind: title for detector in DETECTORS for kind, title in detector.kinds.items()}
SCORES = tuple(score for detector in DETECTORS for score in detector.scores)


def find(history: RunHistory) -> list[Finding]:
    """Return all findings in a run's history, ordered by step and kind."""
    findings = [finding for detector in DETECTORS for finding in detector.detect(history)]
    return sorted(findings, key=lambda finding: (finding.step, finding.kind))
