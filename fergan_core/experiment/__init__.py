"""Runs and studies from beginning to end: here alone recipe, dataset and registry come together."""

from fergan_core.experiment.hooks.findings import detect_findings
from fergan_core.experiment.run import Outcome, fork, outcome, planned_steps, resume, train
from fergan_core.experiment.study import Span, Study, design
from fergan_core.experiment.training_run import choose_device

__all__ = [
    "Outcome",
    "Span",
    "Study",
    "choose_device",
    "design",
    "detect_findings",
    "fork",
    "outcome",
    "planned_steps",
    "resume",
    "train",
]
