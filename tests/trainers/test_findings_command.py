"""`fergan findings`: old runs looked at again, by the detectors as they are now."""

import json
import math
import subprocess
from pathlib import Path

from fergan_core import recipe as recipes
from fergan_core.registry import PointWriter, Registry
from tests.support.commands import run_module


def fergan(*words: str) -> subprocess.CompletedProcess[str]:
    return run_module("trainers.cli", *words)


def run_with_points(registry: Registry, name: str, losses: list[float], recipe: dict[str, object]) -> str:
    run_id = registry.create_run(
        name=name, method="gan", preset="quick", recipe=recipe, seed=0, provenance={}, tags=[], epochs=2,
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 640}, steps=len(losses),
    )  # fmt: skip
    with PointWriter(registry, run_id) as writer:
        writer.put([("loss_g", step, loss) for step, loss in enumerate(losses, 1)])
    registry.set_status(run_id, "finished")
    return run_id


def test_an_old_run_is_looked_at_again(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    quick = recipes.to_dict(recipes.preset("quick"))
    broken = run_with_points(registry, "[bold]broken", [1.0] * 14 + [math.nan] * 6, quick)
    sound = run_with_points(registry, "sound", [1.0] * 20, quick)
    past = {"step": 1, "epoch": 1, "kind": "nan", "severity": "alarm", "sentence": "was", "numbers": {}}
    registry.set_findings(sound, [past])
    result = fergan("findings", broken, sound, "--registry", registry.url, "--json")
    assert result.returncode == 0, result.stderr
    findings = json.loads(result.stdout)
    assert [(one["kind"], one["severity"], one["step"], one["epoch"]) for one in findings[broken]] == [
        ("nan", "alarm", 15, 2)
    ]
    assert findings[sound] == []
    assert list(registry.reader.findings([broken, sound])["run_id"]) == [broken]
    printed = fergan("findings", broken, sound, "--registry", registry.url).stdout
    assert "[bold]broken" in printed
    assert "sound: no findings" in printed


def test_what_has_no_course_is_said_in_one_line(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    bare = run_with_points(registry, "bare", [1.0], {"preset": "quick"})
    for words, message in (((bare,), "'bare' was not trained by FerGAN"), ((), "name one or more runs")):
        result = fergan("findings", *words, "--registry", registry.url)
        assert result.returncode == 2
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
