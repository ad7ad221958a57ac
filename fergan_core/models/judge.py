"""The judge's network: a compact residual classifier of 48x48 grey faces, with an optional identity head."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from fergan_core.emotions import EMOTIONS


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016, arXiv:1512.03385, Fig. 2); `stride` 2 halves the side."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            # Averaging first, so that no pixel is skipped by a strided 1x1 convolution (arXiv:1812.01187, ResNet-D).
            pool = nn.AvgPool2d(stride) if stride != 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        # A block starts as its shortcut: the deep network first learns as a shallow one (arXiv:1706.02677, 5.1).
        nn.init.zeros_(self.second_norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B,inputs,H,W] to [B,outputs,H/stride,W/stride]."""
        inner = F.relu(self.first_norm(self.first(x)))
        out: Tensor = F.relu(self.second_norm(self.second(inner)) + self.shortcut(x))
        return out


class JudgeNet(nn.Module):
    """Emotion (and, if `identities` > 0, identity) of faces float [B,1,48,48] in [-1,1].

    `widths` are the channels at 24x24, 12x12 and 6x6; `blocks` the residual blocks at each. The features are the
    last stage's channels averaged over the picture, so `widths[-1]` (at most 128) is their number.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int], identities: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.widths, self.blocks, self.identities = tuple(widths), tuple(blocks), identities
        self.stem = nn.Conv2d(1, widths[0], 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(widths[0])
        stages: list[nn.Module] = []
        inputs = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                stages.append(ResidualBlock(inputs, width, 2 if stage > 0 and block == 0 else 1))
                inputs = width
        self.body = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.emotion_head = nn.Linear(inputs, len(EMOTIONS))
        self.identity_head = nn.Linear(inputs, identities) if identities else None

    def features(self, images: Tensor) -> Tensor:
        """Return features [B, widths[-1]], 0 and up, of faces [B,1,48,48] in [-1,1]."""
        x = F.relu(self.stem_norm(self.stem(images)))
        out: Tensor = self.body(x).mean((2, 3))
        return out

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return emotion logits [B,7] and identity logits [B,identities] (None without an identity head)."""
        features = self.dropout(self.features(images))
        identity = None if self.identity_head is None else self.identity_head(features)
        return self.emotion_head(features), identity


def parameters(network: nn.Module) -> int:
    """Count a network's trainable numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: JudgeNet) -> int:
    """Count the multiply-adds of the convolutions and heads for one 48x48 face, from the layers' shapes."""
    total = 24 * 24 * network.stem.weight.numel()
    size = 24
    for block in network.body:
        assert isinstance(block, ResidualBlock)
        size //= block.first.stride[0]
        total += size * size * (block.first.weight.numel() + block.second.weight.numel())
        total += sum(
            size * size * layer.weight.numel() for layer in block.shortcut.modules() if isinstance(layer, nn.Conv2d)
        )
    heads = [head for head in (network.emotion_head, network.identity_head) if head is not None]
    return total + sum(head.weight.numel() for head in heads)
