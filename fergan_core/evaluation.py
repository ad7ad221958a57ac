"""Evaluation: a generator's faces, or a checkpoint's, under one protocol, read by one judge, beside real faces."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fergan_core.data import Dataset, Parts, open_dataset, science_parts
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import CheckpointError, DataError, UsageError
from fergan_core.judges.judge import Judge, judge_for, load_judge
from fergan_core.methods import load_generator
from fergan_core.metrics import calibration, inception_score
from fergan_core.registry import Reader, Registry, Score
from fergan_core.training.engine import to_bytes
from fergan_core.training.protocols import Generator

__all__ = [
    "Evaluation",
    "Examiner",
    "Judge",
    "Protocol",
    "apportion",
    "evaluate_checkpoints",
    "judge_for",
    "load_judge",
    "record",
]

SAMPLE_BATCH = 200  # fixed: with it the same seed gives the same faces, and a large network fits the memory


@dataclass(frozen=True)
class Protocol:
    """How an evaluation is made: whose reading, how many faces, from which seed, and of which emotions.

    `prior` 'natural' asks for the emotions as often as the report part of the data has them, 'balanced' equally
    often; both among the generator's own emotions only.
    """

    judge: str
    count: int = 5000
    seed: int = 0
    prior: Literal["natural", "balanced"] = "natural"

    def __post_init__(self) -> None:
        if self.count < 10:
            raise UsageError(f"--count: {self.count} faces are too few for ten splits; ask for 10 or more")
        if self.prior not in ("natural", "balanced"):
            raise UsageError(f"--prior: unknown prior '{self.prior}'; use natural or balanced")


@dataclass(frozen=True)
class Evaluation:
    """The scores of one generator under one protocol; `real_count` real faces gave the scores' `real` (0: none)."""

    protocol: Protocol
    judge: str
    judge_sha256: str
    real_count: int
    scores: list[Score]

    def protocol_dict(self) -> dict[str, Any]:
        """Return what the registry keeps of the protocol beside the judge."""
        return {
            "count": self.protocol.count,
            "seed": self.protocol.seed,
            "prior": self.protocol.prior,
            "real_count": self.real_count,
        }


def apportion(shares: Sequence[float], count: int) -> list[int]:
    """Split `count` >= 0 into whole parts in proportion to shares >= 0, by largest remainder (ties: the first)."""
    total = sum(shares)
    if total <= 0:
        raise DataError("there are no labelled real faces of the generator's emotions; use --prior balanced")
    exact = [share * count / total for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[: count - sum(parts)]:
        parts[index] += 1
    return parts


def _counts(labels: NDArray[np.uint8], codes: Sequence[int]) -> list[int]:
    return [int((labels == code).sum()) for code in codes]


@dataclass(frozen=True)
class _Readings:
    """What a judge reads in faces that were asked (or are labelled) to show certain emotions."""

    logits: Tensor
    labels: Tensor

    def hits(self, code: int | None = None) -> tuple[int, int]:
        """How many faces (of one emotion, or all) are read as their label, and how many there are."""
        chosen = torch.ones_like(self.labels, dtype=torch.bool) if code is None else self.labels == code
        return int((self.logits.argmax(1) == self.labels)[chosen].sum()), int(chosen.sum())

    def values(self, codes: Sequence[int]) -> dict[tuple[str, str | None], float]:
        """The scores that need no interval: what is kept of real faces, by metric and emotion."""
        found: dict[tuple[str, str | None], float] = {}
        if len(self.labels) >= 10:
            mean, std = inception_score.split_scores(self.logits)
            found[("is", None)] = inception_score.inception_score(self.logits)
            found[("kl_nats", None)] = inception_score.kl_nats(self.logits)
            found[("kl_ratio", None)] = inception_score.kl_ratio(self.logits)
            found[("is_split_mean", None)], found[("is_split_std", None)] = mean, std
        for code in (None, *codes):
            hits, count = self.hits(code)
            if count:
                found[("accuracy", None if code is None else EMOTIONS[code])] = hits / count
        return found


class Examiner:
    """Evaluates generators of the same data under one protocol; real faces are read once for each set of emotions.

    `dataset` and `parts` may be None where the data cannot be opened: scores then lack their real values, and the
    natural prior is that of the judge's own report part.
    """

    def __init__(
        self, dataset: Dataset | None, parts: Parts | None, protocol: Protocol, device: torch.device | str = "cpu"
    ) -> None:
        self.protocol, self.device = protocol, torch.device(device)
        self.judge = load_judge(protocol.judge, self.device)
        self.report = dataset.take(parts.report) if dataset is not None and parts is not None else None
        train = dataset.take(parts.train) if dataset is not None and parts is not None else None
        self.prior_labels = self.report if self.report is not None and len(self.report) else train
        self._real: dict[tuple[int, ...], _Readings | None] = {}

    def _shares(self, codes: Sequence[int]) -> list[float]:
        """How often each of these emotions is to be asked for, up to a common factor."""
        if self.protocol.prior == "balanced":
            return [1.0] * len(codes)
        if self.prior_labels is not None:
            return [float(count) for count in _counts(self.prior_labels.labels, codes)]
        per_emotion = [sum(row) for row in self.judge.card["report"]["confusion"]]
        return [float(per_emotion[code]) for code in codes]

    def requested(self, codes: Sequence[int]) -> Tensor:
        """Draw the emotions to ask for: int64 [count], FER2013 codes by the prior, shuffled by the seed."""
        counts = apportion(self._shares(codes), self.protocol.count)
        labels = np.repeat(np.asarray(codes, dtype=np.int64), counts)
        return torch.from_numpy(np.random.default_rng(self.protocol.seed).permutation(labels))

    def _read_real(self, codes: Sequence[int]) -> _Readings | None:
        """Read real faces of the report part: the same prior, `count` of them or as many as keep the prior."""
        if self.report is None:
            return None
        shares, held = self._shares(codes), _counts(self.report.labels, codes)
        total = sum(shares)
        most = min(have * total / share for share, have in zip(shares, held, strict=True) if share > 0)
        wanted = apportion(shares, min(self.protocol.count, int(most + 1e-9)))
        chooser = np.random.default_rng(self.protocol.seed)
        index = np.concatenate(
            [
                chooser.permutation(np.flatnonzero(self.report.labels == code))[:number]
                for code, number in zip(codes, wanted, strict=True)
            ]
        )
        if len(index) == 0:
            return None
        index = chooser.permutation(index)
        logits, _ = self.judge.read(self.report.images[index])
        return _Readings(logits, torch.from_numpy(self.report.labels[index].astype(np.int64)))

    def evaluate(self, generator: Generator) -> Evaluation:
        """Sample, quantise to greys, read and score; the same generator and protocol give the same digits.

        K, the number of classes in kl_ratio, is the judge's seven also where the generator knows fewer emotions (the
        2022 report's K is its five); the real value is of the generator's emotions alone, so their ratio stays fair.
        """
        codes = tuple(sorted(emotion_code(name) for name in generator.emotions))
        labels = self.requested(codes)
        faces = _draw(generator, labels, self.protocol.seed, self.device)
        fake = _Readings(self.judge.read(faces)[0], labels)
        if codes not in self._real:
            self._real[codes] = self._read_real(codes)
        real = self._real[codes]
        return Evaluation(
            self.protocol,
            self.judge.name,
            self.judge.sha256,
            0 if real is None else len(real.labels),
            _scores(fake, {} if real is None else real.values(codes), codes, self.protocol.seed),
        )


@torch.inference_mode()
def _draw(generator: Generator, labels: Tensor, seed: int, device: torch.device) -> Tensor:
    """Draw one face a label, uint8 [N,48,48] on the CPU; CheckpointError where a network gives no numbers."""
    latents = generator.latents(len(labels), seed)
    faces = torch.zeros(len(labels), 48, 48, dtype=torch.uint8)
    for start in range(0, len(labels), SAMPLE_BATCH):
        stop = start + SAMPLE_BATCH
        made = generator.generate(latents[start:stop].to(device), labels[start:stop].to(device))
        if not bool(torch.isfinite(made).all()):
            raise CheckpointError("the generator's faces are NaN or infinite; evaluate an earlier checkpoint")
        faces[start:stop] = to_bytes(made)
    return faces


def _scores(fake: _Readings, real: dict[tuple[str, str | None], float], codes: Sequence[int], seed: int) -> list[Score]:
    """Put every score beside its interval and its real value."""
    score = inception_score.score(fake.logits, seed=seed)
    scores = [
        Score(metric, interval.value, interval.low, interval.high, real.get((metric, None)))
        for metric, interval in (
            ("is", score.inception_score),
            ("kl_nats", score.kl_nats),
            ("kl_ratio", score.kl_ratio),
        )
    ]
    scores.append(Score("is_split_mean", score.split_mean, real=real.get(("is_split_mean", None))))
    scores.append(Score("is_split_std", score.split_std, real=real.get(("is_split_std", None))))
    for code in (None, *codes):
        hits, count = fake.hits(code)
        if count:
            emotion = None if code is None else EMOTIONS[code]
            low, high = calibration.wilson_interval(hits, count)
            scores.append(Score("accuracy", hits / count, low, high, real.get(("accuracy", emotion)), emotion))
    return scores


def _data_of(run: dict[str, Any]) -> Dataset | None:
    """Open the data that a run was trained on; where that fails, say so in one line on stderr and return None."""
    source, content_hash = str(run["dataset"]["source"]), run["dataset"]["content_hash"]
    try:
        dataset = open_dataset(source)
    except DataError as error:
        print(f"warning: no real faces to compare with: {error}", file=sys.stderr)
        return None
    if dataset.content_hash != content_hash:
        print(f"warning: no real faces to compare with: '{source}' is not what it was in training", file=sys.stderr)
        return None
    return dataset


def record(registry: Registry, run_id: str, evaluation: Evaluation, *, epoch: int, step: int) -> None:
    """Enter an evaluation of a run's step in the registry."""
    registry.add_evaluation(
        run_id,
        epoch=epoch,
        step=step,
        judge=evaluation.judge,
        judge_sha256=evaluation.judge_sha256,
        protocol=evaluation.protocol_dict(),
        scores=evaluation.scores,
    )


def evaluate_checkpoints(
    registry: Registry, run_id: str, steps: Sequence[int], protocol: Protocol, device: torch.device | str = "cpu"
) -> Iterator[Evaluation]:
    """Evaluate a run's checkpoints at `steps` and record each; CheckpointError where there is none at a step."""
    reader = Reader(registry.url)
    run = reader.run(run_id)
    saved = reader.checkpoints(run_id).set_index("step").to_dict("index")
    missing = [step for step in steps if step not in saved]
    if missing:
        raise CheckpointError(
            f"run '{run['name']}' has no checkpoint at step {missing[0]}; `fergan runs show` lists them"
        )
    dataset = _data_of(run)
    examiner = Examiner(dataset, None if dataset is None else science_parts(dataset), protocol, device)
    for step in steps:
        checkpoint = saved[step]
        evaluation = examiner.evaluate(load_generator(run["recipe"], reader.file(checkpoint["path"]), str(device)))
        record(registry, run_id, evaluation, epoch=checkpoint["epoch"], step=step)
        yield evaluation


def evaluation_as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain JSON values."""
    return {
        "judge": evaluation.judge,
        "judge_sha256": evaluation.judge_sha256,
        "protocol": evaluation.protocol_dict(),
        "scores": [asdict(score) for score in evaluation.scores],
    }
