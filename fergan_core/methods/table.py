"""The one table of methods: for each kind of recipe its learner, and the generator of a checkpoint's weights.

A new method is a line of the table, beside its recipe (`recipe/`), its learner and its network.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from fergan_core.methods import denoising, meanflow
from fergan_core.methods.adversarial import AdversarialLearner, unlike_steps
from fergan_core.methods.denoising import DenoisingLearner
from fergan_core.methods.diffusion import Edm
from fergan_core.methods.flow import StraightPath
from fergan_core.methods.networks import load_gan
from fergan_core.methods.protocols import Generator, MethodLearner
from fergan_core.methods.vae import VaeLearner, load_vae

_COUNTED = 4  # images of the batch by which operations are counted; an image costs as many in any batch


@dataclass(frozen=True)
class MethodSpec:
    """A method's parts.

    recipe      its recipe's dataclass, by whose `kind` the method is found
    learner     (config, emotions, device, *, steps, bfloat16) -> Learner
    generator   (config, emotions, weights by name, device) -> Generator; RuntimeError where the weights are another's
    flop_steps  over how many steps to average the operations of a step, where steps are not alike
    """

    recipe: type[recipes.MethodRecipe]
    learner: Callable[..., MethodLearner]
    generator: Callable[..., Generator]
    flop_steps: Callable[[Any], int] = lambda config: 1


METHODS: dict[str, MethodSpec] = {
    spec.recipe.kind: spec
    for spec in (
        MethodSpec(recipes.Gan, AdversarialLearner, load_gan, unlike_steps),
        MethodSpec(recipes.Vae, VaeLearner, load_vae),
        MethodSpec(recipes.Diffusion, partial(DenoisingLearner, Edm()), partial(denoising.load, Edm())),
        MethodSpec(recipes.Flow, partial(DenoisingLearner, StraightPath()), partial(denoising.load, StraightPath())),
        MethodSpec(recipes.MeanFlow, meanflow.MeanFlowLearner, meanflow.load),
    )
}


def build_learner(recipe: recipes.Recipe, device: torch.device, *, steps: int, bfloat16: bool) -> MethodLearner:
    """Make the recipe's learner of `steps` steps with weights drawn from its seed, the same on every device."""
    torch.manual_seed(recipe.seed)
    spec = METHODS[recipe.method.kind]
    learner = spec.learner(recipe.method, recipe.emotions, device, steps=steps, bfloat16=bfloat16)
    if recipe.compile:
        learner.compile()
    return learner


def training_flops(recipe: recipes.Recipe) -> float:
    """Return how many floating-point operations a training image costs, counted in the operators that a step calls.

    Matrix products and convolutions, forwards and backwards, a multiply-add as two; norms and activations are not
    counted. Where steps are not alike, the mean over them.
    """
    plain = replace(recipe, compile=False)
    cpu, method = torch.device("cpu"), recipe.method
    steps = METHODS[method.kind].flop_steps(method)
    learner = build_learner(plain, cpu, steps=steps, bfloat16=False)
    codes = torch.tensor([emotion_code(recipe.emotions[place % len(recipe.emotions)]) for place in range(_COUNTED)])
    faces = torch.zeros(_COUNTED, 1, 48, 48)
    with counting_flops() as counter:
        for _ in range(steps):
            learner.step(faces, codes)
    return float(counter.get_total_flops()) / (steps * _COUNTED)


def counting_flops() -> FlopCounterMode:
    """Return a context that counts floating-point operations as `training_flops` does."""
    return FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.convolution_backward: _convolution_backward_flops}
    )


def _convolution_backward_flops(
    gradient: Sequence[int], inputs: Sequence[int], weights: Sequence[int], *others: Any, out_shape: Any = None
) -> int:
    """Count a convolution's backward pass by the shapes of its arguments; each gradient costs as much as the output.

    PyTorch's own formula takes the gradient of a grouped convolution's weights for that of a dense one.
    """
    transposed, (of_inputs, of_weights, _) = others[-4], others[-1]
    outputs = math.prod(inputs if transposed else gradient)
    return 2 * outputs * math.prod(weights[1:]) * (int(of_inputs) + int(of_weights))


def load_generator(recipe: Mapping[str, Any], weights: Path, device: str = "cpu") -> Generator:
    """Open a checkpoint's weights as a Generator; CheckpointError where the file is missing, damaged or another's."""
    plan = recipes.from_dict(recipe)
    try:
        tensors = load_file(weights, device="cpu")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{weights.name} cannot be read ({error}); evaluate another epoch or train again"
        ) from None
    prefix = f"{plan.method.drawn_by}."
    drawing_weights = {
        name.removeprefix(prefix): t.float() if t.is_floating_point() else t
        for name, t in tensors.items()
        if name.startswith(prefix)
    }
    spec = METHODS[plan.method.kind]
    try:
        return spec.generator(plan.method, plan.emotions, drawing_weights, torch.device(device))
    except RuntimeError:
        raise CheckpointError(
            f"{weights.name} holds no generator of this recipe; give the checkpoint's own run"
        ) from None
