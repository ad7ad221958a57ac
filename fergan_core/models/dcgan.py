"""Generators and discriminators for 48x48 grey faces: Radford's DCGAN and PyTorch-GAN's variant of it.

Every network takes classes int64 [B] beside its input. Sources: Radford et al. (arXiv:1511.06434, section 3); the
variant is the one of eriklindernoren/PyTorch-GAN, implementations/dcgan. Conditioning: concatenation (Mirza &
Osindero, arXiv:1411.1784), conditional batch norm (de Vries et al., arXiv:1707.00683), projection (Miyato &
Koyama, arXiv:1802.05637, eq. 3).
"""

import itertools

import torch
from torch import Tensor, nn

from fergan_core.models.layers import (
    DConditioning,
    Discriminator,
    GConditioning,
    Head,
    LatentInput,
    Norm,
    emotion_channels,
    initialise_dcgan,
)

START = 3  # 48 halved four times

# PyTorch-GAN writes BatchNorm2d(c, 0.8), which sets eps (its issue #116); what was trained with it had eps 0.8.
_PYTORCH_GAN_EPS = 0.8


class DcganGenerator(nn.Module):
    """Latents [B,Z] -> 3x3 -> four strided transposed convolutions, batch norm and ReLU -> tanh [B,1,48,48]."""

    def __init__(
        self,
        *,
        classes: int,
        latent_size: int,
        width: int,
        embedding_size: int,
        conditioning: GConditioning,
        norm: bool = True,
    ) -> None:
        super().__init__()
        channels = (8 * width, 4 * width, 2 * width, width)
        self.input = LatentInput(latent_size, classes, embedding_size, conditioning)
        self.project = nn.Linear(self.input.size, channels[0] * START * START, bias=False)
        self.norms = nn.ModuleList(Norm(count, classes, conditioning, normalised=norm) for count in channels)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False) for inputs, outputs in itertools.pairwise(channels)
        )
        self.image = nn.ConvTranspose2d(width, 1, 4, 2, 1)
        initialise_dcgan(self)

    def forward(self, latents: Tensor, classes: Tensor) -> Tensor:
        """Return faces [B,1,48,48] in [-1,1]."""
        x = self.project(self.input(latents, classes)).unflatten(1, (-1, START, START))
        x = torch.relu(self.norms[0](x, classes))
        for up, norm in zip(self.ups, self.norms[1:], strict=True):
            x = torch.relu(norm(up(x), classes))
        return torch.tanh(self.image(x))


class PytorchGanGenerator(nn.Module):
    """Latents [B,Z] -> 12x12 -> two nearest upsamplings with 3x3 convolutions -> tanh [B,1,48,48]."""

    def __init__(
        self,
        *,
        classes: int,
        latent_size: int,
        width: int,
        embedding_size: int,
        conditioning: GConditioning,
        norm: bool = True,
    ) -> None:
        super().__init__()
        self.channels = 8 * width
        self.input = LatentInput(latent_size, classes, embedding_size, conditioning)
        self.project = nn.Linear(self.input.size, self.channels * 12 * 12)
        self.norms = nn.ModuleList(
            Norm(count, classes, conditioning, eps, normalised=norm)
            for count, eps in (
                (self.channels, 1e-5),
                (self.channels, _PYTORCH_GAN_EPS),
                (4 * width, _PYTORCH_GAN_EPS),
            )
        )
        self.first = nn.Conv2d(self.channels, self.channels, 3, padding=1)
        self.second = nn.Conv2d(self.channels, 4 * width, 3, padding=1)
        self.image = nn.Conv2d(4 * width, 1, 3, padding=1)
        initialise_dcgan(self)

    def forward(self, latents: Tensor, classes: Tensor) -> Tensor:
        """Return faces [B,1,48,48] in [-1,1]."""
        x = self.project(self.input(latents, classes)).unflatten(1, (self.channels, 12, 12))
        x = nn.functional.interpolate(self.norms[0](x, classes), scale_factor=2)
        x = nn.functional.leaky_relu(self.norms[1](self.first(x), classes), 0.2)
        x = nn.functional.interpolate(x, scale_factor=2)
        x = nn.functional.leaky_relu(self.norms[2](self.second(x), classes), 0.2)
        return torch.tanh(self.image(x))


class _Discriminator(Discriminator):
    """A stack of strided convolutions under a head; `body` turns a face with its emotion's channels into [B,C,3,3]."""

    def __init__(self, body: nn.Sequential, channels: int, classes: int, conditioning: DConditioning) -> None:
        super().__init__(classes, conditioning)
        self.body = body
        self.head = Head(channels * START * START, classes, conditioning)
        initialise_dcgan(self)

    def features(self, x: Tensor) -> Tensor:
        """Return [B,C,3,3]."""
        features: Tensor = self.body(x)
        return features


def dcgan_discriminator(*, classes: int, width: int, conditioning: DConditioning, norm: bool = True) -> nn.Module:
    """Four strided 4x4 convolutions, LeakyReLU 0.2, batch norm (where `norm`) on all but the first; logits [B]."""
    layers: list[nn.Module] = []
    _, inputs = emotion_channels(conditioning, classes)
    for level in range(4):
        outputs = width << level
        normed = norm and level > 0
        layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normed))
        if normed:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        inputs = outputs
    return _Discriminator(nn.Sequential(*layers), inputs, classes, conditioning)


def pytorch_gan_discriminator(*, classes: int, width: int, conditioning: DConditioning, norm: bool = True) -> nn.Module:
    """Four strided 3x3 convolutions, LeakyReLU 0.2, dropout 0.25, batch norm (eps 0.8) on all but the first."""
    layers: list[nn.Module] = []
    _, inputs = emotion_channels(conditioning, classes)
    for level in range(4):
        outputs = width << level
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Dropout2d(0.25)]
        if norm and level:
            layers.append(nn.BatchNorm2d(outputs, eps=_PYTORCH_GAN_EPS))
        inputs = outputs
    return _Discriminator(nn.Sequential(*layers), inputs, classes, conditioning)
