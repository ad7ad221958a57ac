"""How many modes does a GAN find? `python -m benchmarks.modes` trains the preset r3gan and what it is compared with.

On 1,000 modes made here, three digits beside each other, as Stacked MNIST has three in its channels (Metz et al. 2017,
arXiv:1611.02163), and on synthfer's 448. R3GAN's authors claim that its loss finds all 1,000 modes, and that it needs
R2 and the comparison of pairs to do so (Huang et al. 2024, arXiv:2501.05441, section 3).
"""

import contextlib
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F

from fergan_core import recipe as recipes
from fergan_core.data import open_dataset, split_parts
from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation import FINAL_COUNT, Evaluator, Protocol, judges_for
from fergan_core.methods import Generator, MethodLearner, build_learner
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.metrics.distances import nearest
from fergan_core.training import engine
from trainers.score_tables import number

DIGITS, PLACES = 10, 3
MODES = DIGITS**PLACES
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "r3gan": {},
    "without-r2": {"r2": 0.0},
    "non-saturating": {"loss": "non-saturating"},
    "non-saturating-without-r2": {"loss": "non-saturating", "r2": 0.0},
}
_DRAWN = 26_000  # as papers do on Stacked MNIST
_TRAINING = 30_000  # images of three digits
_WIDTH, _HEIGHT = 16, 48  # of a digit's place
_PROTOTYPES = 3_000  # digits that others are compared with
_REACH = 0.99  # quantile of real digits' distances
_EMOTION = "neutral"  # of all images of digits, which have no classes here
_SCORES = ("modes", "fid", "recall")

# Five columns and seven rows of each digit, as on a display.
_FONT = (
    "01110100011001110101110011000101110", "00100011000010000100001000010001110",
    "01110100010000100010001000100011111", "11111000100010000010000011000101110",
    "00010001100101010010111110001000010", "11111100001111000001000011000101110",
    "00110010001000011110100011000101110", "11111000010001000100010000100001000",
    "01110100011000101110100011000101110", "01110100011000101111000010001001100",
)  # fmt: skip


def stacked_digits(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw images uint8 [N,48,48] of three digits beside each other, and the digits int64 [N,3], all equally likely.

    Each digit is moved, scaled and slanted by numbers of its own, and has its own brightness.
    """
    source = torch.Generator().manual_seed(seed)
    digits = torch.randint(DIGITS, (count, PLACES), generator=source)
    glyphs = torch.tensor([[int(pixel) for pixel in glyph] for glyph in _FONT], dtype=torch.float32).view(-1, 1, 7, 5)
    # The glyph has a third of the grid's height and most of its width; beyond it lies 0.
    chance = torch.rand(6, count * PLACES, generator=source) * 2 - 1
    across, down = 1.25 * (1 + 0.1 * chance[0]), 1.6 * (1 + 0.1 * chance[1])
    zeros = torch.zeros_like(across)
    matrix = torch.stack([across, 0.25 * chance[2], 0.15 * chance[3], zeros, down, 0.2 * chance[4]], 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, [count * PLACES, 1, _HEIGHT, _WIDTH], align_corners=False)
    brightness = (0.85 + 0.15 * chance[5]).view(-1, 1, 1, 1)
    cells = brightness * F.grid_sample(glyphs[digits.flatten()], grid, align_corners=False)
    images = cells.view(count, PLACES, _HEIGHT, _WIDTH).permute(0, 2, 1, 3).reshape(count, _HEIGHT, PLACES * _WIDTH)
    return (255 * images).round().to(torch.uint8), digits


class DigitReader:
    """Reads three digits in an image as those of the real digits that are nearest by their pixels."""

    def __init__(self, seed: int) -> None:
        images, digits = stacked_digits(_PROTOTYPES // PLACES, seed)
        self._cells, self._digits = _cells(images), digits.flatten()
        others, truth = stacked_digits(_PROTOTYPES // PLACES, seed + 1)
        distances, indices = nearest(_cells(others), self._cells, 1)
        self.error = float((self._digits[indices[:, 0]] != truth.flatten()).double().mean())
        self._reach = distances.quantile(_REACH)

    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mode int64 [N] of images uint8 [N,48,48], 0 to 999, and whether all three digits are clear [N].

        A digit is clear if it is no farther from a real one than 99 % of other real digits are.
        """
        distances, indices = nearest(_cells(images), self._cells, 1)
        read = self._digits[indices[:, 0]].view(-1, PLACES)
        clear = (distances[:, 0] <= self._reach).view(-1, PLACES).all(1)
        return read @ torch.tensor([DIGITS**place for place in reversed(range(PLACES))]), clear


def _cells(images: Tensor) -> Tensor:
    """Return each digit's place in images uint8 [N,48,48] as numbers of 0 to 1: float32 [3N,768]."""
    cells = images.view(-1, _HEIGHT, PLACES, _WIDTH).permute(0, 2, 1, 3)
    return cells.reshape(-1, _HEIGHT * _WIDTH).float() / 255


def reverse_kl(modes: Tensor) -> float:
    """KL divergence of the modes drawn, int64 [N], from a uniform distribution over all: nats, 0 to ln 1000.

    Of N images of the uniform distribution itself it is about 999 / 2N.
    """
    shares = torch.bincount(modes, minlength=MODES).double() / len(modes)
    return float((shares[shares > 0] * (shares[shares > 0] * MODES).log()).sum())


@dataclass(frozen=True)
class Trained:
    """A learner at the end of its training, and how many seconds that took."""

    learner: MethodLearner
    seconds: float

    @property
    def generator(self) -> Generator:
        """Draws by the weights at the end."""
        return self.learner.generator


class _End(engine.Hook):
    def __init__(self, step: int) -> None:
        self._step = step

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        if progress.step == self._step:
            raise engine.Interrupted


def train(recipe: recipes.Recipe, images: Tensor, labels: Tensor, seen: int) -> Trained:
    """Train on images uint8 [N,48,48] and FER2013 codes int64 [N] for about `seen` images, with which the rates end."""
    steps = max(1, seen // recipe.batch_size)
    learner = build_learner(recipe, torch.device("cpu"), steps=steps, bfloat16=False)
    epochs = math.ceil(steps / engine.steps_per_epoch(len(images), recipe.batch_size))
    started = time.perf_counter()
    with contextlib.suppress(engine.Interrupted):
        engine.fit(
            learner, images, labels, batch_size=recipe.batch_size, epochs=epochs, seed=recipe.seed,
            flip=recipe.flip, sampling=recipe.sampling, hooks=[_End(steps)],
        )  # fmt: skip
    return Trained(learner, time.perf_counter() - started)


def on_digits(variants: Mapping[str, recipes.Recipe], seen: int) -> Table:
    """Train each variant on three digits, all as one emotion, and count the modes of its images and of real ones."""
    table = Table(title=f"1,000 modes: three digits, {seen:,} images seen, {_DRAWN:,} drawn")
    for column in ("", "modes", "of clear digits", "reverse KL, nats", "clear images", "seconds"):
        table.add_column(column, justify="right" if column else "left")
    reader = DigitReader(seed=1)
    images, _ = stacked_digits(_TRAINING, seed=0)
    labels = torch.full((len(images),), EMOTIONS.index(_EMOTION))
    table.add_row("real images", *_counted(reader, stacked_digits(_DRAWN, seed=3)[0]), "")
    for name, recipe in variants.items():
        print(f"{name}, digits", file=sys.stderr, flush=True)
        # A digit's mirror image is another shape.
        trained = train(replace(recipe, emotions=(_EMOTION,), flip=False), images, labels, seen)
        drawn = trained.generator.sample(labels[:1].expand(_DRAWN), 0)
        table.add_row(name, *_counted(reader, engine.to_bytes(drawn)), f"{trained.seconds:.0f}")
    return table


def _counted(reader: DigitReader, images: Tensor) -> list[str]:
    """Return the modes found, those found in clear digits, the reverse KL and the share of clear images as cells."""
    modes, clear = reader.read(images)
    found, found_clear = len(modes.unique()), len(modes[clear].unique())
    return [str(found), str(found_clear), f"{reverse_kl(modes):.3f}", f"{float(clear.double().mean()):.1%}"]


def on_faces(variants: Mapping[str, recipes.Recipe], seen: int) -> Table:
    """Train each variant on synthfer and count its true modes, beside FID and recall; real faces beside them."""
    dataset = open_dataset("synthfer")
    parts = split_parts(dataset)
    evaluator = Evaluator(dataset, parts, Protocol(judges_for(dataset.name)[0]))
    images = torch.from_numpy(dataset.images[parts.train])
    labels = torch.from_numpy(dataset.labels[parts.train].astype(np.int64))
    table = Table(title=f"448 modes: synthfer's people and emotions, {seen:,} images seen, {FINAL_COUNT:,} drawn")
    for column in ("", *(CATALOGUE[key].title for key in _SCORES), "seconds"):
        table.add_column(column, justify="right" if column else "left")
    for place, (name, recipe) in enumerate(variants.items()):
        print(f"{name}, synthfer", file=sys.stderr, flush=True)
        trained = train(recipe, images, labels, seen)
        evaluation = evaluator.evaluate(trained.generator)
        scores = {score.metric: score for score in evaluation.scores if score.emotion is None}
        if not place:
            table.add_row("real faces", *(number(CATALOGUE[key], scores[key].real) for key in _SCORES), "")
        cells = (number(CATALOGUE[key], scores[key].value) for key in _SCORES)
        table.add_row(name, *cells, f"{trained.seconds:.0f}")
    return table


def main(
    images: Annotated[int, tyro.conf.arg(help="Images that each variant sees, on either data.")] = 200_000,
    seed: Annotated[int, tyro.conf.arg(help="Seed of the trainings.")] = 0,
    data: Annotated[Literal["both", "digits", "synthfer"], tyro.conf.arg(help="On what to train.")] = "both",
    variants: Annotated[tuple[str, ...], tyro.conf.arg(help=f"Which of {', '.join(VARIANTS)}.")] = tuple(VARIANTS),
) -> None:
    """Train variants of the preset r3gan one after another and print the modes that each finds."""
    plain = replace(recipes.preset("r3gan"), seed=seed)
    chosen = {name: replace(plain, method=replace(plain.method, **VARIANTS[name])) for name in variants}
    console = Console(width=None if sys.stdout.isatty() else 120)
    if data != "synthfer":
        console.print(on_digits(chosen, images))
    if data != "digits":
        console.print(on_faces(chosen, images))


if __name__ == "__main__":
    tyro.cli(main)
