"""The recipe of a conditional variational autoencoder: `methods/vae.py` trains it."""

from typing import Annotated, ClassVar, Literal

import tyro
from pydantic import Field
from pydantic.dataclasses import dataclass

from fergan_core.recipe.fields import STRICT, Decay, Positive, Rate
from fergan_core.recipe.method import MethodRecipe


@dataclass(frozen=True, config=STRICT)
class Vae(MethodRecipe):
    """A conditional VAE (Kingma and Welling 2014, arXiv:1312.6114) with normal pixels.

    Their variance is the optimal one of each batch (Rybkin et al. 2021, arXiv:2006.13202).
    """

    title: ClassVar[str] = "a conditional variational autoencoder"

    kind: tyro.conf.Suppress[Literal["vae"]] = "vae"
    width: Positive = 32
    """Channels of the layer next to the image; the inner layers have 2, 4 and 8 times as many."""
    latent_size: Positive = 64
    """Dimensions of the latent vector."""
    beta: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the latents' divergence from the prior; 1 is the evidence lower bound."""
    lr: Rate = 1e-3
    """Adam's learning rate."""
    lr_decay: bool = True
    """Decay the learning rate linearly to 0 over the training."""
    ema: Decay = 0.999
    """Decay per step of the moving average of the networks, which draws the faces."""

    @property
    def drawn_by(self) -> str:
        """Name the network of a checkpoint that draws."""
        return "average.decoder"
