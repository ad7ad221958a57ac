"""The evaluator: any faces scored beside real faces and noise that are scored in the same way."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import fergan_core.metrics
from fergan_core.data import Dataset, Parts
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.evaluation.faces import Faces, OnProgress, Reading, arranged, draw, noise, read
from fergan_core.evaluation.protocol import Protocol, keeping_prior, requested
from fergan_core.evaluation.reading_cache import cached
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.evaluation.scoring_task import ReferenceSet, ScoringTask
from fergan_core.evaluation.slow_scores import bits_per_dim, cas_scores, log_condition, modes_found, true_modes
from fergan_core.evaluation.spaces import axes_of, in_spaces
from fergan_core.evaluation.table import STANDARD, TABLE, scores_of
from fergan_core.judges.inception import PREFIX, InceptionJudge, load_inception
from fergan_core.judges.judge import Judge, load_judge
from fergan_core.methods.protocols import Generator
from fergan_core.metrics import spaces
from fergan_core.metrics.intervals import GROUPS, Interval
from fergan_core.metrics.modes import Modes
from fergan_core.registry import Score

_MOST_REFERENCE = 10_000  # training faces in a reference set: more take minutes and change no significant digit
Key = tuple[str, str | None]  # a metric and an emotion's name, None for all together


@dataclass(frozen=True)
class Evaluation:
    """The scores of some faces under one protocol; `real_count` real faces gave the scores' `real` (0: none).

    `omitted` says why scores are missing, such as too few faces; `faces_per_second` is how fast the faces were drawn,
    None where they were not.
    """

    protocol: Protocol
    judge: str
    judge_sha256: str
    real_count: int
    scores: list[Score]
    omitted: list[str]
    faces_per_second: float | None = field(default=None, compare=False)

    def protocol_dict(self) -> dict[str, Any]:
        """Return what the registry stores of the protocol besides the judge."""
        return {**self.protocol.as_dict(), "real_count": self.real_count}

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = {"judge": self.judge, "judge_sha256": self.judge_sha256, "protocol": self.protocol_dict()}
        results = {"scores": [asdict(score) for score in self.scores], "omitted": self.omitted}
        return {**plain, **results, "faces_per_second": self.faces_per_second}


class Evaluator:
    """Scores generators of the same data under one protocol; real faces and noise once for each set of emotions.

    `dataset` and `parts` may be None where the data cannot be opened: scores that need real faces are then missing, and
    the natural prior is that of the judge's own report part. `trained_on` int64 indexes the images that the generator
    was trained on (None: all of the training part). `thorough` adds what takes minutes: CAS and the Jacobian.
    """

    def __init__(
        self,
        dataset: Dataset | None,
        parts: Parts | None,
        protocol: Protocol,
        device: torch.device | str = "cpu",
        *,
        trained_on: NDArray[np.int64] | None = None,
        thorough: bool = False,
    ) -> None:
        self.protocol, self.device, self.thorough = protocol, torch.device(device), thorough
        self.judge = judge_of(protocol, device)
        self.real_faces: RealFaces | None = None
        if dataset is not None and parts is not None:
            self.real_faces = RealFaces(dataset, parts, self.judge, trained_on)
        self._reference_sets: dict[tuple[tuple[int, ...], tuple[float, ...]], ReferenceSet] = {}

    @cached_property
    def _modes(self) -> Modes | None:
        return (
            None
            if self.real_faces is None or not isinstance(self.judge, Judge)
            else true_modes(self.real_faces, self.judge)
        )

    @cached_property
    def _axes(self) -> Tensor | None:
        """Return the principal axes of the training faces; None where there are too few, or none are asked for."""
        if self.real_faces is None or not self.judge.reads_emotions or len(self.real_faces.train) <= spaces.SIZE:
            return None
        return axes_of(self.real_faces.train)

    @cached_property
    def _train(self) -> Reading:
        """Return the training part of the data, in the spaces too."""
        assert self.real_faces is not None
        return self._in_spaces(self.real_faces.train)

    def _in_spaces(self, reading: Reading) -> Reading:
        if self._axes is None:
            return reading
        with _one_thread():
            return in_spaces(reading, self._axes)

    def labels(self, generator: Generator) -> Tensor:
        """Return the emotions that the protocol requests of a generator: int64 [count]."""
        codes = codes_of(generator.emotions)
        return requested(codes, self._shares(codes), self.protocol)

    def draw(self, generator: Generator, on_progress: OnProgress = lambda done, of: None) -> Faces:
        """Draw the protocol's faces; the same generator and protocol give the same ones to the last bit."""
        protocol = self.protocol
        return draw(generator, self.labels(generator), protocol.seed, protocol.truncation, self.device, on_progress)

    def evaluate(self, generator: Generator) -> Evaluation:
        """Draw, read and score a generator's faces."""
        return self.score(self.draw(generator), codes_of(generator.emotions), generator)

    def own_scores(self, generator: Generator) -> dict[str, Interval]:
        """Return the scores of a generator itself, by its derivatives and its density: the same for every judge."""
        codes, seed, own = codes_of(generator.emotions), self.protocol.seed, dict[str, Interval]()
        if self.real_faces is not None:
            own |= bits_per_dim(generator, self.real_faces.report, codes, seed)
        condition = log_condition(generator, self.labels(generator), seed)
        return own if condition is None else own | {"log_condition": condition}

    def score(
        self,
        faces: Faces,
        codes: Sequence[int],
        generator: Generator | None = None,
        own: Mapping[str, Interval] | None = None,
    ) -> Evaluation:
        """Score faces that were requested of these emotions; the same faces and protocol give the same digits.

        `own` are the generator's `own_scores` where another judge's evaluation has computed them.

        The order of the faces does not matter: they are first put into a random order that follows from them alone.
        K, the number of classes in kl_ratio, is the judge's seven even where the generator has fewer emotions (the
        2022 report's K is its five); the real value is of the generator's emotions alone, so their ratio stays fair.
        """
        faces = arranged(faces, self.protocol.seed)
        reading = self._in_spaces(read(self.judge, faces))
        plan = self._plan(reading, codes, by_protocol=generator is not None)
        intervals, omitted = self._measure(reading, reading.of, plan)
        null = noise(faces.labels, len(faces.images), self.protocol.seed)
        real, noisy = self._beside(reading, plan, null)
        scores = [_score(key, interval, real.get(key), noisy.get(key)) for key, interval in intervals.items()]
        if self.thorough and self.judge.reads_emotions:
            if own is None:
                own = {} if generator is None else self.own_scores(generator)
            scores += [_score((metric, None), interval, None, None) for metric, interval in own.items()]
            scores += [_score(key, *values) for key, values in self._cas(faces, plan, null).items()]
        speed = len(faces.images) / faces.seconds if faces.seconds else None
        return Evaluation(self.protocol, self.judge.name, self.judge.sha256, len(plan.real), scores, omitted, speed)

    def _shares(self, codes: Sequence[int]) -> list[float]:
        """Return how often each of these emotions is requested, up to a common factor."""
        if self.protocol.prior == "balanced":
            return [1.0] * len(codes)
        if self.real_faces is not None:
            parts = self.real_faces.parts
            index = parts.report if len(parts.report) else parts.train
            counts = np.bincount(self.real_faces.dataset.labels[index], minlength=len(EMOTIONS))
            return [float(counts[code]) for code in codes]
        if not isinstance(self.judge, Judge):
            return [1.0] * len(codes)
        per_emotion = [sum(row) for row in self.judge.card["report"]["confusion"]]
        return [float(per_emotion[code]) for code in codes]

    def _plan(self, reading: Reading, codes: Sequence[int], *, by_protocol: bool) -> "_Plan":
        """Choose how many real faces are scored beside the fakes, of all emotions and of each.

        The label prior is the protocol's for unlabelled faces and for those that were requested `by_protocol`, else the
        faces' own.
        """
        counts = [0] * len(codes)
        if reading.labels is not None:
            counts = [int((reading.labels == code).sum()) for code in codes]
        own_prior = reading.labels is not None and not by_protocol
        shares = [float(count) for count in counts] if own_prior else self._shares(codes)
        held, index = counts, np.empty(0, np.int64)
        if self.real_faces is not None and len(self.real_faces.parts.report):
            assert self.real_faces.report.labels is not None
            labels = self.real_faces.report.labels.numpy()
            index = keeping_prior(labels, codes, shares, len(reading), self.protocol.seed)
            held = [int((labels == code).sum()) for code in codes]
        if len(index) < GROUPS:
            index = np.empty(0, np.int64)
        each = {code: min(h, c) for code, h, c in zip(codes, held, counts, strict=True) if min(h, c) >= GROUPS}
        counted = None if reading.labels is None else tuple(counts)
        return _Plan(tuple(codes), tuple(shares), index, len(index) or len(reading), each, counted)

    def _reference_set(self, codes: tuple[int, ...], shares: tuple[float, ...]) -> ReferenceSet | None:
        """Return the real faces of these emotions in these shares, the reference for fakes of the same."""
        if self.real_faces is None:
            return None
        key = (codes, shares)
        if key not in self._reference_sets:
            real_faces, seed = self.real_faces, self.protocol.seed

            def chosen(part: Reading) -> Reading:
                assert part.labels is not None
                index = keeping_prior(part.labels.numpy(), codes, shares, _MOST_REFERENCE, seed)
                return part.take(torch.from_numpy(index))

            assert real_faces.trained_on.labels is not None
            of_codes = torch.isin(real_faces.trained_on.labels, torch.tensor(codes))
            self._reference_sets[key] = ReferenceSet(
                chosen(self._train), chosen(real_faces.held_out), real_faces.trained_on.take(of_codes), seed
            )
        return self._reference_sets[key]

    def _measure(
        self, together: Reading, of: Callable[[int], Reading], plan: "_Plan"
    ) -> tuple[dict[Key, Interval], list[str]]:
        """Score all faces together and those `of` each emotion: intervals by metric and emotion, and omissions."""
        with _one_thread():
            return self._scored(together, of, plan)

    def _scored(
        self, together: Reading, of: Callable[[int], Reading], plan: "_Plan"
    ) -> tuple[dict[Key, Interval], list[str]]:
        task = ScoringTask(together, plan.size, self.protocol.seed, self._reference_set(plan.codes, plan.shares))
        rows = TABLE if self.judge.reads_emotions else STANDARD
        scores, omitted = scores_of(task, rows, one_emotion=False)
        intervals: dict[Key, Interval] = {(metric, None): interval for metric, interval in scores.items()}
        if self._modes is not None:
            assert isinstance(self.judge, Judge)
            intervals["modes", None] = modes_found(task, self._modes, self.judge)
        for code, size in plan.each.items():
            emotion_task = ScoringTask(of(code), size, self.protocol.seed, self._reference_set((code,), (1.0,)))
            scores, without = scores_of(emotion_task, rows, one_emotion=True)
            intervals |= {(metric, EMOTIONS[code]): interval for metric, interval in scores.items()}
            omitted += [f"{EMOTIONS[code]}: {sentence}" for sentence in without]
        return intervals, omitted

    def _beside(self, reading: Reading, plan: "_Plan", null: Faces) -> tuple[dict[Key, float], dict[Key, float]]:
        """Return the scores of real faces and of noise under the same plan, from the cache where they are there."""
        where = f"{self.judge.sha256} alone" if self.real_faces is None else self.real_faces.key(plan.codes)
        protocol = replace(self.protocol, sampling=None)  # real faces and noise are the same, however fakes are drawn
        key = f"{where} {protocol} {plan.key()} {len(reading)} {edition()}"
        real: dict[Key, float] = {}
        if len(plan.real):
            assert self.real_faces is not None
            unseen = self.real_faces.report

            def of_real() -> dict[Key, Interval]:
                report = self._in_spaces(unseen)
                return self._measure(report.take(plan.index()), report.of, plan)[0]

            real = _cached_values(f"real {key}", of_real)

        def measured() -> dict[Key, Interval]:
            pictures = self._in_spaces(read(self.judge, null))
            return self._measure(pictures, pictures.of, plan)[0]

        return real, _cached_values(f"noise {key}", measured)

    def _cas(self, faces: Faces, plan: "_Plan", null: Faces) -> dict[Key, tuple[Interval, float | None, float | None]]:
        """Train CAS's classifiers, which takes minutes: intervals, each with real faces' value and noise's."""
        if faces.labels is None or not len(plan.real):
            return {}
        assert self.real_faces is not None
        return cas_scores(faces, null, self.real_faces, plan.codes, plan.shares, self.protocol.seed, self.device)


@dataclass(frozen=True)
class _Plan:
    """The emotions and their shares; which faces of the report part are compared, and how many at a time.

    `real` int64 indexes the report part, `size` is the number of faces scored at a time, `each` the same by emotion;
    `counts` are the fakes of each emotion, None where they have no labels.
    """

    codes: tuple[int, ...]
    shares: tuple[float, ...]
    real: NDArray[np.int64]
    size: int
    each: dict[int, int]
    counts: tuple[int, ...] | None

    def index(self) -> Tensor:
        """Return `real` as a tensor."""
        return torch.from_numpy(self.real)

    def key(self) -> str:
        """Return the plan in one line, as a part of cache keys."""
        return f"{self.codes} {self.shares} {self.size} {self.each} {self.counts}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: several threads sum in another order, so that their number would change digits.

    Where trainings run side by side it is also faster.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def judge_of(protocol: Protocol, device: torch.device | str) -> Judge | InceptionJudge:
    """Open a protocol's judge."""
    if protocol.judge.startswith(PREFIX):
        return load_inception(Path(protocol.judge.removeprefix(PREFIX)), device)
    return load_judge(protocol.judge, device)


def codes_of(emotions: Sequence[str]) -> tuple[int, ...]:
    """Return FER2013's codes of emotions, ascending."""
    return tuple(sorted(emotion_code(name) for name in emotions))


@lru_cache(maxsize=1)
def edition() -> str:
    """Return a digest of the code that computes scores: values cached by other code are computed again."""
    rooms = (Path(fergan_core.metrics.__path__[0]), Path(__file__).parent)
    files = sorted(file for room in rooms for file in room.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _cached_values(key: str, measure: Callable[[], dict[Key, Interval]]) -> dict[Key, float]:
    """Return the values of scores from the cache, or measure and cache them."""

    def as_tensors() -> dict[str, Tensor]:
        return {
            f"{metric}|{emotion or ''}": torch.tensor(interval.value, dtype=torch.float64)
            for (metric, emotion), interval in measure().items()
        }

    stored = cached(f"values-{hashlib.sha256(key.encode()).hexdigest()[:40]}", as_tensors)
    pairs = {name: tuple(name.split("|")) for name in stored}
    return {(pairs[name][0], pairs[name][1] or None): float(value) for name, value in stored.items()}


def _score(key: Key, interval: Interval, real: float | None, noise_value: float | None) -> Score:
    """Return a score with real faces' value and noise's; NaN ends become None."""
    low, high = (None if np.isnan(end) else end for end in (interval.low, interval.high))
    return Score(key[0], interval.value, low, high, real, key[1], noise_value)
