"""The page Studies, run by AppTest on a registry whose trials died, lived, or are still to come."""

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sections.studies import most_influential_first
from fergan_core.registry import Registry, Score
from tests.support.pages import listed_runs, open_page

TRIALS = "The study's trials with their settings, how they ended, what was found, and their scores"


def add_trial(registry: Registry, study: str, number: int, rate: float, loss: str, status: str = "finished") -> str:
    recipe = {"preset": "quick", "batch_size": 64, "seed": number % 3, "method": {"d_lr": rate, "loss": loss}}
    run_id = registry.create_run(
        name=f"{study}-{number:03d}", method="gan", preset="quick", recipe=recipe, seed=number % 3, provenance={},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 600},
        tags=[f"study:{study}"], epochs=9, steps=900,
    )  # fmt: skip
    registry.progress(run_id, epoch=9, step=900, images_seen=900 * 64)
    if status == "finished":
        registry.add_evaluation(
            run_id, epoch=9, step=900, judge="synthfer", judge_sha256="s" * 64,
            protocol={"count": 2000, "prior": "natural", "seed": 0},
            scores=[Score("fid", 20 + 1e4 * rate + number % 3), Score("is", 2.0 + number / 10)],
        )  # fmt: skip
    registry.set_status(run_id, status)
    return run_id


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A registry with a study of two rates, two losses and three seeds, of which two runs died, and a young one."""
    url = str(tmp_path_factory.mktemp("studied") / "runs.db")
    registry = Registry(url)
    settings = [(rate, loss) for rate in (2e-4, 2e-3) for loss in ("hinge", "lsgan") for _ in range(3)]
    ids = [add_trial(registry, "rates", number, *setting) for number, setting in enumerate(settings[:-1])]
    ids.append(add_trial(registry, "rates", 11, *settings[-1], status="diverged"))
    finding = {"step": 500, "epoch": 5, "kind": "collapse", "severity": "alarm", "sentence": "s"}
    registry.set_findings(ids[10], [finding | {"numbers": {"emotion": "happy"}}])
    for number in range(2):
        add_trial(registry, "young", number, 2e-4, "hinge")
    return url, ids


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("studies", url, monkeypatch, query)


def captions_of(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption).replace("\\", "")


def test_a_study_shows_who_died_what_a_score_depends_on_and_its_trials(
    studied: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = studied
    app = page(url, monkeypatch, study="rates", by="d_lr")
    assert "2 of 12 runs died" in captions_of(app)
    assert "An emotion collapses: 1" in captions_of(app)
    assert "Left out, without the score: 1 trial; see the failures" in captions_of(app)
    assert len(app.get("plotly_chart")) == 2
    (failed,) = (table.value for table in app.dataframe)
    counts = failed[failed.parameter == "d_lr"].set_index("value")["failed"].to_dict()
    assert counts == {"0.0002": 0, "0.002": 2}
    trials = listed_runs(app, TRIALS)
    assert [trial["name"] for trial in trials] == [f"rates-{number:03d}" for number in range(len(ids))]
    assert trials[10]["kinds"] == ["An emotion collapses"]
    assert (trials[11]["status"], trials[11]["score:fid"]) == (["diverged"], "–")
    first = [trials[0][key] for key in ("recipe:d_lr", "recipe:loss", "seed", "score:fid", "score:is")]
    assert first == ["0.0002", "hinge", "0", "22", "2"]
    (csv,) = app.get("download_button")
    assert csv.proto.label == "Download CSV"


@pytest.mark.slow
def test_score_and_field_can_be_chosen_by_the_address(
    studied: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(studied[0], monkeypatch, study="rates", by="loss", score="IS")
    assert app.selectbox(key="by").value == "loss"
    assert app.selectbox(key="score").value == "is"
    app.selectbox(key="score").set_value("fid").run()
    assert not app.exception


def test_a_study_of_one_setting_and_few_trials_says_what_is_missing(
    studied: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(studied[0], monkeypatch, study="young")
    assert "share one setting" in app.info[0].value
    assert len(listed_runs(app, TRIALS)) == 2
    assert not app.get("plotly_chart")


@pytest.mark.slow
def test_too_few_scored_trials_have_survival_and_failures_but_no_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    for number, rate in enumerate((1e-4, 1e-3, 1e-2)):
        add_trial(registry, "few", number, rate, "hinge")
    app = page(registry.url, monkeypatch)
    assert any("4 or more ended trials" in info.value for info in app.info)
    assert len(app.get("plotly_chart")) == 1
    assert "0 of 3 runs died (none)" in captions_of(app)


def test_before_a_trial_has_ended_or_a_study_begun_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run_id = add_trial(registry, "s", 0, 2e-4, "hinge")
    registry.untag(run_id, "study:s")
    app = page(registry.url, monkeypatch)
    assert "No study yet" in app.info[0].value
    assert "trainers.sweep" in app.code[0].value
    registry.tag(run_id, "study:s")
    registry.set_status(run_id, "running")
    assert "No trial" in page(registry.url, monkeypatch).info[0].value


def test_the_field_on_which_fid_depends_most_comes_first_and_the_order_stays_where_fid_is_unknown() -> None:
    rows = [
        {"loss": loss, "d_lr": rate, "fid": 1e4 * rate + seed}
        for loss in "ab"
        for rate in (1e-4, 1e-2)
        for seed in range(3)
    ]
    trials = pd.DataFrame(rows)
    assert most_influential_first(trials, ["loss", "d_lr"]) == ["d_lr", "loss"]
    assert most_influential_first(trials.drop(columns="fid"), ["loss", "d_lr"]) == ["loss", "d_lr"]


def sorted_page() -> None:
    import pandas as pd
    import streamlit as st

    from dashboard.components.run_table import Column
    from dashboard.sections import listed_runs

    for by in st.session_state.get("clicks", ()):
        listed_runs.sort_by("some", by)
    table = pd.DataFrame(
        {
            "run_id": ["a", "b", "c", "d"], "name": ["Run 10", "run 9", "*c*", "d"],
            "score:is": [2.123456, 10.0, float("nan"), 3.0],
            "kinds": [[{"text": text, "colour": "gray"}] for text in ("x", "w", "y", "z")],
        }
    )  # fmt: skip
    columns = [Column("name", "Run"), Column("score:is", "IS", number=True), Column("kinds", "Findings")]
    listed_runs.show(table, columns, key="some", label="some")


@pytest.mark.parametrize(
    ("clicks", "order"),
    [
        ([], ["Run 10", "run 9", "*c*", "d"]),
        (["score:is"], ["run 9", "d", "Run 10", "*c*"]),  # the better first, and last those without a score
        (["score:is", "score:is"], ["Run 10", "d", "run 9", "*c*"]),
        (["score:is", "score:is", "score:is"], ["Run 10", "run 9", "*c*", "d"]),
        (["name"], ["*c*", "d", "Run 10", "run 9"]),
        (["name", "kinds"], ["run 9", "Run 10", "*c*", "d"]),
    ],
)
def test_a_list_of_runs_is_sorted_by_clicks_on_a_title_and_at_the_third_as_it_was(
    clicks: list[str], order: list[str]
) -> None:
    app = AppTest.from_function(sorted_page, default_timeout=300)
    app.session_state["clicks"] = clicks
    app.run()
    assert not app.exception
    rows = listed_runs(app, "some")
    assert [row["name"] for row in rows] == order
    assert {row["name"]: row["score:is"] for row in rows} == {"Run 10": "2.123", "run 9": "10", "*c*": "–", "d": "3"}
