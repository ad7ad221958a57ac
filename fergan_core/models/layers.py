"""Layers that several networks share."""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

GConditioning = Literal["concat", "norm", "none"]
DConditioning = Literal["concat", "onehot", "projection", "auxiliary", "none"]


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm with a scale and shift for each class (de Vries et al., arXiv:1707.00683, section 3.2)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Embedding(classes, channels)
        self.shift = nn.Embedding(classes, channels)

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        """Normalise x [B,C,H,W]; scale and shift each image by its class, int64 [B]."""
        scale, shift = self.scale(classes), self.shift(classes)
        return torch.addcmul(shift[:, :, None, None], self.norm(x), scale[:, :, None, None])


class ImageEmbedding(nn.Module):
    """An emotion as an image: one learnt value a pixel, concatenated to the face as a second channel."""

    def __init__(self, classes: int, size: int = 48) -> None:
        super().__init__()
        self.size = size
        self.table = nn.Embedding(classes, size * size)

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        """Return [B,2,H,W] from images [B,1,H,W] and classes int64 [B]."""
        image = self.table(classes).view(-1, 1, self.size, self.size)
        return torch.cat((images, image.to(images.dtype)), 1)


class OneHotChannels(nn.Module):
    """An emotion as channels of an image: one a class, of 1 in the requested class's and of 0 in the others."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        """Return [B,1+K,H,W] from images [B,1,H,W] and classes int64 [B]."""
        channels = F.one_hot(classes, self.classes)[:, :, None, None].to(images.dtype)
        return torch.cat((images, channels.expand(-1, -1, *images.shape[2:])), 1)


def emotion_channels(conditioning: DConditioning, classes: int) -> tuple[nn.Module | None, int]:
    """Return what adds a discriminator's channels of the emotion to a face, if it has any, and its input's channels."""
    if conditioning == "concat":
        return ImageEmbedding(classes), 2
    if conditioning == "onehot":
        return OneHotChannels(classes), 1 + classes
    return None, 1


class LatentInput(nn.Module):
    """Latents [B,Z], concatenated with the emotion's embedding where the conditioning is 'concat'."""

    def __init__(self, latent_size: int, classes: int, embedding_size: int, conditioning: GConditioning) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, embedding_size) if conditioning == "concat" else None
        self.size = latent_size + (embedding_size if self.embedding is not None else 0)

    def forward(self, latents: Tensor, classes: Tensor) -> Tensor:
        """Return [B,size]."""
        if self.embedding is None:
            return latents
        return torch.cat((latents, self.embedding(classes)), 1)


class Norm(nn.Module):
    """Batch norm, conditional where the conditioning is 'norm'; the identity where not `normalised`."""

    def __init__(
        self, channels: int, classes: int, conditioning: GConditioning, eps: float = 1e-5, *, normalised: bool = True
    ) -> None:
        super().__init__()
        self.plain = nn.BatchNorm2d(channels, eps=eps) if normalised and conditioning != "norm" else None
        self.conditional = ConditionalBatchNorm2d(channels, classes) if normalised and conditioning == "norm" else None

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        """Normalise x [B,C,H,W] of classes int64 [B]."""
        if self.conditional is not None:
            conditional: Tensor = self.conditional(x, classes)
            return conditional
        if self.plain is not None:
            plain: Tensor = self.plain(x)
            return plain
        return x


class Head(nn.Module):
    """Features [B,...] -> one logit an image [B], plus the class's projection where the conditioning is 'projection'.

    With an auxiliary classifier (Odena et al. 2017, arXiv:1610.09585, section 3) it returns [B,1+classes]: the logit
    of being real, which does not depend on the requested class, and the classes' logits.
    """

    def __init__(self, features: int, classes: int, conditioning: DConditioning) -> None:
        super().__init__()
        self.logit = nn.Linear(features, 1)
        self.projection = nn.Embedding(classes, features) if conditioning == "projection" else None
        if self.projection is not None:
            nn.init.normal_(self.projection.weight, 0.0, 0.02)
        self.classifier = nn.Linear(features, classes) if conditioning == "auxiliary" else None

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        """Return logits [B] or [B,1+classes]."""
        x = x.flatten(1)
        logit: Tensor = self.logit(x)
        if self.classifier is not None:
            return torch.cat((logit, self.classifier(x)), 1)
        logit = logit.squeeze(1)
        if self.projection is not None:
            logit = logit + (self.projection(classes) * x).sum(1)
        return logit


class Discriminator(nn.Module, ABC):
    """Channels of the emotion, where the conditioning has some; then features of the faces; then a head.

    A descendant makes `head`; its features begin with `planes` channels.
    """

    head: Head

    def __init__(self, classes: int, conditioning: DConditioning) -> None:
        super().__init__()
        self.embedding, self.planes = emotion_channels(conditioning, classes)

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return what the head gets, [B,...], of faces with their emotion's channels [B,planes,48,48]."""

    def forward(self, images: Tensor, *class_sets: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return logits [B] that images [B,1,48,48] of these classes are real (auxiliary: [B,1+classes]).

        For several sets of classes it returns a tuple with the logits under each; features that do not depend on the
        emotion are computed once.
        """
        if self.embedding is None:
            features = [self.features(images)] * len(class_sets)
        else:
            features = [self.features(self.embedding(images, classes)) for classes in class_sets]
        all_logits = tuple(map(self.head, features, class_sets))
        return all_logits if len(class_sets) > 1 else all_logits[0]


def bound_spectrally(network: nn.Module) -> nn.Module:
    """Apply spectral norm: divide each weight matrix by its largest singular value (arXiv:1802.05957, section 2.1).

    To convolutions, linear layers and a projection's embedding, by power iteration, one more in each training pass.
    """
    for layer in list(network.modules()):
        if isinstance(layer, Head) and layer.projection is not None:
            spectral_norm(layer.projection)
        if isinstance(layer, nn.ConvTranspose2d):
            spectral_norm(layer, dim=1)
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            spectral_norm(layer)
    return network


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
