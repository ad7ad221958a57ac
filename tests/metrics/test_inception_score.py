"""The Inception Score by closed forms, symmetries, references, and a simulation of its interval's coverage."""

import math

import numpy as np
import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.metrics import inception_score as inception


def some_logits(samples: int = 500, classes: int = 7, spread: float = 2.0, seed: int = 0) -> torch.Tensor:
    return torch.randn(samples, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * spread


def sure_logits(samples: int, classes: int, size: float = 1e3) -> torch.Tensor:
    return torch.eye(classes, dtype=torch.float64).repeat(samples // classes, 1) * size


def test_uniform_readings_score_one() -> None:
    logits = torch.full((100, 7), 3.25)
    assert inception.inception_score(logits) == pytest.approx(1.0, abs=1e-12)
    assert inception.kl_nats(logits) == pytest.approx(0.0, abs=1e-12)
    assert inception.kl_ratio(logits) == pytest.approx(0.0, abs=1e-12)


def test_the_same_sure_reading_of_every_face_scores_one() -> None:
    logits = torch.zeros(100, 7)
    logits[:, 2] = 1e4
    assert inception.inception_score(logits) == 1.0


@pytest.mark.parametrize("classes", [2, 5, 7])
def test_sure_and_balanced_readings_score_the_number_of_classes(classes: int) -> None:
    logits = sure_logits(classes * 20, classes)
    assert inception.inception_score(logits) == pytest.approx(classes, rel=1e-12)
    assert inception.kl_nats(logits) == pytest.approx(math.log(classes), rel=1e-12)
    assert inception.kl_ratio(logits) == pytest.approx(1.0, rel=1e-12)


def test_two_classes_give_the_textbook_kl() -> None:
    # Half the faces read (0.9, 0.1), half (0.1, 0.9): the marginal is even, KL = ln 2 - H(0.9).
    p = torch.tensor([[0.9, 0.1], [0.1, 0.9]], dtype=torch.float64).repeat(10, 1)
    expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert inception.kl_nats(p.log()) == pytest.approx(expected, rel=1e-13)
    assert inception.inception_score(p.log()) == pytest.approx(math.exp(expected), rel=1e-13)


def test_agrees_with_a_plain_loop() -> None:
    logits = some_logits()
    p = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    marginal = p.mean(0)
    kl = np.mean([sum(q * (math.log(q) - math.log(m)) for q, m in zip(row, marginal, strict=True)) for row in p])
    assert inception.kl_nats(logits) == pytest.approx(kl, rel=1e-12)
    assert inception.inception_score(logits) == pytest.approx(math.exp(kl), rel=1e-12)
    assert float(inception.kl_per_sample(logits).mean()) == pytest.approx(kl, rel=1e-12)


def test_agrees_with_torch_fidelity() -> None:
    from torch_fidelity import metric_isc as reference  # not above: it imports torchvision

    logits = some_logits(samples=1000)
    for splits in (1, 10):
        theirs = reference.isc_features_to_metric(logits, splits=splits, shuffle=False)
        mean, std = inception.split_scores(logits, splits)
        assert mean == pytest.approx(theirs[reference.KEY_METRIC_ISC_MEAN], rel=1e-12)
        assert std == pytest.approx(theirs[reference.KEY_METRIC_ISC_STD], abs=1e-12)


def test_order_of_faces_and_of_classes_does_not_matter() -> None:
    logits = some_logits()
    generator = torch.Generator().manual_seed(1)
    shuffled = logits[torch.randperm(len(logits), generator=generator)][:, torch.randperm(7, generator=generator)]
    assert inception.kl_nats(shuffled) == pytest.approx(inception.kl_nats(logits), rel=1e-12)


def test_adding_a_constant_to_a_faces_logits_changes_nothing() -> None:
    logits = some_logits()
    assert inception.kl_nats(logits + torch.arange(500)[:, None]) == pytest.approx(inception.kl_nats(logits), rel=1e-11)


def test_repeating_all_faces_changes_nothing_but_collapsing_to_one_emotion_does() -> None:
    logits = sure_logits(70, 7, size=4.0)
    assert inception.kl_nats(logits.repeat(3, 1)) == pytest.approx(inception.kl_nats(logits), rel=1e-12)
    assert inception.kl_nats(logits[logits.argmax(1) == 0]) == pytest.approx(0.0, abs=1e-12)


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e30, -1e30, 0.0], [0.0, 0.0, -1e30]]).repeat(5, 1)
    assert 0 <= inception.kl_nats(logits) <= math.log(3)


def test_all_weights_equal_in_the_bootstrap_is_the_score_itself() -> None:
    # One face only: each resample is that face, and so is each value.
    assert inception.bootstrap_kl(some_logits(1), repeats=20).abs().max() < 1e-12


def test_bootstrap_agrees_with_resampling_by_hand() -> None:
    logits = some_logits(samples=50)
    values = inception.bootstrap_kl(logits, repeats=150, seed=3)
    generator = torch.Generator().manual_seed(3)
    resamples = torch.cat([torch.randint(50, (rows, 50), generator=generator) for rows in (100, 50)])
    expected = torch.tensor([inception.kl_nats(logits[index]) for index in resamples], dtype=torch.float64)
    torch.testing.assert_close(values, expected, rtol=1e-10, atol=1e-12)


def test_score_puts_its_readings_together_and_repeats_to_the_last_digit() -> None:
    logits = some_logits(samples=400)
    score = inception.score(logits, seed=5)
    assert score == inception.score(logits, seed=5)
    assert score != inception.score(logits, seed=6)
    assert score.kl_nats.low < score.kl_nats.value < score.kl_nats.high
    for end in ("value", "low", "high"):
        nats = getattr(score.kl_nats, end)
        assert getattr(score.inception_score, end) == pytest.approx(math.exp(nats))
        assert getattr(score.kl_ratio, end) == pytest.approx(nats / math.log(7))


@pytest.mark.parametrize("faces", [35, 350, 2100])
def test_the_interval_holds_its_own_value_where_every_resample_is_below_it(faces: int) -> None:
    # Sure readings of equally many faces of each emotion: no resample is as balanced as the faces themselves.
    logits = sure_logits(faces, 7, size=6.0)
    score = inception.score(logits, seed=1)
    assert float(inception.bootstrap_kl(logits, seed=1).max()) < score.kl_nats.value
    for interval in (score.kl_nats, score.inception_score, score.kl_ratio):
        assert interval.low < interval.value < interval.high


def test_interval_covers_the_true_score_about_as_often_as_it_says() -> None:
    population = some_logits(samples=200_000, spread=2.5, seed=9)
    truth = inception.kl_nats(population)
    generator = torch.Generator().manual_seed(4)
    covered = 0
    for trial in range(100):
        sample = population[torch.randint(len(population), (1500,), generator=generator)]
        low, high = torch.quantile(inception.bootstrap_kl(sample, 300, trial), torch.tensor([0.025, 0.975]).double())
        covered += int(low <= truth <= high)
    # 95 expected; 88 or fewer has probability below 1 % if the interval has its nominal coverage.
    assert covered >= 89


@pytest.mark.parametrize(
    ("logits", "word"),
    [
        (torch.zeros(10), "shape"),
        (torch.zeros(0, 7), "shape"),
        (torch.zeros(10, 1), "shape"),
        (torch.zeros(2, 3, 4), "shape"),
        (torch.tensor([[0.0, float("nan")], [0.0, 1.0]]), "1 of 2"),
        (torch.tensor([[0.0, float("inf")], [0.0, 1.0]]), "infinite"),
    ],
)
def test_bad_logits_are_refused_in_one_sentence(logits: torch.Tensor, word: str) -> None:
    for function in (inception.kl_nats, inception.kl_per_sample, inception.bootstrap_kl):
        with pytest.raises(UsageError, match=word) as refused:
            function(logits)
        assert "\n" not in str(refused.value)


def test_fewer_faces_than_splits_are_refused() -> None:
    with pytest.raises(UsageError, match="9 samples"):
        inception.split_scores(some_logits(9))
