"""Layers that several networks share."""

import torch
from torch import Tensor, nn


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose scale and shift belong to the class (de Vries et al., arXiv:1707.00683, section 3.2)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Embedding(classes, channels)
        self.shift = nn.Embedding(classes, channels)

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        """Normalise x [B,C,H,W]; scale and shift each image by its class in classes int64 [B]."""
        scale, shift = self.scale(classes), self.shift(classes)
        return torch.addcmul(shift[:, :, None, None], self.norm(x), scale[:, :, None, None])


class ImageEmbedding(nn.Module):
    """An emotion as a picture: one learnt value a pixel, to be concatenated to the face as a second channel."""

    def __init__(self, classes: int, size: int = 48) -> None:
        super().__init__()
        self.size = size
        self.table = nn.Embedding(classes, size * size)

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        """Return [B,2,H,W] from images [B,1,H,W] and classes int64 [B]."""
        picture = self.table(classes).view(-1, 1, self.size, self.size)
        return torch.cat((images, picture.to(images.dtype)), 1)


def initialise_dcgan(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02) and norm scales from N(1, 0.02) (Radford et al., arXiv:1511.06434, section 4)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, ConditionalBatchNorm2d):
            nn.init.normal_(layer.scale.weight, 1.0, 0.02)
            nn.init.zeros_(layer.shift.weight)
        elif isinstance(layer, ImageEmbedding):
            nn.init.normal_(layer.table.weight, 0.0, 0.02)
