"""The networks of a GAN's recipe; and a network of latents, a GAN's or a VAE's, as a Generator."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.methods.one_pass import of_mixtures
from fergan_core.models import dcgan, r3gan, resnet
from fergan_core.models.layers import bound_spectrally
from fergan_core.recipe import Gan

_SAMPLE_BATCH = 500

Network = TypeVar("Network", bound=nn.Module)

_GENERATORS: Mapping[str, Callable[..., nn.Module]] = {
    "dcgan": dcgan.DcganGenerator,
    "pytorch-gan": dcgan.PytorchGanGenerator,
    "resnet": resnet.ResnetGenerator,
    # Without batch norm, its recipe has neither of the choices that need it.
    "r3gan": lambda *, norm, **choices: r3gan.R3ganGenerator(**choices),
}
_DISCRIMINATORS: Mapping[str, Callable[..., nn.Module]] = {
    "dcgan": dcgan.dcgan_discriminator,
    "pytorch-gan": dcgan.pytorch_gan_discriminator,
    "resnet": resnet.ResnetDiscriminator,
    "r3gan": lambda *, norm, **choices: r3gan.R3ganDiscriminator(**choices),
}


def build_generator(config: Gan, classes: int) -> nn.Module:
    """Make the recipe's generator, freshly initialised: (latents [B,Z], classes [B]) -> faces [B,1,48,48]."""
    network = _GENERATORS[config.network](
        classes=classes,
        latent_size=config.latent_size,
        width=config.width,
        embedding_size=config.embedding_size,
        conditioning=config.g_conditioning,
        norm=config.g_batch_norm,
    )
    return bound_spectrally(network) if config.spectral_norm == "both" else network


def build_discriminator(config: Gan, classes: int) -> nn.Module:
    """Make the recipe's discriminator: (faces [B,1,48,48], classes [B]) -> logits [B] (auxiliary: [B,1+classes])."""
    network = _DISCRIMINATORS[config.network](
        classes=classes, width=config.width, conditioning=config.d_conditioning, norm=config.d_batch_norm
    )
    return bound_spectrally(network) if config.spectral_norm != "none" else network


def class_table(emotions: Sequence[str], device: torch.device | str) -> Tensor:
    """Return int64 [7]: the network's class of each FER2013 code, -1 where the emotion is not trained."""
    table = torch.full((len(EMOTIONS),), -1, dtype=torch.int64)
    for index, name in enumerate(emotions):
        table[emotion_code(name)] = index
    return table.to(device)


def trained_classes(table: Tensor, labels: Tensor, emotions: Sequence[str]) -> Tensor:
    """Return the classes int64 [n] of FER2013 codes [n] by a `class_table`; ValueError for an emotion not trained."""
    classes = table[labels.to(table.device)]
    if bool((classes < 0).any()):
        raise ValueError(f"labels must be codes of the trained emotions ({', '.join(emotions)})")
    return classes


def on_device(network: Network, device: torch.device) -> Network:
    """Move a network to a device, its convolutions in channels-last layout."""
    return network.to(device).to(memory_format=torch.channels_last)


def load_weights(network: Network, weights: Mapping[str, Tensor], device: torch.device) -> Network:
    """Give a network a checkpoint's weights, to draw with on a device; RuntimeError where they are another's."""
    network.load_state_dict(dict(weights))
    return on_device(network, device).eval().requires_grad_(False)


class LatentGenerator:
    """A trained network that draws faces from latents of `size` numbers, standard normal or uniform on [-1,1]."""

    nfe = 1

    def __init__(
        self, emotions: Sequence[str], network: nn.Module, device: torch.device, *, size: int, normal: bool
    ) -> None:
        self.emotions = tuple(emotions)
        self._size, self.normal = size, normal
        self._network = network
        self._device = device
        self._classes = class_table(emotions, device)

    def latents(self, count: int, seed: int) -> Tensor:
        """Draw latents float [count,Z]; on the CPU first, so that a seed gives the same ones on every device."""
        source = torch.Generator().manual_seed(seed)
        if self.normal:
            return torch.randn(count, self._size, generator=source).to(self._device)
        return (torch.rand(count, self._size, generator=source) * 2 - 1).to(self._device)

    @torch.inference_mode()
    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Return faces [n,1,48,48] for latents [n,Z] and FER2013 codes [n]; ValueError on an emotion not trained."""
        return self.draw(latents, labels)

    def draw(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Return the same faces, differentiable with respect to the latents.

        Batch norm uses its running averages, so that a face does not depend on the others of its batch.
        """
        classes = trained_classes(self._classes, labels, self.emotions)
        training = self._network.training
        self._network.eval()
        try:
            faces = [
                self._network(latents[i : i + _SAMPLE_BATCH], classes[i : i + _SAMPLE_BATCH]).float()
                for i in range(0, len(latents), _SAMPLE_BATCH)
            ]
        finally:
            self._network.train(training)
        return torch.cat(faces)

    def one_pass(self) -> nn.Module:
        """Return the network of latents and shares of emotions that draws as this does (see `one_pass.InOnePass`)."""
        return of_mixtures(self._network, len(self.emotions))

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Return one face a label, [n,1,48,48]: latents drawn from the seed."""
        return self.generate(self.latents(len(labels), seed), labels)


def gan_generator(config: Gan, emotions: Sequence[str], network: nn.Module, device: torch.device) -> LatentGenerator:
    """Return a GAN's generator network as a Generator."""
    return LatentGenerator(emotions, network, device, size=config.latent_size, normal=config.latent == "normal")


def load_gan(
    config: Gan, emotions: Sequence[str], weights: Mapping[str, Tensor], device: torch.device
) -> LatentGenerator:
    """Make a generator of a checkpoint's weights; RuntimeError where they are another recipe's."""
    network = load_weights(build_generator(config, len(emotions)), weights, device)
    return gan_generator(config, emotions, network, device)
