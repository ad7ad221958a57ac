"""The share of a score's variance over a study's trials that is due to each parameter, and to the seed alone.

A parameter's share comes from an analysis of variance with the main effects of all parameters: what the others leave
to it, corrected for chance (omega squared, Hays 1963). Its interval is by the noncentral F distribution (Steiger 2004,
Psychological Methods 9(2):164, eq. 13 and after), with the total variance taken as known. What the shares leave is due
to interactions and to the seed. The error term is the variance between seeds in a full grid. Where settings were drawn
at random it is what the parameters leave of the variance between settings, because the seeds of one setting have all
its other parameters in common.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy

from fergan_core.errors import UsageError

BINS = 4  # of a parameter that was drawn from a range and not chosen from a list
LISTED = 8  # most values of a parameter that was chosen from a list
SEED = "seed"


def shares(trials: pd.DataFrame, parameters: Sequence[str], score: str) -> pd.DataFrame:
    """Return the share of a score's variance by parameter and by seed: columns parameter, share, low, high, trials.

    `trials` has one row per trial, with the parameters' values and the score; trials without a score are left out.
    Shares are 0 to 1; NaN for a parameter of a single value, and for the seed where no setting has two trials. Raises
    UsageError for fewer than 4 trials with a score.
    """
    scored = trials.dropna(subset=[score])
    if len(scored) < 4:
        raise UsageError(f"sensitivity: {len(scored)} trials have '{score}'; run 4 or more")
    values = scored[score].to_numpy(float)
    if np.allclose(values, values[0], rtol=1e-9, atol=0):
        undefined = dict.fromkeys(("share", "low", "high"), np.nan)
        return pd.DataFrame([{"parameter": name, **undefined} for name in (*parameters, SEED)]).assign(
            trials=len(scored)
        )
    effects = _Effects(scored, parameters, values)
    rows = [{"parameter": name, **effects.share(name)} for name in parameters]
    rows.append({"parameter": SEED, **effects.of_seed()})
    return pd.DataFrame(rows).assign(trials=len(scored))


def failures(trials: pd.DataFrame, parameters: Sequence[str], failed: str) -> pd.DataFrame:
    """Count failed trials by each parameter's value: columns parameter, value, trials, failed, share, low, high.

    `failed` names a boolean column. The interval is Wilson's, 95 %.
    """
    rows = []
    for name in parameters:
        labels = grouped(trials[name])
        for label in pd.unique(labels):
            has_failed = trials.loc[(labels == label).to_numpy(), failed].astype(bool)
            ends = scipy.stats.binomtest(int(has_failed.sum()), len(has_failed)).proportion_ci(0.95, method="wilson")
            counts = {"trials": len(has_failed), "failed": int(has_failed.sum()), "share": float(has_failed.mean())}
            counts |= {"low": float(ends.low), "high": float(ends.high)}
            rows.append({"parameter": name, "value": str(label), **counts})
    return pd.DataFrame(rows, columns=["parameter", "value", "trials", "failed", "share", "low", "high"])


def grouped(values: pd.Series) -> pd.Series:
    """Return the groups of a parameter's trials: its values as text, or their quartiles where there are many values."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and values.nunique() > LISTED:
        return pd.qcut(values, BINS, duplicates="drop").astype(str)
    return values.astype(str)


class _Effects:
    """The main effects of parameters on values [N], and the error term."""

    def __init__(self, trials: pd.DataFrame, parameters: Sequence[str], values: np.ndarray) -> None:
        self._values = values
        self._total = float(((values - values.mean()) ** 2).sum())
        groups = {name: grouped(trials[name]) for name in parameters}
        self._dummies = {name: pd.get_dummies(labels, dtype=float).to_numpy() for name, labels in groups.items()}
        setting = trials[list(parameters)].map(str).agg("|".join, axis=1) if parameters else pd.Series("", trials.index)
        settings = int(setting.nunique())
        means = pd.Series(values, index=trials.index).groupby(setting).transform("mean").to_numpy()
        self._seeds, self._seed_freedom = float(((values - means) ** 2).sum()), len(values) - settings
        residual, rank = self._fit(parameters)
        grid = settings == int(np.prod([labels.nunique() for labels in groups.values()], dtype=int))
        if grid and self._seed_freedom >= 1:
            self._error, self._freedom = self._seeds, self._seed_freedom
        elif settings - rank >= 1:
            self._error, self._freedom = residual - self._seeds, settings - rank
        else:
            self._error, self._freedom = residual, len(values) - rank

    def _fit(self, parameters: Sequence[str]) -> tuple[float, int]:
        """Fit the parameters' main effects; return the residual sum of squares and the rank."""
        design = np.hstack([np.ones((len(self._values), 1)), *(self._dummies[name] for name in parameters)])
        solved, _, rank, _ = np.linalg.lstsq(design, self._values, rcond=None)
        return float(((self._values - design @ solved) ** 2).sum()), int(rank)

    def share(self, name: str) -> dict[str, float]:
        """Return a parameter's share of the variance with its interval; NaN for a single value or no error term."""
        without, rank = self._fit([other for other in self._dummies if other != name])
        with_it, full_rank = self._fit(list(self._dummies))
        between = full_rank - rank
        if between < 1 or self._freedom < 1:
            return {"share": np.nan, "low": np.nan, "high": np.nan}
        squares, error = without - with_it, self._error / self._freedom
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
        """Return the share of the variance between trials of the same setting; NaN where no setting has two."""
        if self._seed_freedom < 1:
            return {"share": np.nan, "low": np.nan, "high": np.nan}
        variance = self._total / (len(self._values) - 1)
        share = min(1.0, self._seeds / self._seed_freedom / variance)
        low, high = (
            min(1.0, self._seeds / float(scipy.stats.chi2.ppf(tail, self._seed_freedom)) / variance)
            for tail in (0.975, 0.025)
        )
        return {"share": share, "low": low, "high": high}


def _noncentrality(ratio: float, between: int, within: int, tail: float) -> float:
    """Return the noncentrality at which an F ratio this low or lower has probability `tail`; 0 where none does."""
    if scipy.stats.f.cdf(ratio, between, within) <= tail:
        return 0.0
    upper = 10.0
    while scipy.stats.ncf.cdf(ratio, between, within, upper) > tail:
        upper *= 2
    return float(
        scipy.optimize.brentq(
            lambda noncentrality: scipy.stats.ncf.cdf(ratio, between, within, noncentrality) - tail, 1e-9, upper
        )
    )
