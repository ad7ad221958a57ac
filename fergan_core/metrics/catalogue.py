"""The table of scores: title, better direction, unit and meaning. Pages read it too, so it imports no torch."""

from dataclasses import dataclass
from math import inf, isnan
from typing import Literal

Better = Literal["higher", "lower", "real"]

ARROWS: dict[Better, str] = {"higher": "↑", "lower": "↓", "real": "≈"}

# Decimal places, by the size from which they are enough.
_DIGITS = ((100, 0), (10, 1), (0.1, 3))


@dataclass(frozen=True)
class Metric:
    """One score: its key in the registry, its title, and how to read it.

    `better` 'real' means that the score should be close to real faces' value: too high is as wrong as too low.
    `around_zero` means that real faces score 0 apart from chance, so a multiple of it says nothing. `skewed` means that
    the score's spread over seeds grows with its value, as FID's does, so that runs are compared by its logarithm where
    it is above 0; shares are compared by their log odds (`compared_by`, see analysis/scales.py).
    """

    key: str
    title: str
    better: Better
    unit: Literal["", "share", "count"]
    meaning: str
    around_zero: bool = False
    skewed: bool = False

    @property
    def direction(self) -> Literal["higher", "lower"]:
        """Return which of two runs' scores is the better: where real faces' value is best, the higher."""
        return "lower" if self.better == "lower" else "higher"

    @property
    def compared_by(self) -> Literal["difference", "ratio", "share"]:
        """Return the scale on which runs are compared by this score."""
        return "ratio" if self.skewed else "share" if self.unit == "share" else "difference"

    def beyond_real(self, value: float, low: float | None, high: float | None, real: float | None) -> bool:
        """Tell whether a score is better than real faces' by more than its interval, a sign that the metric is fooled.

        Without an interval (None or NaN) the value itself is compared. What is best near real faces is never beyond.
        """
        if self.better == "real" or real is None:
            return False
        worse_end = low if self.better == "higher" else high
        worst = value if worse_end is None or isnan(worse_end) else worse_end
        return worst > real if self.better == "higher" else worst < real

    def ratio(self, value: float, real: float | None) -> float | None:
        """Return a score as a multiple of real faces'; None where that says nothing."""
        return None if real is None or real <= 0 or self.around_zero else value / real


_METRICS = (
    Metric("is", "IS", "higher", "", "Inception Score, exp of the mean KL of p(y|x) from p(y): 1 to 7"),
    Metric("kl_nats", "KL, nats", "higher", "", "the same before the exp: 0 to ln 7"),
    Metric("kl_ratio", "KL / ln K", "higher", "", "the same divided by ln 7: 0 to 1"),
    Metric("is_split_mean", "IS, ten splits", "higher", "", "mean IS of ten parts, as papers report it"),
    Metric("is_split_std", "IS, ten splits' deviation", "real", "", "standard deviation of IS over ten parts"),
    Metric("accuracy", "recognised as requested", "higher", "share", "share recognised as the requested emotion"),
    Metric("fid", "FID", "lower", "", "Fréchet distance of features' Gaussians, at real faces' number", skewed=True),
    Metric("fid_pixels", "FID, pixels", "lower", "",
           "FID of pixels' 64 principal components, which know no emotion, by real faces' variance", skewed=True),
    Metric("fid_random", "FID, random network", "lower", "",
           "FID of a random network's 64 features, which know no emotion, by real faces' variance", skewed=True),
    Metric("fid_infinity", "FID-infinity", "lower", "", "FID extrapolated to endlessly many fakes", True, True),
    Metric("kid", "KID", "lower", "", "squared maximum mean discrepancy, cubic kernel, unbiased", True),
    Metric("precision", "precision", "higher", "share", "share of faces that lie among real ones (k = 3)"),
    Metric("recall", "recall", "higher", "share", "share of real faces that lie among the fakes (k = 3)"),
    Metric("density", "density", "higher", "", "how many real faces' balls hold a fake, by k = 5"),
    Metric("coverage", "coverage", "higher", "share", "share of real faces with a fake in their ball (k = 5)"),
    Metric("vendi", "Vendi", "real", "", "how many different faces the set amounts to"),
    Metric("distance", "feature distance", "real", "", "mean distance of two faces of one emotion"),
    Metric("ms_ssim", "MS-SSIM", "real", "", "mean likeness of two faces of one emotion: 1 is identical"),
    Metric("ndb", "NDB/K", "lower", "share", "share of 100 bins of real faces that are filled too much or too little"),
    Metric("js", "JS, nats", "lower", "", "Jensen-Shannon divergence of the bins' shares"),
    Metric("duplicates", "near-duplicates", "lower", "share", "share of faces that nearly repeat another one"),
    Metric("support", "support", "higher", "count", "number of different faces, by the birthday paradox", skewed=True),
    Metric("ct", "C_T", "real", "", "distance to training faces against unseen ones': below 0 is copying", True),
    Metric("authenticity", "authentic", "real", "share", "share of faces farther from a training face than its next"),
    Metric("modes", "modes", "higher", "count", "how many of synthfer's 448 true modes are drawn"),
    Metric("cas", "CAS", "higher", "share", "accuracy on real faces of a classifier that learnt from these"),
    Metric("cas_gain", "CAS gain", "higher", "", "what adding the faces to real ones adds to the accuracy", True),
    Metric("bits_per_dim", "bits a pixel", "lower", "", "how surprising unseen real faces are, of 256 greys: 0 and up"),
    Metric("bits_per_dim_error", "their estimator's error", "lower", "", "standard error of the estimate of the bits"),
    Metric("speed", "faces a second", "higher", "count", "how fast they were drawn, by what scored them", skewed=True),
    Metric("log_condition", "log condition", "lower", "", "mean log condition number of the generator's Jacobian"),
)  # fmt: skip

# Beside these the registry holds the Inception Score of fewer faces, `is_at_100` and so on, and the confusion matrix:
# `read_as_happy` of an emotion is the share of its faces that the judge reads as happy.

CATALOGUE: dict[str, Metric] = {metric.key: metric for metric in _METRICS}


def written(value: float, metric: Metric, low: float = float("nan"), high: float = float("nan")) -> str:
    """Write a score with its interval, if it has one: shares in percent, others with as many digits as matter."""
    if metric.unit == "share":
        text, ends = f"{value:.1%}", f"{100 * low:.1f}, {100 * high:.1f}"
    else:
        size = inf if metric.unit == "count" else max(abs(value), high - low if high > low else 0)
        digits = next((digits for least, digits in _DIGITS if size >= least), 5)
        text, ends = f"{value:,.{digits}f}", f"{low:,.{digits}f}, {high:,.{digits}f}"
    return text if isnan(low) or isnan(high) else f"{text} [{ends}]"
