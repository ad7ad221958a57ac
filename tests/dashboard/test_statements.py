"""How many SQL statements a page sends: as many on a registry of many runs as on one of few."""

import sqlite3
from pathlib import Path

import pytest
import streamlit as st

from fergan_core.registry import Registry, Score
from tests.support.pages import TITLES, open_page
from tests.support.statements import statements

FEW, MANY = 5, 25
_CHOSEN = 2  # statements for a run more that a page opens at by itself
_OFTEN = ("overview", "runs", "run", "compare", "claims")  # pages whose statements changes touch most


def add_run(registry: Registry, number: int) -> None:
    """Enter a finished run of a study with points, scores and a finding."""
    loss = ("hinge", "bce")[number % 2]
    run_id = registry.create_run(
        name=f"{loss}, seed {number}", method="gan", preset=loss, tags=["study:s", "study:claim-convergence"],
        recipe={"preset": loss, "batch_size": 8, "epochs": 2, "seed": number, "method": {"kind": "gan", "loss": loss}},
        seed=number, epochs=2, steps=20, provenance={},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "ab", "images": 80},
    )  # fmt: skip
    names = ("loss_g", "loss_d", "images_per_second", "pulse_diversity/happy", "flops_per_image")
    registry.add_points(run_id, [(name, step, 1.0 + step) for name in names for step in range(1, 21)])
    scores = [Score(metric, 1.5 + number / 100, 1.4, 1.9, 3.0) for metric in ("is", "fid", "coverage", "recall")]
    scores += [Score("accuracy", 0.5, real=0.7), Score("accuracy", 0.5, emotion="happy", real=0.7)]
    for step in (10, 20):
        registry.add_evaluation(
            run_id, epoch=step // 10, step=step, judge="synthfer", judge_sha256="cd",
            protocol={"count": 100, "seed": 0, "prior": "natural", "real_count": 50}, scores=scores,
        )  # fmt: skip
    found = {"epoch": 1, "severity": "warning", "sentence": "It fell.", "numbers": {"emotion": "happy"}}
    registry.set_findings(run_id, [found | {"step": 12, "kind": "collapse"}])
    registry.set_status(run_id, "finished")


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A registry of FEW runs and one of MANY."""
    folder: Path = tmp_path_factory.mktemp("statements")
    registry = Registry(str(folder / "few.db"))
    for number in range(MANY):
        if number == FEW:
            with sqlite3.connect(folder / "few.db") as few, sqlite3.connect(folder / "many.db") as many:
                few.backup(many)
            few.close(), many.close()
            registry = Registry(str(folder / "many.db"))
        add_run(registry, number)
    return str(folder / "few.db"), str(folder / "many.db")


@pytest.mark.slow
@pytest.mark.parametrize(
    "view", [view if view in _OFTEN else pytest.param(view, marks=pytest.mark.thorough) for view in TITLES]
)
def test_a_page_sends_as_many_statements_for_many_runs(
    registries: tuple[str, str], view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for url in registries:
        st.cache_data.clear()
        with statements() as sent:
            open_page(view, url, monkeypatch, {})
        counts.append(len(sent))
    assert counts[1] <= counts[0] + _CHOSEN, sent
