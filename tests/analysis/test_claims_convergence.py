"""Whether trainings settle: hand-made courses of FID, each with the answer that it should get."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from fergan_core.analysis.claims import Study
from fergan_core.analysis.claims.convergence import convergence, settling
from fergan_core.analysis.t_intervals import mean_interval
from tests.analysis.claim_studies import run, study


def falling(to: float, count: int = 40) -> np.ndarray:
    """FID that falls within the first quarter and then stays."""
    return to * np.exp(np.maximum(0, 3 - 12 * np.arange(count) / count))


def trained(
    course: np.ndarray, seeds: int = 5, noise: float = 0.02, spread: float = 1.96 * 0.02, **run_options: Any
) -> Study:
    """A study of several seeds of one course of FID, with fluctuation and intervals."""
    source = np.random.default_rng(0)
    each = [course * np.exp(noise * source.standard_normal(len(course))) for _ in range(seeds)]
    return study(
        *(run(seed, list(values), metric="fid", spread=spread, **run_options) for seed, values in enumerate(each))
    )


def test_settling_is_by_quarters() -> None:
    fid = [8.0] * 4 + [4.0] * 4 + [6.0] * 4 + [5.0] * 4
    ending = settling(fid, np.array(fid) / np.exp(1.96 * 0.1), np.array(fid) * np.exp(1.96 * 0.1))
    assert ending.drift == pytest.approx(np.log(5 / 4))
    assert ending.fall == pytest.approx(np.log(6 / 5))
    assert ending.swing == 0
    # The median of |a - b| of two normal numbers of deviation 0.1.
    assert ending.noise == pytest.approx(0.1 * np.sqrt(2) * 0.67449, rel=1e-4)
    assert ending.excess == pytest.approx(-(ending.noise**2))
    nan = [np.nan] * 16
    assert np.isnan(settling(fid, nan, nan).noise)


def test_a_training_that_stays_at_its_best_settles() -> None:
    verdict = convergence(trained(falling(3.0)))
    assert (verdict.verdict, verdict.strength) == ("does not hold", "shown")
    assert verdict.sentence.startswith("It settles")
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low < 1 < verdict.high + 0.05
    assert (len(verdict.run_ids), verdict.seeds, verdict.data) == (5, 5, "faces")
    assert verdict.protocol == "judge j (11111111), 2,000 faces, natural prior, seed 0"


def test_below_five_seeds_it_is_suggested_and_below_three_undecided() -> None:
    assert convergence(trained(falling(3.0), seeds=3)).strength == "suggested"
    two_seeds = convergence(trained(falling(3.0), seeds=2))
    assert (two_seeds.verdict, two_seeds.strength) == ("cannot tell", None)
    assert "the study has 2." in two_seeds.sentence


def test_a_training_that_leaves_its_best_does_not_converge() -> None:
    course = falling(3.0) * np.exp(np.maximum(0, np.linspace(-1, 1, 40)))
    verdict = convergence(trained(course))
    assert (verdict.verdict, verdict.strength) == ("holds", "shown")
    assert "moves away from its best" in verdict.sentence
    assert verdict.low is not None
    assert verdict.low > 1.05


def test_one_that_is_still_improving_is_distinguished_from_one_that_diverges() -> None:
    verdict = convergence(trained(20 * np.exp(-0.05 * np.arange(40))))
    assert verdict.verdict == "cannot tell"
    assert "still improving, which is not divergence" in verdict.sentence
    assert "moves away" not in verdict.sentence
    # Ten evaluations a quarter.
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low < 1 - np.exp(-0.5) < verdict.high


def test_jumps_beyond_the_judges_noise_are_unsettled_and_those_within_are_not() -> None:
    course = falling(3.0) * np.exp(0.05 * (-1.0) ** np.arange(40))
    assert "does not settle" in convergence(trained(course)).sentence
    assert convergence(trained(course)).verdict == "holds"
    noisy = 0.1 / (np.sqrt(2) * 0.67449)  # a deviation that explains a change of 0.1
    assert convergence(trained(course, spread=1.96 * noisy)).verdict == "does not hold"
    unknown = convergence(trained(course, spread=float("nan")))
    assert unknown.verdict == "cannot tell"
    assert "is unknown" in unknown.sentence


def test_seeds_that_disagree_leave_it_undecided() -> None:
    away = falling(3.0) * np.exp(np.maximum(0, np.linspace(-1, 1, 40)))
    runs = [
        run(seed, list(away if seed % 2 else falling(3.0)), metric="fid", spread=0.04 + 0.001 * seed)
        for seed in range(5)
    ]
    verdict = convergence(study(*runs))
    assert (verdict.verdict, verdict.strength) == ("cannot tell", None)
    assert "It is unclear" in verdict.sentence


def test_runs_that_break_off_do_not_settle() -> None:
    finished = [run(seed, list(falling(3.0)), metric="fid", spread=0.04) for seed in range(5)]
    broken = [run(seed, [9.0], metric="fid", status="diverged") for seed in range(5, 11)]
    assert convergence(study(*finished)).verdict == "does not hold"
    single_loss = convergence(study(*finished, broken[0]))
    assert single_loss.verdict == "cannot tell"
    assert "1 of 6 runs broke off" in single_loss.sentence
    mostly_lost = convergence(study(*finished, *broken))
    assert mostly_lost.verdict == "holds"
    assert "6 of 11 runs broke off" in mostly_lost.sentence


def test_too_few_evaluations_are_left_out() -> None:
    verdict = convergence(trained(falling(3.0, count=11)))
    assert verdict.verdict == "cannot tell"
    assert "at least 12 evaluations; the study has 0." in verdict.sentence


@pytest.mark.parametrize("count", [12, 40])
def test_a_settled_training_seems_to_drift_no_more_often_than_stated(count: int) -> None:
    source, unknown = np.random.default_rng(1), np.full(count, np.nan)
    drifts = [[settling(np.exp(0.1 * noise), unknown, unknown).drift for noise in source.standard_normal((5, count))]
              for _ in range(200)]  # fmt: skip
    assert float(np.mean(drifts)) == pytest.approx(0, abs=0.01)
    assert sum(mean_interval(seeds).low > np.log(1.05) for seeds in drifts) <= binom.ppf(0.999, 200, 0.025)
