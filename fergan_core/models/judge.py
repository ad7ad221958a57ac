"""The judges' networks: compact classifiers of 48x48 grey faces in two architectures, of emotion and identity."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fergan_core.emotions import EMOTIONS

Architecture = Literal["residual", "plain"]


class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from all channels' means (Hu et al. 2018, arXiv:1709.01507, eq. 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 8)
        self.excite = nn.Linear(channels // 8, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B,C,H,W] to the same shape."""
        scale = self.excite(F.relu(self.squeeze(x.mean((2, 3))))).sigmoid()
        out: Tensor = x * scale[:, :, None, None]
        return out


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions plus a shortcut (He et al. 2016, arXiv:1512.03385, Fig. 2); `stride` 2 halves the side."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.scale = SqueezeExcitation(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            # Averaging first, so that no pixel is skipped by a strided 1x1 convolution (arXiv:1812.01187, ResNet-D).
            pool = nn.AvgPool2d(stride) if stride != 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        # A block starts as its shortcut: the deep network at first learns like a shallow one (arXiv:1706.02677, 5.1).
        nn.init.zeros_(self.second_norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B,inputs,H,W] to [B,outputs,H/stride,W/stride]."""
        inner = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        out: Tensor = F.relu(self.scale(inner) + self.shortcut(x))
        return out


class PlainBlock(nn.Module):
    """A 3x3 convolution, with `stride` 2 followed by 2x2 max pooling (Simonyan & Zisserman 2015, arXiv:1409.1556)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map [B,inputs,H,W] to [B,outputs,H/stride,W/stride]."""
        x = self.convolution(x)
        out: Tensor = F.relu(self.norm(F.max_pool2d(x, self.stride) if self.stride != 1 else x))
        return out


_BLOCKS = {"residual": ResidualBlock, "plain": PlainBlock}


class JudgeNet(nn.Module):
    """Emotion (and, if `identities` > 0, identity) of faces float [B,1,48,48] in [-1,1].

    `widths` are the channels at 24x24, 12x12, 6x6 and so on, `blocks` the blocks at each; the first may be 0 where
    `full` is 0. Otherwise two convolutions of `full` channels at 48x48 come before the stages, in place of one with
    stride 2. The `features` (1 to 128) are a learnt weighted sum over the last stage's positions, one weight a position
    and channel: faces are aligned, and an average loses where the mouth is (Chen et al. 2018, arXiv:1804.07573, 3.2).
    """

    def __init__(
        self,
        architecture: Architecture,
        widths: Sequence[int],
        blocks: Sequence[int],
        features: int,
        identities: int = 0,
        dropout: float = 0.0,
        full: int = 0,
    ) -> None:
        super().__init__()
        self.identities = identities
        first = full or widths[0]
        self.stem = nn.Conv2d(1, first, 3, 1, 1, bias=False) if full else nn.Conv2d(1, first, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(first)
        stages: list[nn.Module] = [PlainBlock(full, full, 1)] if full else []
        inputs, side = first, 48 if full else 24
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            halved = stage > 0 or full > 0
            side = side // 2 if halved else side
            for block in range(count):
                stages.append(_BLOCKS[architecture](inputs, width, 2 if halved and block == 0 else 1))
                inputs = width
        self.body = nn.Sequential(*stages)
        self.project = nn.Conv2d(inputs, features, 1, bias=False)
        self.project_norm = nn.BatchNorm2d(features)
        self.places = nn.Parameter(torch.full((features, side, side), 1 / side**2))
        self.places_norm = nn.BatchNorm1d(features)
        self.dropout = nn.Dropout(dropout)
        self.emotion_head = nn.Linear(features, len(EMOTIONS))
        self.identity_head = nn.Linear(features, identities) if identities else None

    def features(self, images: Tensor) -> Tensor:
        """Return features [B,features] of faces [B,1,48,48] in [-1,1], of zero mean and unit variance in training."""
        x = self.body(F.relu(self.stem_norm(self.stem(images))))
        x = F.relu(self.project_norm(self.project(x)))
        out: Tensor = self.places_norm((x * self.places).sum((2, 3)))
        return out

    def mirrored_features(self, images: Tensor) -> Tensor:
        """Return the features of faces and of their mirror images, averaged: [B,features], the same for both."""
        return (self.features(images) + self.features(images.flip(3))) / 2

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return emotion logits [B,7] and identity logits [B,identities] (None without an identity head)."""
        features = self.dropout(self.features(images))
        identity = None if self.identity_head is None else self.identity_head(features)
        return self.emotion_head(features), identity


def parameters(network: nn.Module) -> int:
    """Count a network's parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: JudgeNet) -> int:
    """Count the multiply-adds of convolutions and linear layers in one pass of one face through the network."""
    counter = FlopCounterMode(display=False)
    device = network.stem.weight.device
    was_training = network.training
    with counter, torch.no_grad():
        features = network.eval().features(torch.zeros(1, 1, 48, 48, device=device))
        network.emotion_head(features)
        if network.identity_head is not None:
            network.identity_head(features)
    network.train(was_training)
    return int(counter.get_total_flops()) // 2
