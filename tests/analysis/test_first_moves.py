"""What moved first: planted departures are found at their steps, and none where a scalar keeps to its usual range."""

import math

import numpy as np
import pandas as pd

from fergan_core.analysis.findings.first_moves import first_moves, panels_in_order
from fergan_core.scalars import panels_of

STEPS, FOUND = np.arange(1, 201), 200


def points(**lines: np.ndarray) -> pd.DataFrame:
    return pd.concat(pd.DataFrame({"metric": name, "step": STEPS, "mean": line}) for name, line in lines.items())


def noise(seed: int) -> np.ndarray:
    return np.asarray(1 + 0.1 * np.random.default_rng(seed).standard_normal(len(STEPS)))


def test_scalars_are_ordered_by_when_they_leave_their_usual_range_for_good() -> None:
    late, early, spike, start = noise(0), noise(1), noise(2), noise(3)
    late[170:] += 2
    early[130:] -= 2
    spike[150] += 50
    start[:15] += 9
    moves = first_moves(points(loss_d=late, d_real=early, loss_g=spike, logit_real=start), FOUND)
    assert [(move.metric, move.step, move.direction) for move in moves] == [
        ("d_real", 131, "falls"), ("loss_d", 171, "rises"),
    ]  # fmt: skip
    assert moves[0].value < moves[0].low < 1 < moves[0].high


def test_nothing_after_the_finding_counts() -> None:
    late = noise(0)
    late[170:] += 2
    assert first_moves(points(loss_d=late), 170) == []


def test_noise_alone_hardly_ever_moves() -> None:
    many = points(**{f"scalar_{seed}": noise(seed) for seed in range(200)})
    assert len(first_moves(many, FOUND)) <= 2


def test_a_logarithmic_scalar_is_judged_by_its_ratio() -> None:
    values = np.exp(np.random.default_rng(0).standard_normal(len(STEPS)))
    values[150:] = 1e-9
    assert first_moves(points(grad_norm=values), FOUND) == []
    (move,) = first_moves(points(grad_norm=values), FOUND, {"grad_norm"})
    assert (move.step, move.direction) == (151, "falls")
    assert 0 < move.low < move.high


def test_a_value_that_is_not_a_number_is_a_move_and_few_readings_are_none() -> None:
    lost = noise(0)
    lost[20:] = math.nan
    (move,) = first_moves(points(loss_d=lost), FOUND)
    assert (move.step, move.direction) == (21, "not a number")
    few = noise(0)
    few[10:] += 9
    assert first_moves(points(loss_d=few), 14) == []


def test_panels_follow_the_first_of_their_scalars_and_the_others_keep_their_order() -> None:
    moved = noise(0)
    moved[150:] += 2
    names = ["loss_d", "loss_g", "d_real", "logit_fake", "r_v"]
    moves = first_moves(points(logit_fake=moved, loss_d=noise(1)), FOUND)
    ordered = [panel.title for panel in panels_in_order(panels_of(names), moves)]
    assert ordered == [
        "Discriminator logits", "Losses", "Discriminator output", "Discriminator overfitting",
    ]  # fmt: skip
