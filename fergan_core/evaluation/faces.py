"""Faces and a judge's reading of them, cached: a new metric neither samples nor reads again."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from fergan_core.errors import CheckpointError
from fergan_core.evaluation.reading_cache import cached
from fergan_core.judges.inception import InceptionJudge
from fergan_core.judges.judge import Judge
from fergan_core.methods.protocols import Generator
from fergan_core.training.engine import to_bytes

SAMPLE_BATCH = 200  # fixed, so that the same seed gives the same faces; a large network still fits into memory


OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Faces:
    """Faces uint8 [N,48,48] and the emotions int64 [N] that were requested or are their labels (None: unknown).

    `seconds` is how long drawing them took, None where that is not known.
    """

    images: Tensor
    labels: Tensor | None
    seconds: float | None = None

    def key(self) -> str:
        """Return a digest of the images, in hex."""
        return hashlib.sha256(repr(list(self.images.shape)).encode() + self.images.numpy().tobytes()).hexdigest()[:40]

    def labelled_key(self) -> str:
        """Return a digest of the images and their labels, in hex."""
        labels = None if self.labels is None else self.labels.tolist()
        return hashlib.sha256(f"{self.key()} {labels}".encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Reading:
    """Faces with a judge's logits float64 [N,7] and features float32 [N,D], all on the CPU.

    `spaces` are their features float32 [N,64] in the spaces that know no emotion, where `in_spaces` has computed them.
    """

    images: Tensor
    labels: Tensor | None
    logits: Tensor
    features: Tensor
    spaces: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: Tensor) -> "Reading":
        """Return the faces of an index int64 [n] or a mask bool [N]."""
        labels = None if self.labels is None else self.labels[index]
        spaces = {name: features[index] for name, features in self.spaces.items()}
        return Reading(self.images[index], labels, self.logits[index], self.features[index], spaces)

    def of(self, code: int) -> "Reading":
        """Return the faces of one emotion's code; of unlabelled faces none."""
        mask = torch.zeros(len(self), dtype=torch.bool) if self.labels is None else self.labels == code
        return self.take(mask)


def content_order(images: Tensor, labels: Tensor | None, seed: int) -> Tensor:
    """Return a random order, int64 [N], of faces uint8 [N,48,48] with labels [N] that follows from them and a seed.

    The same faces get the same order, whatever order they come in: they are sorted by a keyed digest of each image and
    its label. So what is cut from them later (blocks, splits, prefixes) is a random part of them.
    """
    marks = [b""] * len(images) if labels is None else [str(label).encode() for label in labels.tolist()]
    key = str(seed).encode()
    digests = [
        hashlib.blake2b(image.tobytes() + mark, digest_size=16, key=key).digest()
        for image, mark in zip(images.numpy(), marks, strict=True)
    ]
    return torch.from_numpy(np.argsort(np.array(digests, dtype="V16").view("S16"), kind="stable"))


def arranged(faces: Faces, seed: int) -> Faces:
    """Return the faces in the order that `content_order` gives them."""
    order = content_order(faces.images, faces.labels, seed)
    labels = None if faces.labels is None else faces.labels[order]
    return Faces(faces.images[order], labels, faces.seconds)


@torch.inference_mode()
def draw(
    generator: Generator,
    labels: Tensor,
    seed: int,
    truncation: float,
    device: torch.device,
    on_progress: OnProgress = lambda done, of: None,
) -> Faces:
    """Draw one face for each label int64 [N]; `on_progress` gets the number drawn and N after each batch.

    Raises CheckpointError where the faces are NaN or infinite.
    """
    started = time.perf_counter()
    latents = generator.latents(len(labels), seed) * truncation
    images = torch.zeros(len(labels), 48, 48, dtype=torch.uint8)
    for start in range(0, len(labels), SAMPLE_BATCH):
        stop = start + SAMPLE_BATCH
        batch = generator.generate(latents[start:stop].to(device), labels[start:stop].to(device))
        if not bool(torch.isfinite(batch).all()):
            raise CheckpointError("the generator's faces are NaN or infinite; evaluate an earlier checkpoint")
        images[start:stop] = to_bytes(batch)
        on_progress(min(stop, len(labels)), len(labels))
    return Faces(images, labels, time.perf_counter() - started)


def noise(labels: Tensor | None, count: int, seed: int) -> Faces:
    """Return `count` pictures of independent pixels, all greys equally likely: the lowest reference for any generator.

    They have the `labels`, int64 [count], whose order does not matter.
    """
    source = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (count, 48, 48), generator=source, dtype=torch.uint8)
    return arranged(Faces(pictures, None if labels is None else labels.sort().values), seed)


def read(judge: Judge | InceptionJudge, faces: Faces) -> Reading:
    """Return a judge's reading of faces, from the cache where they were read before."""
    stored = cached(f"reading-{faces.key()}-{judge.sha256[:16]}", lambda: _read(judge, faces))
    return Reading(faces.images, faces.labels, stored["logits"], stored["features"])


def _read(judge: Judge | InceptionJudge, faces: Faces) -> dict[str, Tensor]:
    logits, features = judge.read(faces.images)
    return {"logits": logits, "features": features}
