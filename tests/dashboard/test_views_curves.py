"""The section of curves, as pages show it: what is chosen is in the address, and decides what is drawn."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from fergan_core.registry import Registry
from fergan_core.registry.schema import PointRow, RunRow
from tests.support.machine import ROOT
from tests.support.pages import open_page

STEPS = 2_000
DATASET = {"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """Two seeds of one recipe and a run of another, 2,000 steps of noise each; the first one's points also thinned."""
    registry = Registry(str(tmp_path_factory.mktemp("curves") / "runs.db"))
    ids = {}
    for name, seed, batch_size in (("full", 0, 64), ("seed 1", 1, 64), ("wide", 0, 128), ("thinned", 0, 64)):
        ids[name] = run_id = registry.create_run(
            name=name, method="gan", preset="quick", recipe={"batch_size": batch_size, "seed": seed}, dataset=DATASET,
            seed=seed, provenance={}, tags=(), epochs=10, steps=STEPS,
        )  # fmt: skip
        noise = np.random.default_rng(seed).normal(size=STEPS)
        points = [(scalar, step, value) for step, value in enumerate(noise.tolist(), 1) for scalar in ("loss_g", "kl")]
        speeds = [("images_per_second", step, 100.0) for step in range(1, STEPS + 1)]
        registry.add_points(run_id, [*points, *speeds] if name != "thinned" else [])
        registry.progress(run_id, epoch=10, step=STEPS, images_seen=STEPS * batch_size)
        registry.set_status(run_id, "finished")
    noise = np.random.default_rng(0).normal(size=STEPS).reshape(-1, 20)
    key = sa.select(RunRow.key).where(RunRow.id == ids["thinned"]).scalar_subquery()
    with registry.write() as connection:
        metric = connection.scalar(sa.text("SELECT key FROM metrics WHERE name = 'loss_g'"))
        run_key = connection.scalar(sa.select(key))
        rows = [
            {"step": 20 * (place + 1), "value": part.mean(), "low": part.min(), "high": part.max()}
            for place, part in enumerate(noise)
        ]
        connection.execute(sa.insert(PointRow), [{"run_key": run_key, "metric_key": metric, **row} for row in rows])
        connection.execute(sa.update(RunRow).where(RunRow.id == ids["thinned"]).values(thinned=True))
    return registry.url, ids


def traces(app: AppTest, place: int = 0) -> dict[str, Any]:
    """Return a chart's named traces, and its bands under 'band 0', 'band 1', ..."""
    data = json.loads(app.get("plotly_chart")[place].proto.spec)["data"]
    bands = [trace for trace in data if trace.get("fill")]
    return {trace["name"]: trace for trace in data if trace.get("name")} | {
        f"band {place}": trace for place, trace in enumerate(bands)
    }


def numbers(values: Any) -> np.ndarray:
    """Decode Plotly's array."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).astype(float)
    return np.array(values, dtype=float)


def compare(
    registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, *names: str, **query: str
) -> AppTest:
    url, ids = registry
    return open_page("compare", url, monkeypatch, {"runs": ",".join(ids[name] for name in names), **query})


def test_a_thinned_run_looks_no_noisier_than_the_same_run_in_full(
    registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = compare(registry, monkeypatch, "full", "thinned")
    drawn = traces(app)
    np.testing.assert_allclose(numbers(drawn["band 0"]["y"]), numbers(drawn["band 1"]["y"]), rtol=1e-6)
    assert any("mean of 20 steps (the points of a run that was thinned" in caption.value for caption in app.caption)
    alone = traces(compare(registry, monkeypatch, "full", "seed 1"))
    assert len(numbers(alone["full"]["y"])) == 500


@pytest.mark.parametrize(
    ("x", "end", "title"),
    [("Epoch", 10, "epoch"), ("Images seen", 128_000, "images seen"), ("Seconds", 1_280, "seconds of training")],
)
def test_the_address_says_what_the_x_axis_is(
    registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, x: str, end: float, title: str
) -> None:
    app = compare(registry, monkeypatch, "full", "seed 1", x=x)
    assert numbers(traces(app)["full"]["x"])[-1] == pytest.approx(end, rel=1e-3)
    assert json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["xaxis"]["title"]["text"] == title


def test_a_run_without_a_known_speed_is_named_and_not_drawn_by_seconds(
    registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = compare(registry, monkeypatch, "full", "thinned", x="Seconds")
    assert "thinned" not in traces(app)
    assert any("seconds of training were not recorded: thinned" in c.value.replace("\\", "") for c in app.caption)


def test_a_span_in_the_address_is_read_in_full_detail(
    registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = compare(registry, monkeypatch, "full", "seed 1", **{"x": "Epoch", "from": "4", "to": "5"})
    x = numbers(traces(app)["full"]["x"])
    assert len(x) == 201  # each step
    assert (x[0], x[-1]) == (4, 5)
    app.selectbox(key="x").set_value("step").run()
    assert len(numbers(traces(app)["full"]["x"])) == 500
    assert app.number_input(key="from").value is None
    wrong = compare(registry, monkeypatch, "full", "seed 1", **{"from": "5", "to": "4"})
    assert any("everything is shown" in warning.value for warning in wrong.warning)


def test_smoothing_keeps_the_extremes(registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = traces(compare(registry, monkeypatch, "full", "seed 1"))
    smooth = traces(compare(registry, monkeypatch, "full", "seed 1", smoothing="100 steps"))
    assert np.ptp(numbers(smooth["full"]["y"])[50:]) < 0.3 * np.ptp(numbers(plain["full"]["y"])[50:])
    np.testing.assert_array_equal(numbers(smooth["band 0"]["y"]), numbers(plain["band 0"]["y"]))


def test_seeds_together_are_one_line_and_a_field_groups_too(
    registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = compare(registry, monkeypatch, "full", "seed 1", "wide", group="Seeds together")
    assert {name for name in traces(app) if "band" not in name} == {
        "quick, batch_size=64 (2 runs)", "quick, batch_size=128 (1 run)"
    }  # fmt: skip
    assert any("band: from the lowest run to the highest" in caption.value for caption in app.caption)
    app.segmented_control(key="band").set_value("interval").run()
    assert any("Student's 95 % interval" in caption.value for caption in app.caption)
    app.segmented_control(key="group").set_value("Each value of a field").run()
    app.selectbox(key="field").set_value("seed").run()
    assert {"seed=0 (2 runs)", "seed=1 (1 run)"} <= set(traces(app))


def test_several_scalars_have_a_chart_each(
    registry: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = compare(registry, monkeypatch, "full", "seed 1")
    app.multiselect(key="scalar").set_value(["loss_g", "kl"]).run()
    assert [set(traces(app, place)) - {"band 0", "band 1"} for place in (0, 1)] == [{"full", "seed 1"}] * 2
    app.multiselect(key="scalar").set_value([]).run()
    assert any("one or more scalars" in info.value for info in app.info)


@pytest.mark.slow
def test_more_runs_than_colours_are_grey_until_one_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    ids = []
    for place in range(10):
        ids.append(
            registry.create_run(
                name=f"run {place}", method="gan", preset="quick", recipe={"batch_size": 64, "seed": place},
                dataset=DATASET, seed=place, provenance={}, tags=(), epochs=1, steps=10,
            )
        )  # fmt: skip
        registry.add_points(ids[-1], [("loss_g", step, float(step)) for step in range(1, 11)])
        registry.progress(ids[-1], epoch=1, step=10, images_seen=640)
        registry.set_status(ids[-1], "finished")
    app = open_page("compare", registry.url, monkeypatch, {"runs": ",".join(ids)})
    assert {trace["line"]["color"] for trace in traces(app).values()} == {"#808890"}
    app.multiselect(key="colour").set_value(["run 3", "run 9"]).run()
    coloured = {name for name, trace in traces(app).items() if trace["line"].get("color") != "#808890"}
    assert coloured == {"run 3", "run 9"}
    app.segmented_control(key="layout").set_value("Small charts").run()
    assert len({trace["xaxis"] for trace in traces(app).values()}) == 10


@pytest.fixture
def showcase(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return open_page("inception_score", str(ROOT / "runs.db"), monkeypatch, {})


@pytest.mark.slow
def test_the_inception_score_of_five_runs_seeds_as_a_band(showcase: AppTest) -> None:
    """Page, set of runs (two clicks), seeds together: four clicks from anywhere."""
    app = showcase
    opened = app.multiselect(key="chosen runs").value
    assert 2 <= len(opened) <= 8
    assert opened[-1] == "report22"
    (six,) = [name for name in app.selectbox(key="all of").options if name.startswith("preset robust on fer2013")]
    app.selectbox(key="all of").set_value(six).run()
    assert len(app.multiselect(key="chosen runs").value) >= 4
    app.segmented_control(key="group").set_value("Seeds together").run()
    assert not app.exception
    seeds = [name for name in traces(app) if "(3 runs)" in name]
    assert seeds
    assert "band 0" in traces(app)
    assert any(name.startswith("real faces") for name in traces(app))


@pytest.mark.slow
@pytest.mark.parametrize(("x", "least"), [("Images seen", 100_000), ("Seconds", 1_000)])
def test_the_inception_score_by_images_and_seconds_leaves_out_the_report(
    showcase: AppTest, x: str, least: float
) -> None:
    key = {"Images seen": "images", "Seconds": "seconds"}[x]
    showcase.selectbox(key="x").set_value(key).run()
    drawn = traces(showcase)
    assert max(numbers(trace["x"]).max() for trace in drawn.values()) > least
    assert not any("Report" in name for name in drawn)
    assert any("Not drawn, since their" in caption.value for caption in showcase.caption)
