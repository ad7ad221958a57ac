"""The protocols by which engine and evaluation know a method: it learns batches, and draws faces."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from fergan_core.recipe import Sampling


@runtime_checkable
class Learner(Protocol):
    """A method in training: it learns one batch at a time, and its whole state can be saved and loaded.

    `networks` names the entries of `state_dict()` that are weights of networks; all others (optimisers) are needed only
    to go on training.
    """

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the entries of the state that are weights."""
        ...

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn from images float [B,1,48,48] in [-1,1] and FER2013 codes int64 [B].

        Returns scalars to record as 0-dim tensors on the device; reading them here would make the step wait for it.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the whole training state: nested dicts and lists of tensors and plain numbers."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned, whatever device its tensors are on."""
        ...


@runtime_checkable
class Instrumented(Protocol):
    """A learner of which more can be measured than a step returns."""

    def measure(self, train: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Measure on some training and held-out faces [B,1,48,48] and their FER2013 codes [B]; changes no weight.

        Returns scalars to record as 0-dim tensors on the device.
        """
        ...


@runtime_checkable
class Generator(Protocol):
    """Draws faces of requested emotions; a face takes about `nfe` passes of its network."""

    emotions: tuple[str, ...]

    @property
    def nfe(self) -> int:
        """Return about how many passes of the network a face takes."""
        ...

    def latents(self, count: int, seed: int) -> Tensor:
        """Draw `count` latents; the same seed gives the same ones on every device."""
        ...

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Turn latents and FER2013 codes int64 [n] into faces, float [n,1,48,48] in [-1,1]."""
        ...

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Draw one face a label: float [n,1,48,48] in [-1,1] from FER2013 codes int64 [n]."""
        ...


class MethodLearner(Learner, Instrumented, Protocol):
    """A learner of the table of methods: it can be compiled and measured, and draws faces while it learns."""

    @property
    def generator(self) -> Generator:
        """Draws with the current weights."""
        ...

    def compile(self) -> None:
        """Compile the networks for the steps."""
        ...


@runtime_checkable
class Samplable(Generator, Protocol):
    """A generator that draws a face in several steps, by one of several samplers."""

    sampling: Sampling

    def resampled(self, sampling: Sampling) -> "Samplable":
        """Return one with another sampling; UsageError where it does not have that sampler."""
        ...

    def path(self, latents: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield after each step the state and the denoised estimate in it, both float [n,1,48,48]."""
        ...

    def mixed_path(self, latents: Tensor, shares: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield as `path`, of mixed emotions: shares float [n,K] of the trained ones, of which each row sums to 1."""
        ...


@runtime_checkable
class Invertible(Samplable, Protocol):
    """A generator whose sampler can be run backwards, from a face to its latents."""

    def path_back(self, faces: Tensor, labels: Tensor) -> Iterator[Tensor]:
        """Yield after each step the latents so far, float [n,1,48,48], of faces [n,1,48,48] in [-1,1] of FER2013 codes
        int64 [n]; `generate` draws the faces from the last ones, but for the steps' error."""
        ...


@runtime_checkable
class Dense(Generator, Protocol):
    """A generator that may have a density."""

    def log_likelihood(self, faces: Tensor, labels: Tensor, seed: int) -> Tensor | None:
        """Return P estimates of log p of faces [n,1,48,48] of FER2013 codes [n]: nats [P,n]; None: no density."""
        ...


@runtime_checkable
class Differentiable(Generator, Protocol):
    """A generator whose faces are differentiable with respect to their latents."""

    def draw(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Turn latents [n,Z] and FER2013 codes int64 [n] into faces, float [n,1,48,48], with derivatives."""
        ...
