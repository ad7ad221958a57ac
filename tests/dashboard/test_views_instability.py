"""The page Instability, run by AppTest: what is said of a run with findings, without, and in training."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sections import findings
from fergan_core.registry import Registry
from tests.dashboard.test_views_collapse import COLLAPSE, add_run, text_of
from tests.support.pages import open_page

EXPLOSION = {
    "step": 380, "epoch": 4, "kind": "divergence", "severity": "alarm", "sentence": "Losses diverge.",
    "numbers": {"metric": "loss_g", "usual": 1.0123456789012345, "highest": 98765.4321, "real": None},
}  # fmt: skip


@pytest.fixture(scope="module")
def unstable(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """A registry with a run that collapsed and diverged, after its discriminator's accuracy, and a sound run."""
    url = str(tmp_path_factory.mktemp("unstable") / "runs.db")
    registry = Registry(url)
    ids = {"bad": add_run(registry, "bad", happy=0.1), "sound": add_run(registry, "sound")}
    noise = np.random.default_rng(0)
    accuracy = [("d_accuracy_real", step, 0.8 + 0.01 * noise.standard_normal()) for step in range(1, 121)]
    accuracy += [("d_accuracy_real", step, 0.99) for step in range(121, 401)]
    steady = [("d_real", step, 0.7 + 0.01 * noise.standard_normal()) for step in range(1, 401)]
    others = [(name, step, 1.0) for name in ("r_t", "grad_norm_d", "logit_real") for step in range(1, 401)]
    for run_id in ids.values():
        registry.add_points(run_id, accuracy + steady + others)
    registry.set_findings(ids["bad"], [COLLAPSE, COLLAPSE | {"numbers": {"emotion": "angry", "until": 400}}, EXPLOSION])
    return url, ids


def page(url: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    return open_page("instability", url, monkeypatch, query)


@pytest.mark.slow
def test_it_says_what_was_found_first_and_what_moved_before_and_lists_events_by_their_steps(
    unstable: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = unstable
    app = page(url, monkeypatch)
    assert app.selectbox(key="chosen run").value == ids["bad"]
    text = text_of(app.markdown)
    assert 'First found, at epoch 2:** "angry" collapsed to the end, and 1 more.' in text
    assert "Moved first, before that:** Discriminator accuracy: real faces rises to 0.99" in text
    assert [part.label.replace("\\", "") for part in app.expander if part.label.startswith("**Epoch")] == [
        '**Epoch 2**, step 150: "angry" collapsed to the end, and 1 more',
        "**Epoch 4**, step 380: Losses or gradients diverge",
    ]
    assert text.count("collapsed at epoch 2") == 2
    # Three panels, the one that moved before all others; the rest, like the events after the first, is folded.
    (chart,) = app.get("plotly_chart")
    titles = [note["text"] for note in json.loads(chart.proto.spec)["layout"]["annotations"]]
    assert titles[0].startswith("<b>Discriminator accuracy</b>")
    assert len(titles) == 3
    assert any(part.label.startswith("3 more: ") for part in app.expander)
    assert "Losses diverge." not in text


def test_a_run_without_findings_says_so_and_shows_its_first_panels(
    unstable: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ids = unstable
    app = page(url, monkeypatch, run=ids["sound"])
    assert "No findings" in text_of(app.success)
    assert len(app.get("plotly_chart")) == 1


def test_without_a_registry_the_page_says_how_to_add_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(str(tmp_path / "runs.db"), monkeypatch)
    assert any("trainers.dcgan" in code.value for code in app.code)


def test_a_findings_numbers_are_written_for_a_person() -> None:
    table = findings.numbers_table(EXPLOSION["numbers"] | {"emotions": ["fear", "sad"], "until": 1234, "r_t": 0.5})
    assert dict(table.to_numpy().tolist()) == {
        "scalar": "loss_g", "usual": "1.01", "highest": "98,765", "emotions": "fear, sad", "until step": "1,234",
        "r_t": "0.5",
    }  # fmt: skip
