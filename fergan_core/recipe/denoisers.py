"""The recipes of diffusion and of flow matching, which share a network: see `methods/diffusion.py` and `flow.py`."""

from typing import Annotated, ClassVar, Literal

import tyro
from pydantic import Field
from pydantic.dataclasses import dataclass

from fergan_core.errors import UsageError
from fergan_core.recipe.fields import STRICT, Count, Decay, Positive, Rate
from fergan_core.recipe.method import MethodRecipe


@dataclass(frozen=True, config=STRICT)
class Sampling:
    """How a face is drawn: by which solver, in how many steps, pushed how far to its emotion."""

    sampler: str
    steps: Positive
    guidance: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class Denoiser(MethodRecipe):
    """What diffusion and flow matching have in common: a class-conditional U-Net, how it learns, how it is guided."""

    in_steps: ClassVar[bool] = True

    width: Positive = 32
    """Channels of the U-Net's first level; the second has twice as many, the third three times, the fourth four."""
    blocks: Positive = 1
    """Residual blocks a level, on the way down and on the way up."""
    patch: Literal[1, 2] = 2
    """Side of the square of pixels that the network takes as one place: 2 costs a fourth, and sees the grain less."""
    dropout: Decay = 0.0
    """Dropout in the residual blocks."""
    label_dropout: Decay = 0.1
    """Share of the faces that are learnt without their emotion, which guidance needs."""
    lr: Rate = 1e-3
    """Adam's learning rate."""
    warmup: Count = 100
    """Steps over which the learning rate rises from 0."""
    lr_decay: bool = True
    """Let the learning rate fall to 0 in a straight line over the training."""
    ema: Decay = 0.999
    """Decay a step of the averaged network that draws the faces."""
    sampler: str = ""
    """How a face is drawn."""
    sample_steps: Positive = 18
    """Steps of the sampler that draws a face, where a drawing asks for no other number."""
    guidance: Annotated[float, Field(ge=0)] = 1.0
    """How far a face is pushed to its emotion: 1 is the plain conditional model, above is more, at twice the cost."""

    @property
    def sampling(self) -> Sampling:
        """Return how a face is drawn."""
        return Sampling(self.sampler, self.sample_steps, self.guidance)

    @property
    def drawn_by(self) -> str:
        """Name the network of a checkpoint that draws."""
        return "average"

    def __post_init__(self) -> None:
        if self.guidance != 1 and not self.label_dropout:
            raise UsageError(
                "--guidance: it takes a network that learnt without emotions too; give 1, or --label-dropout above 0"
            )


@dataclass(frozen=True, config=STRICT)
class Diffusion(Denoiser):
    """A diffusion model by EDM (Karras et al. 2022, arXiv:2206.00364): its preconditioning, loss and noise levels."""

    title: ClassVar[str] = "a class-conditional diffusion model"

    kind: tyro.conf.Suppress[Literal["diffusion"]] = "diffusion"
    sampler: Literal["heun", "ddim"] = "heun"
    """How a face is drawn: Heun's method, two passes of the network a step, or DDIM's, one pass a step."""


@dataclass(frozen=True, config=STRICT)
class Flow(Denoiser):
    """Conditional flow matching on straight paths (Lipman et al. 2023, arXiv:2210.02747): a continuous normalising
    flow."""

    title: ClassVar[str] = "a class-conditional flow by flow matching"

    kind: tyro.conf.Suppress[Literal["flow"]] = "flow"
    sampler: Literal["euler", "midpoint", "adaptive"] = "midpoint"
    """How a face is drawn: Euler's method, one pass of the network a step; the midpoint method, two; or adaptive
    (Dormand and Prince 1980), as many as it needs, whatever the number of steps."""
