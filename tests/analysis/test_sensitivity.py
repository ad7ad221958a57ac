"""Shares of variance where the truth is known, with intervals that cover it; counts of failures."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from fergan_core.analysis.studies.sensitivity import failures, shares
from fergan_core.errors import UsageError


def study(seeds: int, a: float, b: float, noise: float, source: np.random.Generator) -> pd.DataFrame:
    """A full grid of two parameters, three and two values, with effects of these sizes and a seed's of `noise`."""
    rows = [
        {"x": x, "y": y, "seed": seed, "fid": a * x + b * (y == "hinge") + noise * source.standard_normal()}
        for x in (-1, 0, 1)
        for y in ("bce", "hinge")
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def of(table: pd.DataFrame, name: str) -> pd.Series:
    return table.set_index("parameter").loc[name]


def test_shares_are_those_of_the_variances() -> None:
    # Variances: x 2/3 of a^2, y 1/4 of b^2, noise: 6, 1 and 1.
    table = shares(study(400, 3.0, 2.0, 1.0, np.random.default_rng(0)), ["x", "y"], "fid")
    assert of(table, "x")["share"] == pytest.approx(6 / 8, abs=0.02)
    assert of(table, "y")["share"] == pytest.approx(1 / 8, abs=0.02)
    assert of(table, "seed")["share"] == pytest.approx(1 / 8, abs=0.02)
    assert (table["low"] <= table["share"]).all()
    assert (table["share"] <= table["high"]).all()


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    source, held = np.random.default_rng(1), {"x": 0, "y": 0, "seed": 0}
    truth = {"x": 0.0, "y": 0.5, "seed": 0.5}  # y's variance is the noise's: (2 / 2)^2
    for _ in range(60):
        table = shares(study(4, 0.0, 2.0, 1.0, source), ["x", "y"], "fid")
        for name in held:
            row = of(table, name)
            held[name] += bool(row["low"] <= truth[name] <= row["high"])
    for name, count in held.items():
        assert count >= binom.ppf(0.001, 60, 0.95), name


@pytest.mark.slow
def test_a_parameter_that_does_nothing_has_no_share_on_average() -> None:
    source = np.random.default_rng(2)
    x_shares = [of(shares(study(4, 0.0, 0.0, 1.0, source), ["x", "y"], "fid"), "x")["share"] for _ in range(60)]
    assert float(np.mean(x_shares)) < 0.07


def test_many_values_are_grouped_by_quartile() -> None:
    source = np.random.default_rng(3)
    lr = 10 ** source.uniform(-5, -3, 200)
    trials = pd.DataFrame({"lr": lr, "seed": range(200), "fid": np.log10(lr) + 0.1 * source.standard_normal(200)})
    table = shares(trials, ["lr"], "fid")
    assert of(table, "lr")["share"] > 0.85
    assert np.isnan(of(table, "seed")["share"])  # no setting was run twice


def test_what_was_not_varied_has_no_share_and_failed_trials_no_score() -> None:
    trials = study(3, 1.0, 1.0, 0.1, np.random.default_rng(4)).assign(z=7)
    trials.loc[0, "fid"] = np.nan
    table = shares(trials, ["x", "z"], "fid")
    assert np.isnan(of(table, "z")["share"])
    assert (table["trials"] == len(trials) - 1).all()
    with pytest.raises(UsageError, match="3 trials"):
        shares(trials.iloc[1:4], ["x"], "fid")


def test_failures_are_counted_by_value() -> None:
    trials = pd.DataFrame({"lr": [1e-4] * 4 + [1e-2] * 4, "failed": [False] * 4 + [True] * 3 + [False]})
    table = failures(trials, ["lr"], "failed").set_index("value")
    assert table["failed"].tolist() == [0, 3]
    assert table.loc["0.01", "share"] == 0.75
    assert table.loc["0.0001", "low"] == 0
    assert 0.4 < table.loc["0.0001", "high"] < 0.6
