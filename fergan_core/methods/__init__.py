"""How networks learn, one method a file; and the two doors to them: a learner to train, a generator to draw with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from fergan_core import recipe as recipes
from fergan_core.errors import CheckpointError
from fergan_core.methods.adversarial import AdversarialLearner
from fergan_core.methods.networks import GanGenerator, build_generator


def build_learner(recipe: recipes.Recipe, device: torch.device, *, steps: int, bfloat16: bool) -> AdversarialLearner:
    """Make the recipe's learner of `steps` steps with weights drawn from its seed, the same on every device."""
    torch.manual_seed(recipe.seed)
    learner = AdversarialLearner(recipe.method, recipe.emotions, device, steps=steps, bfloat16=bfloat16)
    if recipe.compile:
        learner.compile()
    return learner


def load_generator(recipe: Mapping[str, Any], weights: Path, device: str = "cpu") -> GanGenerator:
    """Open a checkpoint's weights as a Generator; CheckpointError where the file is missing, cut off or another's."""
    plan = recipes.from_dict(recipe)
    network = build_generator(plan.method, len(plan.emotions))
    try:
        tensors = load_file(weights, device="cpu")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{weights.name} cannot be read ({error}); evaluate another epoch or train again"
        ) from None
    drawing = "average." if plan.method.g_ema else "generator."
    mine = {
        name.removeprefix(drawing): t.float() if t.is_floating_point() else t
        for name, t in tensors.items()
        if name.startswith(drawing)
    }
    try:
        network.load_state_dict(mine)
    except RuntimeError:
        raise CheckpointError(
            f"{weights.name} holds no generator of this recipe; give the checkpoint's own run"
        ) from None
    target = torch.device(device)
    network.to(device=target, memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
    return GanGenerator(plan.method, plan.emotions, network, target)
