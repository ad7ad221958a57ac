"""Evaluation: faces of a generator, checkpoint or file, read by a judge under a protocol, beside real ones."""

from fergan_core.evaluation.evaluator import Evaluation, Evaluator, codes_of
from fergan_core.evaluation.faces import Faces, Reading, draw
from fergan_core.evaluation.label_order import SuspectedOrder
from fergan_core.evaluation.probe import Probe, jacobian_condition
from fergan_core.evaluation.protocol import FINAL_COUNT, LIGHT_COUNT, Protocol, apportion
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.evaluation.runs import (
    evaluate_checkpoints,
    order_of_labels,
    record,
    sampled,
    score_images,
    training_index,
)
from fergan_core.judges.judge import Judge, load_judge
from fergan_core.protocols import judges_for

__all__ = [
    "FINAL_COUNT",
    "LIGHT_COUNT",
    "Evaluation",
    "Evaluator",
    "Faces",
    "Judge",
    "Probe",
    "Protocol",
    "Reading",
    "RealFaces",
    "SuspectedOrder",
    "apportion",
    "codes_of",
    "draw",
    "evaluate_checkpoints",
    "jacobian_condition",
    "judges_for",
    "load_judge",
    "order_of_labels",
    "record",
    "sampled",
    "score_images",
    "training_index",
]
