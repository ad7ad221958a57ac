"""The probe of a training: every few thousand images a judge reads a few faces of each emotion.

They are too few for a score that compares runs, but enough to see an emotion collapse as it happens.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.evaluation.evaluator import codes_of
from fergan_core.evaluation.faces import draw
from fergan_core.evaluation.jacobian import log_conditions
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.judges.judge import Judge
from fergan_core.methods.protocols import Differentiable, Generator
from fergan_core.metrics.distances import nearest
from fergan_core.metrics.diversity import pairwise_distance

COUNT = 16  # faces of each emotion
_JACOBIANS = 14  # two of each emotion: enough to see a rise, in a quarter of a second


def jacobian_condition(generator: Differentiable, emotions: Sequence[str], seed: int) -> float:
    """Return the mean log condition number of a generator's Jacobian at 14 latents, the same ones each time.

    0 and up, lower is better (see `metrics.jacobian`); NaN where the faces are not numbers.
    """
    labels = torch.tensor((codes_of(emotions) * _JACOBIANS)[:_JACOBIANS])
    try:
        return float(log_conditions(generator, labels, seed).mean())
    except UsageError:
        return math.nan


class Probe:
    """Reads COUNT faces of each emotion, always from the same latents, beside as many held-out real ones."""

    def __init__(self, judge: Judge, real_faces: RealFaces, emotions: Sequence[str], seed: int) -> None:
        self._judge, self._codes, self._seed = judge, codes_of(emotions), seed
        held_out = real_faces.held_out
        self._real = {code: held_out.of(code).features[:COUNT] for code in self._codes}

    def take(self, generator: Generator, device: torch.device) -> dict[str, float]:
        """Return by emotion, each as `name/emotion`:

        pulse_accuracy   share recognised as requested, 0 to 1
        pulse_reads      FER2013's code of the emotion that most are read as
        pulse_diversity  mean distance of two faces' features, by that of real faces: 1 is as varied as they are
        pulse_repeats    share of faces nearer to another one than a tenth of real faces' mean distance, 0 to 1
        """
        labels = torch.tensor(self._codes).repeat_interleave(COUNT)
        faces = draw(generator, labels, self._seed, 1.0, device)
        logits, features = self._judge.read(faces.images)
        scalars: dict[str, float] = {}
        for place, code in enumerate(self._codes):
            rows = slice(place * COUNT, (place + 1) * COUNT)
            scalars |= self._of(code, logits[rows], features[rows])
        return scalars

    def _of(self, code: int, logits: Tensor, features: Tensor) -> dict[str, float]:
        name, read = EMOTIONS[code], logits.argmax(1)
        scalars = {
            f"pulse_accuracy/{name}": float((read == code).double().mean()),
            f"pulse_reads/{name}": float(read.mode().values),
        }
        if len(self._real[code]) < 2:
            return scalars
        usual = pairwise_distance(self._real[code])
        apart = nearest(features, features, 1, exclude_self=True)[0][:, 0]
        return scalars | {
            f"pulse_diversity/{name}": pairwise_distance(features) / usual,
            f"pulse_repeats/{name}": float((apart < usual / 10).double().mean()),
        }
