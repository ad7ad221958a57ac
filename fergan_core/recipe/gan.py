"""The recipe of a conditional GAN: `methods/adversarial.py` trains it."""

from typing import Annotated, ClassVar, Literal

import tyro
from pydantic import Field
from pydantic.dataclasses import dataclass

from fergan_core.errors import UsageError
from fergan_core.recipe.fields import STRICT, Decay, Positive, Rate
from fergan_core.recipe.method import MethodRecipe


@dataclass(frozen=True, config=STRICT)
class Gan(MethodRecipe):
    """A conditional GAN (Goodfellow et al. 2014, arXiv:1406.2661): its networks, its game, and what steadies it."""

    title: ClassVar[str] = "a conditional DCGAN"

    kind: tyro.conf.Suppress[Literal["gan"]] = "gan"
    network: Literal["dcgan", "pytorch-gan", "resnet"] = "dcgan"
    """dcgan: four strided (transposed) convolutions from 3x3 to 48x48; pytorch-gan: upsampling and convolutions,
    dropout in the discriminator; resnet: residual blocks from 6x6."""
    width: Positive = 32
    """Channels of the layer next to the image; the inner layers have 2, 4 and 8 times as many."""
    latent_size: Positive = 100
    """Numbers in a latent vector."""
    latent: Literal["uniform", "normal"] = "uniform"
    """Distribution of a latent's numbers: uniform on [-1,1] or standard normal."""
    g_conditioning: Literal["concat", "norm"] = "concat"
    """How the generator learns the emotion: an embedding concatenated to the latent, or conditional batch norm."""
    d_conditioning: Literal["concat", "projection", "auxiliary"] = "concat"
    """How the discriminator learns it: an embedding concatenated as a second image channel, a projection, or not, but
    with an auxiliary classifier of emotion (AC-GAN)."""
    g_batch_norm: bool = True
    """Batch norm in the generator."""
    d_batch_norm: bool = True
    """Batch norm in the discriminator."""
    spectral_norm: Literal["none", "discriminator", "both"] = "none"
    """Divide the weights of these networks by their largest singular value."""
    matching_aware: bool = False
    """Show the discriminator real faces under a wrong emotion too, as fakes: it must look at the expression (Reed et
    al., arXiv:1605.05396, algorithm 1)."""
    loss: Literal["non-saturating", "saturating", "lsgan", "hinge", "wgan-gp"] = "non-saturating"
    """The game: what both networks minimise."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """How much the discriminator's target of real faces is below 1."""
    r1: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the R1 penalty on the discriminator's gradient at real faces."""
    r1_every: Positive = 16
    """Steps between two R1 penalties, each with the weight of all of them."""
    lecam: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the LeCam penalty on the discriminator's logits, for scarce data."""
    augment: Literal["none", "diffaugment", "ada"] = "none"
    """Augmentation of all that the discriminator sees: none, of every face, or as often as it overfits."""
    instance_noise: Annotated[float, Field(ge=0)] = 0.0
    """Deviation of the noise on all that the discriminator sees, at the start; it fades to 0 over the training."""
    g_ema: Decay = 0.0
    """Decay a step of the averaged generator that draws the faces; 0 draws by the generator itself."""
    embedding_size: Positive = 16
    """Numbers in the emotion's embedding that is concatenated to the latent."""
    g_lr: Rate = 2e-4
    """Adam's learning rate of the generator."""
    d_lr: Rate = 2e-4
    """Adam's learning rate of the discriminator."""
    beta1: Decay = 0.5
    """Adam's decay of the first moment."""
    beta2: Decay = 0.999
    """Adam's decay of the second moment."""
    first: Literal["discriminator", "generator"] = "discriminator"
    """Which of the two networks learns first in a step."""
    d_steps: Positive = 1
    """Steps of the discriminator for one of the generator."""
    lr_decay: bool = False
    """Let both learning rates fall to 0 in a straight line over the training."""

    @property
    def drawn_by(self) -> str:
        """Name the network of a checkpoint that draws."""
        return "average" if self.g_ema else "generator"

    def check(self, emotions: int, compiled: bool) -> None:
        """Raise UsageError where the common fields are at odds with these: the number of emotions, and `compile`."""
        if self.matching_aware and emotions < 2:
            raise UsageError(
                "--matching-aware: a wrong emotion takes two emotions to choose from; give --no-matching-aware"
            )
        if compiled and (self.r1 or self.loss == "wgan-gp"):
            raise UsageError("--compile: PyTorch does not compile the derivative of a derivative; leave it or --r1 out")

    def __post_init__(self) -> None:
        if self.label_smoothing and self.loss not in ("non-saturating", "saturating", "lsgan"):
            raise UsageError(f"--label-smoothing: the loss {self.loss} has no targets; use 0, or another --loss")
        if self.loss == "wgan-gp" and self.d_batch_norm:
            raise UsageError(
                "--loss wgan-gp: its penalty is on each face alone, and batch norm mixes faces; give --no-d-batch-norm"
            )
        if self.g_conditioning == "norm" and not self.g_batch_norm:
            raise UsageError("--g-conditioning norm: there is no norm to condition; leave out --no-g-batch-norm")
        if self.d_conditioning == "auxiliary" and self.matching_aware:
            raise UsageError(
                "--d-conditioning auxiliary: it does not know which emotion was requested; give --no-matching-aware"
            )
