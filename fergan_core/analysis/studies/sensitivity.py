"""How much of a score's spread over a study's trials is each parameter's doing, and how much the seed's alone.

A parameter's share is that of an analysis of variance with all parameters' main effects, what the others leave to it,
corrected for chance (omega squared, Hays 1963); its interval is by the noncentral F distribution (Steiger 2004,
Psychological Methods 9(2):164, eq. 13 and after), the whole variance taken as it is. What shares leave is the
parameters' working together, and the seed. The error that they are tested against is the seeds' in a full grid;
where settings were drawn it is what the parameters leave of the settings' own spread, for the seeds of one setting
share all that this setting has beside the parameter.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import binomtest, chi2, f, ncf

from fergan_core.errors import UsageError

BINS = 4  # of a parameter that was drawn and not chosen from a list
LISTED = 8  # values at most of one that was chosen
SEED = "seed"


def shares(trials: pd.DataFrame, parameters: Sequence[str], score: str) -> pd.DataFrame:
    """Return the share of a score's variance by parameter and by seed: columns parameter, share, low, high, trials.

    `trials` is a row a trial, with the parameters' values and the score; trials without a score are left out. All
    shares are 0 to 1; NaN where there is nothing to tell by: one value only, or no two trials of one setting for the
    seed. Raises UsageError for fewer than 4 trials with a score.
    """
    scored = trials.dropna(subset=[score])
    if len(scored) < 4:
        raise UsageError(f"sensitivity: {len(scored)} trials have '{score}'; run 4 or more")
    values = scored[score].to_numpy(float)
    if np.allclose(values, values[0], rtol=1e-9, atol=0):
        nothing = dict.fromkeys(("share", "low", "high"), np.nan)
        return pd.DataFrame([{"parameter": name, **nothing} for name in (*parameters, SEED)]).assign(trials=len(scored))
    effects = _Effects(scored, parameters, values)
    rows = [{"parameter": name, **effects.share(name)} for name in parameters]
    rows.append({"parameter": SEED, **effects.of_seed()})
    return pd.DataFrame(rows).assign(trials=len(scored))


def failures(trials: pd.DataFrame, parameters: Sequence[str], failed: str) -> pd.DataFrame:
    """Count failed trials by each parameter's value: columns parameter, value, trials, failed, share, low, high.

    `failed` names a column of bool. The interval is Wilson's, 95 %.
    """
    rows = []
    for name in parameters:
        labels = grouped(trials[name])
        for label in pd.unique(labels):
            of = trials.loc[(labels == label).to_numpy(), failed].astype(bool)
            ends = binomtest(int(of.sum()), len(of)).proportion_ci(0.95, method="wilson")
            counts = {"trials": len(of), "failed": int(of.sum()), "share": float(of.mean())}
            counts |= {"low": float(ends.low), "high": float(ends.high)}
            rows.append({"parameter": name, "value": str(label), **counts})
    return pd.DataFrame(rows, columns=["parameter", "value", "trials", "failed", "share", "low", "high"])


def grouped(values: pd.Series) -> pd.Series:
    """Return what a parameter's trials are grouped by: its values, or quarters of them where there are many."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and values.nunique() > LISTED:
        return pd.qcut(values, BINS, duplicates="drop").astype(str)
    return values.astype(str)


class _Effects:
    """The main effects of parameters on values [N], and the errors beside them."""

    def __init__(self, trials: pd.DataFrame, parameters: Sequence[str], values: np.ndarray) -> None:
        self._values = values
        self._total = float(((values - values.mean()) ** 2).sum())
        groups = {name: grouped(trials[name]) for name in parameters}
        self._dummies = {name: pd.get_dummies(labels, dtype=float).to_numpy() for name, labels in groups.items()}
        setting = trials[list(parameters)].map(str).agg("|".join, axis=1) if parameters else pd.Series("", trials.index)
        settings = int(setting.nunique())
        means = pd.Series(values, index=trials.index).groupby(setting).transform("mean").to_numpy()
        self._seeds, self._seed_freedom = float(((values - means) ** 2).sum()), len(values) - settings
        left, rank = self._fit(parameters)
        grid = settings == int(np.prod([labels.nunique() for labels in groups.values()], dtype=int))
        if grid and self._seed_freedom >= 1:
            self._error, self._freedom = self._seeds, self._seed_freedom
        elif settings - rank >= 1:
            self._error, self._freedom = left - self._seeds, settings - rank
        else:
            self._error, self._freedom = left, len(values) - rank

    def _fit(self, parameters: Sequence[str]) -> tuple[float, int]:
        """Return what the parameters' main effects leave of the squares, and how many numbers they are."""
        design = np.hstack([np.ones((len(self._values), 1)), *(self._dummies[name] for name in parameters)])
        solved, _, rank, _ = np.linalg.lstsq(design, self._values, rcond=None)
        return float(((self._values - design @ solved) ** 2).sum()), int(rank)

    def share(self, name: str) -> dict[str, float]:
        """Return a parameter's share of the variance with its interval; NaN where it has one value, or no error."""
        left, rank = self._fit([other for other in self._dummies if other != name])
        with_it, full_rank = self._fit(list(self._dummies))
        between = full_rank - rank
        if between < 1 or self._freedom < 1:
            return {"share": np.nan, "low": np.nan, "high": np.nan}
        squares, error = left - with_it, self._error / self._freedom
        if error <= 1e-12 * self._total:
            share = min(1.0, squares / self._total)
            return {"share": share, "low": share, "high": share}
        ratio = squares / between / error
        low, high = (
            min(1.0, _noncentrality(ratio, between, self._freedom, tail) * error / self._total)
            for tail in (0.975, 0.025)
        )
        return {"share": min(high, max(low, 0.0, (squares - between * error) / self._total)), "low": low, "high": high}

    def of_seed(self) -> dict[str, float]:
        """Return the share of the variance that is left between trials of the very same setting; NaN without any."""
        if self._seed_freedom < 1:
            return {"share": np.nan, "low": np.nan, "high": np.nan}
        variance = self._total / (len(self._values) - 1)
        share = min(1.0, self._seeds / self._seed_freedom / variance)
        low, high = (
            min(1.0, self._seeds / float(chi2.ppf(tail, self._seed_freedom)) / variance) for tail in (0.975, 0.025)
        )
        return {"share": share, "low": low, "high": high}


def _noncentrality(ratio: float, between: int, within: int, tail: float) -> float:
    """Return the noncentrality with which an F ratio as low as this has probability `tail`; 0 where none has."""
    if f.cdf(ratio, between, within) <= tail:
        return 0.0
    most = 10.0
    while ncf.cdf(ratio, between, within, most) > tail:
        most *= 2
    return float(brentq(lambda noncentrality: ncf.cdf(ratio, between, within, noncentrality) - tail, 1e-9, most))
