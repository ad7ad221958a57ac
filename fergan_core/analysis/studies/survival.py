"""Survival of trainings: the share of a study's runs without an alarm after so many images."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy

from fergan_core.analysis.alarms import alarms

_TAIL = 0.025  # on either side of a 95 % interval


def lives(runs: pd.DataFrame, findings: pd.DataFrame, batch_sizes: Mapping[str, int]) -> pd.DataFrame:
    """Return each run's lifetime: columns run_id, images (seen by its end), died (bool), cause (None if it survived).

    A run dies at its first alarm or, without one, where it diverged or failed. Any other, stopped and crashed runs
    included, is censored at its last step. `runs` has columns id, status, step, epoch; `findings` are the registry's;
    `batch_sizes` are images per step by run id.
    """
    first = alarms(runs, findings).drop_duplicates("run_id").set_index("run_id")
    dead = runs["id"].isin(first.index)
    steps = runs["step"].where(~dead, runs["id"].map(first["step"]))
    images = [int(step) * batch_sizes[run_id] for run_id, step in zip(runs["id"], steps, strict=True)]
    causes = pd.Series([first["kind"].get(run_id) for run_id in runs["id"]], dtype=object)
    return pd.DataFrame({"run_id": list(runs["id"]), "images": images, "died": list(dead), "cause": list(causes)})


def curves(lived: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """Return each group's survival curve (Kaplan & Meier 1958) with its 95 % interval, in order of first appearance.

    `lived` is what `lives` returns; `groups` gives each run's group. Columns: group, images, alive (share), low, high,
    at_risk (runs that got this far), died, left (runs censored here). Each curve begins at 0 images.
    """
    labels = lived["run_id"].map(groups)
    tables = [_curve(of_group).assign(group=label) for label, of_group in lived.groupby(labels, sort=False)]
    columns = ["group", "images", "alive", "low", "high", "at_risk", "died", "left"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _curve(lived: pd.DataFrame) -> pd.DataFrame:
    """Return one group's curve. Its interval is the exponential Greenwood one, which stays within 0 and 1.

    Where that is undefined: before the first death it is Clopper and Pearson's for no death among those at risk; once
    all have died the upper end stays where it was, because survival can only fall.
    """
    died = lived["died"].to_numpy(bool)
    images = lived["images"].to_numpy(float)
    survival = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=images[died], right=images[~died])).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where it is undefined
        interval = survival.confidence_interval(0.95, method="log-log")
    times, alive = survival.quantiles, survival.probabilities
    table = pd.DataFrame({"images": times, "alive": alive})
    table["at_risk"] = [int((images >= time).sum()) for time in times]
    table["died"] = [int((images[died] == time).sum()) for time in times]
    table["left"] = [int((images[~died] == time).sum()) for time in times]
    all_alive, all_dead = alive == 1, alive == 0
    table["low"] = np.where(
        all_alive, _TAIL ** (1 / table["at_risk"]), np.where(all_dead, 0.0, interval.low.probabilities)
    )
    high = pd.Series(np.where(all_alive, 1.0, np.where(all_dead, np.nan, interval.high.probabilities)))
    table["high"] = high.ffill().fillna(1.0)
    start = {"images": 0.0, "alive": 1.0, "low": _TAIL ** (1 / len(images)), "high": 1.0}
    first = pd.DataFrame([start | {"at_risk": len(images), "died": 0, "left": 0}])
    return pd.concat([first, table], ignore_index=True)
