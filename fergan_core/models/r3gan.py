"""Residual generator and discriminator without normalisation for 48x48 grey faces, after R3GAN's.

Huang et al. 2024, arXiv:2501.05441, section 4 and appendix: blocks of grouped convolutions between 1x1 ones, bilinear
resampling, leaky ReLU, Fixup's initialisation (arXiv:1901.09321), the class embedded beside the latent and projected in
the discriminator. Every network takes classes int64 [B] beside its input. What is not theirs: the stages have 8, 4, 2
and 1 times `width` channels at sides 3 to 24 (theirs are equally wide), so that a CPU can train them; the layer next to
the image turns patches of 2x2 pixels into channels, or channels into them; a tanh keeps faces in [-1,1]; and D's head
has a logit without the class as well.
"""

import itertools
import math
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fergan_core.models.layers import DConditioning, Discriminator, GConditioning, Head, ImageEmbedding, LatentInput

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)

START = 3  # 24 halved three times
_PATCH = 2
BLOCKS = (2, 2, 1, 1)  # in the stages at sides 3, 6, 12 and 24: of the inner ones a CPU can afford more
_EXPANSION = 2
_GROUP = 16  # channels of a group, as in the paper; narrower groups are hardly faster on a CPU
_SLOPE = 0.2
_GAIN = math.sqrt(2 / (1 + _SLOPE**2))  # of leaky ReLU


class Block(nn.Module):
    """x + 1x1(leaky ReLU(grouped 3x3(leaky ReLU(1x1(x))))), twice as wide within; the identity at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = _EXPANSION * channels
        self.widen = nn.Conv2d(channels, inner, 1)
        groups = next(count for count in range(max(1, inner // _GROUP), 0, -1) if inner % count == 0)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=groups)
        self.narrow = nn.Conv2d(inner, channels, 1, bias=False)
        # Fixup: with m layers in each of L blocks, L^(-1/(2m-2)) in all but the last, which is 0.
        for layer in (self.widen, self.mix):
            _draw_weights(layer, _GAIN * sum(BLOCKS) ** -0.25)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.widen(x), _SLOPE)
        h = F.leaky_relu(self.mix(h), _SLOPE)
        out: Tensor = x + self.narrow(h)
        return out


class R3ganGenerator(nn.Module):
    """Latents [B,Z] -> a learnt 3x3 basis scaled by them -> four stages, doubled in between -> tanh [B,1,48,48]."""

    def __init__(
        self, *, classes: int, latent_size: int, width: int, embedding_size: int, conditioning: GConditioning
    ) -> None:
        super().__init__()
        channels = _channels(width)
        self.input = LatentInput(latent_size, classes, embedding_size, conditioning)
        self.project = _draw_weights(nn.Linear(self.input.size, channels[0], bias=False))
        self.basis = nn.Parameter(torch.randn(START, START, channels[0]))
        self.stages = nn.ModuleList(map(_stage, channels, BLOCKS))
        self.narrower = nn.ModuleList(_plain(*pair) for pair in itertools.pairwise(channels))
        self.image = _plain(channels[-1], _PATCH**2)

    def forward(self, latents: Tensor, classes: Tensor) -> Tensor:
        """Return faces [B,1,48,48] in [-1,1]."""
        x = self.project(self.input(latents, classes))[:, None, None] * self.basis
        x = self.stages[0](x.permute(0, 3, 1, 2))  # in channels-last layout, as the convolutions are
        for narrow, stage in zip(self.narrower, self.stages[1:], strict=True):
            x = stage(F.interpolate(narrow(x), scale_factor=2, mode="bilinear"))
        return torch.tanh(F.pixel_shuffle(self.image(x), _PATCH))


class R3ganDiscriminator(Discriminator):
    """The generator's stages mirrored, halved in between, a learnt 3x3 basis, head; logits [B] or [B,1+classes]."""

    def __init__(self, *, classes: int, width: int, conditioning: DConditioning) -> None:
        super().__init__(classes, conditioning)
        channels = _channels(width)[::-1]
        self.patches = _plain(self.planes * _PATCH**2, channels[0])
        self.stages = nn.ModuleList(map(_stage, channels, reversed(BLOCKS)))
        self.wider = nn.ModuleList(_plain(*pair) for pair in itertools.pairwise(channels))
        last = channels[-1]
        self.basis = _draw_weights(nn.Conv2d(last, last, START, groups=last, bias=False))
        self.head = Head(last, classes, conditioning)
        for layer in (self.head.logit, self.head.classifier):
            if layer is not None:
                _draw_weights(layer)
        if self.head.projection is not None:
            nn.init.normal_(self.head.projection.weight, 0.0, last**-0.5)
        if isinstance(self.embedding, ImageEmbedding):
            nn.init.normal_(self.embedding.table.weight)

    def features(self, x: Tensor) -> Tensor:
        """Return [B,8 width,1,1]."""
        x = self.stages[0](self.patches(F.pixel_unshuffle(x, _PATCH)))
        for widen, stage in zip(self.wider, self.stages[1:], strict=True):
            x = stage(widen(F.avg_pool2d(x, 2)))  # halved bilinearly: the mean of 2x2
        features: Tensor = self.basis(x)
        return features


def _channels(width: int) -> list[int]:
    """Return the channels of the stages, from the innermost to the one next to the image: 8, 4, 2 and 1 `width`."""
    return [width << level for level in reversed(range(len(BLOCKS)))]


def _stage(channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(Block(channels) for _ in range(blocks)))


def _plain(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 1x1 convolution that no activation follows."""
    return _draw_weights(nn.Conv2d(inputs, outputs, 1, bias=False))


def _draw_weights(layer: Layer, gain: float = 1.0) -> Layer:
    """Draw weights from N(0, gain / sqrt(fan-in)) (He et al. 2015, arXiv:1502.01852); biases are 0."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
