"""The training loop: batches drawn on the device, a Learner that learns them, hooks after steps and epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.methods.protocols import Learner


class Interrupted(Exception):
    """Raised by a hook to end the training after the step that has just been learned."""


@dataclass(frozen=True)
class Progress:
    """Where a training is after a step: steps count from 1, `epoch` is the number of completed epochs."""

    step: int
    epoch: int
    images_seen: int


class Hook:
    """Called after each step and epoch of a training; either method may be overridden, and may raise Interrupted."""

    def after_step(self, progress: Progress, scalars: dict[str, Tensor]) -> None:
        """Called after every step with the step's scalars; must not wait for the device."""

    def after_epoch(self, progress: Progress) -> None:
        """Called after the last step of every epoch, after `after_step`."""


def derive_seed(seed: int, stream: int, index: int) -> int:
    """Hash (seed, stream, index) to 63 bits (splitmix64's finaliser), so that neighbouring ones are unrelated."""
    mask = (1 << 64) - 1
    value = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + index + 0x632BE59BD9B4E019) & mask
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = ((value ^ (value >> shift)) * factor) & mask
    return (value ^ (value >> 31)) >> 1


ORDER_STREAM, STEP_STREAM, SHEET_STREAM = 1, 2, 3


def to_float(images: Tensor) -> Tensor:
    """Turn uint8 images [N,48,48] into float [N,1,48,48] in [-1,1]."""
    return images.unsqueeze(1).float().mul_(1 / 127.5).sub_(1.0)


def to_bytes(images: Tensor) -> Tensor:
    """Turn float images [N,1,48,48] in [-1,1] into uint8 [N,48,48], rounded to the nearest grey."""
    return images.squeeze(1).float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Return how many full batches an epoch has; images left over are skipped, as batch norm needs full batches."""
    if count < batch_size:
        raise UsageError(f"--batch-size: {batch_size} is more than the {count} training images; lower it")
    return count // batch_size


def sampling_weights(labels: Tensor, sampling: str) -> Tensor | None:
    """Return each image's sampling weight, float64 [N], by its label int64 [N]; None where an epoch visits each once.

    'balanced' draws all labels equally often, 'sqrt' by the square root of their frequency.
    """
    if sampling == "natural":
        return None
    frequency = torch.bincount(labels).double()[labels].cpu()
    return 1 / (frequency if sampling == "balanced" else frequency.sqrt())


def epoch_order(count: int, seed: int, epoch: int, weights: Tensor | None = None) -> Tensor:
    """Return the order in which an epoch visits the images: int64 [count], a function of its arguments alone.

    With `weights` [count] images are drawn with replacement, in proportion to them.
    """
    source = torch.Generator().manual_seed(derive_seed(seed, ORDER_STREAM, epoch))
    if weights is None:
        return torch.randperm(count, generator=source)
    return torch.multinomial(weights, count, replacement=True, generator=source)


def draw_batch(images: Tensor, labels: Tensor, index: Tensor, *, flip: bool) -> tuple[Tensor, Tensor]:
    """Return float images [B,1,48,48] in [-1,1], each mirrored with probability 1/2 where `flip`, and labels [B]."""
    batch = to_float(images[index])
    if flip:
        mirrored = torch.rand(len(index), 1, 1, 1, device=batch.device) < 0.5
        batch = torch.where(mirrored, batch.flip(3), batch)
    return batch, labels[index]


def fit(
    learner: Learner,
    images: Tensor,
    labels: Tensor,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
    flip: bool = True,
    sampling: str = "natural",
    start_step: int = 0,
    hooks: Sequence[Hook] = (),
) -> None:
    """Train `learner` on images uint8 [N,48,48] and labels int64 [N], both on the training device.

    All randomness of a step depends on (seed, step) alone, so that a training continued at `start_step` draws the same
    numbers as an uninterrupted one. Raises UsageError for fewer images than a batch.
    """
    per_epoch = steps_per_epoch(len(images), batch_size)
    weights = sampling_weights(labels, sampling)
    for epoch in range(start_step // per_epoch, epochs):
        order = epoch_order(len(images), seed, epoch, weights).to(images.device)
        progress = Progress(start_step, epoch, start_step * batch_size)
        for batch in range(max(0, start_step - epoch * per_epoch), per_epoch):
            step = epoch * per_epoch + batch + 1
            torch.manual_seed(derive_seed(seed, STEP_STREAM, step))
            index = order[batch * batch_size : (batch + 1) * batch_size]
            scalars = learner.step(*draw_batch(images, labels, index, flip=flip))
            progress = Progress(step, epoch + (batch + 1 == per_epoch), step * batch_size)
            for hook in hooks:
                hook.after_step(progress, scalars)
        for hook in hooks:
            hook.after_epoch(progress)
