"""`fergan claims` as a person types it, and whether what it says to type can be typed."""

import json
import shlex
from pathlib import Path

import pytest
import tyro

from fergan_core import experiment
from fergan_core import recipe as recipes
from fergan_core.analysis.claims import CLAIMS
from fergan_core.registry import Registry, Score, study_tag
from trainers import sweep
from trainers.cli import main
from trainers.flags import pairs


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry whose study of parameters was tried by three seeds of two losses."""
    writer = Registry(str(tmp_path / "runs.db"))
    for loss, fid in (("hinge", 2.0), ("lsgan", 20.0)):
        for seed in range(3):
            run_id = writer.create_run(
                name=f"[bold]{loss}-{seed}", method="gan", preset="quick", seed=seed, provenance={}, epochs=1, steps=10,
                recipe={"batch_size": 50, "epochs": 1, "seed": seed, "method": {"kind": "gan", "loss": loss}},
                dataset={"name": "synthfer", "source": "synthfer", "content_hash": "0" * 64, "images": 500},
                tags=[study_tag("claim-parameters")],
            )  # fmt: skip
            writer.add_evaluation(
                run_id, epoch=1, step=10, judge="j", judge_sha256="1" * 64, scores=[Score("fid", fid + 0.1 * seed)],
                protocol={"count": 2000, "seed": 0, "prior": "natural", "truncation": 1.0},
            )  # fmt: skip
            writer.set_status(run_id, "finished")
    return writer


def test_verdicts_as_strict_json(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--registry", registry.url, "--score", "fid", "--json"]) == 0
    document = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert document["score"] == "fid"
    assert [claim["verdict"] for claim in document["claims"]] == ["not tried", "not tried", "not tried", "holds"]
    last = document["claims"][-1]
    assert (last["strength"], last["seeds"], len(last["runs"])) == ("suggested", 3, 6)
    assert 0 <= last["interval"][0] < last["interval"][1] < 0.5
    assert "loss=hinge; FID 2.1" in last["sentence"]


def test_a_table_with_what_tries_the_rest(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--registry", registry.url]) == 0
    printed = capsys.readouterr().out
    assert "cannot tell" in printed  # no run has a coverage
    assert "These commands test" in printed
    for claim in CLAIMS[:3]:
        assert all(command in printed for command in claim.commands)
    assert not any(command in printed for command in CLAIMS[3].commands)


def test_without_a_registry_it_says_so_and_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--registry", str(tmp_path / "runs.db")]) == 1
    assert "there is no registry" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", dict.fromkeys(command for claim in CLAIMS for command in claim.commands))
def test_every_command_can_be_typed_and_tries_its_study(command: str) -> None:
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "trainers.sweep"]
    flags = tyro.cli(sweep.Flags, args=words[3:])
    assert flags.study in {claim.study for claim in CLAIMS if command in claim.commands}
    settings = experiment.design(sweep.parse_vary(flags.vary), flags.seeds, flags.draws, seed=0)
    recipe = recipes.changed(recipes.preset(flags.preset), pairs("--set", flags.set))
    trial_recipes = [recipes.changed(recipe, setting) for setting in settings]
    assert len({recipe.seed for recipe in trial_recipes}) == 5
