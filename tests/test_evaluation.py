"""Evaluation under a protocol: of generators whose right scores are known, and of a real run's checkpoints."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fergan_core.data import Dataset, Parts, open_dataset, science_parts
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError, DataError, NoRun, UsageError
from fergan_core.evaluation import Evaluation, Examiner, Protocol, apportion, evaluate_checkpoints
from fergan_core.judges.judge import load_judge
from fergan_core.metrics import inception_score
from fergan_core.registry import Reader, Registry
from trainers.evaluate_commands import choose, split_run


class Replayer:
    """A generator that has learned the training faces by heart: asked for an emotion, it shows one of them."""

    def __init__(self, faces: Dataset, emotions: tuple[str, ...] = EMOTIONS, always: int | None = None) -> None:
        self.faces, self.emotions, self.always = faces, emotions, always

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.rand(count, 1, generator=torch.Generator().manual_seed(seed))

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        picks = []
        for latent, label in zip(latents[:, 0].tolist(), labels.tolist(), strict=True):
            own = np.flatnonzero(self.faces.labels == (label if self.always is None else self.always))
            picks.append(own[0 if self.always is not None else int(latent * len(own))])
        return torch.from_numpy(self.faces.images[picks]).unsqueeze(1).float() / 127.5 - 1

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        return self.generate(self.latents(len(labels), seed), labels)


@pytest.fixture(scope="module")
def synthfer() -> Dataset:
    return open_dataset("synthfer")


@pytest.fixture(scope="module")
def parts(synthfer: Dataset) -> Parts:
    return science_parts(synthfer)


@pytest.fixture(scope="module")
def training_faces(synthfer: Dataset, parts: Parts) -> Dataset:
    return synthfer.take(parts.train)


def evaluate_generator(
    generator: Replayer, dataset: Dataset | None, parts: Parts | None, protocol: Protocol
) -> Evaluation:
    return Examiner(dataset, parts, protocol).evaluate(generator)


def value(evaluation, metric: str, emotion: str | None = None):
    found = [score for score in evaluation.scores if (score.metric, score.emotion) == (metric, emotion)]
    assert len(found) == 1, (metric, emotion)
    return found[0]


def test_real_faces_score_as_real_faces(synthfer: Dataset, parts: Parts, training_faces: Dataset) -> None:
    found = evaluate_generator(Replayer(training_faces), synthfer, parts, Protocol("synthfer", count=2000))
    for metric in ("is", "kl_nats", "kl_ratio", "accuracy"):
        score = value(found, metric)
        assert score.low <= score.value <= score.high
        assert score.value == pytest.approx(score.real, rel=0.03)
    assert value(found, "is").value == pytest.approx(math.exp(value(found, "kl_nats").value))
    assert value(found, "kl_ratio").value == pytest.approx(value(found, "kl_nats").value / math.log(7))
    assert {score.emotion for score in found.scores if score.metric == "accuracy"} == {None, *EMOTIONS}
    assert found.real_count == 2000
    assert found.protocol_dict() == {"count": 2000, "seed": 0, "prior": "natural", "real_count": 2000}


def test_a_collapsed_generator_scores_one_and_is_right_only_by_chance(
    synthfer: Dataset, parts: Parts, training_faces: Dataset
) -> None:
    protocol = Protocol("synthfer", count=700, prior="balanced")
    found = evaluate_generator(Replayer(training_faces, always=3), synthfer, parts, protocol)
    assert value(found, "is").value == pytest.approx(1.0, abs=1e-5)
    assert value(found, "accuracy").value == pytest.approx(1 / 7)
    assert value(found, "accuracy", "happy").value == 1.0
    assert value(found, "accuracy", "sad").value == 0.0


def test_the_same_protocol_gives_the_same_digits(synthfer: Dataset, parts: Parts, training_faces: Dataset) -> None:
    generator = Replayer(training_faces)
    protocol = Protocol("synthfer", count=450)
    examiner = Examiner(synthfer, parts, protocol)
    first = examiner.evaluate(generator)
    assert first == examiner.evaluate(generator) == evaluate_generator(generator, synthfer, parts, protocol)
    other = evaluate_generator(generator, synthfer, parts, Protocol("synthfer", count=450, seed=1))
    assert value(other, "is").value != value(first, "is").value


def test_the_real_value_is_that_of_the_report_part_alone(
    synthfer: Dataset, parts: Parts, training_faces: Dataset
) -> None:
    found = evaluate_generator(Replayer(training_faces), synthfer, parts, Protocol("synthfer", count=4000))
    logits, _ = load_judge("synthfer").read(synthfer.images[parts.report])
    assert found.real_count == len(parts.report) < 4000
    assert value(found, "is").real == pytest.approx(inception_score.inception_score(logits), rel=1e-5)


def test_labels_follow_the_prior_among_the_generators_emotions(synthfer: Dataset, parts: Parts) -> None:
    codes = (0, 1, 6)
    balanced = Examiner(synthfer, parts, Protocol("synthfer", count=100, prior="balanced")).requested(codes)
    assert torch.bincount(balanced, minlength=7).tolist() == [34, 33, 0, 0, 0, 0, 33]
    natural = Examiner(synthfer, parts, Protocol("synthfer", count=1000)).requested(codes)
    report = np.bincount(synthfer.labels[parts.report], minlength=7)[list(codes)]
    asked = torch.bincount(natural, minlength=7)[list(codes)]
    assert np.abs(asked.numpy() - 1000 * report / report.sum()).max() < 1
    assert asked.sum() == 1000
    assert natural[:500].unique().tolist() == list(codes)  # shuffled: no emotion waits for the end


def test_five_emotions_are_compared_with_the_same_five(
    synthfer: Dataset, parts: Parts, training_faces: Dataset
) -> None:
    five = ("neutral", "fear", "angry", "surprise", "disgust")
    found = evaluate_generator(Replayer(training_faces, five), synthfer, parts, Protocol("synthfer", count=4000))
    held = np.bincount(synthfer.labels[parts.report], minlength=7)
    assert found.real_count == held[[0, 1, 2, 5, 6]].sum()
    assert {score.emotion for score in found.scores if score.metric == "accuracy"} == {None, *five}


def test_balanced_real_faces_are_as_many_as_the_rarest_emotion_allows(
    synthfer: Dataset, parts: Parts, training_faces: Dataset
) -> None:
    protocol = Protocol("synthfer", count=1000, prior="balanced")
    found = evaluate_generator(Replayer(training_faces), synthfer, parts, protocol)
    assert found.real_count == 7 * np.bincount(synthfer.labels[parts.report], minlength=7).min()


def test_without_data_the_prior_is_the_judges_and_nothing_is_real(training_faces: Dataset) -> None:
    found = evaluate_generator(Replayer(training_faces), None, None, Protocol("synthfer", count=300))
    assert found.real_count == 0
    assert all(score.real is None for score in found.scores)
    labels = Examiner(None, None, Protocol("synthfer", count=3589)).requested(range(7))
    rows = load_judge("synthfer").card["report"]["confusion"]
    assert np.abs(torch.bincount(labels).numpy() - 3589 * np.sum(rows, 1) / np.sum(rows)).max() < 1


def test_faces_that_are_no_numbers_are_refused(synthfer: Dataset, parts: Parts, training_faces: Dataset) -> None:
    class Broken(Replayer):
        def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
            return super().generate(latents, labels) * float("nan")

    with pytest.raises(CheckpointError, match="NaN"):
        evaluate_generator(Broken(training_faces), synthfer, parts, Protocol("synthfer", count=20))


def test_apportion_gives_whole_parts_of_the_whole() -> None:
    assert apportion([1, 1, 1], 10) == [4, 3, 3]
    assert apportion([0.5, 0.25, 0.25], 8) == [4, 2, 2]
    assert apportion([0, 1], 5) == [0, 5]
    assert sum(apportion([467, 56, 496, 895, 653, 415, 607], 5000)) == 5000
    with pytest.raises(DataError):
        apportion([0, 0], 5)


def test_protocols_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match="too few"):
        Protocol("synthfer", count=5)
    with pytest.raises(UsageError, match="prior"):
        Protocol("synthfer", prior="even")


def test_a_run_and_its_epoch_are_told_apart() -> None:
    assert split_run("quick-abcd") == ("quick-abcd", None)
    assert split_run("quick@25") == ("quick", "25")
    assert split_run("me@home@all") == ("me@home", "all")
    for wrong in ("quick@", "quick@last", "@3"):
        with pytest.raises(UsageError):
            split_run(wrong)
    rows = [{"epoch": 2, "step": 20}, {"epoch": 1, "step": 10}]
    assert [row["epoch"] for row in choose(rows, None, "a")] == [2]
    assert [row["epoch"] for row in choose(rows, "all", "a")] == [1, 2]
    with pytest.raises(NoRun, match="it has: 1, 2"):
        choose(rows, "3", "a")
    with pytest.raises(NoRun, match="it has: none"):
        choose([], None, "a")


# A real run: trained by the command, scored by the command.


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A real, very short training of two checkpoints: its registry and its id."""
    registry = tmp_path_factory.mktemp("evaluation") / "runs.db"
    words = "--data synthfer --preset quick --images 512 --epochs 2 --batch-size 32 --checkpoint-every 1 --eval-every 0"
    arguments = [sys.executable, "-m", "trainers.dcgan", *words.split(), "--registry", str(registry), "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return registry, json.loads(done.stdout.splitlines()[-1])["id"]


def test_a_checkpoint_is_scored_and_recorded_once_a_protocol(run: tuple[Path, str]) -> None:
    path, run_id = run
    registry, reader = Registry(str(path)), Reader(str(path))
    step = int(reader.checkpoints(run_id)["step"].max())
    protocol = Protocol("synthfer", count=60)
    (first,) = evaluate_checkpoints(registry, run_id, [step], protocol, "cpu")
    assert list(evaluate_checkpoints(registry, run_id, [step], protocol, "cpu")) == [first]
    rows = reader.scores([run_id])
    rows = rows[rows["count"] == 60]
    assert len(rows) == len(first.scores)
    recorded = rows[(rows["metric"] == "is")].iloc[0]
    score = value(first, "is")
    assert (recorded["value"], recorded["low"], recorded["high"]) == (score.value, score.low, score.high)
    assert recorded["judge_sha256"] == load_judge("synthfer").sha256
    with pytest.raises(CheckpointError, match="no checkpoint at step"):
        next(evaluate_checkpoints(registry, run_id, [step, step + 1], protocol, "cpu"))


def test_the_command_scores_all_checkpoints(run: tuple[Path, str]) -> None:
    path, run_id = run
    words = ["evaluate", f"{run_id}@all", "--registry", str(path), "--count", "50", "--device", "cpu", "--json"]
    code = "import sys; from trainers.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["id"], [made["epoch"] for made in told["evaluations"]]) == (run_id, [1, 2])
    assert {"is", "kl_nats", "kl_ratio", "accuracy"} <= {s["metric"] for s in told["evaluations"][0]["scores"]}
