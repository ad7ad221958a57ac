"""A run's curves as pure functions of points: checked by what they draw, not by how it looks."""

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import curves
from fergan_core import scalars

LOSSES = scalars.panels_of(["loss_d", "loss_g"])[0]
GRADIENTS = scalars.panels_of(["grad_norm_g"])[0]


def points(metric: str, values: list[float], nans: int = 0) -> pd.DataFrame:
    table = pd.DataFrame({"metric": metric, "step": [10 * (place + 1) for place in range(len(values))], "mean": values})
    table["nans"] = [0] * (len(values) - 1) + [nans]
    return table.assign(low=table["mean"], high=table["mean"])


def test_a_panel_draws_its_scalars_alone_each_with_its_band() -> None:
    table = pd.concat([points("loss_d", [1.0, 2.0]), points("loss_g", [3.0, 4.0]), points("d_real", [0.5, 0.5])])
    figure = curves.panel_figure(table, LOSSES, dark=False)
    assert [trace.name for trace in figure.data if trace.name] == ["loss of D", "loss of G"]
    assert len([trace for trace in figure.data if trace.fill == "toself"]) == 2
    assert not figure.layout.shapes


def test_a_divergence_is_marked_at_its_first_step_and_named_in_the_legend() -> None:
    table = pd.concat([points("loss_d", [1.0, np.inf]), points("loss_g", [3.0, np.nan, np.nan], nans=1)])
    figure = curves.panel_figure(table, LOSSES, dark=True)
    names = [trace.name for trace in figure.data if trace.name]
    assert names == ["loss of D, not a number at step 20", "loss of G, not a number at step 30"]
    assert [shape.x0 for shape in figure.layout.shapes] == [20, 30]


@pytest.mark.parametrize(
    ("values", "present", "absent"), [([4.0, 190.0], [5, 20, 100], [0.5]), ([1e-5, 1e6], [1e-5, 1, 1e6], [2, 50])]
)
def test_a_logarithmic_axis_writes_its_numbers_in_full(
    values: list[float], present: list[float], absent: list[float]
) -> None:
    axis = curves.panel_figure(points("grad_norm_g", values), GRADIENTS, dark=False).layout.yaxis
    assert all(np.isclose(axis.tickvals, tick, atol=0).any() for tick in present)
    assert not any(np.isclose(axis.tickvals, tick, atol=0).any() for tick in absent)
    assert "100" in axis.ticktext


def test_a_panel_that_was_never_recorded_draws_nothing() -> None:
    assert not curves.panel_figure(points("loss_d", [1.0]), GRADIENTS, dark=False).data


def test_a_scalar_of_somebody_elses_script_is_drawn_under_its_own_name() -> None:
    (panel,) = scalars.panels_of(["my<b>metric/a"])
    figure = curves.panel_figure(points("my<b>metric/a", [1.0, 2.0]), panel, dark=False)
    assert [trace.name for trace in figure.data if trace.name] == ["my&lt;b&gt;metric/a"]
