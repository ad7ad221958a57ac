"""The network of a conditional variational autoencoder for 48x48 grey faces: DCGAN's layers in both directions."""

import torch
from torch import Tensor, nn

from fergan_core.models.dcgan import START, DcganGenerator
from fergan_core.models.layers import ImageEmbedding, initialise_dcgan

# The log variance is clamped to plus or minus this: its exp must not overflow; an untrained encoder is far from it.
_MAX_LOG_VARIANCE = 10.0


class Encoder(nn.Module):
    """Faces [B,1,48,48] with the class as a second channel -> strided convolutions -> mean and log variance [B,Z]."""

    def __init__(self, *, classes: int, latent_size: int, width: int) -> None:
        super().__init__()
        self.embedding = ImageEmbedding(classes)
        layers: list[nn.Module] = []
        inputs = 2
        for level in range(4):
            outputs = width << level
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.posterior = nn.Linear(inputs * START * START, 2 * latent_size)
        initialise_dcgan(self)

    def forward(self, images: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the posterior, both [B,Z]."""
        posterior = self.posterior(self.body(self.embedding(images, classes)).flatten(1))
        mean, log_variance = posterior.chunk(2, 1)
        return mean, log_variance.clamp(-_MAX_LOG_VARIANCE, _MAX_LOG_VARIANCE)


class AutoEncoder(nn.Module):
    """An encoder and a decoder: a DCGAN generator with conditional batch norm."""

    def __init__(self, *, classes: int, latent_size: int, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(classes=classes, latent_size=latent_size, width=width)
        self.decoder = DcganGenerator(
            classes=classes, latent_size=latent_size, width=width, embedding_size=1, conditioning="norm"
        )

    def forward(self, images: Tensor, classes: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return faces [B,1,48,48] decoded from posterior latents by noise [B,Z]; the mean and log variance [B,Z]."""
        mean, log_variance = self.encoder(images, classes)
        return self.decoder(torch.addcmul(mean, noise, (log_variance / 2).exp()), classes), mean, log_variance
