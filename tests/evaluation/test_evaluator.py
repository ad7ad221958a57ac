"""The evaluator: generators whose correct scores are known, beside real faces and noise scored in the same way."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from fergan_core.data import Dataset, Parts, split_parts
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError
from fergan_core.evaluation import Evaluator, Faces, Protocol
from fergan_core.evaluation.faces import arranged
from fergan_core.judges.judge import load_judge
from fergan_core.metrics import frechet, inception_score, spaces
from fergan_core.metrics.catalogue import CATALOGUE
from tests.evaluation.conftest import Replayer, value

LIGHT = Protocol("synthfer", count=550)


@pytest.fixture(scope="module")
def evaluator(few: Dataset, parts: Parts) -> Evaluator:
    return Evaluator(few, parts, LIGHT)


@pytest.mark.slow
@pytest.mark.thorough
def test_real_faces_as_a_generator_score_as_real_faces(evaluator: Evaluator, unseen_faces: Dataset) -> None:
    evaluation = evaluator.evaluate(Replayer(unseen_faces))
    assert evaluation.real_count == LIGHT.count
    assert evaluation.protocol_dict() == {
        "count": 550, "seed": 0, "prior": "natural", "truncation": 1.0, "real_count": 550
    }  # fmt: skip
    for metric in ("is", "kl_nats", "kl_ratio", "accuracy", "precision", "density", "vendi"):
        score = value(evaluation, metric)
        assert score.low <= score.value <= score.high
        assert score.value == pytest.approx(score.real, rel=0.1)
    assert value(evaluation, "is").value == pytest.approx(math.exp(value(evaluation, "kl_nats").value))
    assert value(evaluation, "kl_ratio").value == pytest.approx(value(evaluation, "kl_nats").value / math.log(7))
    assert {score.emotion for score in evaluation.scores if score.metric == "accuracy"} == {None, *EMOTIONS} - {
        "disgust"
    }


@pytest.mark.slow
@pytest.mark.thorough
def test_every_score_is_catalogued_and_lies_between_noise_and_real_faces(
    evaluator: Evaluator, unseen_faces: Dataset
) -> None:
    evaluation = evaluator.evaluate(Replayer(unseen_faces))
    together = {score.metric for score in evaluation.scores if score.emotion is None}
    catalogued = {metric for metric in together if not metric.startswith("is_at_")}
    assert catalogued <= CATALOGUE.keys()
    # Scores that need a generator or a training of its own, that are of one emotion alone, that are not of faces, and
    # that need more faces.
    without = {"cas", "cas_gain", "log_condition", "bits_per_dim", "bits_per_dim_error", "distance", "ms_ssim", "speed"}
    assert CATALOGUE.keys() - catalogued == without | {"ndb"}
    for metric in ("is", "accuracy", "precision", "coverage", "modes", "vendi"):
        assert value(evaluation, metric).noise < value(evaluation, metric).real, metric
    for metric in ("fid", "fid_pixels", "fid_random", "fid_infinity", "kid", "js"):
        assert value(evaluation, metric).noise > value(evaluation, metric).real, metric
    assert value(evaluation, "modes").noise == 0


@pytest.mark.slow
@pytest.mark.thorough
def test_in_spaces_that_know_no_emotion_a_tint_counts_and_the_judge_does_not(
    few: Dataset, parts: Parts, evaluator: Evaluator, unseen_faces: Dataset
) -> None:
    labels = torch.from_numpy(unseen_faces.labels[:500].astype(np.int64))
    images = torch.from_numpy(unseen_faces.images[:500])
    darker = (images.float() * 0.8).to(torch.uint8)
    plain, tinted = (evaluator.score(Faces(faces, labels), range(7)) for faces in (images, darker))
    by_check = Evaluator(few, parts, Protocol("synthfer-check", count=550)).score(Faces(darker, labels), range(7))
    assert evaluator.real_faces is not None
    reference = evaluator._reference_set(tuple(range(7)), tuple(labels.bincount().double().tolist())).reference
    fakes = arranged(Faces(darker, labels), LIGHT.seed).images[: tinted.real_count]
    for space, features in {
        "pixels": spaces.on_axes(fakes, spaces.principal_axes(evaluator.real_faces.train.images)),
        "random": spaces.random_features(fakes),
    }.items():
        real = frechet.statistics(reference.spaces[space])
        expected = frechet.fid_from_statistics(real, frechet.statistics(features)) / float(real.covariance.trace())
        score = value(tinted, f"fid_{space}")
        assert score.value == pytest.approx(expected, rel=1e-6)
        assert score.value > 2 * value(plain, f"fid_{space}").value
        assert score == value(by_check, f"fid_{space}")


@pytest.mark.slow
@pytest.mark.thorough
def test_a_collapsed_generator_is_found_out(evaluator: Evaluator, training_faces: Dataset) -> None:
    evaluation = evaluator.evaluate(Replayer(training_faces, always=3))
    assert value(evaluation, "is").value == pytest.approx(1.0, abs=1e-5)
    assert value(evaluation, "accuracy", "happy").value == 1.0
    assert value(evaluation, "accuracy", "sad").value == 0.0
    assert value(evaluation, "vendi").value == pytest.approx(1.0, abs=1e-6)
    assert value(evaluation, "duplicates").value == 1.0
    assert value(evaluation, "support").value == pytest.approx(1.0)
    assert value(evaluation, "modes").value == 1
    assert value(evaluation, "ms_ssim", "happy").value == pytest.approx(1.0)
    assert value(evaluation, "distance", "happy").value == pytest.approx(0.0, abs=1e-5)
    assert value(evaluation, "recall").value < 0.05 < value(evaluation, "recall").real
    assert value(evaluation, "js").value > 0.5 > 0.1 > value(evaluation, "js").real


@pytest.mark.slow
def test_scores_that_few_faces_cannot_have_are_left_out_with_the_reason(few: Dataset, parts: Parts) -> None:
    black = Faces(torch.zeros(60, 48, 48, dtype=torch.uint8), None)
    evaluation = Evaluator(few, parts, Protocol("synthfer", count=60)).score(black, range(7))
    assert not {"ndb", "fid", "fid_infinity", "is_split_mean"} & {score.metric for score in evaluation.scores}
    assert value(evaluation, "js").value > 0.6 > value(evaluation, "js").real
    reasons = [sentence.split(":")[0] for sentence in evaluation.omitted]
    assert {"NDB", "FID", "FID-infinity", "IS in ten splits"} <= set(reasons)
    (ndb,) = [sentence for sentence in evaluation.omitted if sentence.startswith("NDB")]
    assert ndb.endswith("its test needs 80% of them; score more faces, or see JS")


@pytest.mark.slow
@pytest.mark.thorough
def test_faces_learnt_by_heart_are_found_out(evaluator: Evaluator, training_faces: Dataset) -> None:
    evaluation = evaluator.evaluate(Replayer(training_faces))
    assert value(evaluation, "authenticity").value == 0.0
    assert value(evaluation, "ct").value < -5 < value(evaluation, "ct").real
    assert value(evaluation, "fid").value < 2 * value(evaluation, "fid").real  # which FID does not mind


@pytest.mark.slow
def test_the_same_protocol_gives_the_same_digits(fewer: Dataset, training_faces: Dataset) -> None:
    parts = split_parts(fewer)
    generator, small = Replayer(training_faces), Protocol("synthfer", count=150)
    first = Evaluator(fewer, parts, small).evaluate(generator)
    assert first == Evaluator(fewer, parts, small).evaluate(generator)
    other = Evaluator(fewer, parts, Protocol("synthfer", count=150, seed=1)).evaluate(generator)
    assert value(other, "is").value != value(first, "is").value


@pytest.mark.slow
@pytest.mark.thorough
def test_fakes_are_scored_in_blocks_of_real_faces_number(fewer: Dataset, training_faces: Dataset) -> None:
    parts = split_parts(fewer)
    protocol = Protocol("synthfer", count=450)
    evaluator = Evaluator(fewer, parts, protocol)
    evaluation = evaluator.evaluate(Replayer(training_faces))
    assert evaluator.real_faces is not None
    assert evaluation.real_count == len(parts.report) < 225  # so that there are two blocks
    faces = evaluator.draw(Replayer(training_faces))
    features = load_judge("synthfer").read(arranged(faces, protocol.seed).images)[1]
    size = evaluation.real_count
    reference_set = evaluator._reference_set(tuple(range(7)), tuple(evaluator._shares(range(7))))
    blocks = [frechet.fid(reference_set.reference.features, features[at : at + size]) for at in (0, size)]
    assert value(evaluation, "fid").value == pytest.approx(sum(blocks) / 2, rel=1e-9)


@pytest.mark.slow
def test_the_real_value_is_that_of_the_report_part_alone(fewer: Dataset, training_faces: Dataset) -> None:
    parts = split_parts(fewer)
    evaluation = Evaluator(fewer, parts, Protocol("synthfer", count=250)).evaluate(Replayer(training_faces))
    logits, _ = load_judge("synthfer").read(fewer.images[parts.report])
    assert evaluation.real_count == len(parts.report) < 250
    assert value(evaluation, "is").real == pytest.approx(inception_score.inception_score(logits), rel=1e-5)


@pytest.mark.slow
@pytest.mark.thorough
def test_five_emotions_are_compared_with_the_same_five(few: Dataset, parts: Parts, training_faces: Dataset) -> None:
    five = ("neutral", "fear", "angry", "surprise", "disgust")
    evaluation = Evaluator(few, parts, Protocol("synthfer", count=600)).evaluate(Replayer(training_faces, five))
    held = np.bincount(few.labels[parts.report], minlength=7)
    assert evaluation.real_count == held[[0, 1, 2, 5, 6]].sum()
    assert {score.emotion for score in evaluation.scores if score.metric == "accuracy"} <= {None, *five}


@pytest.mark.slow
def test_without_data_nothing_is_real_and_the_prior_is_the_judges(training_faces: Dataset) -> None:
    evaluator = Evaluator(None, None, Protocol("synthfer", count=300))
    evaluation = evaluator.evaluate(Replayer(training_faces))
    assert evaluation.real_count == 0
    assert all(score.real is None for score in evaluation.scores)
    metrics = {score.metric for score in evaluation.scores}
    assert {"is", "accuracy", "vendi", "ms_ssim"} <= metrics
    assert not metrics & {"fid", "kid", "recall", "ct", "modes"}
    labels = Evaluator(None, None, Protocol("synthfer", count=3589)).labels(Replayer(training_faces))
    rows = load_judge("synthfer").card["report"]["confusion"]
    assert np.abs(labels.bincount().numpy() - 3589 * np.sum(rows, 1) / np.sum(rows)).max() < 1


@pytest.mark.slow
@pytest.mark.thorough
def test_unlabelled_faces_have_no_accuracy_and_no_emotion_of_their_own(evaluator: Evaluator, few: Dataset) -> None:
    evaluation = evaluator.score(Faces(torch.from_numpy(few.images[:300]), None), tuple(range(7)))
    assert {score.emotion for score in evaluation.scores} == {None}
    metrics = {score.metric for score in evaluation.scores}
    assert {"is", "fid", "recall", "vendi"} <= metrics
    assert "accuracy" not in metrics


@pytest.mark.thorough
def test_faces_that_are_no_numbers_are_refused(evaluator: Evaluator, training_faces: Dataset) -> None:
    class Broken(Replayer):
        def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
            return super().generate(latents, labels) * float("nan")

    with pytest.raises(CheckpointError, match="NaN"):
        evaluator.evaluate(Broken(training_faces))


def test_truncation_shortens_the_latents(few: Dataset, parts: Parts, training_faces: Dataset) -> None:
    largest_latents: list[float] = []

    class Listening(Replayer):
        def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
            largest_latents.append(float(latents.max()))
            return super().generate(latents, labels)

    Evaluator(few, parts, Protocol("synthfer", count=100, truncation=0.5)).draw(Listening(training_faces))
    assert max(largest_latents) <= 0.5
