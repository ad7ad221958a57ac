"""Training against a plain PyTorch loop of the same networks, batch and losses, on the same machine in one run.

The plain loop is what a careful student writes: ImageFolder of PNG files, DataLoader (2 workers, 8 on a GPU),
float32, default memory layout, unfused Adam, the losses of every step read with .item() for the log.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.common import fer2013_csv, peak_memory
from fergan_core import recipe as recipes
from fergan_core.data import open_dataset
from fergan_core.methods import build_learner
from fergan_core.methods.adversarial import build_discriminator, build_generator
from fergan_core.registry import PointWriter, Registry
from fergan_core.training import engine
from fergan_core.training.recorder import Recorder

_IMAGES = 4096
_SAME_LOSS_STEPS = 20
_EPOCH = "from trainers import dcgan; dcgan.main()"


class _Clock(engine.Hook):
    """Times stretches of steps and keeps the first losses."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.times, self.losses = device, [time.perf_counter()], []

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        if len(self.losses) < _SAME_LOSS_STEPS:
            self.losses.append((float(scalars["loss_d"]), float(scalars["loss_g"])))
        if self.device.type == "cuda" and progress.step % 10 == 0:
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())

    def images_per_second(self, batch_size: int) -> float:
        """Median speed over stretches of ten steps, the first stretch left out."""
        stretches = np.diff(np.array(self.times)[10::10])
        return 10 * batch_size / statistics.median(stretches)


def _write_folder(images: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        target = folder / str(label)
        target.mkdir(exist_ok=True)
        Image.fromarray(image).save(target / f"{number:06d}.png")


def _plain_loop(recipe: recipes.Recipe, folder: Path, device: torch.device, epochs: int) -> Iterator[None]:
    """Train as a tutorial does; yields after every step."""
    torch.manual_seed(recipe.seed)
    config = recipe.method
    generator = build_generator(config, 7).to(device)
    discriminator = build_discriminator(config, 7).to(device)
    betas = (config.beta1, config.beta2)
    g_adam = torch.optim.Adam(generator.parameters(), config.g_lr, betas)
    d_adam = torch.optim.Adam(discriminator.parameters(), config.d_lr, betas)
    bce = nn.BCEWithLogitsLoss()
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
            images, labels = images.to(device), labels.to(device)
            ones, zeros = torch.ones(len(images), device=device), torch.zeros(len(images), device=device)
            latents = torch.rand(len(images), config.latent_size, device=device) * 2 - 1
            fake = generator(latents, labels)
            d_adam.zero_grad()
            real_logits = discriminator(images, labels)
            fake_logits = discriminator(fake.detach(), labels)
            d_loss = bce(real_logits, ones) + bce(fake_logits, zeros)
            d_loss.backward()
            d_adam.step()
            g_adam.zero_grad()
            g_loss = bce(discriminator(fake, labels), ones)
            g_loss.backward()
            g_adam.step()
            d_loss.item(), g_loss.item()
            yield


def _plain_losses(recipe: recipes.Recipe, images: Tensor, labels: Tensor) -> list[tuple[float, float]]:
    """Return the plain arithmetic's first losses on the engine's own batches and latents."""
    learner = build_learner(recipe, images.device, bfloat16=False)
    generator, discriminator = (
        learner._g.to(memory_format=torch.contiguous_format),
        learner._d.to(memory_format=torch.contiguous_format),
    )
    config = recipe.method
    betas = (config.beta1, config.beta2)
    g_adam = torch.optim.Adam(generator.parameters(), config.g_lr, betas, foreach=False, fused=False)
    d_adam = torch.optim.Adam(discriminator.parameters(), config.d_lr, betas, foreach=False, fused=False)
    bce = nn.BCEWithLogitsLoss()
    order = engine.epoch_order(len(images), recipe.seed, 0)
    losses = []
    for step in range(_SAME_LOSS_STEPS):
        torch.manual_seed(engine.mix(recipe.seed, engine.STEP_STREAM, step + 1))
        index = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        real, classes = engine.to_unit(images[index]), labels[index]
        fake = generator(torch.rand(len(real), config.latent_size) * 2 - 1, classes)
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        d_adam.zero_grad()
        d_loss = bce(discriminator(real, classes), ones) + bce(discriminator(fake.detach(), classes), zeros)
        d_loss.backward()
        d_adam.step()
        g_adam.zero_grad()
        g_loss = bce(discriminator(fake, classes), ones)
        g_loss.backward()
        g_adam.step()
        losses.append((d_loss.item(), g_loss.item()))
    return losses


def _engine_speed(
    recipe: recipes.Recipe, images: Tensor, labels: Tensor, hooks: list[engine.Hook], epochs: int
) -> tuple[float, list[tuple[float, float]]]:
    clock = _Clock(images.device)
    gpu = images.device.type == "cuda"
    learner = build_learner(recipe, images.device, bfloat16=gpu)
    engine.fit(
        learner,
        images,
        labels,
        batch_size=recipe.batch_size,
        epochs=epochs,
        seed=recipe.seed,
        flip=recipe.flip,
        hooks=[*hooks, clock],
    )
    return clock.images_per_second(recipe.batch_size), clock.losses


def run() -> list[dict[str, Any]]:
    """Measure the engine, the plain loop, and what recording costs."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recipe = recipes.preset("dcgan")
    dataset = open_dataset("synthfer")
    epochs = 20 if device.type == "cuda" else 2
    pixels, codes = dataset.images[:_IMAGES], dataset.labels[:_IMAGES]
    images, labels = torch.from_numpy(pixels).to(device), torch.from_numpy(codes.astype(np.int64)).to(device)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "faces"
        folder.mkdir()
        _write_folder(pixels, codes, folder)
        plain_clock = _Clock(device)
        for _ in _plain_loop(recipe, folder, device, epochs):
            plain_clock.times.append(time.perf_counter())
        plain = plain_clock.images_per_second(recipe.batch_size)
        bare, losses = _engine_speed(recipe, images, labels, [], epochs)
        registry = Registry(str(Path(name) / "runs.db"))
        run_id = registry.create_run(
            name="bench", method="gan", preset="dcgan", recipe=recipes.to_dict(recipe),
            dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": _IMAGES},
            seed=0, provenance={"device": device.type}, tags=(), epochs=epochs, steps=0,
        )  # fmt: skip
        with PointWriter(registry, run_id) as writer:
            recorder = Recorder(writer, batch_size=recipe.batch_size)
            recorded, _ = _engine_speed(recipe, images, labels, [recorder], epochs)
    rows.append(_row("dcgan training", recorded, "images/s", plain, recorded / plain, f"plain loop on {device.type}"))
    rows.append(_row("recording's cost", 100 * (bare / recorded - 1), "% of a step", None, None, "limit 3 %"))
    if device.type == "cpu":
        theirs = _plain_losses(recipe, images, labels)
        worst = float(np.abs(np.array(losses) - np.array(theirs)).max())
        rows.append(_row("first 20 losses", worst, "largest difference", None, None, "plain arithmetic, same batches"))
        with tempfile.TemporaryDirectory() as name:
            path, what = fer2013_csv(Path(name))
            peak = peak_memory(_EPOCH, "--data", str(path), "--preset", "dcgan", "--epochs", "1",
                               "--device", "cpu", "--registry", f"{name}/runs.db")  # fmt: skip
        rows.append(_row("peak memory, one epoch", peak, "MiB", 2048, 2048 / peak, f"all {what}; reference: the limit"))
    return rows


def _row(name: str, value: float, unit: str, reference: float | None, ratio: float | None, note: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio, "note": note}
