"""The network of diffusion, flow matching and MeanFlow: a class-conditional U-Net for 48x48 grey faces.

After DDPM++ as EDM uses it (Song et al. 2021, arXiv:2011.13456, appendix C; Karras et al. 2022, arXiv:2206.00364,
appendix F.2): residual blocks with group norm, whose scale and shift belong to noise level and class; self-attention
at the smallest side. Levels halve the side down to 6x6 and have 1, 2, 3, ... times `width` channels.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST_SIDE = 6
_SIDE = 48
_LEVEL_NUMBERS = 64  # of the embedding of a noise level


class LevelEmbedding(nn.Module):
    """Noise levels [B] of about -1 to 1 as sines and cosines of 32 frequencies: [B,64].

    They go from 1 to `highest` radians a unit.
    """

    def __init__(self, highest: float) -> None:
        super().__init__()
        frequencies = torch.logspace(0, math.log10(highest), _LEVEL_NUMBERS // 2)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, levels: Tensor) -> Tensor:
        """Return [B,64]."""
        assert isinstance(self.frequencies, Tensor)
        angles = levels.float()[:, None] * self.frequencies
        return torch.cat((angles.cos(), angles.sin()), 1)


class Block(nn.Module):
    """Norm, SiLU, convolution, norm scaled and shifted by the embedding, SiLU, dropout, convolution; plus a shortcut.

    The last convolution starts at 0, so that an untrained block is its shortcut.
    """

    def __init__(self, inputs: int, outputs: int, embedding: int, dropout: float, *, attention: bool) -> None:
        super().__init__()
        self.first_norm = _norm(inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.second_norm = _norm(outputs)
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.attention = Attention(outputs) if attention else None
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.modulation.weight)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Return [B,outputs,H,W] from x [B,inputs,H,W] and embedding [B,E]."""
        h = self.first(F.silu(self.first_norm(x)))
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, 1)
        h = torch.addcmul(shift, self.second_norm(h), scale + 1)
        h = self.second(self.dropout(F.silu(h)))
        out: Tensor = h + self.shortcut(x)
        return out if self.attention is None else self.attention(out)


class Attention(nn.Module):
    """Self-attention with one head over all positions, added to its input (Vaswani et al. 2017, arXiv:1706.03762)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B,C,H,W] from x [B,C,H,W]."""
        positions = self.query_key_value(self.norm(x)).flatten(2).transpose(1, 2)
        query, key, value = (part.contiguous() for part in positions.chunk(3, 2))
        attended = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = x + self.out(attended.transpose(1, 2).reshape(x.shape))
        return out


class UNet(nn.Module):
    """Noisy faces, noise levels and classes -> an estimate of the same shape; class `classes` stands for none.

    With `spans` a noise level is two numbers: a time, and the span of time from it over which to estimate.
    """

    def __init__(
        self, *, classes: int, width: int, blocks: int, patch: int, dropout: float, spans: bool = False
    ) -> None:
        super().__init__()
        side, levels = _SIDE // patch, int(math.log2(_SIDE // patch // SMALLEST_SIDE)) + 1
        channels = [width * (level + 1) for level in range(levels)]
        embedding = 4 * width
        self.patch = patch
        # The estimate over a span is learnt from its derivative in time, which high frequencies make noisy.
        highest = 10.0 if spans else 100.0
        self.level = _level(embedding, highest)
        self.span = _level(embedding, highest) if spans else None
        self.mixed = nn.Linear(embedding, embedding)
        self.emotion = nn.Embedding(classes + 1, embedding)
        self.begin = nn.Conv2d(patch * patch, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        inputs_before = width
        for level, outputs in enumerate(channels):
            outputs_below = channels[min(level + 1, levels - 1)]
            attention = side >> level == SMALLEST_SIDE
            inputs = [inputs_before] + [outputs] * (blocks - 1)
            self.down.append(_blocks(inputs, outputs, embedding, dropout, attention=attention))
            inputs = [outputs_below + outputs] + [outputs] * (blocks - 1)
            self.up.append(_blocks(inputs, outputs, embedding, dropout, attention=attention))
            inputs_before = outputs
        self.middle = Block(inputs_before, inputs_before, embedding, dropout, attention=True)
        self.norm = _norm(width)
        self.end = nn.Conv2d(width, patch * patch, 3, padding=1)
        nn.init.zeros_(self.end.weight)
        nn.init.zeros_(self.end.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, levels: Tensor, classes: Tensor) -> Tensor:
        """Return an estimate [B,1,48,48] from x [B,1,48,48], noise levels [B] or [B,2], classes int64 [B].

        It is 0 before training.
        """
        level = self.level(levels) if self.span is None else self.level(levels[:, 0]) + self.span(levels[:, 1])
        embedding = F.silu(self.mixed(level) + self.emotion(classes))
        x = self.begin(F.pixel_unshuffle(x, self.patch) if self.patch > 1 else x)
        skips = []
        for level, down in enumerate(self.down):
            x = F.avg_pool2d(x, 2) if level else x
            assert isinstance(down, nn.ModuleList)
            for block in down:
                x = block(x, embedding)
            skips.append(x)
        x = self.middle(x, embedding)
        for level, up in reversed(list(enumerate(self.up))):
            x = torch.cat((x, skips[level]), 1)
            assert isinstance(up, nn.ModuleList)
            for block in up:
                x = block(x, embedding)
            x = F.interpolate(x, scale_factor=2) if level else x
        out: Tensor = self.end(F.silu(self.norm(x)))
        return F.pixel_shuffle(out, self.patch) if self.patch > 1 else out


def _blocks(inputs: Sequence[int], outputs: int, embedding: int, dropout: float, *, attention: bool) -> nn.ModuleList:
    return nn.ModuleList(Block(channels, outputs, embedding, dropout, attention=attention) for channels in inputs)


def _level(embedding: int, highest: float) -> nn.Sequential:
    return nn.Sequential(LevelEmbedding(highest), nn.Linear(_LEVEL_NUMBERS, embedding), nn.SiLU())


def _norm(channels: int) -> nn.GroupNorm:
    """Return group norm with up to 32 groups, each of four channels or more."""
    groups = next(groups for groups in range(min(32, max(1, channels // 4)), 0, -1) if channels % groups == 0)
    return nn.GroupNorm(groups, channels)
