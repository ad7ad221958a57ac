"""The faces of a new study: generated ones with their checkpoint, real ones with their place, noise for checks."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from fergan_core.data import Dataset, split_parts
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import DataError
from fergan_core.rating.session import GENERATED, NOISE, REAL
from fergan_core.registry.ratings import NewItem

Faces = npt.NDArray[np.uint8]

MOST_FACES = 350  # of a checkpoint
_NOISE = 6
_CLEAR = 2  # of each emotion, for practice and checks
_CANDIDATES = 40  # of each emotion, among which the judge finds the clear ones


def codes_to_draw(emotions: Sequence[str], faces: int) -> list[int]:
    """Return the FER2013 codes of a checkpoint's faces: as many of each of its emotions as go into `faces`, at least
    one."""
    each = max(1, faces // len(emotions))
    return [EMOTIONS.index(name) for name in emotions for _ in range(each)]


def generated_items(
    run: Mapping[str, Any], checkpoint: Mapping[str, Any], faces: Faces, codes: Sequence[int], seed: int,
    read_as: Sequence[int],
) -> list[NewItem]:  # fmt: skip
    """Return the items of a checkpoint's faces uint8 [n,48,48]; `read_as` has the codes that the judge recognises."""
    about: dict[str, Any] = {"run_id": str(run["id"]), "run_name": str(run["name"]), "seed": seed}
    about |= {"step": int(checkpoint["step"]), "epoch": int(checkpoint["epoch"])}
    return [
        NewItem("trial", GENERATED, png(face), EMOTIONS[code], EMOTIONS[read], **about)
        for face, code, read in zip(faces, codes, read_as, strict=True)
    ]


class RealChoice(NamedTuple):
    """Real faces of a dataset by their places in it: those to be judged, and those among which clear ones are."""

    trials: list[int]
    candidates: list[int]

    @property
    def all(self) -> list[int]:
        """Return all places, the trials' first."""
        return [*self.trials, *self.candidates]


def choose_real(dataset: Dataset, emotions: Sequence[str], count: int, seed: int) -> RealChoice:
    """Choose `count` real faces to be judged, as many of each emotion as there are, and others for practice.

    They are faces that nothing was trained on, where the dataset has such. Raises DataError where it has too few.
    """
    report = split_parts(dataset).report
    labelled = report if len(report) else np.arange(len(dataset))
    random = np.random.default_rng(seed)
    mixed = [
        random.permutation(labelled[dataset.labels[labelled] == EMOTIONS.index(name)]).tolist() for name in emotions
    ]
    # Round the emotions, so that there are as many of each as long as there are so many; a few are left for practice.
    longest = max(map(len, mixed), default=0)
    trials = [queue[at] for at in range(longest) for queue in mixed if at < len(queue) - _CLEAR][:count]
    judged = set(trials)
    candidates = [place for queue in mixed for place in [one for one in queue if one not in judged][:_CANDIDATES]]
    if not trials or len(candidates) < _CLEAR * 2:
        raise DataError(f"--data: '{dataset.source}' has too few faces to judge; give a dataset with more")
    return RealChoice(trials, candidates)


def real_items(dataset: Dataset, choice: RealChoice, probabilities: npt.NDArray[np.floating[Any]]) -> list[NewItem]:
    """Return the items of the chosen real faces; `probabilities` float [n,7] are the judge's, of `choice.all`.

    For practice are those of each emotion that the judge recognises as labelled most surely.
    """
    read = probabilities.argmax(axis=1)
    labels = dataset.labels[choice.all].astype(int)
    first = len(choice.trials)
    items = [_real(dataset, place, "trial", int(read[at])) for at, place in enumerate(choice.trials)]
    sure = np.where(read == labels, probabilities[np.arange(len(read)), labels], 0.0)
    for code in range(len(EMOTIONS)):
        of_emotion = [at for at in range(first, len(labels)) if labels[at] == code]
        clear = sorted(of_emotion, key=lambda at: -sure[at])[:_CLEAR]
        items += [_real(dataset, choice.all[at], "practice", int(read[at])) for at in clear]
    return items


def _real(dataset: Dataset, place: int, role: str, read_as: int) -> NewItem:
    emotion = EMOTIONS[int(dataset.labels[place])]
    picture, data_hash = png(dataset.images[place]), dataset.content_hash
    return NewItem(role, REAL, picture, emotion, EMOTIONS[read_as], data_hash=data_hash, data_index=int(place))


def noise_items(seed: int) -> list[NewItem]:
    """Return pictures of noise, which have one right answer in every task."""
    noise = np.random.default_rng(seed).integers(0, 256, (_NOISE, 48, 48), dtype=np.uint8)
    return [NewItem("check", NOISE, png(picture), seed=seed) for picture in noise]


def png(face: Faces) -> bytes:
    """Return a face uint8 [48,48] as a PNG."""
    target = io.BytesIO()
    Image.fromarray(face).save(target, "PNG")
    return target.getvalue()
