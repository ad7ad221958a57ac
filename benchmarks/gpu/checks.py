"""Does it compute the right thing on this device: losses as on the CPU, exact resume, compiled networks."""

import math
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from benchmarks.gpu.job import Job, checked
from fergan_core import methods
from fergan_core import recipe as recipes
from fergan_core.data import Dataset
from fergan_core.experiment import choose_device
from fergan_core.experiment.training_run import prepare
from fergan_core.methods import MethodLearner
from fergan_core.recipe import Recipe
from fergan_core.registry import Registry
from fergan_core.training import checkpoint, engine

Losses = list[dict[str, float]]

_CPU = torch.device("cpu")
# Other kernels round otherwise, and a GAN's training amplifies that. How much, the CPU shows by itself when each weight
# is changed in its last digit; kernels differ by more than one digit.
_TIMES_ROUNDING = 10
_ROUNDING = 1e-5  # relative, of a loss or a gradient's norm, before a training has amplified anything
_COMPILED_STEPS = 3
_COMPILED = {torch.float32: 1e-3, torch.bfloat16: 0.05}  # relative; bfloat16 has three digits, of each operation


class SameDraws(TorchFunctionMode):
    """Draw random numbers on the CPU for any device, so that a seed gives the same ones on every device."""

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func in (torch.rand, torch.randn, torch.randint) and "generator" not in options:
            device = options.pop("device", None)
            return func(*args, **options).to(device or _CPU)
        if func in (torch.rand_like, torch.randn_like):
            draw = torch.rand if func is torch.rand_like else torch.randn
            return draw(args[0].shape, dtype=args[0].dtype).to(args[0].device)
        return func(*args, **options)


def without_own_draws(recipe: Recipe) -> Recipe:
    """Return a recipe whose losses depend on its weights from the first steps on, and on no draws within a network."""
    plain = recipes.to_dict(recipe)
    settings = {name: "0" for name in ("dropout", "warmup") if name in plain["method"]}
    return recipes.changed(recipe, settings)


def first_losses(
    recipe: Recipe, dataset: Dataset, device: torch.device, steps: int, batch: int, *, nudged: bool = False
) -> Losses:
    """Return losses and gradients' norms of the first steps in float32, of the same faces and draws on every device.

    `nudged` changes each weight in its last digit before the first step.
    """
    learner = methods.build_learner(recipe, device, steps=10_000, bfloat16=False)
    if nudged:
        state = learner.state_dict()
        weights = [weight for name in learner.networks for weight in state[name].values()]
        torch._foreach_mul_([weight for weight in weights if weight.is_floating_point()], 1 + 2**-23)
    losses: Losses = []
    for step in range(steps):
        place = slice(step * batch, (step + 1) * batch)
        faces = engine.to_float(torch.from_numpy(dataset.images[place]).to(device))
        codes = torch.from_numpy(dataset.labels[place].astype(np.int64)).to(device)
        torch.manual_seed(step)
        with SameDraws():
            scalars = learner.step(faces, codes)
        losses.append({name: float(value) for name, value in scalars.items() if name.startswith(("loss", "grad_norm"))})
    return losses


def differences(actual: Losses, expected: Losses) -> list[float]:
    """Return by step the largest difference of any scalar so far, relative to its mean size over the steps."""
    sizes = {
        name: np.mean([abs(scalars[name]) for scalars in expected if name in scalars])
        for name in set().union(*expected)
    }
    largest, by_step = 0.0, []
    for ours, theirs in zip(actual, expected, strict=True):
        gaps = (abs(ours[name] - theirs[name]) for name in theirs)
        relative = [float(gap / sizes[name]) if gap else 0.0 for name, gap in zip(theirs, gaps, strict=True)]
        # What is not a number is beyond every limit.
        largest = max([largest, *(gap if gap == gap else math.inf for gap in relative)])
        by_step.append(largest)
    return by_step


def losses_row(name: str, expected: Losses, actual: Losses, nudged: Losses) -> dict[str, Any]:
    """Return a row of the table: how far losses are from the CPU's, and how far they may be.

    `nudged` are the CPU's with all weights changed in their last digit.
    """
    ours, rounding = differences(actual, expected), differences(nudged, expected)
    first_limit, limit = (_TIMES_ROUNDING * max(rounding[step], _ROUNDING) for step in (0, -1))
    title = f"{name}: losses of {len(expected)} steps as on the CPU"
    if ours[0] > first_limit:
        return checked(title, ours[0], "relative", first_limit, "in the first step already")
    note = f"in the first step {ours[0]:.1g}; the CPU's own, weights changed in their last digit, {rounding[-1]:.1g}"
    return checked(title, ours[-1], "relative", limit, note)


def check_losses(job: Job, name: str, dataset: Dataset, device: torch.device) -> dict[str, Any]:
    """Compare the first steps on the device with those on the CPU; return a row of the table."""
    recipe = without_own_draws(job.size.recipe(name))

    def losses(where: torch.device, *, nudged: bool = False) -> Losses:
        return first_losses(recipe, dataset, where, job.size.check_steps, job.size.check_batch, nudged=nudged)

    return losses_row(name, losses(_CPU), losses(device), losses(_CPU, nudged=True))


def check_resume(job: Job, name: str, dataset: Dataset, folder: Path) -> dict[str, Any]:
    """Train, and train half, save, load and train on; return a row with the weights' largest difference."""
    recipe, steps = replace(job.size.recipe(name), batch_size=job.size.check_batch), 2 * job.size.check_steps
    recipe = replace(recipe, images=steps * recipe.batch_size, epochs=1)
    registry = Registry(str(folder / "runs.db"))

    def learner() -> MethodLearner:
        return prepare(recipe, dataset, registry, job.device).learner

    run = prepare(recipe, dataset, registry, job.device)
    images = torch.from_numpy(dataset.images[run.index]).to(run.device)
    labels = torch.from_numpy(dataset.labels[run.index].astype(np.int64)).to(run.device)

    def train(which: MethodLearner, start: int, stop: int) -> None:
        class Stop(engine.Hook):
            def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
                if progress.step == stop:
                    raise engine.Interrupted

        try:
            engine.fit(
                which, images, labels, batch_size=recipe.batch_size, epochs=1, seed=recipe.seed, flip=recipe.flip,
                sampling=recipe.sampling, start_step=start, hooks=[Stop()],
            )  # fmt: skip
        except engine.Interrupted:
            return

    whole, again, half, resumed = (learner() for _ in range(4))
    train(whole, 0, steps)
    train(again, 0, steps)
    train(half, 0, steps // 2)
    weights, state = checkpoint.save_checkpoint(folder, steps // 2, half.state_dict(), half.networks)
    resumed.load_state_dict(checkpoint.load_checkpoint(weights.path, state.path, resumed.networks))
    train(resumed, steps // 2, steps)
    note = "0: the same weights to the last bit"
    if (apart := weights_apart(whole, again)) > 0:
        note = f"two trainings without a stop differ by {apart:.1g} already: the device does not repeat itself"
    return checked(f"{name}: stopped, loaded and gone on", weights_apart(whole, resumed), "of a weight", 0, note)


def weights_apart(one: MethodLearner, other: MethodLearner) -> float:
    """Return the largest difference of any weight of two learners; infinite where a weight is not a number."""
    first, second = one.state_dict(), other.state_dict()
    largest = 0.0
    for network in one.networks:
        for name, weight in first[network].items():
            gap = float((weight.double() - second[network][name].double()).abs().max())
            largest = max(largest, gap if gap == gap else math.inf)
    return largest


def run(job: Job) -> None:
    """Check losses and resume of every preset."""
    # Tensor cores would round float32 factors to TF32's three digits.
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
    dataset, device = job.dataset(), choose_device(job.device)
    for name in job.size.presets:
        with job.reporting(f"{name}: losses as on the CPU"):
            job.report(check_losses(job, name, dataset, device))
        with (
            job.reporting(f"{name}: stopped, loaded and gone on"),
            tempfile.TemporaryDirectory(dir=job.folder) as folder,
        ):
            job.report(check_resume(job, name, dataset, Path(folder)))


def compile_gan(job: Job) -> None:
    """Compile the networks of a GAN, spectral norm and an average among them."""
    _compile(job, "robust-gpu")


def compile_denoiser(job: Job) -> None:
    """Compile the U-Net."""
    _compile(job, "diffusion-gpu")


def _compile(job: Job, name: str) -> None:
    """Report how long compiling takes, and that a compiled learner's first losses are a plain one's."""
    recipe, dataset = without_own_draws(job.size.recipe(name)), job.dataset()
    count = recipe.batch_size
    faces, codes = dataset.images[:count], dataset.labels[:count].astype(np.int64)
    with job.reporting(f"{name} --compile"), tempfile.TemporaryDirectory(dir=job.folder) as folder:
        registry = Registry(str(Path(folder) / "runs.db"))

        def losses(compiled: bool) -> tuple[Losses, float]:
            run = prepare(replace(recipe, compile=compiled), dataset, registry, job.device)
            real, labels = engine.to_float(torch.from_numpy(faces).to(run.device)), torch.from_numpy(codes)
            started, scalars = time.perf_counter(), list[dict[str, float]]()
            for step in range(_COMPILED_STEPS):
                torch.manual_seed(step)
                told = run.learner.step(real, labels.to(run.device))
                scalars.append({key: float(value) for key, value in told.items() if key.startswith("loss")})
            return scalars, time.perf_counter() - started

        plain, _ = losses(False)
        ours, seconds = losses(True)
        half = choose_device(job.device).type == "cuda" and torch.cuda.is_bf16_supported()
        limit = _COMPILED[torch.bfloat16 if half else torch.float32]
        title, note = f"{name} --compile: losses as without", f"{_COMPILED_STEPS} steps, {seconds:.0f} s with compiling"
        row = checked(title, differences(ours, plain)[-1], "relative", limit, note)
        job.report(row | {"seconds": seconds})
