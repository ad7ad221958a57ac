"""synthfer: faces drawn by code, with FER2013's format and class counts, whose true factors are known.

64 people (`_people`) show seven emotions through the action units that make them up; pose, light, background and
noise vary. Identity and emotion of every image are known, so the 448 modes a generator should cover can be counted.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fergan_core.data.dataset import SPLITS, Dataset, make_dataset
from fergan_core.data.synthfer.canvas import SIZE, Actions, Light, Pose
from fergan_core.data.synthfer.faces import draw
from fergan_core.data.synthfer.people import NUM_IDENTITIES, FloatArray, people
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError

__all__ = [
    "ACTION_UNITS",
    "DRAWING_VERSION",
    "NUM_IDENTITIES",
    "PUBLIC_COUNTS",
    "TRAIN_COUNTS",
    "Scene",
    "draw_scene",
    "sample_scene",
    "synthfer",
]

DRAWING_VERSION = 1
"""Raised when the drawing changes, so that cached images and trained judges are known to be of another drawing."""

TRAIN_COUNTS: Mapping[str, int] = dict(zip(EMOTIONS, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True))
PUBLIC_COUNTS: Mapping[str, int] = dict(zip(EMOTIONS, (467, 56, 496, 895, 653, 415, 607), strict=True))

ACTION_UNITS: Mapping[str, Mapping[int, float]] = {
    "angry": {4: 1.0, 5: 0.6, 7: 0.9, 23: 1.0},
    "disgust": {9: 1.0, 15: 0.8, 16: 1.0},
    "fear": {1: 1.0, 2: 0.7, 4: 0.8, 5: 1.0, 20: 1.0, 26: 0.5},
    "happy": {6: 1.0, 12: 1.0},
    "sad": {1: 1.0, 4: 0.8, 15: 1.0},
    "surprise": {1: 0.9, 2: 1.0, 5: 1.0, 26: 1.0},
    "neutral": {},
}
"""Emotion -> action unit of the Facial Action Coding System -> its activation at intensity 1 (EMFACS prototypes)."""

_UNITS = tuple(int(name.removeprefix("au")) for name in Actions.__dataclass_fields__ if name.startswith("au"))
_STRENGTHS = np.array([[ACTION_UNITS[emotion].get(unit, 0.0) for unit in _UNITS] for emotion in EMOTIONS], np.float32)
_CHUNK = 32  # pictures drawn at once: their working arrays stay in a core's cache

# Each image uses one row of this many uniform numbers, so that it depends on (seed, index, label) alone.
_DRAWS = 27 + 2 * len(_UNITS)


@dataclass(frozen=True)
class Scene:
    """Everything that decides a batch of pictures; identity uint8 [N], all else float32 [N]."""

    identity: npt.NDArray[np.uint8]
    intensity: FloatArray
    noise: FloatArray  # standard deviation, in tones of 0 to 1
    pose: Pose
    acts: Actions
    light: Light

    def __len__(self) -> int:
        return len(self.identity)

    def factors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the scene as named columns, as a Dataset keeps them."""
        single = {"identity": self.identity, "intensity": self.intensity, "noise": self.noise}
        return single | vars(self.pose) | vars(self.light) | vars(self.acts)


def synthfer(seed: int = 0, counts: Mapping[str, Mapping[str, int]] | None = None) -> Dataset:
    """Draw the dataset: images uint8 [N,48,48] of 64 people and seven emotions, in shuffled order.

    counts maps a split to its emotions' counts, such as {"train": {"happy": 100}}; by default FER2013's own for train
    (28,709) and public (3,589). The same seed and counts give the same bytes. Raises UsageError for other names.
    """
    if seed < 0:
        raise UsageError(f"synthfer: the seed is {seed}; give 0 or more")
    labels, splits = _labels(seed, {"train": TRAIN_COUNTS, "public": PUBLIC_COUNTS} if counts is None else counts)
    scene = sample_scene(seed, labels)
    images = draw_scene(scene, seed)
    return make_dataset("synthfer", "synthfer", images, labels, splits, scene.factors())


def _labels(seed: int, counts: Mapping[str, Mapping[str, int]]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return labels and splits, both uint8 [N]: the splits one after the other, each shuffled."""
    labels, splits = [np.empty(0, np.uint8)], [np.empty(0, np.uint8)]
    for split, numbers in counts.items():
        if split not in SPLITS:
            raise UsageError(f"synthfer: counts name an unknown split '{split}'; use {', '.join(SPLITS)}")
        for name in numbers:
            if name not in EMOTIONS:
                raise UsageError(f"synthfer: counts name an unknown emotion '{name}'; use {', '.join(EMOTIONS)}")
        block = np.repeat(np.arange(len(EMOTIONS), dtype=np.uint8), [numbers.get(name, 0) for name in EMOTIONS])
        code = SPLITS.index(split)
        labels.append(np.random.default_rng([seed, 1, code]).permutation(block))
        splits.append(np.full(len(block), code, np.uint8))
    return np.concatenate(labels), np.concatenate(splits)


def sample_scene(seed: int, labels: npt.NDArray[np.uint8]) -> Scene:
    """Sample people, expressions, poses and light for labels [N]; row i depends on seed, i and labels[i] alone."""
    chance = np.random.default_rng([seed, 2]).random((len(labels), _DRAWS), np.float32)
    columns: Iterator[FloatArray] = iter(np.ascontiguousarray(chance.T))

    def between(low: float, high: float) -> FloatArray:
        return low + (high - low) * next(columns)

    def around(most: float) -> FloatArray:  # near 0 more often than far from it
        return most * (next(columns) + next(columns) - 1)

    identity = (next(columns) * NUM_IDENTITIES).astype(np.uint8)
    neutral = labels == EMOTIONS.index("neutral")
    intensity = np.where(neutral, np.float32(0), between(0.45, 1.0))
    units = {}
    for column, unit in enumerate(_UNITS):
        # No two smiles are equal, and no neutral face is quite still.
        active = _STRENGTHS[labels, column] * intensity
        units[f"au{unit}"] = active * between(0.85, 1.15) + (1 - active) * np.square(between(0.0, 0.3))
    pose = Pose(
        yaw=around(0.42),
        roll=around(0.24),
        pitch=around(1.5),
        shift_x=around(2.0),
        shift_y=around(1.5),
        scale=between(0.97, 1.14),
    )
    light = Light(
        light_angle=between(-np.pi, 0.35),
        light_strength=between(0.0, 1.0),
        exposure=between(0.88, 1.16),
        contrast=between(0.82, 1.15),
        background=between(0.08, 0.92),
        background_slope=between(0.0, 0.35),
        background_angle=between(-np.pi, np.pi),
        blob_x=between(-24, 24),
        blob_y=between(-20, 20),
        blob_tone=between(0.1, 0.9),
        clothes=between(0.05, 0.9),
    )
    return Scene(identity, intensity, between(0.004, 0.016), pose, Actions(**units, gaze=around(1.0)), light)


def draw_scene(scene: Scene, seed: int, *, threads: int | None = None, chunk: int = _CHUNK) -> npt.NDArray[np.uint8]:
    """Draw a scene with its sensor noise: uint8 [N,48,48], the same for any number of threads and any chunk."""
    table = people()
    images = np.empty((len(scene), SIZE, SIZE), np.uint8)

    def one(start: int) -> None:
        index = np.arange(start, min(start + chunk, len(scene)))
        person = table.rows(scene.identity[index].astype(np.intp))
        picture = draw(person, scene.pose.rows(index), scene.acts.rows(index), scene.light.rows(index))
        grain = np.empty_like(picture)
        for row, image in enumerate(index):
            generator = np.random.Generator(np.random.Philox(key=[seed, int(image)]))
            generator.standard_normal(out=grain[row], dtype=np.float32)
        picture += scene.noise[index].reshape(-1, 1, 1) * grain
        picture *= 255
        images[index] = np.clip(np.rint(picture, out=picture), 0, 255, out=picture)

    with ThreadPoolExecutor(threads or _cores()) as pool:
        for _ in pool.map(one, range(0, len(scene), chunk)):
            pass
    return images


def _cores() -> int:
    """Cores this process may use, at most 8: beyond that the interpreter's lock holds the threads up."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)
