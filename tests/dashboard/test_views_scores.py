"""The page Scores, run by AppTest on an empty and on a filled registry: its table, and what its parts say."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import judge_cards
from fergan_core.registry import Registry, Score
from tests.support.pages import open_page

LEARNED = ("angry", "happy", "neutral")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A registry with two runs of two evaluated checkpoints whose weights are gone; returns its URL and their ids."""
    url = str(tmp_path_factory.mktemp("scored") / "runs.db")
    registry = Registry(url)
    return url, [add_run(registry, "*first* <b>run</b>", 30.0), add_run(registry, "second", 50.0)]


def add_run(registry: Registry, name: str, fid: float) -> str:
    run_id = registry.create_run(
        name=name, method="gan", preset="quick", recipe={"emotions": list(LEARNED)}, seed=0, provenance={}, epochs=2,
        dataset={"name": "synthfer", "source": "/no/such.csv", "content_hash": "0" * 64, "images": 600}, steps=18,
    )  # fmt: skip
    for epoch in (1, 2):
        step = 9 * epoch
        path = f"{run_id}/checkpoints/step-{step:08d}.safetensors"
        registry.add_checkpoint(
            run_id, epoch=epoch, step=step, images_seen=600, path=path, sha256="0" * 64, bytes=1, state_path=None
        )
        at = fid / epoch
        scores = [Score("fid", at, at - 1, at + 1, 2.0, None, 300.0), Score("is", 1 + epoch, 1.9, 3.1, 2.5, None, 1.0)]
        scores += [
            Score("coverage", 0.9, 0.88, 0.92, 0.8, None, 0.0),
            Score("ct", -3.0, -4.0, -2.0, 0.1, None, 40.0),
            Score("authenticity", 0.25, 0.2, 0.3, 0.5, None, 1.0),
        ]
        scores += [Score("fid", at, real=3.0, emotion=emotion, noise=300.0) for emotion in LEARNED]
        scores += [Score(f"read_as_{name}", 1 / 3, real=0.3, emotion="happy") for name in LEARNED]
        for count in (500, 2000):
            protocol = {"count": count, "seed": 0, "prior": "natural", "truncation": 1.0, "real_count": 500}
            registry.add_evaluation(
                run_id,
                epoch=epoch,
                step=step,
                judge="synthfer",
                judge_sha256="5" * 64,
                protocol=protocol,
                scores=scores,
            )
    registry.set_status(run_id, "finished")
    return run_id


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("scores", url, monkeypatch, query)


def texts(elements) -> list[str]:
    return [element.value.replace("\\", "") for element in elements]


def test_without_a_registry_the_page_says_how_to_add_a_run_and_shows_the_judges_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "runs.db")
    assert any("trainers.dcgan" in code.value for code in page(url, monkeypatch).code)
    app = open_page("judges", url, monkeypatch, {})
    assert {"Accuracy", "NLL, nats", "ECE", "Parameters", "Multiply-adds"} <= {metric.label for metric in app.metric}
    assert list(tmp_path.iterdir()) == []


def test_runs_without_a_score_say_how_to_score_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "runs.db")
    Registry(url).create_run(
        name="bare", method="gan", preset="quick", recipe={}, seed=0, provenance={}, epochs=2, steps=18,
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 600},
    )  # fmt: skip
    for part in ("Table", "Confusion"):
        assert any("fergan evaluate" in text for text in texts(page(url, monkeypatch, part=part).info))
    assert any("No checkpoint here" in text for text in texts(page(url, monkeypatch, part="Copying").info))


def test_the_table_shows_one_protocol_with_real_faces_and_noise(
    scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (first, second) = scored
    app = page(url, monkeypatch, runs=f"{first},{second}")
    assert app.selectbox(key="protocol").value.endswith("2,000 faces, natural prior, seed 0")
    cells = app.dataframe[0].value
    assert list(cells["run"]) == ["Real faces", "Noise", *["*first* <b>run</b>"] * 2, *["second"] * 2]
    assert list(cells["fid"]) == [2.0, 300.0, 30.0, 15.0, 50.0, 25.0]
    assert any("not a success" in text for text in texts(app.caption))


def test_the_best_is_said_with_whether_it_can_be_told_from_the_next(
    scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = scored
    app = page(url, monkeypatch, runs=",".join(ids), by="FID")
    (sentence,) = [text for text in texts(app.markdown) if "Next:" in text]
    assert sentence.startswith("***first* <b>run</b>, epoch 2: 15.0 [14.0, 16.0]** (real faces 2.000)")
    assert "Next: second, epoch 2: 25.0 [24.0, 26.0]" in sentence
    assert "do not overlap" in sentence
    alone = page(url, monkeypatch, runs=ids[0], by="IS", metrics="IS")
    assert any("cannot be told apart" in text for text in texts(alone.markdown))


def test_the_page_opens_on_the_best_scored_runs_and_on_none_without_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    scored = [add_run(registry, f"fid {fid:g}", fid) for fid in (50.0, 20.0, 40.0, 10.0, 30.0)]
    bare = registry.create_run(
        name="bare", method="gan", preset="quick", recipe={}, seed=0, provenance={}, epochs=2, steps=18,
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 600},
    )  # fmt: skip
    opened = page(registry.url, monkeypatch).multiselect(key="chosen runs").value
    assert opened == [scored[place] for place in (3, 1, 4, 2)]
    assert bare not in opened


def test_a_run_from_literature_has_no_row(scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, (first, _) = scored
    app = page(url, monkeypatch, runs=f"{first},report22")
    assert set(app.dataframe[0].value["run"]) == {"Real faces", "Noise", "*first* <b>run</b>"}
    alone = page(url, monkeypatch, runs="report22")
    assert not alone.warning
    assert any("Choose one or more trained runs" in text for text in texts(alone.info))


def test_the_table_of_an_emotion_is_its_own(scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(scored[0], monkeypatch, faces="happy")
    cells = app.dataframe[0].value
    assert list(cells.columns) == ["run", "epoch", "fid"]
    assert cells["fid"].iloc[0] == 3.0


def test_the_csv_is_that_of_the_table(scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(scored[0], monkeypatch, runs=scored[1][0])
    button, _chart = app.get("download_button")
    assert button.proto.label == "Download CSV"


@pytest.mark.slow
@pytest.mark.thorough
def test_a_cell_whose_weights_are_gone_says_so(scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(scored[0], monkeypatch, part="Confusion", asked="happy", read_as="angry")
    assert any("cannot be read" in text and "another epoch" in text for text in texts(app.error))
    app.selectbox(key="asked").set_value("neutral").run()
    assert any("did not learn neutral faces" in text for text in texts(app.info))


def test_no_face_is_drawn_before_a_cell_is_chosen(
    scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(scored[0], monkeypatch, part="Confusion")
    assert not app.error
    assert any("Click a cell" in text for text in texts(app.caption))


def test_copying_shows_its_scores_and_searches_only_when_asked(
    scored: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(scored[0], monkeypatch, part="Copying")
    assert [(metric.label, metric.value, metric.delta) for metric in app.metric] == [
        ("C_T", "-3.000 [-4.000, -2.000]", "real faces 0.100"),
        ("authentic", "25.0% [20.0, 30.0]", "real faces 50.0%"),
    ]
    assert not app.error
    app.toggle(key="search").set_value(True).run()
    assert any("they are not at '/no/such.csv'" in text for text in texts(app.markdown))


@pytest.mark.parametrize("name", list(judge_cards()))
def test_every_judges_card_is_shown(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = judge_cards()[name]
    app = open_page(
        "judges", str(tmp_path / "runs.db"), monkeypatch, {"judge_card": name, "measured_on": "held-out part"}
    )
    assert app.metric[0].value == f"{card['held_out']['accuracy']:.1%}"
    assert card["command"] in [code.value for code in app.code]
    fields = next(table.value for table in app.dataframe if "field" in table.value)
    assert card["data"]["content_hash"] in set(fields["value"])
    assert len(app.get("plotly_chart")) == 1 + ("reliability" in card["held_out"])


def test_a_card_without_a_reliability_diagram_says_so() -> None:
    def script() -> None:
        from dashboard.sections import judges

        judges.show_reliability({"accuracy": 0.5}, 1.0)

    assert "no reliability diagram" in AppTest.from_function(script).run().info[0].value
