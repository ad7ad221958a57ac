"""The detectors' limits, all in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Thresholds of the detectors. Images are images seen; a probe is one reading of generated faces by the judge."""

    window: int = 4_000  # images of a running mean
    long: int = 16_000  # images that a state must last, or within which a change must happen
    grace: int = 12_000  # images at the beginning, when no emotion has variety yet

    saturated: float = 0.985  # D's accuracy
    dead_loss: float = 0.05  # D's loss while it is saturated
    swing_window: int = 1_000  # images
    swing_high: float = 0.9  # D's accuracy
    swing_low: float = 0.6
    swings: int = 4
    blow_up: float = 20.0  # times the median so far
    least_size: Mapping[str, float] = field(default_factory=lambda: {"grad_norm": 10.0, "loss": 20.0})
    forgotten: float = 0.5  # D's accuracy on earlier fakes
    forgotten_times: int = 5

    collapsed: float = 0.35  # of real faces' variety
    recovered: float = 0.6
    probes: int = 2  # in a row
    share_of_emotions: float = 0.6
    repeated: float = 0.5  # share of faces

    spectral_growth: float = 4.0
    r_v: float = 0.5
    r_t: float = 0.8
    overfit_times: int = 5
    copying: float = -3.0  # C_T, a standard normal number where nothing is copied
    evaluations: int = 4
    better: float = 0.02  # relative improvement of the best FID that counts


LIMITS = Limits()
