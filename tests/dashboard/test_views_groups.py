"""Compare's groups of runs, run by AppTest on a registry of ten seeds of two recipes and some odd runs."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sections import groups
from fergan_core.registry import Registry, Score
from tests.support.pages import open_page


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, list[str]]]:
    """A registry with five seeds each of two losses in one study, and odd runs; returns its URL and their ids."""
    url = str(tmp_path_factory.mktemp("seeds") / "runs.db")
    registry = Registry(url)
    ids: dict[str, list[str]] = {"hinge": [], "lsgan": []}
    for seed in range(5):
        for loss, fid in (("hinge", 20.0), ("lsgan", 30.0)):
            ids[loss].append(add_run(registry, f"*{loss}* {seed}", loss, seed, fid + seed, tags=["study:losses"]))
    parent = ids["hinge"][0]
    ids["odd"] = [
        add_run(registry, "of other data", "hinge", 7, 21.0, data="fer2013", epoch=5),
        add_run(registry, "a fork", "hinge", 8, 22.0, parent=parent, parent_step=9),
        add_run(registry, "again", "hinge", 1, 21.0),
        add_run(registry, "no score", "hinge", 9, None),
    ]
    registry.set_status(ids["odd"][3], "diverged", "NaN at step 3")
    return url, ids


def add_run(
    registry: Registry, name: str, loss: str, seed: int, fid: float | None, data: str = "synthfer", epoch: int = 2,
    **others: Any,
) -> str:  # fmt: skip
    recipe = {"batch_size": 64, "seed": seed, "watch_every": seed, "method": {"kind": "gan", "loss": loss}}
    dataset = {"name": data, "source": data, "content_hash": data[0] * 64, "images": 600}
    run_id = registry.create_run(
        name=name, method="gan", preset="quick", recipe=recipe, seed=seed, provenance={}, epochs=9, steps=90,
        dataset=dataset, **others,
    )  # fmt: skip
    if fid is not None:
        for judge, value in (("synthfer", fid), ("other", 100.0)):
            scores = [Score("fid", value, real=1.0), Score("is", 2.0, real=2.5), Score("fid", 1.0, emotion="happy")]
            registry.add_evaluation(
                run_id, epoch=epoch, step=10 * epoch, judge=judge, judge_sha256=judge[0] * 64, scores=scores,
                protocol={"count": 2000 if judge == "synthfer" else 500, "seed": 0, "prior": "natural"},
            )  # fmt: skip
    registry.set_status(run_id, "finished")
    return run_id


def page(url: str, monkeypatch: pytest.MonkeyPatch, **groups: list[str]) -> AppTest:
    query = {name: ",".join(run_ids) for name, run_ids in groups.items()}
    return open_page("compare", url, monkeypatch, {"part": "Groups of runs", **query})


def warned(app: AppTest) -> str:
    return "\n".join(warning.value for warning in app.warning).replace("\\", "")


@pytest.mark.slow
def test_two_groups_of_five_seeds_are_compared(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = seeds
    app = page(url, monkeypatch, A=ids["lsgan"], B=ids["hinge"])
    assert app.multiselect(key="chosen A").value == ids["lsgan"]
    table = app.dataframe[0].value.set_index("metric")
    assert table.loc["FID ↓", ["a", "b", "runs"]].to_list() == ["32.0", "22.0", "5 and 5"]
    assert table.loc["FID ↓", "verdict"] == "shows: B is better"
    assert table.loc["IS ↑", "verdict"] == "cannot tell"
    assert not app.warning
    app.selectbox(key="protocol").select_index(0).run()
    assert app.dataframe[0].value.set_index("metric").loc["FID ↓", "a"] == "100"
    assert len(app.get("plotly_chart")) == 1


def test_without_groups_the_page_says_what_to_choose_and_how_to_train_it(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(seeds[0], monkeypatch, A=[], B=[])
    assert "two or more runs" in app.info[0].value
    assert "trainers.sweep" in app.code[0].value
    assert not app.dataframe


def test_it_opens_on_two_settings_of_a_study(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = seeds
    app = page(url, monkeypatch)
    opened = [sorted(app.multiselect(key=f"chosen {name}").value) for name in ("A", "B")]
    assert sorted(opened) == sorted(map(sorted, (ids["hinge"], ids["lsgan"])))
    # One evaluation a run has no course.
    assert any("one evaluation each by this judge" in info.value for info in app.info)


def test_the_pair_to_open_on_shares_no_run_and_is_of_one_study_or_one_dataset() -> None:
    settings = {"study s: loss=a (3)": ["1", "2", "3"], "study s: loss=b (2)": ["4", "5"], "study s: loss=c (1)": ["6"]}
    presets = {"preset p on synthfer (4)": ["1", "2", "3", "4"], "preset q on fer2013 (4)": ["7", "8", "9", "0"]}
    assert groups.first_pair(presets | settings) == {"A": ["1", "2", "3"], "B": ["4", "5"]}
    assert groups.first_pair(presets) == {"A": (), "B": ()}
    same = {"preset q on synthfer (2)": ["5", "6"], "tag t (4)": ["1", "2", "3", "4"]}
    assert groups.first_pair(presets | same) == {"A": ["1", "2", "3", "4"], "B": ["5", "6"]}


def test_a_group_is_filled_by_preset_tag_or_a_studys_setting(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = seeds
    app = page(url, monkeypatch)
    offered = app.selectbox(key="fill A").options
    assert offered == [
        "preset quick on fer2013 (1)", "preset quick on synthfer (12)", "tag study:losses (10)",
        "study losses: loss=hinge (5)", "study losses: loss=lsgan (5)",
    ]  # fmt: skip
    hinge = next(words for words in offered if "loss=hinge" in words)
    app.selectbox(key="fill A").set_value(hinge).run()
    assert not app.exception
    assert sorted(app.multiselect(key="chosen A").value) == sorted(ids["hinge"])
    assert app.selectbox(key="fill A").value is None
    address = app.query_params["A"]
    assert sorted((address if isinstance(address, str) else address[0]).split(",")) == sorted(ids["hinge"])


def test_a_run_in_both_groups_is_refused(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = seeds
    app = page(url, monkeypatch, A=ids["hinge"], B=[ids["hinge"][0], *ids["lsgan"]])
    assert "*hinge* 0" in warned(app)
    assert not app.dataframe


@pytest.mark.slow
def test_what_weakens_a_comparison_is_said(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = seeds
    app = page(url, monkeypatch, A=[*ids["hinge"], *ids["odd"]], B=ids["lsgan"][:3])
    warnings = warned(app)
    for words in (
        "2 datasets (fer2013, synthfer)",
        "*hinge* 0, a fork are forks",
        "Group A has several runs of the same recipe and seed",
        "Group B: fewer than 5 runs",
        "1 of 9 in A, 0 of 3 in B",
        "Left out, without a score by this judge: no score",
        "A 2 to 5, B 2",
    ):
        assert words in warnings, words
    assert "more than the seed" not in warnings
    mixed = warned(page(url, monkeypatch, A=[*ids["hinge"], ids["lsgan"][0]], B=ids["lsgan"][1:]))
    assert "The runs of group A differ in more than the seed, and so their spread: loss." in mixed


@pytest.mark.slow
def test_groups_are_compared_at_equal_images_and_by_one_emotions_faces(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = seeds
    app = page(url, monkeypatch, A=ids["lsgan"], B=ids["hinge"])
    app.segmented_control(key="at").set_value("images").run()
    assert not app.exception
    assert any("A 1,280, B 1,280 images seen" in caption.value.replace("\\", "") for caption in app.caption)
    assert app.dataframe[0].value.set_index("metric").loc["FID ↓", "verdict"] == "shows: B is better"
    app.selectbox(key="faces").set_value("happy").run()
    assert app.dataframe[0].value.set_index("metric").loc["FID ↓", "a"] == "1.000"
    app.segmented_control(key="at").set_value("seconds").run()
    assert any("did not record this cost" in info.value for info in app.info)


@pytest.mark.slow
def test_a_run_of_the_address_that_is_not_there_is_named(
    seeds: tuple[str, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = seeds
    app = page(url, monkeypatch, A=["nosuch", *ids["hinge"]], B=ids["lsgan"])
    assert "nosuch" in warned(app)
    assert len(app.multiselect(key="chosen A").value) == 5
