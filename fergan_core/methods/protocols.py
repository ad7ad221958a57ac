"""What the engine and the evaluation may know of a method: how it learns a batch, and how it draws faces."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from fergan_core.recipe import Sampling


@runtime_checkable
class Learner(Protocol):
    """A method in training: it learns one batch at a time and can put its whole state away.

    `networks` names the entries of `state_dict()` that are weights of networks; the rest (optimisers) is needed
    only to go on training.
    """

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the entries of the state that are weights."""
        ...

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn from images float [B,1,48,48] in [-1,1] and FER2013 codes int64 [B].

        Returns scalars to record as 0-dim tensors on the device; reading them here would hold the device up.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the whole training state: nested dicts and lists of tensors and plain numbers."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take a state that `state_dict` gave, on whatever device its tensors lie."""
        ...


@runtime_checkable
class Instrumented(Protocol):
    """A learner of which more can be measured than a step tells."""

    def measure(self, train: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Measure on some training and held-out faces [B,1,48,48] and their FER2013 codes [B]; changes no weight.

        Returns scalars to record as 0-dim tensors on the device.
        """
        ...


@runtime_checkable
class Generator(Protocol):
    """Something that draws faces on request; a face takes about `passes` passes of its network."""

    emotions: tuple[str, ...]

    @property
    def nfe(self) -> int:
        """Return about how many passes of the network a face takes."""
        ...

    def latents(self, count: int, seed: int) -> Tensor:
        """Draw `count` starting points; the same seed gives the same ones on every device."""
        ...

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Turn starting points and FER2013 codes int64 [n] into faces, float [n,1,48,48] in [-1,1]."""
        ...

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Draw one face a label: float [n,1,48,48] in [-1,1] from FER2013 codes int64 [n]."""
        ...


class MethodLearner(Learner, Instrumented, Protocol):
    """A learner of the table of methods: it can be compiled, measured, and drawn with while it learns."""

    @property
    def generator(self) -> Generator:
        """Draws with the weights as they are at the time."""
        ...

    def compile(self) -> None:
        """Compile the networks for the steps."""
        ...


@runtime_checkable
class Samplable(Generator, Protocol):
    """A generator that draws a face in many steps, in several ways."""

    sampling: Sampling

    def resampled(self, sampling: Sampling) -> "Samplable":
        """Return one that draws in another way; UsageError where it has not that sampler."""
        ...

    def path(self, latents: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield after each step the state and the face that the network saw in it, both float [n,1,48,48]."""
        ...


@runtime_checkable
class Dense(Generator, Protocol):
    """A generator that may have a density."""

    def log_likelihood(self, faces: Tensor, labels: Tensor, seed: int) -> Tensor | None:
        """Return log p of faces [n,1,48,48] of FER2013 codes [n], by P estimates: nats [P,n]; None: no density."""
        ...


@runtime_checkable
class Differentiable(Generator, Protocol):
    """A generator whose faces have derivatives by their starting points."""

    def draw(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Turn latents [n,Z] and FER2013 codes int64 [n] into faces, float [n,1,48,48], derivatives kept."""
        ...
