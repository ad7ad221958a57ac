"""How long a scoring takes, alone and in trainings beside each other."""

import os
import subprocess
import sys
import time

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import row
from benchmarks.gpu.job import Job
from fergan_core import methods
from fergan_core.data import Dataset, split_parts
from fergan_core.evaluation import Evaluator, Faces, Protocol, codes_of, judges_for
from fergan_core.experiment import choose_device

_GOAL = 10.0  # seconds of an evaluation
_BESIDE = 3


def noisy_faces(dataset: Dataset, codes: Tensor, seed: int) -> Faces:
    """Return a training face with strong noise for each emotion's code, as a mediocre generator might draw them."""
    index, source = split_parts(dataset).train, np.random.default_rng(seed)
    faces = np.empty((len(codes), 48, 48))
    for code in range(7):
        rows = np.flatnonzero(codes.numpy() == code)
        faces[rows] = dataset.images[source.choice(index[dataset.labels[index] == code], len(rows))] if len(rows) else 0
    faces += source.normal(0, 20, faces.shape)
    return Faces(torch.from_numpy(faces.clip(0, 255).astype(np.uint8)), codes)


def evaluation(job: Job) -> None:
    """Time evaluations, drawing included; real faces and noise are read and scored in the first one only."""
    dataset, device = job.dataset(), choose_device(job.device)
    # What other evaluations have read must not help the first one here.
    os.environ["FERGAN_CACHE"] = str(job.folder / "cache")
    evaluator = Evaluator(dataset, split_parts(dataset), Protocol(judges_for(dataset.name)[0], job.size.faces), device)
    recipe = job.size.recipe("dcgan-concat")
    generator = methods.build_learner(recipe, device, steps=10, bfloat16=False).generator
    for seed, which in enumerate(("the first evaluation", "every later evaluation")):
        started = time.perf_counter()
        labels = evaluator.draw(generator).labels
        drawn = time.perf_counter()
        assert labels is not None
        faces = noisy_faces(dataset, labels, seed)
        prepared = time.perf_counter()
        evaluator.score(faces, codes_of(generator.emotions), generator)
        drawing, scoring = drawn - started, time.perf_counter() - prepared
        job.report(
            row(
                f"{which}: {job.size.faces:,} faces", drawing + scoring, "s",
                f"{drawing:.1f} s to draw, `dcgan-concat`; goal {_GOAL:.0f} s",
                reference=_GOAL, ratio=_GOAL / (drawing + scoring),
            ) | {"drawing": drawing, "scoring": scoring}
        )  # fmt: skip


def _start(job: Job, seed: int) -> "subprocess.Popen[bytes]":
    """Start a training as a person does: one epoch, and its scores at the end."""
    recipe = job.size.recipe("robust")
    flags = {
        "preset": "robust", "images": job.size.images, "epochs": 1, "seed": seed, "data": job.data,
        "device": job.device, "registry": job.folder / "beside.db", "width": recipe.method.width,  # type: ignore[attr-defined]
        "batch-size": recipe.batch_size,
    }  # fmt: skip
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    return subprocess.Popen([sys.executable, "-m", "trainers.dcgan", *words])


def beside(job: Job) -> None:
    """Report when a training alone has its first scores, and when each of three has that are trained at once."""
    reference = None
    for count in (1, _BESIDE):
        started = time.perf_counter()
        trainings = {_start(job, seed): seed for seed in range(count)}
        while trainings:
            time.sleep(0.05)
            for training in [training for training in trainings if training.poll() is not None]:
                seconds = time.perf_counter() - started
                seed = trainings.pop(training)
                if training.returncode:
                    raise RuntimeError(f"a training ended with exit code {training.returncode}")
                name = "a training alone" if count == 1 else f"training {seed + 1} of {count} at once"
                note = "`robust`, started as a process, one epoch and its first scores"
                ratio = None if reference is None else reference / seconds
                job.report(row(name, seconds, "s", note, reference=reference, ratio=ratio))
        reference = reference or seconds
