"""What every method's learner must do: go on from its saved state to the last bit."""

from collections.abc import Callable
from pathlib import Path

import torch

from fergan_core import methods
from fergan_core import recipe as recipes
from fergan_core.recipe import Recipe
from fergan_core.training import checkpoint


def check_resume(
    recipe: Recipe,
    folder: Path,
    build: Callable[[], methods.MethodLearner],
    train: Callable[[methods.MethodLearner, int, int], None],
) -> Path:
    """Fail unless three steps, a save, a load and three more give six steps' weights; return the saved weights' path.

    `train` trains a learner from one step to another. The saved weights also have to draw what their learner draws.
    """
    uninterrupted, half, resumed = build(), build(), build()
    train(uninterrupted, 0, 6)
    train(half, 0, 3)
    weights, state = checkpoint.save_checkpoint(folder, 3, half.state_dict(), half.networks)
    resumed.load_state_dict(checkpoint.load_checkpoint(weights.path, state.path, resumed.networks))
    train(resumed, 3, 6)
    for name in uninterrupted.networks:
        for expected, actual in zip(
            uninterrupted.state_dict()[name].values(), resumed.state_dict()[name].values(), strict=True
        ):
            assert torch.equal(expected, actual)
    labels = torch.tensor([3, 4])
    loaded = methods.load_generator(recipes.to_dict(recipe), weights.path)
    assert torch.equal(loaded.sample(labels, 0), half.generator.sample(labels, 0))
    return weights.path
