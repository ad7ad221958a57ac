"""A run of a small, hardly trained generator in a registry: what needs a checkpoint, and no good faces, takes it."""

import torch

from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.methods import build_learner
from fergan_core.recipe import Gan, MethodRecipe, Recipe, to_dict
from fergan_core.registry import Registry
from fergan_core.training.checkpoint import save_checkpoint

STEP = 3


def add_small_run(
    registry: Registry, method: MethodRecipe | None = None, *, data: str = "synthfer", name: str = "small"
) -> str:
    """Record a run of seven emotions with one checkpoint, after three steps on noise; return its id."""
    # At the usual rate faces would be one grey after three steps.
    fast = Gan(width=4, latent_size=8, g_conditioning="norm", g_lr=0.05)
    recipe = Recipe(emotions=EMOTIONS, batch_size=14, method=method or fast)
    learner = build_learner(recipe, torch.device("cpu"), steps=STEP, bfloat16=False)
    codes = torch.tensor([emotion_code(emotion) for emotion in EMOTIONS]).repeat(2)
    for _ in range(STEP):
        learner.step(torch.rand(14, 1, 48, 48) * 2 - 1, codes)
    dataset = {"name": data, "source": data, "content_hash": "0" * 64, "images": 600}
    run_id = registry.create_run(
        name=name, method=recipe.method.kind, preset="quick", recipe=to_dict(recipe), dataset=dataset, seed=0,
        provenance={}, tags=(), epochs=1, steps=STEP,
    )  # fmt: skip
    folder = registry.files / run_id / "checkpoints"
    weights, state = save_checkpoint(folder, STEP, learner.state_dict(), learner.networks)
    registry.add_checkpoint(
        run_id, epoch=1, step=STEP, images_seen=42, path=f"{run_id}/checkpoints/{weights.path.name}",
        sha256=weights.sha256, bytes=weights.bytes, state_path=f"{run_id}/checkpoints/{state.path.name}",
        state_sha256=state.sha256, state_bytes=state.bytes,
    )  # fmt: skip
    registry.set_status(run_id, "finished")
    return run_id
