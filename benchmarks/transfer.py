"""Does a real face keep its identity and change its emotion? `python -m benchmarks.transfer RUN` measures it.

Faces that neither the run nor the judges have learned from are found in the generator of a run's last checkpoint and
shown in its other emotions, as the page Explore does. Printed are the shares of these pictures that the judges read as
requested and, on synthfer, as the person in the given face: the judges' identity heads read 64 people, and no search
has looked at them.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import Tensor

from fergan_core.data import Dataset, open_dataset, split_parts
from fergan_core.data.synthfer import synthfer
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import UsageError
from fergan_core.exploring.inversion import FoundFaces, find_faces, greys_apart
from fergan_core.judges.judge import Judge, load_judge
from fergan_core.methods import load_generator
from fergan_core.methods.protocols import Generator, Samplable
from fergan_core.metrics.intervals import interval_of_share
from fergan_core.protocols import judges_for
from fergan_core.registry import Reader

_TOGETHER = 25  # faces searched at once
_NEW = 1  # seed of synthfer's new pictures: the judges and the runs learned from those of seed 0


def given_faces(name: str, data: str | None, emotions: tuple[str, ...], count: int) -> Dataset:
    """Return `count` faces of the emotions: of synthfer drawn anew, of FER2013 from the part that only reports."""
    if name == "synthfer":
        each = -(-count // len(emotions))
        return synthfer(_NEW, {"public": dict.fromkeys(emotions, each)}).take(np.arange(count))
    if data is None:
        raise UsageError("--data: name the file or folder of FER2013, of which the registry holds no faces")
    dataset = open_dataset(data)
    report = split_parts(dataset).report
    shuffled = np.random.default_rng(0).permutation(report)
    of_emotions = [shuffled[dataset.labels[shuffled] == emotion_code(name)] for name in emotions]
    return dataset.take(np.array([of_emotions[at % len(emotions)][at // len(emotions)] for at in range(count)]))


def found_in(generator: Generator, faces: Tensor, codes: Tensor) -> list[FoundFaces]:
    """Find the faces uint8 [n,48,48] of codes [n], some at a time."""
    found = []
    for part in torch.arange(len(faces)).split(_TOGETHER):
        print(f"{int(part[0])} of {len(faces)} faces found", file=sys.stderr, flush=True)
        found.append(find_faces(generator, faces[part], codes[part]))
    return found


class Requests:
    """Which of the pictures uint8 [n,K,48,48] show another emotion than the given face's, and who is to be in them."""

    def __init__(self, codes: Tensor, people: Tensor | None, emotions: tuple[str, ...]) -> None:
        self.emotions = torch.tensor([emotion_code(name) for name in emotions])
        self.others = self.emotions[None] != codes[:, None]
        self.people = people

    def shares(self, judge: Judge, pictures: Tensor) -> dict[str, Tensor]:
        """Return each face's shares of pictures that the judge reads as requested: {title: float64 [n]}."""
        logits, features = judge.read(pictures.flatten(0, 1))
        right = {"emotion": logits.argmax(1).view_as(self.others) == self.emotions}
        if self.people is not None:
            right["identity"] = judge.identities(features).argmax(1).view_as(self.others) == self.people[:, None]
            right["both"] = right["emotion"] & right["identity"]
        return {title: (hits & self.others).sum(1).double() / self.others.sum(1) for title, hits in right.items()}


def table_of(requests: Requests, judges: list[Judge], pictures: Mapping[str, Tensor]) -> Table:
    """Return a row for each kind of picture and judge: shares with intervals over the given faces."""
    titles = ["emotion", *(["identity", "both"] if requests.people is not None else [])]
    table = Table("pictures", "judge", *titles)
    for name, of_kind in pictures.items():
        for judge in judges:
            shares = requests.shares(judge, of_kind)
            table.add_row(name, judge.name, *(_written(shares[title]) for title in titles))
    return table


def _written(shares: Tensor) -> str:
    """Write a mean share with its interval: a given face counts as one trial, since its pictures are alike."""
    interval = interval_of_share(float(shares.mean()), len(shares))
    return f"{interval.value:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


def main(
    run: tyro.conf.Positional[str],
    /,
    *,
    registry: Annotated[str, tyro.conf.arg(help="Registry with the run.")] = "runs.db",
    data: Annotated[str | None, tyro.conf.arg(help="Where FER2013 lies, for runs on it.")] = None,
    count: Annotated[int, tyro.conf.arg(help="Given faces.")] = 50,
    guidance: Annotated[float | None, tyro.conf.arg(help="Guidance of flow and diffusion, there and back.")] = None,
) -> None:
    """Print how often the emotion changes, and the identity stays, in a run's last checkpoint."""
    reader = Reader(registry)
    record = reader.run(reader.resolve(run))
    weights = Path(reader.file(reader.checkpoints(record["id"])["path"].iloc[-1]))
    generator = load_generator(record["recipe"], weights)
    if guidance is not None and isinstance(generator, Samplable):
        generator = generator.resampled(replace(generator.sampling, guidance=guidance))
    name = record["dataset"]["name"]
    given = given_faces(name, data, tuple(one for one in EMOTIONS if one in generator.emotions), count)
    faces, codes = torch.from_numpy(given.images), torch.from_numpy(given.labels.astype(np.int64))
    people = torch.from_numpy(given.factors["identity"].astype(np.int64)) if given.factors else None
    started = time.perf_counter()
    found = found_in(generator, faces, codes)
    seconds = (time.perf_counter() - started) / count
    errors = torch.cat([one.errors for one in found]).mean()
    contrast = greys_apart(faces, faces.float().mean((1, 2), keepdim=True).expand_as(faces)).mean()
    print(f"{count} faces: error {errors:.1f} greys, from even grey {contrast:.1f}; {seconds:.1f} s a face")
    pictures = {
        "the given faces, as if shown": faces.unsqueeze(1).expand(-1, len(generator.emotions), -1, -1),
        "drawn": torch.cat([one.drawn for one in found]),
        "shown": torch.cat([one.shown for one in found]),
    }
    requests = Requests(codes, people, generator.emotions)
    Console(width=None if sys.stdout.isatty() else 120).print(
        table_of(requests, [load_judge(one) for one in judges_for(name)], pictures)
    )


if __name__ == "__main__":
    tyro.cli(main)
