"""What diffusion, flow matching and MeanFlow share: a U-Net, its training and average, and faces drawn along a path.

A `Path` is where they differ: how a face becomes noise, what the network estimates, and which times a solver takes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fergan_core.errors import UsageError
from fergan_core.methods import solvers
from fergan_core.methods.compiling import compiled
from fergan_core.methods.ema import Ema
from fergan_core.methods.instruments import Batch, update_ratio
from fergan_core.methods.networks import class_table, load_weights, on_device, trained_classes
from fergan_core.methods.one_pass import of_mixtures
from fergan_core.methods.optimiser import rate_at, restore
from fergan_core.models.denoiser import UNet
from fergan_core.recipe import Denoiser, MeanFlow, Sampling

MAX_GRADIENT_NORM = 1.0  # gradients are clipped to it: one rare noise level must not undo what the others have learnt
_NOISE_LEVELS = ("low", "middle", "high")  # at which a network is measured: quantiles 1/6, 1/2 and 5/6

Estimate = Callable[[Tensor, Tensor], Tensor]
"""A network with its classes: (x [B,1,48,48], noise levels [B]) -> the path's estimate [B,1,48,48]."""


class Path(Protocol):
    """How a face becomes noise and noise a face."""

    SAMPLERS: ClassVar[Mapping[str, solvers.Solver]]

    def draw_times(self, count: int, device: torch.device) -> Tensor:
        """Draw the times [count] at which faces are learnt."""
        ...

    def time_at(self, quantile: float) -> float:
        """Return the time at a quantile (0 to 1) of those that `draw_times` draws, from little noise to much."""
        ...

    def loss(self, network: Callable[[Tensor, Tensor], Tensor], faces: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Return each face's loss [B] at its time, from faces and standard normal noise [B,1,48,48]."""
        ...

    def times(self, steps: int) -> Tensor:
        """Return the times [steps + 1] through which a solver goes, from noise to face."""
        ...

    def start(self, noise: Tensor) -> Tensor:
        """Return the state of the first time from standard normal noise."""
        ...

    def times_back(self, steps: int) -> Tensor:
        """Return the times through which a solver goes the other way, from face to noise."""
        ...

    def noise(self, x: Tensor) -> Tensor:
        """Return the noise from which `start` makes the state x."""
        ...

    def velocity(self, network: Callable[[Tensor, Tensor], Tensor], x: Tensor, time: float) -> tuple[Tensor, Tensor]:
        """Return dx/dt, and the denoised face that the network estimates from x, both [B,1,48,48]."""
        ...


@runtime_checkable
class Likelihood(Protocol):
    """A path that gives faces a density."""

    def log_likelihood(self, velocity: solvers.Velocity, faces: Tensor, seed: int) -> Tensor:
        """Return P estimates of log p of each of faces [n,1,48,48]: nats [P,n]."""
        ...


def build_network(config: Denoiser, classes: int) -> nn.Module:
    """Make the recipe's U-Net: (x, noise levels, classes) -> estimate; class `classes` stands for no emotion."""
    return UNet(
        classes=classes,
        width=config.width,
        blocks=config.blocks,
        patch=config.patch,
        dropout=config.dropout,
        spans=isinstance(config, MeanFlow),
    )


class Wanted(NamedTuple):
    """A network, and what faces shall show, emotions and none, as it takes them: classes [n] or shares [n,K+1]."""

    network: nn.Module
    emotions: Tensor
    none: Tensor


class DenoisingGenerator:
    """A trained network that draws faces along a path by a sampler, `sampling`."""

    def __init__(
        self, path: Path, sampling: Sampling, emotions: Sequence[str], network: nn.Module, device: torch.device
    ) -> None:
        if sampling.sampler not in path.SAMPLERS:
            raise UsageError(
                f"--sampler: '{sampling.sampler}' is not one of this method's; use one of {', '.join(path.SAMPLERS)}"
            )
        self.emotions, self.sampling = tuple(emotions), sampling
        self._path, self._network, self._device = path, network, device
        self._classes = class_table(emotions, device)

    @property
    def nfe(self) -> int:
        """Return about how many passes of the network a face takes."""
        return 2 * self.sampling.steps

    def resampled(self, sampling: Sampling) -> "DenoisingGenerator":
        """Return the same network with another sampling; UsageError for a sampler that the path does not have."""
        return type(self)(self._path, sampling, self.emotions, self._network, self._device)

    def latents(self, count: int, seed: int) -> Tensor:
        """Draw standard normal noise [count,1,48,48]; on the CPU, so that a seed gives the same on every device."""
        return torch.randn(count, 1, 48, 48, generator=torch.Generator().manual_seed(seed)).to(self._device)

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Return faces [n,1,48,48] for noise [n,1,48,48] and FER2013 codes [n]; ValueError on one not trained."""
        faces = latents
        for faces, _ in self.path(latents, labels):  # noqa: B007 - the last one is the face
            pass
        return faces

    def log_likelihood(self, faces: Tensor, labels: Tensor, seed: int) -> Tensor | None:
        """Return P estimates of log p of each of faces [n,1,48,48] in [-1,1] given their FER2013 codes [n]: nats [P,n].

        Without guidance, which has no density of its own. None where the path gives no density.
        """
        if not isinstance(self._path, Likelihood):
            return None
        classes = self._classes[labels.to(self._device)]

        def velocity(x: Tensor, time: float) -> Tensor:
            levels = torch.full((len(x),), time, dtype=x.dtype, device=x.device)
            return self._network(x, levels, classes).float()  # type: ignore[no-any-return]

        return self._path.log_likelihood(velocity, faces.to(self._device), seed)

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Return one face a label, [n,1,48,48]: noise drawn from the seed."""
        return self.generate(self.latents(len(labels), seed), labels)

    @torch.inference_mode()
    def path(self, latents: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield after each step of the sampler the state and the denoised estimate in it, both [n,1,48,48]."""
        times = self._path.times(self.sampling.steps)
        yield from self._followed(self._path.start(latents), self._of_labels(labels), times)

    @torch.inference_mode()
    def mixed_path(self, latents: Tensor, shares: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield as `path`, of mixed emotions: shares float [n,K] of the trained ones, of which each row sums to 1."""
        times = self._path.times(self.sampling.steps)
        yield from self._followed(self._path.start(latents), self._of_shares(shares), times)

    @torch.inference_mode()
    def path_back(self, faces: Tensor, labels: Tensor) -> Iterator[Tensor]:
        """Yield after each step of the sampler run backwards the noise so far [n,1,48,48]: at last that from which it
        draws faces [n,1,48,48] in [-1,1] of FER2013 codes [n], but for its steps' error."""
        times = self._path.times_back(self.sampling.steps)
        for x, _ in self._followed(faces.to(self._device), self._of_labels(labels), times):
            yield self._path.noise(x)

    def _of_labels(self, labels: Tensor) -> Wanted:
        classes = trained_classes(self._classes, labels, self.emotions)
        return Wanted(self._network, classes, torch.full_like(classes, len(self.emotions)))

    def _of_shares(self, shares: Tensor) -> Wanted:
        network = of_mixtures(self._network, len(self.emotions) + 1)  # guidance needs the extra class, "no emotion"
        mixtures = F.pad(shares.to(self._device), (0, 1))
        return Wanted(network, mixtures, F.pad(torch.zeros_like(mixtures[:, :-1]), (0, 1), value=1.0))

    def _followed(self, x: Tensor, wanted: Wanted, times: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the states after each step through `times` from x, and the denoised estimates in them."""
        network, start, denoised_face = wanted.network, x, x

        def velocity(x: Tensor, time: float) -> Tensor:
            nonlocal denoised_face
            slope, denoised_face = self._path.velocity(partial(self._guided, wanted), x, time)
            return slope

        training = network.training
        network.eval()
        try:
            for x in self._path.SAMPLERS[self.sampling.sampler](velocity, start, times):
                yield x, denoised_face
        finally:
            network.train(training)

    def _guided(self, wanted: Wanted, x: Tensor, levels: Tensor) -> Tensor:
        """Return the estimate with classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598)."""
        network, emotions, none = wanted
        if self.sampling.guidance == 1:
            return network(x, levels, emotions).float()  # type: ignore[no-any-return]
        twice = network(torch.cat((x, x)), torch.cat((levels, levels)), torch.cat((emotions, none))).float()
        with_emotion, without = twice.chunk(2)
        return without + self.sampling.guidance * (with_emotion - without)  # type: ignore[no-any-return]


class DenoisingLearner:
    """A U-Net, its average and its optimiser on a path. It is a Learner, and `generator` a Generator.

    `steps` is the length of the whole training, over which the learning rate falls.
    """

    networks = ("network", "average")

    def __init__(
        self, path: Path, config: Denoiser, emotions: Sequence[str], device: torch.device, *, steps: int, bfloat16: bool
    ) -> None:
        self._config, self._path, self._device, self._autocast = config, path, device, bfloat16
        self._steps, self._done = steps, 0
        self._classes, self._none = class_table(emotions, device), len(emotions)
        self._network, copy = (on_device(build_network(config, len(emotions)), device) for _ in range(2))
        self._average = Ema(self._network, copy, config.ema)
        self._optimiser = torch.optim.Adam(self._network.parameters(), config.lr, fused=True)
        self._run: Callable[..., Any] = self._network
        self.generator = DenoisingGenerator(path, config.sampling, emotions, copy, device)

    def compile(self) -> None:
        """Compile the network for the steps; sampling keeps the plain one, whose batch sizes vary."""
        self._run = compiled(self._network)

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn one batch; returns the loss and the gradients' norm (0-dim)."""
        images = images.contiguous(memory_format=torch.channels_last)
        classes = self._classes[labels]
        if self._config.label_dropout:
            dropped = torch.rand(len(classes), device=self._device) < self._config.label_dropout
            classes = torch.where(dropped, self._none, classes)
        objective, scalars = self._objective(images, classes)
        rate = rate_at(
            self._config.lr, self._done, self._steps, warmup=self._config.warmup, decay=self._config.lr_decay
        )
        self._optimiser.param_groups[0]["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        objective.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), MAX_GRADIENT_NORM)
        self._optimiser.step()
        self._done += 1
        self._average.follow(self._done)
        return scalars | {"grad_norm": norm.detach()}

    def _objective(self, images: Tensor, classes: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what a step minimises (0-dim), and the scalars to record of it."""
        times = self._path.draw_times(len(images), self._device)
        loss = self._path.loss(partial(self._estimate, self._run, classes), images, torch.randn_like(images), times)
        total = loss.mean()
        return total, {"loss": total.detach()}

    @torch.no_grad()
    def measure(self, train: Batch, held_out: Batch) -> dict[str, Tensor]:
        """Measure the averaged network on some training and held-out faces and their FER2013 codes, in the same noise.

        loss_train/NOISE, loss_held_out/NOISE   at low, middle and high noise; above the training loss is overfitting
        update_ratio                            norm of the last update by that of the weights
        """
        scalars = {"update_ratio": update_ratio(self._optimiser)}
        network = self._average.network.eval()
        for part, (faces, codes) in (("train", train), ("held_out", held_out)):
            for place, name in enumerate(_NOISE_LEVELS):
                # A third of the faces at each level: all of them at all three would cost as much as three steps.
                third = slice(place, None, len(_NOISE_LEVELS))
                measured_faces = faces[third]
                noise = torch.randn(measured_faces.shape, generator=torch.Generator().manual_seed(place)).to(
                    self._device
                )
                times = torch.full((len(measured_faces),), self._path.time_at((2 * place + 1) / 6), device=self._device)
                estimate = partial(self._estimate, network, self._classes[codes[third]])
                scalars[f"loss_{part}/{name}"] = self._path.loss(estimate, measured_faces, noise, times).mean()
        return scalars

    def _estimate(self, network: Callable[..., Any], classes: Tensor, x: Tensor, levels: Tensor) -> Tensor:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            estimate: Tensor = network(x, levels, classes)
        return estimate.float()

    def state_dict(self) -> dict[str, Any]:
        """Return networks and optimiser, and how many steps are done."""
        return {
            "network": self._network.state_dict(),
            "average": self._average.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "done": self._done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self._network.load_state_dict(state["network"])
        self._average.network.load_state_dict(state["average"])
        restore(self._optimiser, state["optimiser"], lr=self._config.lr)
        self._done = int(state["done"])


def load(
    path: Path, config: Denoiser, emotions: Sequence[str], weights: Mapping[str, Tensor], device: torch.device
) -> DenoisingGenerator:
    """Make a generator of a checkpoint's averaged network; RuntimeError where the weights are another recipe's."""
    network = load_weights(build_network(config, len(emotions)), weights, device)
    return DenoisingGenerator(path, config.sampling, emotions, network, device)
