"""The registry of runs: `Registry` writes, `Reader` reads and never writes, `PointWriter` keeps up with a training."""

from fergan_core.registry.activity import Activity, announce, end_activity
from fergan_core.registry.connect import default_url
from fergan_core.registry.queries import Reader
from fergan_core.registry.registry import Registry
from fergan_core.registry.scores import Score
from fergan_core.registry.studies import Trials, studies, studies_of, study_tag, trials
from fergan_core.registry.writer import PointWriter

__all__ = [
    "Activity",
    "PointWriter",
    "Reader",
    "Registry",
    "Score",
    "Trials",
    "announce",
    "default_url",
    "end_activity",
    "studies",
    "studies_of",
    "study_tag",
    "trials",
]
