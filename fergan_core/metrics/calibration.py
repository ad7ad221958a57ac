"""Accuracy and calibration of a classifier from its logits: accuracy, confusion, NLL, ECE, temperature."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fergan_core.errors import UsageError


def _checked(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Check finite logits [N,K] against labels [N] in 0..K-1, N >= 1; return them as float64 and int64."""
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or len(labels) < 1:
        raise UsageError(
            f"calibration: logits {list(logits.shape)} and labels {list(labels.shape)}; give [N,K] and [N], N >= 1"
        )
    if not bool(torch.isfinite(logits).all()):
        raise UsageError("calibration: some logits are NaN or infinite")
    labels = labels.long()
    if int(labels.min()) < 0 or int(labels.max()) >= logits.shape[1]:
        raise UsageError(f"calibration: labels reach from {int(labels.min())} to {int(labels.max())}; give 0..K-1")
    return logits.double(), labels


def confusion_matrix(logits: Tensor, labels: Tensor) -> Tensor:
    """Count int64 [K,K] of samples by true class (row) and the class of the largest logit (column)."""
    logits, labels = _checked(logits, labels)
    classes = logits.shape[1]
    return torch.bincount(labels * classes + logits.argmax(1), minlength=classes**2).view(classes, classes)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of samples whose largest logit is their label's: 0 to 1, higher is better."""
    logits, labels = _checked(logits, labels)
    return float((logits.argmax(1) == labels).double().mean())


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> float:
    """Mean of -ln p(label) in nats: 0 and up, lower is better; ln K is what guessing evenly gets."""
    logits, labels = _checked(logits, labels)
    return float(F.cross_entropy(logits, labels))


def expected_calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over `bins` equal bins of confidence: 0 to 1, lower is better.

    Guo et al. 2017 (arXiv:1706.04599), equation 3.
    """
    counts, confidence, right = reliability(logits, labels, bins).unbind(1)
    gaps = (counts * (right - confidence).abs())[counts > 0]
    return float(gaps.sum() / counts.sum())


def reliability(logits: Tensor, labels: Tensor, bins: int = 15) -> Tensor:
    """Samples, their mean confidence and their accuracy in `bins` equal bins of confidence: float64 [bins,3].

    The points of a reliability diagram (Guo et al. 2017, arXiv:1706.04599, figure 1); an empty bin has NaN for both.
    """
    logits, labels = _checked(logits, labels)
    confidence, chosen = logits.softmax(1).max(1)
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    sums = torch.zeros(bins, 3, dtype=torch.float64)
    of_each = torch.stack([torch.ones_like(confidence), confidence, (chosen == labels).double()], 1)
    sums.index_add_(0, place.cpu(), of_each.cpu())
    return torch.cat([sums[:, :1], sums[:, 1:] / sums[:, :1]], 1)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature, 0.05 to 20, whose division of the logits minimises NLL (Guo et al. 2017, section 4.2).

    NLL is convex in 1/T: bisection on its derivative, mean over samples of E_p[logit] - logit of the label.
    """
    logits, labels = _checked(logits, labels)
    label_logits = logits.gather(1, labels[:, None]).squeeze(1)

    def slope(inverse: float) -> float:
        return float((((logits * inverse).softmax(1) * logits).sum(1) - label_logits).mean())

    low, high = 0.05, 20.0
    if slope(low) >= 0:
        return 1 / low
    if slope(high) <= 0:
        return 1 / high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)
