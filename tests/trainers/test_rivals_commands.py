"""The trainers beside the GAN's: one engine, so a run of each has all that a GAN's has, and is resumed as exactly."""

import json
import subprocess
from pathlib import Path

import pytest

from fergan_core.recipe import presets_of
from fergan_core.registry import Reader
from tests.support.commands import LIGHT_FACES, run_module

pytestmark = pytest.mark.usefixtures("few_scored")

SMALL = ("--images", "96", "--batch-size", "32", "--width", "8", "--emotions", "happy", "sad", "--watch-every", "2")
FEW = ("--sample-steps", "2")
TRAINERS = {"vae": (), "diffusion": FEW, "flow": FEW, "meanflow": FEW}


def train(module: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return run_module(f"trainers.{module}", "--device", "cpu", "--json", *words)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("module", ["flow", "vae", "meanflow"])  # diffusion has the flow's network and trainer
def test_a_run_has_sheets_checkpoints_scores_and_instruments_and_a_fork_does_what_its_parent_did(
    module: str, tmp_path: Path, small_data: Path
) -> None:
    registry = tmp_path / "runs.db"
    words = ("--data", small_data, *SMALL, *TRAINERS[module], "--epochs", "3", "--eval-every", "0")
    done = train(module, "--registry", registry, *words)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["status"] == "finished"
    assert outcome["scores"]["kid"]["value"] > outcome["scores"]["kid"]["real"]
    reader = Reader(str(registry))
    run_id = outcome["id"]
    row = reader.run(run_id)
    assert (row["method"], row["preset"]) == (module, f"{module}-quick")
    assert len(reader.checkpoints(run_id)) == 3
    assert len(reader.sheets(run_id)) >= 1
    points = reader.points([run_id], reader.metrics([run_id]))
    recorded = {"loss", "grad_norm", "images_per_second", "update_ratio", "memory_mib", "flops_per_image"}
    assert recorded <= set(points.metric)
    branch = train(module, "--registry", registry, "--fork", f"{run_id}@2")
    assert branch.returncode == 0, branch.stderr
    ours, theirs = (
        reader.checkpoints(one).set_index("epoch")["sha256"]
        for one in (json.loads(branch.stdout.splitlines()[-1])["id"], run_id)
    )
    assert ours[3] == theirs[3]
    evaluate_in_other_ways(registry, run_id, module)


def evaluate_in_other_ways(registry: Path, run_id: str, module: str) -> None:
    """Few steps are scored beside the recipe's own, which alone other pages see; a VAE has no other way, and another
    method's trainer does not take it."""
    light = ("--registry", registry, "--light", "--count", "60", "--json")
    done = run_module("trainers.cli", "evaluate", run_id, *light, "--steps", "1", "3")
    reader = Reader(str(registry))
    if module == "vae":
        assert done.returncode == 2
        assert "a vae draws a face in one pass" in done.stderr
        wrong = train("dcgan", "--registry", registry, "--fork", f"{run_id}@2")
        assert wrong.returncode == 2
        assert f"of the method {module}" in wrong.stderr
        return
    assert done.returncode == 0, done.stderr
    evaluations = json.loads(done.stdout)["evaluations"]
    assert [evaluation["protocol"]["sampling"]["steps"] for evaluation in evaluations] == [1, 3]
    scores, all_scores = reader.scores([run_id]), reader.scores([run_id], sampled=True)
    assert set(scores["count"]) == {LIGHT_FACES}
    assert set(zip(all_scores["steps"], all_scores["count"], strict=True)) == {(1, 60), (3, 60), (2, LIGHT_FACES)}
    assert set(all_scores.sampler) == {{"flow": "midpoint", "meanflow": "average"}[module]}
    if module == "meanflow":
        guided = run_module("trainers.cli", "evaluate", run_id, *light, "--guidance", "3")
        assert guided.returncode == 2
        assert "draws with a guidance of 2 only" in guided.stderr
    assert (all_scores.value[all_scores.metric == "speed"] > 0).sum() == 3


@pytest.mark.parametrize("module", list(TRAINERS))
def test_presets_have_short_names_and_an_unknown_one_is_told_of_with_them(module: str) -> None:
    wrong = run_module(f"trainers.{module}", "--preset", "qick")
    assert wrong.returncode == 2
    assert "did you mean 'quick'?" in wrong.stderr
    assert {"quick", "cpu", "gpu"} <= set(presets_of(module))


def test_guidance_without_label_dropout_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    wrong = train("flow", "--registry", tmp_path / "runs.db", "--guidance", "2", "--label-dropout", "0")
    assert wrong.returncode == 2
    assert "--label-dropout" in wrong.stderr
    assert not (tmp_path / "runs.db").exists()
