"""The judges: made by the command, opened again, and the shipped ones held to their cards."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fergan_core.data import Dataset, open_dataset, split_parts
from fergan_core.errors import CheckpointError, DataError, UsageError
from fergan_core.judges.judge import SHIPPED, load_judge, shipped_judges
from fergan_core.judges.training import EpochReport, JudgeTraining, TrainedJudge, report_on, train_judge, training_for
from fergan_core.methods.classifier import (
    Classifier,
    ClassifierRecipe,
    cut_out_randomly,
    mixing,
    move_randomly,
    one_cycle,
    relight_randomly,
    spread,
)
from fergan_core.models.judge import Architecture, JudgeNet, multiply_adds, parameters
from fergan_core.protocols import judges_for
from tests.support.commands import run_module

TINY = ClassifierRecipe("residual", (8, 16, 16), (0, 1, 1), features=16, dropout=0.0)
CPU = torch.device("cpu")


def tiny_judge(dataset: Dataset, seed: int = 0) -> tuple[TrainedJudge, list[EpochReport]]:
    reports: list[EpochReport] = []
    training = JudgeTraining(classifier=TINY, epochs=2, batch_size=32, seed=seed)
    return train_judge(dataset, split_parts(dataset), training, CPU, reports.append), reports


@pytest.mark.slow
@pytest.mark.thorough
def test_the_same_seed_makes_the_same_judge_and_another_seed_another(few: Dataset) -> None:
    first, reports = tiny_judge(few)
    again, _ = tiny_judge(few)
    other, _ = tiny_judge(few, seed=1)
    assert first.card == again.card
    assert all(torch.equal(first.tensors[name], again.tensors[name]) for name in first.tensors)
    assert any(not torch.equal(first.tensors[name], other.tensors[name]) for name in first.tensors)
    assert [report.epoch for report in reports] == [1, 2]
    best = max(report.accuracy for report in reports)
    assert first.card["held_out"]["accuracy"] == pytest.approx(best)
    assert reports[first.card["recipe"]["chosen_epoch"] - 1].accuracy == best


@pytest.mark.slow
@pytest.mark.thorough
def test_a_judge_is_fine_tuned_from_its_best_epoch_and_keeps_the_last(few: Dataset) -> None:
    all_reports: list[EpochReport] = []
    parts = split_parts(few)
    training = JudgeTraining(classifier=TINY, epochs=2, batch_size=32, seed=0, fine_tune_epochs=2)
    fine_tuned = train_judge(few, parts, training, CPU, all_reports.append)
    before, reports = tiny_judge(few)
    assert all_reports[:2] == reports
    assert [(report.epoch, report.kept) for report in all_reports[2:]] == [(3, True), (4, True)]
    assert fine_tuned.card["held_out"]["accuracy"] == pytest.approx(all_reports[-1].accuracy)
    assert fine_tuned.card["recipe"]["chosen_epoch"] == before.card["recipe"]["chosen_epoch"]
    assert fine_tuned.card["recipe"]["settling"] == 2
    assert any(not torch.equal(fine_tuned.tensors[name], before.tensors[name]) for name in fine_tuned.tensors)


def test_a_training_goes_on_from_a_trained_network() -> None:
    first = Classifier(TINY, identities=0, steps=4, device=CPU, seed=0)
    faces, labels = torch.rand(16, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1, torch.arange(16) % 7
    first.step(faces, labels)
    start = {name: value for name, value in first.network.state_dict().items() if "num_batches" not in name}
    second = Classifier(replace(TINY, ema_decay=0.9), identities=0, steps=4, device=CPU, seed=1, start=start)
    for network in (second.network, second.average):
        assert all(torch.equal(network.state_dict()[name], value) for name, value in start.items())
    second.step(faces, labels)
    # What is good already is left slowly, from the first step on.
    for name, value in second.average.named_parameters():
        expected = torch.lerp(start[name], second.network.state_dict()[name], 0.1)
        torch.testing.assert_close(value, expected)


@pytest.mark.slow
def test_the_card_counts_what_it_says(few: Dataset) -> None:
    card = tiny_judge(few)[0].card
    parts = split_parts(few)
    report = card["report"]
    assert card["data"]["content_hash"] == few.content_hash
    assert (card["data"]["train"], card["data"]["held_out"]) == (len(parts.train), len(parts.held_out))
    assert report["images"] == len(parts.report) == sum(map(sum, report["confusion"]))
    diagonal = sum(report["confusion"][code][code] for code in range(7))
    assert report["accuracy"] == pytest.approx(diagonal / report["images"])
    assert report["accuracy_interval"][0] < report["accuracy"] < report["accuracy_interval"][1]
    # Temperature is fitted on the held-out part, and can only lower its NLL.
    assert card["held_out"]["nll"]["after"] <= card["held_out"]["nll"]["before"]
    assert 0 <= report["identity_accuracy"] <= 1
    points = report["reliability"]["after"]
    assert len(points) == 15
    assert sum(count for count, _, _ in points) == len(parts.report)
    assert card["report_with_copies"]["images"] >= len(parts.report)
    assert json.loads(json.dumps(card, allow_nan=False)).keys() == card.keys()


def test_without_a_report_part_no_judge_is_made(few: Dataset) -> None:
    train_only = few.take(np.flatnonzero(few.splits == 0))
    with pytest.raises(DataError, match="report part is empty"):
        tiny_judge(train_only)


def test_a_training_continued_from_its_state_ends_where_the_other_ends() -> None:
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.rand(16, 1, 48, 48, generator=generator) * 2 - 1, torch.arange(16) % 7) for _ in range(4)]

    def learner(seed: int) -> Classifier:
        return Classifier(TINY, identities=0, steps=4, device=CPU, seed=seed)

    def learn(which: Classifier, from_step: int, to_step: int) -> None:
        for step in range(from_step, to_step):
            torch.manual_seed(step)
            which.step(*batches[step])

    uninterrupted, stopped, continued = learner(0), learner(0), learner(7)
    learn(uninterrupted, 0, 4)
    learn(stopped, 0, 2)
    continued.load_state_dict(stopped.state_dict())
    learn(continued, 2, 4)
    for name in Classifier.networks:
        pairs = zip(
            getattr(uninterrupted, name).state_dict().values(),
            getattr(continued, name).state_dict().values(),
            strict=True,
        )
        assert all(torch.equal(a, b) for a, b in pairs)


def test_moving_by_nothing_changes_nothing_and_cutting_out_greys_a_square() -> None:
    faces = torch.rand(6, 1, 48, 48, generator=torch.Generator().manual_seed(0)) + 0.5
    torch.testing.assert_close(move_randomly(faces, 0.0, 0.0, 0.0), faces, atol=1e-5, rtol=0)
    torch.manual_seed(3)
    holes = (cut_out_randomly(faces, 10) == 0).sum((1, 2, 3))
    assert (holes <= 100).all()
    assert (holes >= 25).all()  # a square whose centre is a corner of the face still covers a quarter


def test_light_changes_within_its_bounds_and_face_by_face() -> None:
    images = torch.linspace(-0.5, 0.5, 2304).view(1, 1, 48, 48).repeat(300, 1, 1, 1)
    assert torch.allclose(relight_randomly(images, 0.0), images)
    torch.manual_seed(0)
    lit = relight_randomly(images, 0.2)
    brightness = lit.mean((1, 2, 3))
    contrast = lit.std((1, 2, 3)) / images.std((1, 2, 3))
    for values, middle in ((brightness, 0.0), (contrast, 1.0)):
        assert float((values - middle).abs().max()) <= 0.2001
        assert float((values - middle).std()) == pytest.approx(0.2 / 3**0.5, rel=0.15)
    assert abs(float(torch.corrcoef(torch.stack([brightness, contrast]))[0, 1])) < 0.2


def test_mixing_gives_the_larger_share_to_the_face_itself() -> None:
    torch.manual_seed(0)
    partner, share = mixing(1000, 0.3, CPU)
    assert sorted(partner.tolist()) == list(range(1000))
    assert 0.5 <= float(share.min()) <= float(share.max()) <= 1.0
    assert 0.6 < float(share.mean()) < 0.95


def test_labels_are_spread_to_distributions_and_votes_are_taken_as_such() -> None:
    assert spread(torch.tensor([2]), 4, 0.2).tolist() == [pytest.approx([0.05, 0.05, 0.85, 0.05])]
    votes = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    assert torch.equal(spread(votes, 4, 0.0), votes)


@pytest.mark.slow
def test_votes_teach_in_the_place_of_labels(few: Dataset) -> None:
    parts = split_parts(few)
    votes = np.eye(7, dtype=np.float32)[few.labels]
    votes[parts.train[:100]] = 0  # nobody voted on these
    training = JudgeTraining(TINY, 1, 32, 0)
    card = train_judge(few, parts, training, CPU, lambda report: None, votes).card
    assert card["labels"] == "FER+'s votes"
    assert card["data"]["train"] == len(parts.train) - 100
    assert card["identities"] == 0


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    for percent in (10, 25):
        warm_up = percent / 100
        assert one_cycle(warm_up, warm_up) == 1.0
        assert one_cycle(0.0, warm_up) < 0.1
        assert one_cycle(1.0, warm_up) == pytest.approx(0.0)
        assert all(one_cycle(a / 100, warm_up) >= one_cycle((a + 1) / 100, warm_up) for a in range(percent, 100))


def test_parameters_and_multiply_adds_are_counted_from_the_shapes() -> None:
    network = JudgeNet("plain", (8,), (2,), features=5, identities=3)
    # stem 5x5, two 3x3 convolutions and the 1x1 projection, all at 24x24, and the two heads.
    assert multiply_adds(network) == 24 * 24 * (25 * 8 + 2 * 9 * 64 + 8 * 5) + 5 * (7 + 3)
    norms, places = 16 + 2 * 16 + 10 + 10, 5 * 24 * 24
    assert parameters(network) == 25 * 8 + 2 * 9 * 64 + 8 * 5 + norms + places + 5 * 10 + 7 + 3


def test_two_convolutions_at_the_faces_own_size_come_before_the_first_stage() -> None:
    network = JudgeNet("plain", (8,), (1,), features=5, full=4)
    # 1 to 4 and 4 to 4 channels at 48x48; the stage's convolution there too, before its maximum; projection at 24x24.
    assert multiply_adds(network) == 48 * 48 * 9 * (4 + 16 + 4 * 8) + 24 * 24 * 8 * 5 + 5 * 7
    assert network.places.shape == (5, 24, 24)


def test_training_for_a_data_set_takes_the_flags() -> None:
    def training(data: str, architecture: Architecture, epochs: int | None = None, seed: int = 0) -> JudgeTraining:
        return training_for(data, architecture=architecture, epochs=epochs, batch_size=64, seed=seed)

    usual = training("synthfer", "residual")
    assert training("synthfer", "residual", epochs=3, seed=4) == replace(usual, epochs=3, seed=4)
    assert training("photos", "plain").classifier.architecture == "plain"
    assert training("photos", "plain").epochs > usual.epochs
    assert usual.fine_tune_epochs == 0
    assert training("photos", "plain", epochs=80).fine_tune_epochs == 10


def test_help_is_given_without_torch() -> None:
    code = (
        "import sys; sys.argv = ['judge', '--help']\n"
        "import trainers.judge as judge\n"
        "try: judge.main()\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for flag in (
        "--data",
        "--architecture",
        "--votes",
        "--epochs",
        "--batch-size",
        "--seed",
        "--device",
        "--out",
        "--name",
    ):
        assert flag in done.stdout


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.realdata
def test_the_command_makes_a_judge_that_opens(fer2013_layout: Callable[..., Path], tmp_path: Path) -> None:
    data = fer2013_layout("npz")
    faces = np.load(data, allow_pickle=False)
    some = np.concatenate([np.flatnonzero(faces["usage"] == usage)[:150] for usage in ("Training", "PublicTest")])
    small = tmp_path / "small.npz"
    np.savez(small, **{name: faces[name][some] for name in ("images", "labels", "usage")})
    words = ("--data", small, "--epochs", 1, "--out", tmp_path / "made", "--name", "mine", "--device", "cpu")
    done = run_module("trainers.judge", *words)
    assert done.returncode == 0, done.stderr
    assert "epoch   2/2" in done.stderr  # one, and one to settle
    assert "temperature" in done.stdout
    judge = load_judge(tmp_path / "made" / "mine.safetensors")
    assert judge.name == "mine"
    assert judge.card["command"].startswith("python -m trainers.judge --data small.npz --architecture residual")
    assert str(tmp_path) not in (tmp_path / "made" / "mine.json").read_text()
    dataset = open_dataset(small)
    report = dataset.take(split_parts(dataset).report)
    assert report_on(judge, report, 0) == judge.card["report"]


def test_bad_flags_end_in_one_line(tmp_path: Path) -> None:
    done = run_module("trainers.judge", "--data", tmp_path / "nothing.csv")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "nothing.csv" in done.stderr
    for bad in (("--name", "a/b"), ("--epochs", 0), ("--batch-size", 0)):
        done = run_module("trainers.judge", *bad)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), bad


# The shipped judges.


def test_two_judges_a_data_set_are_shipped_and_light() -> None:
    assert shipped_judges() == ("fer2013", "fer2013-check", "synthfer", "synthfer-check")
    assert sum(path.stat().st_size for path in SHIPPED.glob("*.safetensors")) <= 6_000_000
    assert judges_for("synthfer") == ("synthfer", "synthfer-check")
    assert judges_for("my photographs") == ("fer2013", "fer2013-check")
    for data in ("synthfer", "fer2013"):
        architectures = {load_judge(name).card["recipe"]["architecture"] for name in judges_for(data)}
        assert architectures == {"residual", "plain"}


@pytest.mark.parametrize("name", shipped_judges())
def test_a_shipped_judge_is_its_cards(name: str) -> None:
    judge = load_judge(name)
    digest = hashlib.sha256((SHIPPED / f"{name}.safetensors").read_bytes()).hexdigest()
    assert judge.sha256 == judge.card["sha256"] == digest
    assert judge.card["name"] == name
    assert judge.card["parameters"] == parameters(judge.network)
    assert judge.card["multiply_adds"] == multiply_adds(judge.network)
    assert judge.card["features"] <= 128
    assert judge.card["multiply_adds"] <= 40_000_000
    assert judge.card["parameters"] <= 2_500_000
    assert judge.temperature > 0
    assert judge.card["report"]["nll"]["after"] < judge.card["report"]["nll"]["before"] * 1.05
    assert judge.card["report"]["ece"]["after"] < 0.05


def test_shipped_accuracies() -> None:
    assert load_judge("fer2013").card["report"]["accuracy"] >= 0.66
    assert load_judge("fer2013-check").card["report"]["accuracy"] >= 0.65
    synthfer = load_judge("synthfer").card["report"]
    assert synthfer["accuracy"] >= 0.95
    assert synthfer["identity_accuracy"] >= 0.90


def test_a_judge_reads_faces_alike_one_by_one_or_together() -> None:
    judge = load_judge("synthfer")
    faces = torch.randint(0, 256, (300, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    logits, features = judge.read(faces)
    assert (logits.dtype, tuple(logits.shape)) == (torch.float64, (300, 7))
    assert (features.dtype, tuple(features.shape)) == (torch.float32, (300, judge.card["features"]))
    assert tuple(judge.identities(features).shape) == (300, 64)
    again, _ = judge.read(faces.numpy())
    assert torch.equal(logits, again)
    torch.testing.assert_close(judge.read(faces[7:8])[0], logits[7:8], rtol=1e-4, atol=1e-4)
    assert judge.read(faces[:0])[0].shape == (0, 7)


def test_reading_divides_by_the_temperature() -> None:
    judge = load_judge("fer2013")
    faces = torch.zeros(2, 48, 48, dtype=torch.uint8)
    torch.testing.assert_close(replace(judge, temperature=1.0).read(faces)[0] / judge.temperature, judge.read(faces)[0])


def test_a_face_and_its_mirror_image_are_read_alike() -> None:
    judge = load_judge("synthfer")
    faces = torch.randint(0, 256, (20, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    for one, other in zip(judge.read(faces), judge.read(faces.flip(2)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_faces_that_are_no_bytes_are_refused() -> None:
    judge = load_judge("fer2013")
    for wrong in (
        torch.zeros(2, 48, 48),
        torch.zeros(2, 1, 48, 48, dtype=torch.uint8),
        np.zeros((2, 32, 32), np.uint8),
    ):
        with pytest.raises(UsageError, match="uint8"):
            judge.read(wrong)
    with pytest.raises(UsageError, match="reads no identities"):
        judge.identities(torch.zeros(2, judge.card["features"]))


def test_a_judge_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fer2013, fer2013-check, synthfer"):
        load_judge("fer2012")
    with pytest.raises(CheckpointError, match="no file"):
        load_judge(tmp_path / "none.safetensors")
    for name in ("fer2013.safetensors", "fer2013.json"):
        shutil.copy(SHIPPED / name, tmp_path)
    path = tmp_path / "fer2013.safetensors"
    weights = path.read_bytes()
    path.write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="not those of its card"):
        load_judge(path)
    path.write_bytes(weights)
    assert load_judge(path).name == "fer2013"
    card = json.loads((tmp_path / "fer2013.json").read_text())
    card["recipe"]["widths"] = [8, 8, 8]
    (tmp_path / "fer2013.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match="do not fit"):
        load_judge(path)
    (tmp_path / "fer2013.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_judge(path)


def held_to_its_card(name: str, dataset: Dataset) -> None:
    judge = load_judge(name)
    assert dataset.content_hash == judge.card["data"]["content_hash"]
    measured = report_on(judge, dataset.take(split_parts(dataset).report), judge.card["identities"])
    card = judge.card["report"]
    # Another machine rounds its convolutions otherwise: a face on the edge may fall to the other side.
    assert measured["accuracy"] == pytest.approx(card["accuracy"], abs=0.001)
    assert measured["nll"]["after"] == pytest.approx(card["nll"]["after"], abs=1e-3)
    assert measured["inception_score"]["kl_nats"]["value"] == pytest.approx(
        card["inception_score"]["kl_nats"]["value"], abs=1e-3
    )


def test_synthfer_judge_reads_as_its_card_says(built_in_faces: Dataset) -> None:
    held_to_its_card("synthfer", built_in_faces)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.thorough
@pytest.mark.parametrize("name", judges_for("fer2013"))
def test_fer2013_judges_read_as_their_cards_say(name: str, fer2013_layout: Callable[..., Path]) -> None:
    held_to_its_card(name, open_dataset(fer2013_layout("npz")))
