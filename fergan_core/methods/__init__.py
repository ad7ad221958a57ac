"""How networks learn, one method a file; and the two doors to them: a learner to train, a generator to draw with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from fergan_core import recipe as recipes
from fergan_core.emotions import emotion_code
from fergan_core.errors import CheckpointError
from fergan_core.methods import denoising
from fergan_core.methods.adversarial import AdversarialLearner
from fergan_core.methods.denoising import DenoisingGenerator, DenoisingLearner
from fergan_core.methods.diffusion import Edm
from fergan_core.methods.flow import StraightPath
from fergan_core.methods.networks import LatentGenerator, load_gan
from fergan_core.methods.vae import VaeLearner, load_vae

Learner = AdversarialLearner | VaeLearner | DenoisingLearner
Generator = LatentGenerator | DenoisingGenerator

_COUNTED = 4  # images of the batch by which operations are counted: they are as many an image of any batch

# By the kind of a recipe's method: (config, emotions, device, *, steps, bfloat16) -> learner, and
# (config, emotions, weights, device) -> generator.
_LEARNERS: Mapping[str, Callable[..., Learner]] = {
    "gan": AdversarialLearner,
    "vae": VaeLearner,
    "diffusion": partial(DenoisingLearner, Edm()),
    "flow": partial(DenoisingLearner, StraightPath()),
}
_GENERATORS: Mapping[str, Callable[..., Generator]] = {
    "gan": load_gan,
    "vae": load_vae,
    "diffusion": partial(denoising.load, Edm()),
    "flow": partial(denoising.load, StraightPath()),
}


def build_learner(recipe: recipes.Recipe, device: torch.device, *, steps: int, bfloat16: bool) -> Learner:
    """Make the recipe's learner of `steps` steps with weights drawn from its seed, the same on every device."""
    torch.manual_seed(recipe.seed)
    make = _LEARNERS[recipe.method.kind]
    learner = make(recipe.method, recipe.emotions, device, steps=steps, bfloat16=bfloat16)
    if recipe.compile:
        learner.compile()
    return learner


def training_flops(recipe: recipes.Recipe) -> float:
    """Return how many floating-point operations a training image costs, by the operators that a step calls.

    Of matrix products and convolutions, forwards and backwards, a multiplication and an addition as two; norms and
    activations are not counted. Of several steps the mean, where they are not alike.
    """
    plain = replace(recipe, compile=False)
    cpu, method = torch.device("cpu"), recipe.method
    steps = method.d_steps * (method.r1_every if method.r1 else 1) if isinstance(method, recipes.Gan) else 1
    learner = build_learner(plain, cpu, steps=steps, bfloat16=False)
    codes = torch.tensor([emotion_code(recipe.emotions[place % len(recipe.emotions)]) for place in range(_COUNTED)])
    faces = torch.zeros(_COUNTED, 1, 48, 48)
    with FlopCounterMode(display=False) as counter:
        for _ in range(steps):
            learner.step(faces, codes)
    return float(counter.get_total_flops()) / (steps * _COUNTED)


def load_generator(recipe: Mapping[str, Any], weights: Path, device: str = "cpu") -> Generator:
    """Open a checkpoint's weights as a Generator; CheckpointError where the file is missing, cut off or another's."""
    plan = recipes.from_dict(recipe)
    try:
        tensors = load_file(weights, device="cpu")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{weights.name} cannot be read ({error}); evaluate another epoch or train again"
        ) from None
    prefix = f"{plan.method.drawn_by}."
    mine = {
        name.removeprefix(prefix): t.float() if t.is_floating_point() else t
        for name, t in tensors.items()
        if name.startswith(prefix)
    }
    make = _GENERATORS[plan.method.kind]
    try:
        return make(plan.method, plan.emotions, mine, torch.device(device))
    except RuntimeError:
        raise CheckpointError(
            f"{weights.name} holds no generator of this recipe; give the checkpoint's own run"
        ) from None
