"""The recipe of a conditional variational autoencoder: `methods/vae.py` trains it."""

from typing import Annotated, ClassVar, Literal

import tyro
from pydantic import Field
from pydantic.dataclasses import dataclass

from fergan_core.recipe.fields import STRICT, Decay, Positive, Rate
from fergan_core.recipe.method import MethodRecipe


@dataclass(frozen=True, config=STRICT)
class Vae(MethodRecipe):
    """A conditional VAE (Kingma and Welling 2014, arXiv:1312.6114; Sohn et al. 2015), pixels normal about the decoder's
    face with one deviation, the best for each batch (Rybkin et al. 2021, arXiv:2006.13202)."""

    title: ClassVar[str] = "a conditional variational autoencoder"

    kind: tyro.conf.Suppress[Literal["vae"]] = "vae"
    width: Positive = 32
    """Channels of the layer next to the image; the inner layers have 2, 4 and 8 times as many."""
    latent_size: Positive = 64
    """Numbers in a latent vector."""
    beta: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the latents' divergence from the prior; 1 is the evidence's lower bound."""
    lr: Rate = 1e-3
    """Adam's learning rate."""
    lr_decay: bool = True
    """Let the learning rate fall to 0 in a straight line over the training."""
    ema: Decay = 0.999
    """Decay a step of the averaged networks that draw the faces."""

    @property
    def drawn_by(self) -> str:
        """Name the network of a checkpoint that draws."""
        return "average.decoder"
