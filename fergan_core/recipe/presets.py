"""The presets, which are named recipes."""

import difflib
from collections.abc import Mapping
from dataclasses import replace

from fergan_core.errors import UsageError
from fergan_core.recipe.denoisers import Denoiser, Diffusion, Flow, MeanFlow
from fergan_core.recipe.gan import Gan
from fergan_core.recipe.method import method_recipe
from fergan_core.recipe.recipe import Recipe
from fergan_core.recipe.vae import Vae

REPORT_EMOTIONS = ("angry", "disgust", "fear", "surprise", "neutral")

_PYTORCH_GAN = Gan(network="pytorch-gan", width=16, latent="normal", first="generator")
_CONDITIONAL = Gan(g_conditioning="norm", d_conditioning="projection")
_DCGAN = replace(_CONDITIONAL, g_lr=5e-4, d_lr=5e-4)
_QUICK = replace(_CONDITIONAL, width=16, matching_aware=True)
# The best of what was tried on FER2013 (docs/collapse.md): `quick`, wider, with high rates that fall and an averaged G.
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
# Huang et al. 2024, arXiv:2501.05441: a loss that converges locally lets networks do without any norm.
_R3GAN = Gan(
    network="r3gan",
    width=16,
    latent_size=64,
    latent="normal",
    embedding_size=64,
    d_conditioning="projection",
    g_batch_norm=False,
    d_batch_norm=False,
    loss="relativistic",
    r1=0.1,
    r2=0.1,
    r1_every=1,
    g_ema=0.999,
    g_lr=1e-3,
    d_lr=1e-3,
    beta1=0.0,
    beta2=0.99,
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


def _gan_for_a_gpu(name: str, method: Gan, *, epochs: int, eval_every: int, batch_size: int) -> Recipe:
    """Return a recipe whose epochs are short: not each of them is saved."""
    return Recipe(
        preset=name, epochs=epochs, batch_size=batch_size, eval_every=eval_every, checkpoint_every=5, flip=True,
        sampling="sqrt", method=method,
    )  # fmt: skip


def _large(method: Denoiser) -> Denoiser:
    """Return a denoiser of 7 million parameters that looks at every pixel."""
    return replace(method, width=56, patch=1, dropout=0.05, warmup=1_000, lr=5e-4, ema=0.9995)


def _visible(name: str, method: Denoiser, images: int = 16_000) -> Recipe:
    """Return a recipe for the first faces that are seen as faces, drawn in eight passes of the network or fewer."""
    return Recipe(preset=name, epochs=3, images=images, batch_size=64, eval_every=3, method=method)


def _denoiser(name: str, method: Denoiser, epochs: int) -> Recipe:
    """Return a recipe that is scored twice: its faces take many passes of the network."""
    return Recipe(preset=name, epochs=epochs, batch_size=64, eval_every=epochs // 2, flip=True, method=method)


_PRESETS = (
    # Radford et al. (arXiv:1511.06434) made conditional as is usual since Miyato and Koyama (arXiv:1802.05637): their
    # layers, initialisation, latent and optimiser; the width is scaled from 128 at 64x64 to what a CPU trains in
    # minutes an epoch (`--width 128` is theirs), and with it steps and rates (docs/collapse.md has what was tried).
    Recipe(preset="dcgan", epochs=25, batch_size=64, eval_every=5, method=_DCGAN),
    # With their batch and rates and the emotion concatenated, after Mirza and Osindero (arXiv:1411.1784): it draws
    # nearly one face an emotion from its first epoch.
    Recipe(preset="dcgan-concat", epochs=25, eval_every=5),
    # What steadies a small conditional GAN at no more than the baseline's cost an image.
    Recipe(preset="robust", epochs=25, batch_size=64, eval_every=5, flip=True, sampling="sqrt", method=_ROBUST),
    # Residual blocks, for some minutes of a GPU.
    _gan_for_a_gpu("robust-gpu", _ROBUST_GPU, epochs=60, eval_every=10, batch_size=128),
    # The GAN of 2024, for a core of a CPU and for some minutes of a GPU.
    Recipe(preset="r3gan", epochs=5, batch_size=64, eval_every=2, flip=True, sampling="sqrt", method=_R3GAN),
    _gan_for_a_gpu("r3gan-gpu", replace(_R3GAN, width=64), epochs=100, eval_every=25, batch_size=256),
    # The network and settings of PyTorch-GAN's implementations/dcgan, made conditional.
    Recipe(preset="pytorch-gan", epochs=25, batch_size=64, eval_every=5, method=_PYTORCH_GAN),
    Recipe(
        preset="report",
        emotions=REPORT_EMOTIONS,
        epochs=100,
        batch_size=64,
        eval_every=25,
        checkpoint_every=5,
        method=_PYTORCH_GAN,
    ),
    Recipe(preset="report-small", emotions=REPORT_EMOTIONS, epochs=100, eval_every=25, checkpoint_every=5),
    Recipe(preset="quick", epochs=9, batch_size=64, eval_every=3, method=_QUICK),
    # Each fails in one way, on purpose.
    _unstable("discriminator", replace(_QUICK, d_lr=2e-3, d_steps=3, matching_aware=False)),
    _unstable("rates", replace(_QUICK, g_lr=0.1, d_lr=0.1)),
    _unstable("data", _QUICK, images=200),
    _unstable("norm", replace(_QUICK, g_conditioning="concat", g_batch_norm=False, d_batch_norm=False)),
    _unstable("loss", replace(_QUICK, loss="saturating", d_lr=1e-3)),
    # The rivals: minutes of two cores on the built-in faces, 40 minutes of them on FER2013, eight of a GPU.
    Recipe(preset="vae-quick", epochs=6, batch_size=64, eval_every=3, method=Vae()),
    Recipe(preset="vae-cpu", epochs=40, batch_size=64, eval_every=10, flip=True, method=Vae()),
    Recipe(preset="vae-gpu", epochs=200, eval_every=50, checkpoint_every=10, flip=True, method=Vae(width=64)),
    _visible("diffusion-quick", Diffusion(sampler="ddim", sample_steps=8)),
    _denoiser("diffusion-cpu", Diffusion(), epochs=16),
    _denoiser("diffusion-gpu", _large(Diffusion()), epochs=100),
    _visible("flow-quick", Flow(sample_steps=4)),
    _denoiser("flow-cpu", Flow(), epochs=16),
    _denoiser("flow-gpu", _large(Flow()), epochs=100),
    # An image costs nearly twice the flow's time: half as many.
    _visible("meanflow-quick", MeanFlow(), images=8_000),
    _denoiser("meanflow-cpu", MeanFlow(), epochs=8),
    _denoiser("meanflow-gpu", _large(MeanFlow()), epochs=50),
)

PRESETS: Mapping[str, Recipe] = {recipe.preset: recipe for recipe in _PRESETS}


def preset(name: str) -> Recipe:
    """Return a preset's recipe; raise UsageError with the nearest name where there is none."""
    return _named(name, PRESETS)


def presets_of(kind: str) -> dict[str, Recipe]:
    """Return a method's presets by the names that its own trainer gives them: 'flow-quick' is its 'quick'.

    A method without a preset has one named 'quick': the defaults of all its fields.
    """
    method_presets = {name: recipe for name, recipe in PRESETS.items() if recipe.method.kind == kind}
    if not method_presets:
        return {"quick": Recipe(preset="quick", method=method_recipe(kind)())}
    return {name.removeprefix(f"{kind}-"): recipe for name, recipe in method_presets.items()}


def preset_of(kind: str, name: str) -> Recipe:
    """Return a method's preset by either of its names; raise UsageError with the nearest name where there is none."""
    return _named(name.removeprefix(f"{kind}-"), presets_of(kind))


def _named(name: str, presets: Mapping[str, Recipe]) -> Recipe:
    if name not in presets:
        near = difflib.get_close_matches(name, presets, n=1)
        hint = f", did you mean '{near[0]}'?" if near else ";"
        raise UsageError(f"unknown preset '{name}'{hint} the presets are {', '.join(presets)}")
    return presets[name]
