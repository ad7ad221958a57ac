"""Recipes: the whole configuration of a run, its validation, its JSON, and the presets, which are named recipes."""

import difflib
from collections.abc import Mapping
from dataclasses import replace
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
    """A conditional GAN (Goodfellow et al. 2014, arXiv:1406.2661): its networks, its game, and what steadies it."""

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
                "--d-conditioning auxiliary: it is not told which emotion was asked for; give --no-matching-aware"
            )


Method = Gan


@dataclass(frozen=True, config=_STRICT)
class Common:
    """The fields that every method's recipe has."""

    preset: str = "quick"
    """Preset whose values the other flags change; --help lists them."""
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
    sampling: Literal["natural", "sqrt", "balanced"] = "natural"
    """How often each emotion is shown and asked for: as often as the data has it, by the square root of that, or
    equally often."""
    eval_every: Count = 1
    """Epochs between evaluations; 0 evaluates only the last epoch."""
    watch_every: Count = 50
    """Steps between two measurements by the instruments; 0 for none."""
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
        if self.compile and (self.method.r1 or self.method.loss == "wgan-gp"):
            raise UsageError("--compile: PyTorch does not compile the derivative of a derivative; leave it or --r1 out")
        object.__setattr__(self, "emotions", tuple(EMOTIONS[code] for code in sorted(codes)))


_ADAPTER: TypeAdapter[Recipe] = TypeAdapter(Recipe)

REPORT_EMOTIONS = ("angry", "disgust", "fear", "surprise", "neutral")

_PYTORCH_GAN = Gan(network="pytorch-gan", width=16, latent="normal", first="generator")
_QUICK = Gan(width=16, g_conditioning="norm", d_conditioning="projection", matching_aware=True)
# Of what was tried on FER2013 (README), the best: `quick`'s game, wider, with high rates that fall, an averaged G.
_ROBUST = replace(_QUICK, width=24, g_ema=0.999, g_lr=1e-3, d_lr=1e-3, lr_decay=True)
# What is known to go far in long trainings (Miyato et al. 2018, arXiv:1802.05957; Zhao et al. 2020, arXiv:2006.10738).
_ROBUST_GPU = Gan(
    network="resnet",
    width=64,
    latent="normal",
    g_conditioning="norm",
    d_conditioning="projection",
    spectral_norm="both",
    d_batch_norm=False,
    loss="hinge",
    augment="diffaugment",
    g_ema=0.999,
    d_lr=4e-4,
    beta1=0.0,
    beta2=0.9,
    d_steps=2,
    lr_decay=True,
)


def _unstable(name: str, method: Gan, images: int = 4_000) -> Recipe:
    """Return a recipe that fails in one way within 24,000 images, looked at every 4,000."""
    passes = 24_000 // images
    every = max(1, 4_000 // images)
    return Recipe(
        preset=f"unstable-{name}", epochs=passes, images=images, batch_size=64, eval_every=every,
        checkpoint_every=every, watch_every=10, method=method,
    )  # fmt: skip


PRESETS: Mapping[str, Recipe] = {
    # Radford et al. (arXiv:1511.06434) made conditional: their layers, initialisation, latent, optimiser and batch;
    # the width is scaled from 128 at 64x64 to what a CPU trains in minutes an epoch (`--width 128` is theirs).
    "dcgan": Recipe(preset="dcgan", epochs=25, eval_every=5),
    # What steadies a small conditional GAN at no more than the baseline's cost an image.
    "robust": Recipe(
        preset="robust", epochs=25, batch_size=64, eval_every=5, flip=True, sampling="sqrt", method=_ROBUST
    ),
    # Residual blocks, for some minutes of a GPU.
    "robust-gpu": Recipe(
        preset="robust-gpu",
        epochs=60,
        eval_every=10,
        checkpoint_every=5,
        flip=True,
        sampling="sqrt",
        method=_ROBUST_GPU,
    ),
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
    "quick": Recipe(preset="quick", epochs=9, batch_size=64, eval_every=3, method=_QUICK),
    # Each fails in one way, on purpose.
    "unstable-discriminator": _unstable("discriminator", replace(_QUICK, d_lr=2e-3, d_steps=3, matching_aware=False)),
    "unstable-rates": _unstable("rates", replace(_QUICK, g_lr=0.1, d_lr=0.1)),
    "unstable-data": _unstable("data", _QUICK, images=200),
    "unstable-norm": _unstable(
        "norm", replace(_QUICK, g_conditioning="concat", g_batch_norm=False, d_batch_norm=False)
    ),
    "unstable-loss": _unstable("loss", replace(_QUICK, loss="saturating", d_lr=1e-3)),
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


def flat(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plain recipe's fields with its method's own beside them."""
    fields = {**plain, **plain.get("method", {})}
    fields.pop("method", None)
    return fields


def changed(recipe: Recipe, settings: Mapping[str, str]) -> Recipe:
    """Return a recipe with some fields, common or the method's own, set to these texts; UsageError for unknown ones."""
    plain = to_dict(recipe)
    for name, text in settings.items():
        field = name.strip().replace("-", "_")
        part = plain if field in plain and field not in ("method", "preset") else plain["method"]
        if field not in part or field == "kind":
            known = [key for key in (*plain, *plain["method"]) if key not in ("method", "preset", "kind")]
            near = difflib.get_close_matches(field, known, n=1)
            raise UsageError(
                f"--set: a recipe has no field '{field}'" + (f"; did you mean '{near[0]}'?" if near else "")
            )
        part[field] = text.split(",") if isinstance(part[field], list) else text
    return from_dict(plain)


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
