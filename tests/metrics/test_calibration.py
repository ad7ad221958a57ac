"""Accuracy, confusion, NLL, ECE and temperature by closed forms."""

import math

import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.metrics import calibration


def test_confusion_counts_true_rows_and_read_columns() -> None:
    logits = torch.eye(3)[torch.tensor([0, 1, 1, 2, 0])]
    labels = torch.tensor([0, 0, 1, 2, 2])
    assert calibration.confusion_matrix(logits, labels).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert calibration.accuracy(logits, labels) == pytest.approx(3 / 5)


def test_even_readings_have_the_nll_of_guessing() -> None:
    assert calibration.negative_log_likelihood(torch.zeros(9, 7), torch.arange(9) % 7) == pytest.approx(math.log(7))


def test_ece_is_the_gap_between_confidence_and_accuracy() -> None:
    # Ten faces, each read with confidence 0.8, six of them rightly: one bin, gap 0.2.
    logits = torch.tensor([[0.8, 0.2]]).log().repeat(10, 1)
    labels = torch.tensor([0] * 6 + [1] * 4)
    assert calibration.expected_calibration_error(logits, labels) == pytest.approx(0.2, abs=1e-6)
    assert calibration.expected_calibration_error(logits[:10], torch.tensor([0] * 8 + [1] * 2)) < 1e-6


def test_temperature_of_calibrated_logits_is_found_again() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 7, generator=generator, dtype=torch.float64) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    for scale in (0.5, 1.0, 3.0):
        temperature = calibration.fit_temperature(logits * scale, labels)
        assert temperature == pytest.approx(scale, rel=0.03)
        near = [
            calibration.negative_log_likelihood(logits * scale / (temperature * step), labels)
            for step in (0.98, 1, 1.02)
        ]
        assert near[1] == min(near)


def test_temperature_stays_finite_where_every_reading_is_right_or_wrong() -> None:
    logits = torch.eye(4) * 3
    assert calibration.fit_temperature(logits, torch.arange(4)) == pytest.approx(0.05)
    assert calibration.fit_temperature(logits, (torch.arange(4) + 1) % 4) == pytest.approx(20)


@pytest.mark.parametrize(
    ("logits", "labels", "word"),
    [
        (torch.zeros(4, 7), torch.zeros(3), "give"),
        (torch.zeros(0, 7), torch.zeros(0), "give"),
        (torch.full((2, 7), float("nan")), torch.zeros(2), "NaN"),
        (torch.zeros(2, 7), torch.tensor([0, 7]), "labels reach"),
    ],
)
def test_bad_input_is_refused(logits: torch.Tensor, labels: torch.Tensor, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        calibration.accuracy(logits, labels)
