"""Directions in a generator's spaces, and faces moved along them.

A generator of one pass has one or two spaces that decide a face beside the requested emotion: its latents; and what its
conditional norms compute their gains and shifts from, where it has such norms. In a GAN's or VAE's conditional batch
norm that is one number for each emotion, 1 for the requested one and 0 for the others; in MeanFlow's U-Net the
embedding of the emotion and the times.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError
from fergan_core.methods.networks import class_table, trained_classes
from fergan_core.methods.one_pass import INPUTS, Mixture, as_one_pass
from fergan_core.methods.protocols import Generator
from fergan_core.models.denoiser import Block
from fergan_core.models.layers import ConditionalBatchNorm2d

Space = Literal["latents", "norms"]
SPACES: tuple[Space, ...] = get_args(Space)
MOST_SHIFT = 6.0  # units along a direction, as in Voynov & Babenko (arXiv:2002.03754, section 4.1)
_UNIT = 0.1  # of the typical length of what is moved
_TYPICAL = 256  # latents whose mean length is typical


@dataclass(frozen=True)
class Directions:
    """Orthonormal directions in a space, the most important first: `vectors` float32 [K,D].

    A shift of 1 along a direction is `unit` long: a tenth of the typical length of what is moved.
    """

    space: Space
    vectors: Tensor
    unit: float

    def __len__(self) -> int:
        return len(self.vectors)

    def offsets(self, shifts: Tensor) -> Tensor:
        """Return by how much shifts [n,K], in units along each direction, move the space's numbers: [n,D]."""
        return self.unit * shifts @ self.vectors


class Walker:
    """A generator whose faces can be moved along directions; CheckpointError for one of several passes.

    `network` is its network of latents and shares of emotions (see `methods.one_pass`), `latent_shape` a latent's
    shape. A method that can draw in several steps draws in one.
    """

    def __init__(self, generator: Generator) -> None:
        one_pass = as_one_pass(generator)
        if one_pass is None:
            raise CheckpointError(
                f"a face of this run takes {generator.nfe} passes of its network, and directions are for generators "
                "that draw in one; choose a run of a GAN, a VAE or MeanFlow"
            )
        self.emotions = one_pass.emotions
        self.network = one_pass.one_pass().float()
        self._generator = one_pass
        self._classes = class_table(self.emotions, "cpu")
        self.latent_shape = tuple(one_pass.latents(1, 0).shape[1:])
        self.gain_layers = _gain_layers(self.network)

    def latents(self, count: int, seed: int) -> Tensor:
        """Draw the generator's own latents of a seed, on the CPU: [count,...]."""
        return self._generator.latents(count, seed).cpu()

    def faces(self, latents: Tensor, labels: Tensor, directions: Directions, shifts: Tensor) -> Tensor:
        """Return faces float [n,1,48,48] in [-1,1] of latents [n,...] and codes int64 [n], moved by shifts [n,K].

        The codes are FER2013's. Faces are differentiable with respect to latents, shifts and directions. ValueError on
        an emotion not trained.
        """
        classes = trained_classes(self._classes, labels, self.emotions)
        shares = torch.eye(len(self.emotions))[classes]
        offsets = directions.offsets(shifts)
        if directions.space == "latents":
            faces: Tensor = self.network(latents + offsets.view(-1, *self.latent_shape), shares)
            return faces
        with self._gains_moved(offsets):
            moved: Tensor = self.network(latents, shares)
        return moved

    def moved_input(self, directions: Directions) -> str | None:
        """Return which of the network's inputs (`methods.one_pass.INPUTS`) the directions' offsets can be added to with
        the same faces, None where to neither.

        What conditional norms are given are the shares of emotions, unless something else gets these too.
        """
        latents, shares = INPUTS
        if directions.space == "latents":
            return latents
        takers = {module for module in self.network.modules() if isinstance(module, Mixture)}
        return shares if takers == set(self.gain_layers) else None

    def unit(self, space: Space) -> float:
        """Return a tenth of the typical length of what a space's directions move."""
        if space == "latents":
            return _UNIT * float(self.latents(_TYPICAL, 0).flatten(1).norm(dim=1).mean())
        inputs: list[Tensor] = []
        hook = self.gain_layers[0].register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        try:
            count = len(self.emotions)
            with torch.inference_mode():
                self.network(self.latents(count, 0), torch.eye(count))
        finally:
            hook.remove()
        return _UNIT * float(inputs[0].norm(dim=1).mean())

    def random_directions(self, count: int, seed: int, space: Space = "latents") -> Directions:
        """Return random orthonormal directions of a space, `count` or as many as it has dimensions."""
        size = self.latents(1, 0).numel() if space == "latents" else gain_matrix(self.gain_layers).shape[1]
        normal = torch.randn(size, min(count, size), generator=torch.Generator().manual_seed(seed))
        return Directions(space, torch.linalg.qr(normal).Q.T.contiguous(), self.unit(space))

    @contextmanager
    def _gains_moved(self, offsets: Tensor) -> Iterator[None]:
        """Let the layers that compute gains and shifts get what they are given plus offsets [n,D]."""
        hooks = [
            layer.register_forward_pre_hook(lambda _, given: (given[0] + offsets, *given[1:]))
            for layer in self.gain_layers
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def codes_in_turn(emotions: tuple[str, ...], count: int) -> Tensor:
    """Return `count` FER2013 codes that go through the emotions in turn: int64 [count]."""
    return torch.tensor([EMOTIONS.index(emotions[place % len(emotions)]) for place in range(count)])


def gain_matrix(layers: list[nn.Module]) -> Tensor:
    """Return what multiplies the input of all layers that compute gains and shifts, one below the other: [G,D]."""
    # A table of emotions is [emotions, channels], a linear layer's weight [channels, inputs].
    return torch.cat([weight if isinstance(layer, nn.Linear) else weight.T for layer, weight in _weights(layers)])


def _weights(layers: list[nn.Module]) -> Iterator[tuple[nn.Module, Tensor]]:
    for layer in layers:
        assert isinstance(layer.weight, Tensor)
        yield layer, layer.weight.detach().float()


def _gain_layers(network: nn.Module) -> list[nn.Module]:
    """Return the layers that compute a network's conditional gains and shifts, all from the same numbers."""
    layers: list[nn.Module] = []
    for module in network.modules():
        if isinstance(module, ConditionalBatchNorm2d):
            layers += [module.scale, module.shift]
        elif isinstance(module, Block):
            layers.append(module.modulation)
    return layers
