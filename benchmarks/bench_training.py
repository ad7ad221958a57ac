"""Training against a plain PyTorch loop with the same networks, batch size and losses, on the same machine.

The plain loop is what a careful student would write: ImageFolder of PNG files, DataLoader (2 workers, 8 on a GPU),
float32, default memory layout, unfused Adam, and .item() on every step's losses for the log.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.common import bench_run, fer2013_csv, peak_memory, row
from fergan_core import evaluation
from fergan_core import recipe as recipes
from fergan_core.data import Dataset, open_dataset, split_parts
from fergan_core.experiment.hooks.instruments import FACES
from fergan_core.experiment.hooks.probe import PROBE_IMAGES
from fergan_core.experiment.hooks.recorder import Recorder
from fergan_core.methods import build_learner
from fergan_core.methods.networks import build_discriminator, build_generator
from fergan_core.models.layers import Discriminator
from fergan_core.registry import PointWriter, Registry
from fergan_core.training import engine

_IMAGES = 4096
_BLOCK = 8  # steps
_SAME_LOSS_STEPS = 20
_BESIDE = 1.3  # times as long as one after the other, at the most
_FER2013 = 25_475  # training images, an epoch of them between two checkpoints
_EPOCH = "from trainers import dcgan; dcgan.main()"


class _Alternating(engine.Hook):
    """Record every second block of steps, waiting for the database at its end, and time all blocks."""

    def __init__(self, recorder: Recorder, writer: PointWriter) -> None:
        self.recorder, self.writer = recorder, writer
        self.seconds: dict[bool, list[float]] = {False: [], True: []}
        self.started = time.perf_counter()

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        block, position = divmod(progress.step - 1, _BLOCK)
        recording = block % 2 == 1
        if recording:
            self.recorder.after_step(progress, scalars)
        if position == _BLOCK - 1:
            if recording:
                self.recorder.flush(progress)
                self.writer.flush()
            if scalars["loss_d"].is_cuda:
                torch.cuda.synchronize()
            now = time.perf_counter()
            self.seconds[recording].append(now - self.started)
            self.started = now


def _write_folder(images: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        target = folder / str(label)
        target.mkdir(exist_ok=True)
        Image.fromarray(image).save(target / f"{number:06d}.png")


class _PlainStep:
    """A training step as tutorials write it: the same networks and losses with PyTorch's defaults."""

    def __init__(self, recipe: recipes.Recipe, device: torch.device | str = "cpu") -> None:
        self.latent_size, betas = recipe.method.latent_size, (recipe.method.beta1, recipe.method.beta2)
        self.generator = build_generator(recipe.method, len(recipe.emotions)).to(device)
        self.discriminator = build_discriminator(recipe.method, len(recipe.emotions)).to(device)
        self.g_adam = torch.optim.Adam(self.generator.parameters(), recipe.method.g_lr, betas)
        self.d_adam = torch.optim.Adam(self.discriminator.parameters(), recipe.method.d_lr, betas)
        self.bce = nn.BCEWithLogitsLoss()

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[float, float]:
        """Learn from one batch; return the discriminator's and the generator's loss."""
        ones = torch.ones(len(images), device=images.device)
        latents = torch.rand(len(images), self.latent_size, device=images.device) * 2 - 1
        fake = self.generator(latents, labels)
        self.d_adam.zero_grad()
        d_loss = self.bce(self.discriminator(images, labels), ones)
        d_loss = d_loss + self.bce(self.discriminator(fake.detach(), labels), torch.zeros_like(ones))
        d_loss.backward()
        self.d_adam.step()
        self.g_adam.zero_grad()
        g_loss = self.bce(self.discriminator(fake, labels), ones)
        g_loss.backward()
        self.g_adam.step()
        return d_loss.item(), g_loss.item()


def _plain_loop(recipe: recipes.Recipe, folder: Path, device: torch.device, epochs: int) -> Iterator[None]:
    """Train as a tutorial does; yield after every step."""
    torch.manual_seed(recipe.seed)
    learn = _PlainStep(recipe, device)
    to_tensor = transforms.Compose([transforms.Grayscale(), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])
    loader = DataLoader(
        datasets.ImageFolder(str(folder), to_tensor),
        batch_size=recipe.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=8 if device.type == "cuda" else 2,
    )
    for _ in range(epochs):
        for images, labels in loader:
            learn(images.to(device), labels.to(device))
            yield


def _first_losses(recipe: recipes.Recipe, images: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the first losses of our learner and of the plain step on the same batches and latents, [steps, 2] each.

    In float64, so that a difference is one of arithmetic and not of rounding, which a GAN soon amplifies.
    """
    torch.set_default_dtype(torch.float64)
    try:
        ours, theirs = build_learner(recipe, images.device, steps=_SAME_LOSS_STEPS, bfloat16=False), _PlainStep(recipe)
        theirs.generator.load_state_dict(ours.state_dict()["generator"])
        theirs.discriminator.load_state_dict(ours.state_dict()["discriminator"])
        order = engine.epoch_order(len(images), recipe.seed, 0)
        losses: list[list[tuple[float, float]]] = [[], []]
        for step in range(_SAME_LOSS_STEPS):
            index = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            real, classes = engine.to_float(images[index]).double(), labels[index]
            torch.manual_seed(step)
            scalars = ours.step(real, classes)
            losses[0].append((float(scalars["loss_d"]), float(scalars["loss_g"])))
            torch.manual_seed(step)
            losses[1].append(theirs(real, classes))
    finally:
        torch.set_default_dtype(torch.float32)
    return np.array(losses[0]), np.array(losses[1])


def _engine_blocks(recipe: recipes.Recipe, images: Tensor, labels: Tensor, folder: Path, epochs: int) -> _Alternating:
    """Train with the engine, recording every second block into a registry in `folder`."""
    registry = Registry(str(folder / "runs.db"))
    run_id = bench_run(registry, recipe, images.device.type, _IMAGES, epochs)
    learner = build_learner(recipe, images.device, steps=10**6, bfloat16=images.is_cuda)
    with PointWriter(registry, run_id) as writer:
        blocks = _Alternating(Recorder(writer, batch_size=recipe.batch_size), writer)
        engine.fit(
            learner,
            images,
            labels,
            batch_size=recipe.batch_size,
            epochs=epochs,
            seed=recipe.seed,
            flip=recipe.flip,
            hooks=[blocks],
        )
    return blocks


def _plain_seconds(recipe: recipes.Recipe, folder: Path, device: torch.device, epochs: int) -> list[float]:
    """Return the seconds of each block of steps of the plain loop."""
    seconds, started = [], time.perf_counter()
    for step, _ in enumerate(_plain_loop(recipe, folder, device, epochs), 1):
        if step % _BLOCK == 0:
            now = time.perf_counter()
            seconds.append(now - started)
            started = now
    return seconds


def _instruments(recipe: recipes.Recipe, dataset: Dataset, speed: float) -> dict[str, Any]:
    """Return the share of training time that the instruments take, including the judge's probe and the Jacobians.

    `speed` is the training's speed without them, images/s. Each instrument is timed alone, several times, and weighted
    by how often it runs; an epoch is one of FER2013's.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    learner = build_learner(recipe, device, steps=10**6, bfloat16=device.type == "cuda")
    faces = engine.to_float(torch.from_numpy(dataset.images[:FACES]).to(device))
    codes = torch.from_numpy(dataset.labels[:FACES].astype(np.int64)).to(device)
    learner.step(faces, codes)
    judge = evaluation.load_judge("synthfer", device)
    probe = evaluation.Probe(judge, evaluation.RealFaces(dataset, split_parts(dataset), judge), recipe.emotions, 0)
    by_interval = {  # images between two measurements
        recipe.watch_every * recipe.batch_size: lambda: learner.measure((faces, codes), (faces, codes)),
        PROBE_IMAGES: lambda: probe.take(learner.generator, device),
        _FER2013: lambda: evaluation.jacobian_condition(learner.generator, recipe.emotions, 0),
    }
    share = sum(_median_seconds(measure) * speed / images for images, measure in by_interval.items())
    return row("instruments' cost", 100 * share, "% of a step", "on average, limit 5 %")


def _two_trainings(folder: Path) -> dict[str, Any]:
    """Time two trainings with their scores, as two people start them, one after the other and beside each other."""
    command = [sys.executable, "-m", "trainers.dcgan", "--preset", "quick", "--images", "6400", "--epochs", "1"]
    command += ["--eval-every", "0", "--registry"]

    def timed(*names: str) -> float:
        started = time.perf_counter()
        trainings = [
            subprocess.Popen(
                [*command, str(folder / f"{name}.db")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for name in names
        ]
        if any(training.wait() for training in trainings):
            raise RuntimeError("a training failed")
        return time.perf_counter() - started

    timed("warm-up")  # the faces are drawn and read once
    apart = timed("one") + timed("two")
    limit = _BESIDE * apart
    note = f"{apart:.0f} s one after the other; reference: {_BESIDE} times that"
    beside = timed("three", "four")
    return row("two trainings beside each other", beside, "s", note, reference=limit, ratio=limit / beside)


def _wrong_emotions(images: Tensor, labels: Tensor, blocks: int = 24) -> dict[str, Any]:
    """Time `robust`, which judges real faces under the right and a wrong emotion, with a pass for both and for each."""
    recipe = recipes.preset("robust")
    learner = build_learner(recipe, images.device, steps=10**6, bfloat16=images.is_cuda)
    at_once = Discriminator.forward  # the other form is put in its place, so that all else of the step is the same

    def one_by_one(discriminator: Discriminator, faces: Tensor, *class_sets: Tensor) -> Tensor | tuple[Tensor, ...]:
        all_logits = tuple(at_once(discriminator, faces, classes) for classes in class_sets)
        return all_logits if len(class_sets) > 1 else all_logits[0]

    real, classes = engine.to_float(images[: recipe.batch_size]), labels[: recipe.batch_size]
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for block in range(blocks):
        with patch.object(Discriminator, "forward", one_by_one if block % 2 else at_once):
            seconds[block % 2 == 0].append(_median_seconds(lambda: learner.step(real, classes), _BLOCK))
    speed, before = (recipe.batch_size / statistics.median(seconds[shared]) for shared in (True, False))
    note = "one pass over real faces for right and wrong emotions; reference: one for each"
    return row("robust's steps", speed, "images/s", note, reference=before, ratio=speed / before)


def _median_seconds(measure: Callable[[], object], repeats: int = 7) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        measure()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def run() -> list[dict[str, Any]]:
    """Measure the engine, the plain loop, the cost of recording, and the memory of an epoch of all images."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recipe = recipes.preset("dcgan-concat")
    dataset = open_dataset("synthfer")
    epochs = 30 if device.type == "cuda" else 3
    pixels, codes = dataset.images[:_IMAGES], dataset.labels[:_IMAGES]
    images, labels = torch.from_numpy(pixels).to(device), torch.from_numpy(codes.astype(np.int64)).to(device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "faces"
        folder.mkdir()
        _write_folder(pixels, codes, folder)
        # The first block is a warm-up: threads, memory, workers.
        plain = _BLOCK * recipe.batch_size / statistics.median(_plain_seconds(recipe, folder, device, epochs)[1:])
        blocks = _engine_blocks(recipe, images, labels, Path(name), 2 * epochs)
    recorded = _BLOCK * recipe.batch_size / statistics.median(blocks.seconds[True])
    # Adjacent blocks are compared: the machine's speed changes more slowly than that.
    cost = [on / off - 1 for off, on in zip(blocks.seconds[False][1:], blocks.seconds[True][1:], strict=True)]
    rows = [
        row(
            "dcgan-concat training",
            recorded,
            "images/s",
            f"recorded; plain loop on {device.type}",
            reference=plain,
            ratio=recorded / plain,
        ),
        row("recording's cost", 100 * statistics.median(cost), "% of a step", "limit 3 %"),
        _instruments(recipe, dataset, recorded),
        _wrong_emotions(images, labels),
    ]
    if device.type == "cpu":
        ours, theirs = _first_losses(replace(recipe, batch_size=32), images, labels)
        worst = float(np.abs(ours / theirs - 1).max())
        rows.append(row("first 20 losses", worst, "relative difference", "float64, plain arithmetic"))
        with tempfile.TemporaryDirectory() as name:
            path, content = fer2013_csv(Path(name))
            peak = peak_memory(_EPOCH, "--data", str(path), "--preset", "dcgan-concat", "--epochs", "1",
                               "--device", "cpu", "--registry", f"{name}/runs.db")  # fmt: skip
            rows.append(_two_trainings(Path(name)))
        rows.append(row("peak memory, one epoch", peak, "MiB", f"all {content}", reference=2048, ratio=2048 / peak))
    return rows
