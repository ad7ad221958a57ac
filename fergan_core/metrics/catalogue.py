"""What each score is called, which way it is better, and where it comes from; read by pages too, so without torch."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower", "real"]


@dataclass(frozen=True)
class Metric:
    """One score: its key in the registry, its title, and what a reader must know.

    `better` 'real' means the nearer to real faces' value, the better: too high is as wrong as too low.
    """

    key: str
    title: str
    better: Better
    unit: Literal["", "share", "count"]
    meaning: str


_METRICS = (
    Metric("is", "IS", "higher", "", "Inception Score, exp of the mean KL of p(y|x) from p(y): 1 to 7"),
    Metric("kl_nats", "KL, nats", "higher", "", "the same before the exp: 0 to ln 7"),
    Metric("kl_ratio", "KL / ln K", "higher", "", "the same divided by ln 7: 0 to 1"),
    Metric("is_split_mean", "IS, ten splits", "higher", "", "mean IS of ten parts, as papers report it"),
    Metric("is_split_std", "IS, ten splits' deviation", "real", "", "standard deviation of IS over ten parts"),
    Metric("accuracy", "read as asked", "higher", "share", "share of faces read as the emotion asked for"),
    Metric("fid", "FID", "lower", "", "Fréchet distance of the features' Gaussians, at real faces' number"),
    Metric("fid_infinity", "FID-infinity", "lower", "", "FID extrapolated to endlessly many fakes"),
    Metric("kid", "KID", "lower", "", "squared maximum mean discrepancy, cubic kernel, unbiased"),
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
    Metric("support", "support", "higher", "count", "number of different faces, by the birthday paradox"),
    Metric("ct", "C_T", "real", "", "distance to training faces against unseen ones': below 0 is copying"),
    Metric("authenticity", "authentic", "real", "share", "share of faces farther from a training face than its next"),
    Metric("modes", "modes", "higher", "count", "how many of synthfer's 448 true modes are drawn"),
    Metric("cas", "CAS", "higher", "share", "accuracy on real faces of a classifier that learnt from these"),
    Metric("cas_gain", "CAS gain", "higher", "", "what adding the faces to real ones adds to the accuracy"),
    Metric("log_condition", "log condition", "lower", "", "mean log condition number of the generator's Jacobian"),
)  # fmt: skip

# Beside these the registry holds the Inception Score of fewer faces, `is_at_100` and so on, and the confusion matrix:
# `read_as_happy` of an emotion is the share of its faces that the judge reads as happy.

CATALOGUE: dict[str, Metric] = {metric.key: metric for metric in _METRICS}
