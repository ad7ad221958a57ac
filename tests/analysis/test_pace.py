"""Steps as epochs, images and seconds, on runs of known speed."""

import numpy as np
import pandas as pd
import pytest

from fergan_core.analysis.pace import Unit, duration, paces

RUNS = pd.DataFrame({"id": ["a", "b"], "steps": [100, 50], "epochs": [10, 10]})
RECIPES = {"a": {"batch_size": 64}, "b": {}}
# Ten steps at 64 images a second take ten seconds, ten at 128 take five.
SPEEDS = pd.DataFrame({"run_id": "a", "step": [10, 20], "mean": [64.0, 128.0]})


@pytest.mark.parametrize(
    ("unit", "reached"),
    [
        ("step", [5.0, 10.0, 20.0, 40.0]),
        ("epoch", [0.5, 1.0, 2.0, 4.0]),
        ("images", [320.0, 640.0, 1280.0, 2560.0]),
        ("seconds", [5.0, 10.0, 15.0, 30.0]),  # past the known speeds at their mean
    ],
)
def test_a_runs_steps_in_each_unit_and_back(unit: Unit, reached: list[float]) -> None:
    pace = paces(RUNS, RECIPES, SPEEDS)["a"]
    steps = [5.0, 10.0, 20.0, 40.0]
    np.testing.assert_allclose(pace.at(unit, steps), reached, rtol=1e-5)
    np.testing.assert_allclose([pace.step(unit, one) for one in reached], steps, rtol=1e-5)


@pytest.mark.parametrize("unit", ["images", "seconds"])
def test_what_was_not_recorded_is_not_a_number(unit: Unit) -> None:
    pace = paces(RUNS, RECIPES, SPEEDS)["b"]
    assert np.isnan(pace.at(unit, [1.0, 2.0])).all()
    assert np.isnan(pace.step(unit, 3.0))
    assert pace.at("epoch", [5.0]).tolist() == [1.0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3599, "1 h"), (12_000, "3 h 20 min"), (180_000, "2 d 2 h")],
)
def test_a_duration_is_written_in_its_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words
