"""The Inception Score with any judge in Inception's place, in three readings of one quantity.

The quantity is the mean over samples of KL(p(y|x) || p(y)), the marginal p(y) being the mean of p(y|x) over the
same samples (Salimans et al. 2016, arXiv:1606.03498, section 4). Its readings:

kl_nats   the mean itself, in nats: 0 (every face is read the same) to ln K (sure of each, classes equally frequent)
is        exp(kl_nats), the Inception Score as published: 1 to K
kl_ratio  kl_nats / ln K: 0 to 1

Higher is better, but only beside the same score of real images by the same judge: the score does not measure whether
faces look real, nor whether there is more than one for an emotion (Barratt & Sharma 2018, arXiv:1801.01973).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.intervals import Interval


@dataclass(frozen=True)
class InceptionScore:
    """The three readings with their intervals."""

    kl_nats: Interval
    inception_score: Interval
    kl_ratio: Interval


def _log_probabilities(logits: Tensor) -> Tensor:
    """Check logits [N,K], N >= 1 and K >= 2, all finite, and return their log-softmax in float64."""
    if logits.ndim != 2 or logits.shape[0] < 1 or logits.shape[1] < 2:
        raise UsageError(f"inception score: logits have shape {list(logits.shape)}; give [samples, classes >= 2]")
    if not bool(torch.isfinite(logits).all()):
        bad = int((~torch.isfinite(logits)).any(1).sum())
        raise UsageError(f"inception score: {bad} of {len(logits)} samples have logits that are NaN or infinite")
    return torch.log_softmax(logits.double(), 1)


def kl_per_sample(logits: Tensor) -> Tensor:
    """KL(p(y|x) || p(y)) of each sample in nats: float64 [N], 0 to -ln p(y), from logits [N,K] of the judge.

    The logarithm of the marginal is a log-sum-exp, so that it is never log 0.
    """
    log_p = _log_probabilities(logits)
    log_marginal = torch.logsumexp(log_p, 0) - math.log(len(log_p))
    return (log_p.exp() * (log_p - log_marginal)).sum(1)


def kl_nats(logits: Tensor) -> float:
    """Mean KL of logits [N,K] in nats, 0 to ln K (Salimans et al. 2016, section 4, before the exp)."""
    return max(0.0, float(kl_per_sample(logits).mean()))


def inception_score(logits: Tensor) -> float:
    """exp(kl_nats) of logits [N,K]: 1 to K (Salimans et al. 2016, section 4)."""
    return math.exp(kl_nats(logits))


def kl_ratio(logits: Tensor) -> float:
    """kl_nats / ln K of logits [N,K]: 0 to 1, comparable between judges of different K only in its range."""
    return kl_nats(logits) / math.log(logits.shape[1])


def split_scores(logits: Tensor, splits: int = 10) -> tuple[float, float]:
    """Mean and standard deviation of exp(kl) over `splits` consecutive parts, as papers report it.

    Each part has its own marginal, so the mean grows with the part's size and does not estimate the score of all faces
    (Barratt & Sharma 2018, 4.1.1): for comparison with papers only. Raises UsageError for fewer samples than splits.
    """
    if len(logits) < splits:
        raise UsageError(f"inception score: {len(logits)} samples do not fill {splits} splits")
    edges = [len(logits) * part // splits for part in range(splits + 1)]
    parts = [inception_score(logits[low:high]) for low, high in pairwise(edges)]
    mean = sum(parts) / splits
    return mean, math.sqrt(sum((part - mean) ** 2 for part in parts) / splits)


def bootstrap_kl(logits: Tensor, repeats: int = 1000, seed: int = 0) -> Tensor:
    """Mean KL in nats of `repeats` bootstrap resamples of logits [N,K]: float64 [repeats].

    A resample is a multinomial count of each sample; its marginal is recomputed. With weights w, the mean KL is
    H(w p) - w H(p), where H is the entropy, so that all resamples together are two matrix products.
    """
    log_p = _log_probabilities(logits).cpu()
    probabilities, count = log_p.exp(), len(log_p)
    negative_entropy = (probabilities * log_p).sum(1)
    generator = torch.Generator().manual_seed(seed)
    values = []
    for start in range(0, repeats, 100):  # 100 rows of weights at a time: 8 MB for 10,000 samples
        rows = min(100, repeats - start)
        resamples = torch.randint(count, (rows, count), generator=generator)
        weights = torch.zeros(rows, count, dtype=torch.float64)
        weights.scatter_add_(1, resamples, torch.full((1, 1), 1 / count, dtype=torch.float64).expand(rows, count))
        marginal = weights @ probabilities
        values.append(weights @ negative_entropy - torch.xlogy(marginal, marginal).sum(1))
    return torch.cat(values).clamp_(min=0.0)


def score(logits: Tensor, *, repeats: int = 1000, seed: int = 0) -> InceptionScore:
    """All readings of logits [N,K] with 95 % bootstrap intervals (Efron 1979), moved to the score.

    A resample has fewer distinct faces, so that its mean KL is lower by about the score's bias at N: the resamples are
    shifted so that their mean is the score itself, and the interval is for the mean score of N such faces.

    The interval describes the sampling of faces with the judge held fixed; it does not cover another judge, another
    training seed, or the score's bias at small N. `is` and `kl_ratio` are monotone in kl_nats, and so are their ends.
    """
    value = kl_nats(logits)
    resampled = bootstrap_kl(logits, repeats, seed)
    moved = resampled - resampled.mean() + value
    ends = torch.quantile(moved, torch.tensor([0.025, 0.975], dtype=torch.float64))
    most = math.log(logits.shape[1])
    low, high = min(value, max(0.0, float(ends[0]))), max(value, min(most, float(ends[1])))
    return InceptionScore(
        kl_nats=Interval(value, low, high),
        inception_score=Interval(math.exp(value), math.exp(low), math.exp(high)),
        kl_ratio=Interval(value / most, low / most, high / most),
    )
