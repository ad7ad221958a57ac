"""A run from beginning to end: recipe, data set and registry come together here and nowhere else."""

from fergan_core.experiment.hooks.probe import detect_findings
from fergan_core.experiment.run import Outcome, choose_device, fork, outcome, planned_steps, resume, start
from fergan_core.experiment.study import Span, Study, design

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
    "start",
]
