"""The page Claims on an empty registry and on one whose studies were tried; its figures by what they hold."""

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.charts import claims as charts
from fergan_core.analysis.claims import CLAIMS, SCORES
from fergan_core.registry import Registry, Score, study_tag
from tests.support.pages import listed_runs, open_page

PROTOCOL = {"count": 2000, "seed": 0, "prior": "natural", "truncation": 1.0, "real_count": 2000}


def add_run(
    registry: Registry, images: int, seed: int, coverages: list[float], study: str = "claim-data", width: int = 16
) -> str:
    """A finished run of a study, evaluated every 100 steps of 50 images; its FID is 10 (1 - coverage)."""
    method = {"kind": "gan", "width": width}
    run_id = registry.create_run(
        name=f"*{images}* <b>{seed}</b>", method="gan", preset="quick", seed=seed, provenance={}, epochs=4, steps=400,
        recipe={"batch_size": 50, "images": images, "epochs": 4, "seed": seed, "method": method},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": images},
        tags=[study_tag(study)],
    )  # fmt: skip
    for epoch, value in enumerate(coverages, 1):
        scores = [Score("coverage", value, value - 0.01, value + 0.01, 0.9), Score("coverage", 0.0, emotion="happy")]
        registry.add_evaluation(
            run_id, epoch=epoch, step=100 * epoch, judge="synthfer", judge_sha256="5" * 64, protocol=PROTOCOL,
            scores=[*scores, Score("fid", 10 * (1 - value))],
        )  # fmt: skip
    registry.set_status(run_id, "finished")
    return run_id


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registry with three seeds of two data sizes, the smaller one far worse."""
    registry = Registry(str(tmp_path_factory.mktemp("claims") / "runs.db"))
    add_sizes(registry)
    return registry.url


def add_sizes(registry: Registry) -> None:
    for seed in range(3):
        small = add_run(registry, 200, seed, [0.1, 0.12, 0.11, 0.1 + 0.01 * seed])
        add_run(registry, 1000, seed, [0.1, 0.3, 0.5, 0.6 + 0.01 * seed])
        finding = {"step": 300, "epoch": 3, "kind": "collapse", "severity": "alarm", "sentence": ""}
        registry.set_findings(small, [finding | {"numbers": {"emotion": "happy"}}])


@pytest.fixture(scope="module")
def all_tried(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registry with those runs, with trainings of twelve evaluations each, and with two widths."""
    registry = Registry(str(tmp_path_factory.mktemp("all") / "runs.db"))
    add_sizes(registry)
    for seed in range(3):
        add_run(registry, 1000, seed, [0.1 * min(at, 3) + 0.005 * seed for at in range(12)], "claim-convergence")
        for width in (8, 16):
            add_run(registry, 1000, seed, [0.05 * width + 0.01 * seed], "claim-parameters", width)
    return registry.url


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("claims", url, monkeypatch, query)


def texts(elements) -> list[str]:
    return [element.value.replace("\\", "") for element in elements]


def test_without_a_registry_each_claim_says_what_tries_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch)
    assert [heading.value for heading in app.header] == [claim.title for claim in CLAIMS]
    assert len(app.info) == len(CLAIMS)
    assert [code.value for code in app.code] == ["\n".join(claim.commands) for claim in CLAIMS]
    assert sum("Not tried" in text for text in texts(app.markdown)) == len(CLAIMS)
    assert list(tmp_path.iterdir()) == []


def test_a_tried_claim_shows_verdict_sentence_figure_and_runs(tried: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(tried, monkeypatch)
    sentences = texts(app.markdown)
    assert any("Holds, suggested" in text for text in sentences)
    assert any("11.0% with 200 training faces and 61.0% with 1,000" in text for text in sentences)
    assert any("3 of 3 runs against 0 of 3" in text for text in sentences)
    # Claims 2 and 3 have figures, runs and commands, the other two their commands alone.
    assert len(app.get("plotly_chart")) == 2
    assert len(app.info) == 2
    assert len(app.code) == len(CLAIMS)
    app.session_state["runs behind data"] = True  # its expander, opened
    listed = listed_runs(app.run(), "The runs on which the verdict rests")
    assert len(listed) == 6
    assert {"name": "*200* <b>0</b>", "seed": "0", "status": ["finished"], "epochs": "4"} in listed
    rests_on = "6 runs, 3 seeds, synthfer; judge synthfer (55555555), 2,000 faces"
    assert any(rests_on in text for text in texts(app.caption))


@pytest.mark.slow
def test_the_score_is_chosen_and_stands_in_the_address(tried: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(tried, monkeypatch, score="FID")
    assert any("FID is" in text and "times as high" in text for text in texts(app.markdown))
    app = page(tried, monkeypatch, score="recall")
    assert any("two evaluations with this score" in text for text in texts(app.markdown))


@pytest.mark.slow
def test_every_claim_that_was_tried_has_its_figure(all_tried: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(all_tried, monkeypatch, score="FID")
    assert len(app.get("plotly_chart")) == len(CLAIMS)
    assert not app.info
    sentences = texts(app.markdown)
    assert any("FID in the last quarter is" in text for text in sentences)
    assert any("largest share is width" in text for text in sentences)


# Figures -------------------------------------------------------------------------------------------------------------


def by_name(figure) -> dict:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_sizes_are_lines_with_bands_over_the_images_seen() -> None:
    rows = [(200, 0, 100, 0.1), (200, 1, 100, 0.3), (200, 0, 1000, 0.2), (200, 1, 1000, 0.2), (5000, 0, 1000, 0.8)]
    table = pd.DataFrame(rows, columns=["images", "seed", "images_seen", "value"]).assign(real=0.9)
    figure = charts.sizes_figure(table, SCORES["coverage"], dark=False)
    lines = by_name(figure)
    assert list(lines) == ["200 faces, 2 seeds", "5,000 faces, 1 seed", "real faces"]
    assert list(lines["200 faces, 2 seeds"].x) == [100, 1000]
    assert list(lines["200 faces, 2 seeds"].y) == pytest.approx([0.2, 0.2])
    assert list(figure.data[0].y) == [0.3, 0.2, 0.2, 0.1]
    assert list(lines["real faces"].y) == pytest.approx([0.9, 0.9])
    assert figure.layout.xaxis.type == "log"
    assert charts.sizes_figure(table, SCORES["fid"], dark=True).layout.yaxis.type == "log"


def test_each_seed_has_its_points_and_its_running_mean() -> None:
    rows = [
        ("a", 0, 1, 9.0, float("nan")),
        ("a", 0, 2, 4.0, 6.0),
        ("b", 1, 1, 8.0, float("nan")),
        ("b", 1, 2, 2.0, 4.0),
    ]
    table = pd.DataFrame(rows, columns=["run_id", "seed", "epoch", "value", "mean"]).assign(real=float("nan"))
    figure = charts.seeds_figure(table, SCORES["fid"], {"a": "#111111", "b": "#222222"}, dark=False)
    assert [(trace.name, trace.mode) for trace in figure.data] == [
        ("seed 0", "markers"), ("seed 0", "lines"), ("seed 1", "markers"), ("seed 1", "lines")
    ]  # fmt: skip
    assert [trace.line.color for trace in figure.data[1::2]] == ["#111111", "#222222"]
    assert list(figure.data[2].y) == [8.0, 2.0]
    assert list(figure.data[3].y)[1] == 4.0
    assert sum(trace.showlegend is not False for trace in figure.data) == 2


@pytest.mark.parametrize(("real", "range_"), [(0.9, (0, 0.0756)), (0.1, None)])
def test_real_faces_far_above_do_not_flatten_the_runs(real: float, range_: tuple[float, float] | None) -> None:
    rows = [(200, 0, 100, 0.01), (200, 0, 1000, 0.07)]
    table = pd.DataFrame(rows, columns=["images", "seed", "images_seen", "value"]).assign(real=real)
    figure = charts.sizes_figure(table, SCORES["coverage"], dark=False)
    axis = figure.layout.yaxis.range
    assert axis == (pytest.approx(range_) if range_ else None)
    assert ("real faces, 90%, beyond the axis" in by_name(figure)) == (range_ is not None)
