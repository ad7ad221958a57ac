"""Nothing that a person uses lacks its documentation: commands, presets, pages, scalars, scores, findings, settings."""

import re
from collections.abc import Iterator

import pytest
import torch

from fergan_core.analysis.findings import KINDS
from fergan_core.methods import build_learner
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.recipe import Gan, Recipe, kinds, method_recipe
from fergan_core.recipe.presets import PRESETS
from fergan_core.registry import Reader
from fergan_core.scalars import SCALARS, scalar
from tests.docs.documents import DOCS, ROOT
from trainers import cli


def _document(name: str) -> str:
    return (DOCS / name).read_text()


def _named(text: str) -> set[str]:
    """The words between backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def test_every_command_is_documented() -> None:
    commands = ["fergan train", *(f"fergan {name}" for name in cli.SINGLE)]
    commands += [f"fergan {group} {name}" for group, (_, subcommands) in cli.GROUPS.items() for name in subcommands]
    modules = [path for path in (ROOT / "trainers").glob("*.py") if "__main__" in path.read_text()]
    commands += [f"python -m trainers.{path.stem}" for path in modules if path.stem != "cli"]
    text = _document("commands.md")
    assert [command for command in commands if not re.search(rf"`{re.escape(command)}(?![\w-])", text)] == []
    assert len(commands) > 20


def test_every_method_is_documented() -> None:
    assert set(kinds()) - _named(_document("commands.md")) == set()


def test_every_preset_is_documented() -> None:
    assert set(PRESETS) - _named(_document("training.md")) == set()


def test_every_page_is_documented() -> None:
    pages = re.findall(r'st\.Page\("views/(\w+)\.py"', (ROOT / "dashboard" / "Home.py").read_text())
    views = {path.stem for path in (ROOT / "dashboard" / "views").glob("[a-z]*.py")}
    assert set(pages) == views
    assert {f"/{page}" for page in pages} - _named(_document("pages.md")) == set()


_GANS = (
    Gan(width=2, matching_aware=True, r1=1.0, lecam=0.1, augment="ada", g_conditioning="norm"),
    Gan(width=2, d_conditioning="auxiliary"),
    Gan(width=2, loss="wgan-gp", d_batch_norm=False),
    Gan(width=2, loss="relativistic", r2=1.0),
)


def _recorded_by_learners() -> Iterator[str]:
    """The scalars that each method's steps and measurements return."""
    images, codes = torch.rand(16, 1, 48, 48) * 2 - 1, torch.arange(16) % 7
    others = (method_recipe(kind)() for kind in kinds() if kind != Gan.kind)
    for method in (*_GANS, *others):
        learner = build_learner(Recipe(method=method), torch.device("cpu"), steps=4, bfloat16=False)
        for _ in range(2):  # what is measured of earlier generated faces takes a second time
            yield from learner.step(images, codes)
            yield from learner.measure((images, codes), (images, codes))


def _recorded_in_showcase() -> list[str]:
    """The scalars of the committed runs, the probe's and the recorder's among them."""
    reader = Reader(str(ROOT / "runs.db"))
    return reader.metrics(list(reader.runs()["id"]))


@pytest.fixture(scope="module")
def scalars() -> set[str]:
    """Every scalar that is recorded or has a place on a chart; layers and emotions as one."""
    names = {*_recorded_by_learners(), *_recorded_in_showcase(), *SCALARS}
    assert {name for name in names if scalar(name) is None} == set()
    names = {re.sub(r"^(spectral_[dg])/.*", r"\1/LAYER", name) for name in names}
    return {re.sub(r"^(pulse_\w+)/.*", r"\1/EMOTION", name) for name in names}


def test_every_scalar_is_documented(scalars: set[str]) -> None:
    assert scalars - _named(_document("scalars.md")) == set()
    assert len(scalars) > 40


def test_no_scalar_is_documented_that_is_not_recorded(scalars: set[str]) -> None:
    cells = re.findall(r"^\| (`[^|]+) \|", _document("scalars.md"), re.MULTILINE)
    assert {name for cell in cells for name in _named(cell)} - scalars == set()


def test_every_score_is_documented() -> None:
    assert set(CATALOGUE) - _named(_document("scores.md")) == set()


def test_every_kind_of_finding_is_documented() -> None:
    assert set(KINDS) - _named(_document("collapse.md")) == set()


def test_every_environment_variable_is_documented() -> None:
    files = [path for part in ("fergan_core", "trainers", "dashboard", "tests") for path in (ROOT / part).rglob("*.py")]
    used = {name for path in files for name in re.findall(r"\bFERGAN_[A-Z]+(?:_[A-Z]+)*", path.read_text())}
    assert used - _named(_document("commands.md")) == set()
