"""How much of a score's spread over a study's trials is each parameter's doing, and how much the seed's alone.

A parameter's share is that of a one-way analysis of variance, corrected for chance (epsilon squared, Kelley 1935); its
interval is of the share in the population, by the noncentral F distribution (Steiger 2004, Psychological Methods
9(2):164, eq. 13 and after). What shares leave is the parameters' working together, and the seed.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import chi2, f, ncf

from fergan_core.errors import UsageError

BINS = 4  # of a parameter with more values than that, which was drawn and not chosen from a list
SEED = "seed"


def shares(trials: pd.DataFrame, parameters: Sequence[str], score: str) -> pd.DataFrame:
    """Return the share of a score's variance by parameter and by seed: columns parameter, share, low, high, trials.

    `trials` is a row a trial, with the parameters' values and the score; trials without a score are left out. All
    shares are 0 to 1; NaN where there is nothing to tell by: one value only, or no two trials of one setting for the
    seed. Raises UsageError for fewer than 4 trials with a score.
    """
    known = trials.dropna(subset=[score])
    if len(known) < 4:
        raise UsageError(f"sensitivity: {len(known)} trials have '{score}'; run 4 or more")
    values = known[score].to_numpy(float)
    rows = [{"parameter": name, **_share(grouped(known[name]), values)} for name in parameters]
    rows.append({"parameter": SEED, **_of_seed(known, parameters, values)})
    return pd.DataFrame(rows).assign(trials=len(known))


def failures(trials: pd.DataFrame, parameters: Sequence[str], failed: str) -> pd.DataFrame:
    """Count failed trials by each parameter's value: columns parameter, value, trials, failed, share, low, high.

    `failed` names a column of bool. The interval is Wilson's, 95 %.
    """
    rows = []
    for name in parameters:
        labels = grouped(trials[name])
        for label in pd.unique(labels):
            of = trials.loc[(labels == label).to_numpy(), failed].astype(bool)
            low, high = _wilson(int(of.sum()), len(of))
            counts = {"trials": len(of), "failed": int(of.sum()), "share": float(of.mean()), "low": low, "high": high}
            rows.append({"parameter": name, "value": str(label), **counts})
    return pd.DataFrame(rows, columns=["parameter", "value", "trials", "failed", "share", "low", "high"])


def grouped(values: pd.Series) -> pd.Series:
    """Return what a parameter's trials are grouped by: its values, or quarters of them where there are many."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and values.nunique() > BINS:
        return pd.qcut(values, BINS, duplicates="drop").astype(str)
    return values.astype(str)


def _share(groups: pd.Series, values: np.ndarray) -> dict[str, float]:
    sizes = groups.value_counts()
    between, within = len(sizes) - 1, len(values) - len(sizes)
    total = float(((values - values.mean()) ** 2).sum())
    if between < 1 or within < 1 or total == 0:
        return {"share": np.nan, "low": np.nan, "high": np.nan}
    means = pd.Series(values, index=groups.index).groupby(groups).transform("mean").to_numpy()
    inner = float(((values - means) ** 2).sum())
    if inner == 0:
        return {"share": 1.0, "low": 1.0, "high": 1.0}
    share = max(0.0, 1 - (inner / within) / (total / (len(values) - 1)))
    ratio = ((total - inner) / between) / (inner / within)
    low, high = (_noncentrality(ratio, between, within, tail) for tail in (0.975, 0.025))
    return {"share": share, "low": low / (low + len(values)), "high": high / (high + len(values))}


def _noncentrality(ratio: float, between: int, within: int, tail: float) -> float:
    """Return the noncentrality with which an F ratio as low as this has probability `tail`; 0 where none has."""
    if f.cdf(ratio, between, within) <= tail:
        return 0.0
    most = 10.0
    while ncf.cdf(ratio, between, within, most) > tail:
        most *= 2
    return float(brentq(lambda noncentrality: ncf.cdf(ratio, between, within, noncentrality) - tail, 1e-9, most))


def _of_seed(trials: pd.DataFrame, parameters: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """Return the share of the variance that is left between trials of the very same setting."""
    setting = trials[list(parameters)].astype(str).agg("|".join, axis=1) if parameters else pd.Series("", trials.index)
    means = pd.Series(values, index=trials.index).groupby(setting).transform("mean").to_numpy()
    freedom = len(values) - setting.nunique()
    total = float(values.var(ddof=1))
    if freedom < 1 or total == 0:
        return {"share": np.nan, "low": np.nan, "high": np.nan}
    squares = float(((values - means) ** 2).sum())
    ends = (squares / chi2.ppf(tail, freedom) / total for tail in (0.5, 0.975, 0.025))
    _, low, high = ends
    return {"share": min(1.0, squares / freedom / total), "low": min(1.0, low), "high": min(1.0, high)}


def _wilson(hits: int, count: int) -> tuple[float, float]:
    z = 1.959963984540054
    share, spread = hits / count, z * z / count
    centre = (share + spread / 2) / (1 + spread)
    half = float(np.sqrt(share * (1 - share) * spread + spread * spread / 4)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
