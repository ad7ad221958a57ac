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
    """A conditional GAN (Goodfellow et al. 2014, arXiv:1406.2661): its networks, its loss, and its regularisation."""

    title: ClassVar[str] = "a conditional DCGAN"

    kind: tyro.conf.Suppress[Literal["gan"]] = "gan"
    network: Literal["dcgan", "pytorch-gan", "resnet", "r3gan"] = "dcgan"
    """dcgan: transposed convolutions; pytorch-gan: upsampling and dropout; resnet, r3gan: residual blocks."""
    width: Positive = 32
    """Channels of the layer next to the image; the inner layers have 2, 4 and 8 times as many."""
    latent_size: Positive = 100
    """Dimensions of the latent vector."""
    latent: Literal["uniform", "normal"] = "uniform"
    """Distribution of the latent: uniform on [-1,1] or standard normal."""
    g_conditioning: Literal["concat", "norm", "none"] = "concat"
    """How the generator gets the emotion: an embedding concatenated to the latent, conditional batch norm, or not."""
    d_conditioning: Literal["concat", "onehot", "projection", "auxiliary", "none"] = "concat"
    """How the discriminator gets it: a learnt image channel, one constant channel each, projection, AC-GAN, or not."""
    g_batch_norm: bool = True
    """Batch norm in the generator."""
    d_batch_norm: bool = True
    """Batch norm in the discriminator."""
    spectral_norm: Literal["none", "discriminator", "both"] = "none"
    """Networks with spectral norm: each weight matrix divided by its largest singular value."""
    matching_aware: bool = False
    """Show the discriminator real faces under a wrong emotion as fakes too (Reed et al. 2016, arXiv:1605.05396)."""
    loss: Literal["non-saturating", "saturating", "lsgan", "hinge", "wgan-gp", "relativistic"] = "non-saturating"
    """The GAN loss of both networks; relativistic compares each real face with a generated one of its emotion."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """How far below 1 the discriminator's target for real faces is."""
    r1: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the R1 penalty on the discriminator's gradient at real faces."""
    r2: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the R2 penalty on the discriminator's gradient at generated faces."""
    r1_every: Positive = 16
    """Steps between R1 and R2 penalties, each weighted for all of these steps."""
    lecam: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the LeCam penalty on the discriminator's logits, meant for scarce data."""
    augment: Literal["none", "diffaugment", "ada"] = "none"
    """Augmentation of the discriminator's input: none, of every face, or adaptive: the more, the more it overfits."""
    instance_noise: Annotated[float, Field(ge=0)] = 0.0
    """Standard deviation of noise on the discriminator's input at the start; it fades to 0 over the training."""
    g_ema: Decay = 0.0
    """Decay per step of the moving average of the generator, which draws the faces; 0 is no average."""
    embedding_size: Positive = 16
    """Dimensions of the emotion's embedding, which is concatenated to the latent."""
    g_lr: Rate = 2e-4
    """Adam's learning rate of the generator."""
    d_lr: Rate = 2e-4
    """Adam's learning rate of the discriminator."""
    beta1: Decay = 0.5
    """Adam's decay of the first moment."""
    beta2: Decay = 0.999
    """Adam's decay of the second moment."""
    first: Literal["discriminator", "generator"] = "discriminator"
    """Network that is updated first in a step."""
    d_steps: Positive = 1
    """Updates of the discriminator for each of the generator."""
    lr_decay: bool = False
    """Decay both learning rates linearly to 0 over the training."""

    @property
    def drawn_by(self) -> str:
        """Name the network of a checkpoint that draws."""
        return "average" if self.g_ema else "generator"

    def check(self, emotions: int, compiled: bool) -> None:
        """Raise UsageError where the common fields are at odds with these: the number of emotions, and `compile`."""
        if self.matching_aware and emotions < 2:
            raise UsageError(
                "--matching-aware: it needs two emotions or more, to have a wrong one; give --no-matching-aware"
            )
        if compiled and (self.r1 or self.r2 or self.loss == "wgan-gp"):
            raise UsageError(
                "--compile: PyTorch does not compile the second derivatives of --r1, --r2 and --loss wgan-gp; "
                "leave one out"
            )

    def __post_init__(self) -> None:
        if self.label_smoothing and self.loss not in ("non-saturating", "saturating", "lsgan"):
            raise UsageError(
                f"--label-smoothing: the loss {self.loss} has no targets to smooth; use 0, or another --loss"
            )
        if self.loss == "wgan-gp" and self.d_batch_norm:
            raise UsageError(
                "--loss wgan-gp: its penalty is on each face alone, and batch norm mixes faces; give --no-d-batch-norm"
            )
        if self.network == "r3gan" and (self.g_batch_norm or self.d_batch_norm):
            raise UsageError(
                "--network r3gan: it has no batch norm in either network; give --no-g-batch-norm and --no-d-batch-norm"
            )
        if self.network == "r3gan" and self.spectral_norm != "none":
            raise UsageError(
                "--network r3gan: spectral norm cannot divide convolutions that start at 0; give --spectral-norm none"
            )
        if self.g_conditioning == "norm" and not self.g_batch_norm:
            raise UsageError("--g-conditioning norm: it needs batch norm in the generator; leave out --no-g-batch-norm")
        if self.d_conditioning in ("auxiliary", "none") and self.matching_aware:
            raise UsageError(
                f"--d-conditioning {self.d_conditioning}: it does not get the requested emotion; give "
                "--no-matching-aware"
            )
