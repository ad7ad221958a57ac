"""Residual generator and discriminator for 48x48 grey faces, after SNGAN's (Miyato et al. 2018, arXiv:1802.05957, B.4).

Every network takes classes int64 [B] beside its input; conditioning as in `dcgan.py`. Widths halve towards the image as
in DCGAN, where SNGAN has 256 throughout, so that a CPU can train it.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fergan_core.models.layers import (
    DConditioning,
    Discriminator,
    GConditioning,
    Head,
    ImageEmbedding,
    LatentInput,
    Norm,
)

START = 6  # 48 halved three times


class _Up(nn.Module):
    """Norm, ReLU, upsampling, convolution, norm, ReLU, convolution; plus an upsampled 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, classes: int, conditioning: GConditioning, norm: bool) -> None:
        super().__init__()
        self.first_norm = Norm(inputs, classes, conditioning, normalised=norm)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second_norm = Norm(outputs, classes, conditioning, normalised=norm)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        h = F.interpolate(F.relu(self.first_norm(x, classes)), scale_factor=2)
        h = self.second(F.relu(self.second_norm(self.first(h), classes)))
        # A 1x1 convolution and nearest upsampling commute: convolving first costs a quarter.
        out: Tensor = h + F.interpolate(self.shortcut(x), scale_factor=2)
        return out


class ResnetGenerator(nn.Module):
    """Latents [B,Z] -> 6x6 -> three residual upsamplings -> norm, ReLU, convolution, tanh [B,1,48,48]."""

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
        self.project = nn.Linear(self.input.size, channels[0] * START * START)
        self.blocks = nn.ModuleList(
            _Up(inputs, outputs, classes, conditioning, norm) for inputs, outputs in itertools.pairwise(channels)
        )
        self.norm = Norm(width, classes, "concat", normalised=norm)
        self.image = nn.Conv2d(width, 1, 3, padding=1)
        _initialise(self)

    def forward(self, latents: Tensor, classes: Tensor) -> Tensor:
        """Return faces [B,1,48,48] in [-1,1]."""
        x = self.project(self.input(latents, classes)).unflatten(1, (-1, START, START))
        for block in self.blocks:
            x = block(x, classes)
        return torch.tanh(self.image(F.relu(self.norm(x, classes))))


class _Down(nn.Module):
    """ReLU, convolution, (norm,) ReLU, convolution, downsampling; plus a downsampled 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, *, first: bool, halve: bool, norm: bool) -> None:
        super().__init__()
        self.is_first, self.halve = first, halve
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs or halve else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        # The first block gets an image: a ReLU before it would drop half of its values.
        h = self.second(F.relu(self.norm(self.first(x if self.is_first else F.relu(x)))))
        if not self.halve:
            same_size: Tensor = h + self.shortcut(x)
            return same_size
        out: Tensor = F.avg_pool2d(h, 2) + self.shortcut(F.avg_pool2d(x, 2))
        return out


class ResnetDiscriminator(Discriminator):
    """Three downsampling residual blocks and one more, ReLU, sum over positions, head; logits [B] or [B,1+classes]."""

    def __init__(self, *, classes: int, width: int, conditioning: DConditioning, norm: bool) -> None:
        super().__init__(classes, conditioning)
        channels = (self.planes, 2 * width, 4 * width, 8 * width)
        blocks = [
            _Down(before, after, first=level == 0, halve=True, norm=norm and level > 0)
            for level, (before, after) in enumerate(itertools.pairwise(channels))
        ]
        self.body = nn.Sequential(*blocks, _Down(channels[-1], channels[-1], first=False, halve=False, norm=norm))
        self.head = Head(channels[-1], classes, conditioning)
        _initialise(self)

    def features(self, x: Tensor) -> Tensor:
        """Return [B,8 width]."""
        return F.relu(self.body(x)).sum((2, 3))


def _initialise(module: nn.Module) -> None:
    """Draw Glorot-uniform weights as SNGAN's authors do, with gain sqrt 2 in the blocks' 3x3 convolutions."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight, _gain(layer))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, ImageEmbedding):
            nn.init.normal_(layer.table.weight, 0.0, 0.02)


def _gain(layer: nn.Module) -> float:
    """Return sqrt 2 for a 3x3 convolution of a block, else 1."""
    return 2**0.5 if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) and layer.out_channels > 1 else 1.0
