"""A method that is not ours takes its recipe, its learner and a line in the table: all the rest is there for it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import torch
import tyro
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from fergan_core import methods
from fergan_core.methods import MethodSpec, load_generator
from fergan_core.methods.networks import LatentGenerator, class_table
from fergan_core.recipe import MethodRecipe, kinds
from fergan_core.recipe.fields import STRICT, Rate
from fergan_core.recipe.method import _KINDS
from fergan_core.registry import Reader
from tests.support.commands import few_light_faces
from trainers.cli import main


class Mean(nn.Module):
    """An emotion's face, and noise of one deviation about it."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.faces = nn.Parameter(torch.zeros(classes, 1, 48, 48))

    def forward(self, latents: Tensor, classes: Tensor) -> Tensor:
        return (self.faces[classes] + 0.1 * latents.view(-1, 1, 48, 48)).clamp(-1, 1)


class MeanLearner:
    """Pulls each emotion's face to its training faces' mean."""

    networks = ("mean",)

    def __init__(
        self, config: Any, emotions: Sequence[str], device: torch.device, *, steps: int, bfloat16: bool
    ) -> None:
        self._mean = Mean(len(emotions)).to(device)
        self._classes = class_table(emotions, device)
        self._rate = config.rate
        self.generator = LatentGenerator(emotions, self._mean, device, size=48 * 48, normal=True)

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        classes = self._classes[labels]
        with torch.no_grad():
            differences = images - self._mean.faces[classes]
            self._mean.faces.index_add_(0, classes, differences, alpha=self._rate)
        return {"loss": differences.square().mean(), "brightness": self._mean.faces.mean().detach()}

    def measure(self, train: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {}

    def compile(self) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {"mean": self._mean.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._mean.load_state_dict(state["mean"])


def load_mean(config: Any, emotions: Sequence[str], weights: Mapping[str, Tensor], device: torch.device) -> Any:
    network = Mean(len(emotions))
    network.load_state_dict(dict(weights))
    return LatentGenerator(emotions, network.to(device), device, size=48 * 48, normal=True)


@pytest.fixture
def mean_face(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    @dataclass(frozen=True, config=STRICT)
    class MeanFace(MethodRecipe):
        """The mean face of each emotion."""

        title: ClassVar[str] = "the mean face of each emotion"
        kind: tyro.conf.Suppress[Literal["mean-face"]] = "mean-face"
        rate: Rate = 0.01
        """How far a face pulls the mean."""

        @property
        def drawn_by(self) -> str:
            return "mean"

    monkeypatch.setitem(methods.METHODS, "mean-face", MethodSpec(MeanFace, MeanLearner, load_mean))
    yield
    del _KINDS["mean-face"]


@pytest.mark.slow
@pytest.mark.usefixtures("mean_face")
def test_a_new_method_is_trained_scored_recorded_and_drawn_with(
    tmp_path: Path, small_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = str(tmp_path / "runs.db")
    flags = ["--registry", registry, "--data", str(small_data), "--images", "256", "--epochs", "2", "--rate", "0.02"]
    with few_light_faces():
        assert main(["train", "mean-face", *flags, "--watch-every", "0", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["status"], done["epochs"]) == ("finished", 2)
    assert {"is", "fid", "accuracy"} <= {key for key in done["scores"] if ":" not in key}
    reader = Reader(registry)
    row = reader.run(done["id"])
    assert (row["method"], row["recipe"]["method"]) == ("mean-face", {"kind": "mean-face", "rate": 0.02})
    assert "brightness" in reader.metrics([done["id"]])
    saved = reader.checkpoints(done["id"]).iloc[-1]
    faces = load_generator(row["recipe"], reader.file(saved.path)).sample(torch.arange(7), 0)
    assert faces.shape == (7, 1, 48, 48)
    assert main(["train"]) == 2
    assert "the mean face of each emotion" in capsys.readouterr().out


def test_a_method_that_is_not_there_is_named_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "gna"]) == 2
    assert f"'gna' is not a method; did you mean 'gan'? ({', '.join(kinds())})" in capsys.readouterr().err


def test_the_table_has_every_recipe_by_its_kind() -> None:
    assert set(methods.METHODS) == set(_KINDS)
    assert all(spec.recipe is _KINDS[kind] for kind, spec in methods.METHODS.items())
