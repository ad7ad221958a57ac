"""Do automatic scores rank checkpoints as people do? Spearman's correlation with its interval."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fergan_core.rating.realism import Z

LEAST = 3  # checkpoints, below which a rank correlation says nothing
_LEAST_FOR_INTERVAL = 4


def spearman(first: pd.Series, second: pd.Series) -> tuple[float, float, float]:
    """Return Spearman's correlation of n pairs with its 95 % interval; NaN where it is not defined.

    The interval is Fisher's with the variance (1 + r^2 / 2) / (n - 3) of Bonett and Wright (2000, Psychometrika 65:23),
    which needs four pairs. At 1 it would have no width: there r is taken for midway to the next
    value that n ranks can have.
    """
    ranks = first.rank(), second.rank()
    if len(first) < LEAST or ranks[0].nunique() < 2 or ranks[1].nunique() < 2:
        return np.nan, np.nan, np.nan
    r = float(np.corrcoef(*ranks)[0, 1])
    if len(first) < _LEAST_FOR_INTERVAL:
        return r, np.nan, np.nan
    nearly_one = 1 - 6 / (len(first) * (len(first) ** 2 - 1))
    bounded = min(max(r, -nearly_one), nearly_one)
    half = Z * np.sqrt((1 + bounded**2 / 2) / (len(first) - 3))
    low, high = np.tanh(np.arctanh(bounded) + np.array([-half, half]))
    return r, min(r, float(low)), max(r, float(high))


def with_metrics(people: Mapping[str, pd.DataFrame], scores: pd.DataFrame) -> pd.DataFrame:
    """Return the correlation of each automatic metric with each of people's measures over checkpoints.

    `people` has by measure a table of source (RUN@STEP) and value; `scores` are the registry's, of one protocol. Only
    scores of all emotions together count. Columns: metric, measure, value, low, high, checkpoints.
    """
    rows = []
    whole = scores[scores["emotion"].isna()].dropna(subset=["value"])
    sources = whole["run_id"].astype(str) + "@" + whole["step"].astype(int).astype(str)
    for metric, part in whole.assign(source=sources).groupby("metric", sort=False):
        by_source = part.drop_duplicates("source", keep="last").set_index("source")["value"].astype(float)
        for measure, table in people.items():
            common = table.set_index("source")["value"].astype(float).dropna()
            common = common[common.index.isin(by_source.index)]
            if len(common) < LEAST:
                continue
            value, low, high = spearman(by_source.loc[common.index], common)
            row = {"metric": metric, "measure": measure, "value": value, "low": low, "high": high}
            rows.append({**row, "checkpoints": len(common)})
    return pd.DataFrame(rows, columns=["metric", "measure", "value", "low", "high", "checkpoints"])


def side_by_side(correlations: pd.DataFrame) -> pd.DataFrame:
    """Return the correlations in words, a row for each metric (index) and a column for each of people's measures."""
    known = correlations.dropna(subset=["value"])
    words = [
        f"{value:.2f}" + ("" if np.isnan(low) else f" ({low:.2f} to {high:.2f})")
        for value, low, high in known[["value", "low", "high"]].to_numpy(dtype=float)
    ]
    order = {name: list(dict.fromkeys(known[name])) for name in ("metric", "measure")}
    table = known.assign(words=words).pivot(index="metric", columns="measure", values="words")
    return table.reindex(index=order["metric"], columns=order["measure"]).fillna("")
