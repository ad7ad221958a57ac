"""The recipes of the methods that share a U-Net: see `methods/diffusion.py`, `flow.py` and `meanflow.py`."""

from typing import Annotated, ClassVar, Literal

import tyro
from pydantic import Field
from pydantic.dataclasses import dataclass

from fergan_core.errors import UsageError
from fergan_core.recipe.fields import STRICT, Count, Decay, Positive, Rate
from fergan_core.recipe.method import MethodRecipe


@dataclass(frozen=True, config=STRICT)
class Sampling:
    """How a face is drawn: the solver, its number of steps, and the guidance towards its emotion."""

    sampler: str
    steps: Positive
    guidance: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class Denoiser(MethodRecipe):
    """What diffusion, flow matching and MeanFlow share: a class-conditional U-Net, its training and its sampling."""

    in_steps: ClassVar[bool] = True
    in_one_pass: ClassVar[bool] = False

    width: Positive = 32
    """Channels of the U-Net's first level; the second level has twice as many, the third three times, and so on."""
    blocks: Positive = 1
    """Residual blocks per level, in the encoder and in the decoder."""
    patch: Literal[1, 2] = 2
    """Side of the pixel patches that the network works on: 2 costs a quarter of 1, and loses some detail."""
    dropout: Decay = 0.0
    """Dropout in the residual blocks."""
    label_dropout: Decay = 0.1
    """Share of faces that are learnt without their emotion, which classifier-free guidance needs."""
    lr: Rate = 1e-3
    """Adam's learning rate."""
    warmup: Count = 100
    """Steps over which the learning rate rises from 0."""
    lr_decay: bool = True
    """Decay the learning rate linearly to 0 over the training."""
    ema: Decay = 0.999
    """Decay per step of the moving average of the network, which draws the faces."""
    sampler: str = ""
    """Solver that draws a face."""
    sample_steps: Positive = 18
    """Steps of the sampler for a face, unless other steps are asked for when drawing."""
    guidance: Annotated[float, Field(ge=0)] = 1.0
    """Classifier-free guidance: 1 is the plain conditional model; more is closer to the emotion, at twice the cost."""

    @property
    def sampling(self) -> Sampling:
        """Return how a face is drawn."""
        return Sampling(self.sampler, self.sample_steps, self.guidance)

    @property
    def drawn_by(self) -> str:
        """Name the network of a checkpoint that draws."""
        return "average"

    @property
    def guidable(self) -> bool:
        """Tell whether a trained network can draw with other guidance than the recipe's."""
        return self.label_dropout > 0

    def __post_init__(self) -> None:
        if self.guidance != 1 and not self.label_dropout:
            raise UsageError(
                "--guidance: it needs a network that learns without emotions too; give 1, or --label-dropout above 0"
            )


@dataclass(frozen=True, config=STRICT)
class Diffusion(Denoiser):
    """A diffusion model with EDM's preconditioning, loss and noise levels (Karras et al. 2022, arXiv:2206.00364)."""

    title: ClassVar[str] = "a class-conditional diffusion model"

    kind: tyro.conf.Suppress[Literal["diffusion"]] = "diffusion"
    sampler: Literal["heun", "ddim"] = "heun"
    """Solver that draws a face: heun takes two passes of the network per step, ddim one."""


@dataclass(frozen=True, config=STRICT)
class Flow(Denoiser):
    """Flow matching on straight paths, a continuous normalising flow (Lipman et al. 2023, arXiv:2210.02747)."""

    title: ClassVar[str] = "a class-conditional flow-matching model"

    kind: tyro.conf.Suppress[Literal["flow"]] = "flow"
    sampler: Literal["euler", "midpoint", "adaptive"] = "midpoint"
    """Solver that draws a face: euler takes one pass of the network per step, midpoint two, adaptive what it needs."""


@dataclass(frozen=True, config=STRICT)
class MeanFlow(Denoiser):
    """MeanFlow learns velocities averaged over a step, and draws in one or two (Geng et al. 2025, arXiv:2505.13447)."""

    title: ClassVar[str] = "a class-conditional MeanFlow, which draws a face in a pass or two"
    in_one_pass: ClassVar[bool] = True

    kind: tyro.conf.Suppress[Literal["meanflow"]] = "meanflow"
    sampler: Literal["average"] = "average"
    """How a face is drawn: average goes each step with the average velocity over it, one pass of the network."""
    sample_steps: Positive = 2
    """Steps for a face, unless other steps are asked for when drawing."""
    guidance: Annotated[float, Field(ge=0)] = 2.0
    """Classifier-free guidance that is learnt, and costs nothing when drawing: 1 is the plain conditional model."""

    @property
    def guidable(self) -> bool:
        """Tell that the network has no other guidance than that which it learnt."""
        return False
