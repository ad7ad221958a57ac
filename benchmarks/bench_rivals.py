"""Training diffusion and flow against a bare loop of the same network, and drawing faces in few steps.

The bare loop is forward, squared error, backward and optimiser on one fixed batch: no training can be faster. The two
alternate block by block, so that changes of the machine's speed affect both.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import bench_run, row
from fergan_core import recipe as recipes
from fergan_core.data import open_dataset
from fergan_core.experiment.hooks.recorder import Recorder
from fergan_core.methods import build_learner
from fergan_core.methods.denoising import DenoisingLearner, build_network
from fergan_core.registry import PointWriter, Registry
from fergan_core.training import engine

_BLOCK, _ROUNDS = 8, 12  # steps in a block, and blocks of each
_FACES = 64


def _bare(recipe: recipes.Recipe, images: Tensor, codes: Tensor) -> Callable[[], None]:
    """Return a function that runs one block of steps of the bare loop."""
    device, count = images.device, recipe.batch_size
    bfloat16 = device.type == "cuda"
    network = build_network(recipe.method, len(recipe.emotions)).to(device, memory_format=torch.channels_last)
    adam = torch.optim.Adam(network.parameters(), recipe.method.lr, fused=True)
    faces = engine.to_float(images[:count]).contiguous(memory_format=torch.channels_last)
    levels = torch.rand(count, device=device)

    def block() -> None:
        for _ in range(_BLOCK):
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                estimate = network(faces, levels, codes[:count])
            adam.zero_grad(set_to_none=True)
            ((estimate.float() - faces) ** 2).mean().backward()
            adam.step()

    return block


def _seconds(block: Callable[[], None]) -> float:
    started = time.perf_counter()
    block()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _training(recipe: recipes.Recipe, images: Tensor, codes: Tensor) -> dict[str, Any]:
    """Compare recorded training with the bare loop; return a row of the table."""
    learner = build_learner(recipe, images.device, steps=10**6, bfloat16=images.is_cuda)
    bare, steps_done = _bare(recipe, images, codes), 0
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        registry = Registry(str(Path(name) / "runs.db"))
        run_id = bench_run(registry, recipe, images.device.type, len(images))
        with PointWriter(registry, run_id) as writer:
            recorder = Recorder(writer, batch_size=recipe.batch_size)

            def block() -> None:
                nonlocal steps_done
                # These images make an epoch of exactly one block.
                engine.fit(
                    learner, images, codes, batch_size=recipe.batch_size, epochs=steps_done // _BLOCK + 1, seed=0,
                    flip=recipe.flip, start_step=steps_done, hooks=[recorder],
                )  # fmt: skip
                steps_done += _BLOCK

            for _ in range(_ROUNDS):
                theirs.append(_seconds(bare))
                ours.append(_seconds(block))
    # The first blocks are a warm-up.
    ratio = statistics.median(their_s / our_s for their_s, our_s in zip(theirs[1:], ours[1:], strict=True))
    speed, reference = (_BLOCK * recipe.batch_size / statistics.median(times[1:]) for times in (ours, theirs))
    return row(
        f"{recipe.preset} training", speed, "images/s", "recorded; its network's bare loop, limit 0.90",
        reference=reference, ratio=ratio,
    )  # fmt: skip


def _drawing(recipe: recipes.Recipe, images: Tensor, codes: Tensor) -> list[dict[str, Any]]:
    """Time drawing faces in the recipe's number of steps and in four; return rows of the table."""
    learner = build_learner(recipe, images.device, steps=10, bfloat16=False)
    assert isinstance(learner, DenoisingLearner)
    rows = []
    for steps in (recipe.method.sample_steps, 4):
        generator = learner.generator.resampled(replace(recipe.method.sampling, steps=steps))
        seconds = _seconds(lambda generator=generator: generator.sample(codes[:_FACES], 0))  # type: ignore[misc]
        rows.append(row(f"{recipe.preset} drawing, {steps} steps", _FACES / seconds, "faces/s"))
    return rows


def run() -> list[dict[str, Any]]:
    """Measure training and drawing of both methods; return the table's rows."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dataset, rows = open_dataset("synthfer"), []
    for name in ("diffusion-cpu", "flow-cpu"):
        recipe = recipes.preset(name)
        count = _BLOCK * recipe.batch_size
        images = torch.from_numpy(dataset.images[:count]).to(device)
        codes = torch.from_numpy(dataset.labels[:count].astype(np.int64)).to(device)
        rows += [_training(recipe, images, codes), *_drawing(recipe, images, codes)]
    return rows
