"""How fast each preset trains and draws, and how much of the chip that takes."""

import contextlib
import gc
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import bench_run, row
from benchmarks.gpu.job import Job, failed
from fergan_core import methods
from fergan_core.data import Dataset
from fergan_core.evaluation import draw
from fergan_core.experiment import choose_device
from fergan_core.experiment.hooks.recorder import Recorder
from fergan_core.experiment.training_run import prepare
from fergan_core.recipe import Recipe
from fergan_core.registry import PointWriter, Registry
from fergan_core.training import engine

_WARM_UP_STEPS = 12
_WARM_UP, _MEASURED = 0.3, 0.5  # shares of the time of a measurement; the rest is for making networks
_GIB = 2**30


class Window(engine.Hook):
    """Times the steps of a training between its warm-up and `seconds` later, and ends it there."""

    def __init__(self, device: torch.device, warm_up: float, seconds: float) -> None:
        self._device, self._warm_up, self._seconds = device, warm_up, seconds
        self._created = time.perf_counter()
        self._begun: tuple[int, float] | None = None
        self.steps_per_second = 0.0

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        now = time.perf_counter()
        if self._begun is None:
            if progress.step >= _WARM_UP_STEPS and now - self._created >= self._warm_up:
                wait_for(self._device)
                self._begun = progress.step, time.perf_counter()
        elif now - self._begun[1] >= self._seconds:
            wait_for(self._device)
            first_step, started = self._begun
            self.steps_per_second = (progress.step - first_step) / (time.perf_counter() - started)
            raise engine.Interrupted


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def chip_rate(device: torch.device, size: int, seconds: float = 0.5) -> float:
    """Return the operations a second of a product of two `size` x `size` matrices of random numbers.

    In bfloat16 on a GPU, in which trainings compute there; in float32 on a CPU.
    """
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    for _ in range(3):
        one @ other
    wait_for(device)
    started, products = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        for _ in range(10):
            one @ other
        wait_for(device)
        products += 10
    return 2 * size**3 * products / (time.perf_counter() - started)


def trained(job: Job, recipe: Recipe, dataset: Dataset, seconds: float) -> tuple[float, float | None]:
    """Return a recorded training's images a second, and the peak of its tensors' memory in GiB, None on a CPU."""
    with tempfile.TemporaryDirectory(dir=job.folder) as folder:
        registry = Registry(str(Path(folder) / "runs.db"))
        run = prepare(replace(recipe, epochs=1_000_000), dataset, registry, job.device)
        images = torch.from_numpy(dataset.images[run.index]).to(run.device)
        labels = torch.from_numpy(dataset.labels[run.index].astype(np.int64)).to(run.device)
        window = Window(run.device, _WARM_UP * seconds, _MEASURED * seconds)
        if run.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(run.device)
        with PointWriter(registry, bench_run(registry, recipe, run.device.type, len(images))) as writer:
            hooks = [Recorder(writer, batch_size=recipe.batch_size), window]
            with contextlib.suppress(engine.Interrupted):
                engine.fit(
                    run.learner, images, labels, batch_size=recipe.batch_size, epochs=run.recipe.epochs,
                    seed=recipe.seed, flip=recipe.flip, sampling=recipe.sampling, hooks=hooks,
                )  # fmt: skip
        memory = torch.cuda.max_memory_allocated(run.device) / _GIB if run.device.type == "cuda" else None
    return window.steps_per_second * recipe.batch_size, memory


def training_row(recipe: Recipe, speed: float, memory: float | None, flops: float, chip: float) -> dict[str, Any]:
    """Return a row of the table: a training's speed, and its share of the chip's rate."""
    share = speed * flops / chip
    note = f"{100 * share:.2g} % of the chip" + ("" if memory is None else f", {memory:.1f} GiB")
    line = row(f"{recipe.preset} training, batch {recipe.batch_size}", speed, "images/s", note)
    return line | {"share": share, "memory_gib": memory, "flops_per_image": flops, "batch_size": recipe.batch_size}


def drawing_row(job: Job, recipe: Recipe, dataset: Dataset, seconds: float) -> dict[str, Any]:
    """Time drawing as an evaluation draws, of a network that has learnt nothing; return a row of the table."""
    device = choose_device(job.device)
    learner = methods.build_learner(recipe, device, steps=10, bfloat16=False)
    codes = torch.from_numpy(dataset.labels[: job.size.drawn].astype(np.int64))
    draw(learner.generator, codes, 0, 1.0, device)
    started, faces = time.perf_counter(), 0
    while time.perf_counter() - started < _MEASURED * seconds:
        draw(learner.generator, codes, 0, 1.0, device)
        faces += len(codes)
    speed = faces / (time.perf_counter() - started)
    return row(f"{recipe.preset} drawing", speed, "faces/s", f"about {learner.generator.nfe} passes a face")


def run(job: Job) -> None:
    """Measure the chip, then every preset at its batch, at twice and at half of it, then drawing."""
    deadline = time.perf_counter() + 0.9 * job.seconds
    dataset, device = job.dataset(), choose_device(job.device)
    chip = chip_rate(device, job.size.matrix)
    dtype = "bfloat16" if device.type == "cuda" else "float32"
    job.report(row("the chip", chip / 1e12, "TFLOP/s", f"{dtype} product of matrices of {job.size.matrix:,}"))
    recipes = {name: job.size.recipe(name) for name in job.size.presets}
    flops: dict[str, float] = {}
    left = 4 * len(recipes)

    def time_for_one() -> float:
        nonlocal left
        seconds = (deadline - time.perf_counter()) / left
        left -= 1
        return seconds

    for factor in (1.0, 2.0, 0.5):
        for name, recipe in recipes.items():
            sized = replace(recipe, batch_size=max(2, int(factor * recipe.batch_size)))
            title, seconds = f"{name} training, batch {sized.batch_size}", time_for_one()
            if seconds <= 0:
                job.report(failed(title, "no time was left"))
                continue
            with job.reporting(title):
                if name not in flops:
                    flops[name] = methods.training_flops(recipe)
                job.report(training_row(sized, *trained(job, sized, dataset, seconds), flops[name], chip))
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()
    for name, recipe in recipes.items():
        seconds = time_for_one()
        if seconds <= 0:
            job.report(failed(f"{name} drawing", "no time was left"))
            continue
        with job.reporting(f"{name} drawing"):
            job.report(drawing_row(job, recipe, dataset, seconds))
