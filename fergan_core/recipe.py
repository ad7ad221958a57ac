"""Recipes: the whole configuration of a run, its validation, its JSON, and the presets, which are named recipes."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import tyro
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import DataError, UsageError

_STRICT = ConfigDict(extra="forbid")

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, config=_STRICT)
class Gan:
    """A conditional GAN learnt with the non-saturating loss (Goodfellow et al. 2014, section 3)."""

    kind: tyro.conf.Suppress[Literal["gan"]] = "gan"
    network: Literal["dcgan", "pytorch-gan"] = "dcgan"
    """dcgan: four strided (transposed) convolutions from 3x3 to 48x48; pytorch-gan: upsampling and convolutions,
    dropout in the discriminator."""
    width: Positive = 32
    """Channels of the layer next to the image; the inner layers have 2, 4 and 8 times as many."""
    latent_size: Positive = 100
    """Numbers in a latent vector."""
    latent: Literal["uniform", "normal"] = "uniform"
    """Distribution of a latent's numbers: uniform on [-1,1] or standard normal."""
    g_conditioning: Literal["concat", "norm"] = "concat"
    """How the generator learns the emotion: an embedding concatenated to the latent, or conditional batch norm."""
    d_conditioning: Literal["concat", "projection"] = "concat"
    """How the discriminator learns it: an embedding concatenated as a second image channel, or a projection."""
    matching_aware: bool = False
    """Show the discriminator real faces under a wrong emotion too, as fakes: it must look at the expression (Reed et
    al., arXiv:1605.05396, algorithm 1)."""
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


Method = Gan


@dataclass(frozen=True, config=_STRICT)
class Common:
    """The fields that every method's recipe has."""

    preset: str = "quick"
    """Preset whose values the other flags change: dcgan, pytorch-gan, report, report-small or quick."""
    emotions: tuple[str, ...] = EMOTIONS
    """Emotions to train on, by name."""
    epochs: Positive = 10
    """Passes over the training images."""
    batch_size: Annotated[int, Field(ge=2)] = 128
    """Images a step."""
    images: Count = 0
    """Use only the first N training images of the chosen emotions; 0 uses all."""
    seed: Count = 0
    """Seed of everything random in the run."""
    flip: bool = False
    """Mirror each training image with probability 1/2."""
    eval_every: Count = 1
    """Epochs between evaluations; 0 evaluates only the last epoch."""
    checkpoint_every: Positive = 1
    """Epochs between checkpoints; the last epoch always has one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the networks; auto takes bfloat16 autocast on a GPU that has it, float32 elsewhere."""
    compile: bool = False
    """Compile the networks (torch.compile); pays on a GPU in long runs only."""


@dataclass(frozen=True, config=_STRICT)
class Recipe(Common):
    """The whole configuration of a run: the common fields and one method's own."""

    method: Method = Gan()

    def __post_init__(self) -> None:
        try:
            codes = [emotion_code(name) for name in self.emotions]
        except DataError as error:
            raise UsageError(f"--emotions: {error}") from None
        if not codes or len(set(codes)) != len(codes):
            raise UsageError("--emotions: name at least one emotion, and each only once")
        if self.method.matching_aware and len(codes) < 2:
            raise UsageError(
                "--matching-aware: a wrong emotion takes two emotions to choose from; give --no-matching-aware"
            )
        object.__setattr__(self, "emotions", tuple(EMOTIONS[code] for code in sorted(codes)))


_ADAPTER: TypeAdapter[Recipe] = TypeAdapter(Recipe)

REPORT_EMOTIONS = ("angry", "disgust", "fear", "surprise", "neutral")

_PYTORCH_GAN = Gan(network="pytorch-gan", width=16, latent="normal", first="generator")

PRESETS: Mapping[str, Recipe] = {
    # Radford et al. (arXiv:1511.06434) made conditional: their layers, initialisation, latent, optimiser and batch;
    # the width is scaled from 128 at 64x64 to what a CPU trains in minutes an epoch (`--width 128` is theirs).
    "dcgan": Recipe(preset="dcgan", epochs=25, eval_every=5),
    # The network and settings of PyTorch-GAN's implementations/dcgan, made conditional.
    "pytorch-gan": Recipe(preset="pytorch-gan", epochs=25, batch_size=64, eval_every=5, method=_PYTORCH_GAN),
    "report": Recipe(
        preset="report",
        emotions=REPORT_EMOTIONS,
        epochs=100,
        batch_size=64,
        eval_every=25,
        checkpoint_every=5,
        method=_PYTORCH_GAN,
    ),
    "report-small": Recipe(
        preset="report-small", emotions=REPORT_EMOTIONS, epochs=100, eval_every=25, checkpoint_every=5
    ),
    "quick": Recipe(
        preset="quick",
        epochs=9,
        batch_size=64,
        eval_every=3,
        method=Gan(width=16, g_conditioning="norm", d_conditioning="projection", matching_aware=True),
    ),
}


def preset(name: str) -> Recipe:
    """Return a preset's recipe; raise UsageError with the nearest name where there is none."""
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise UsageError(f"unknown preset '{name}'; {hint}({', '.join(PRESETS)})")
    return PRESETS[name]


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain JSON values, of which `from_dict` makes the same recipe again."""
    plain: dict[str, Any] = _ADAPTER.dump_python(recipe, mode="json")
    return plain


def from_dict(plain: Mapping[str, Any]) -> Recipe:
    """Make a recipe from JSON values; raise UsageError naming the field that is unknown or out of range."""
    try:
        return _ADAPTER.validate_python(dict(plain))
    except ValidationError as error:
        raise UsageError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """Say in one sentence which flag is out of range, and why."""
    first = error.errors()[0]
    flag = str(first["loc"][-1]).replace("_", "-") if first["loc"] else "recipe"
    return f"--{flag}: {first['msg'].lower()}, not {first.get('input')!r}"
