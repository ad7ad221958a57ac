"""The standard Inception-v3: seeded random weights give torch-fidelity's scores; other files are refused in a line."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from fergan_core.data import Dataset, split_parts
from fergan_core.errors import CheckpointError, UsageError
from fergan_core.evaluation import Evaluator, Faces, Protocol
from fergan_core.evaluation.faces import arranged
from fergan_core.judges.inception import find_weights, load_inception
from fergan_core.metrics import frechet
from tests.support.fidelity import Pictures


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of seed 0 in a file of torch-fidelity's form."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # not above: takes seconds

    class Unloaded(FeatureExtractorInceptionV3):
        """The network as it is initialised: what its constructor loads is not taken."""

        def load_state_dict(self, *_: Any) -> None: ...

    folder = tmp_path_factory.mktemp("inception")
    torch.save({}, folder / "none.pth")
    torch.manual_seed(0)
    network = Unloaded("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(folder / "none.pth"))
    path = folder / "weights.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_scores_are_those_of_torch_fidelity(weights: Path, built_in_faces: Dataset) -> None:
    from torch_fidelity import calculate_metrics  # not above: it imports torchvision

    dataset = built_in_faces
    parts = split_parts(dataset)
    few = dataset.take(torch.cat([torch.from_numpy(parts.train[:30]), torch.from_numpy(parts.report[:20])]).numpy())
    few_parts = split_parts(few)
    fake = arranged(Faces(torch.from_numpy(dataset.images[parts.train[1000:1070]]), None), 0).images
    protocol = Protocol(f"inception:{weights}", count=len(fake))
    evaluation = Evaluator(few, few_parts, protocol).score(Faces(fake, None), range(7))
    ours = {score.metric: score for score in evaluation.scores}
    assert evaluation.judge == "inception-v3"
    reference = few.images[few_parts.train]
    theirs = calculate_metrics(
        input1=Pictures(fake),
        input2=Pictures(torch.from_numpy(reference)),
        feature_extractor_weights_path=str(weights),
        isc=True,
        fid=True,
        isc_splits=10,
        samples_shuffle=False,
        save_cpu_ram=True,  # in this process
        cuda=False,
        verbose=False,
    )
    assert ours["is_split_mean"].value == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    # FID of 2048 features is omitted for so few faces; computed directly it is the same.
    assert "fid" not in ours
    features = [load_inception(weights, "cpu").read(images)[1] for images in (reference, fake)]
    assert frechet.fid(*map(torch.as_tensor, features)) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)
    assert ours["is"].real is not None
    assert {"accuracy", "recall", "cas"}.isdisjoint(ours)


def test_where_there_are_no_weights_one_line_says_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"weights-inception-2015-12-05-6726825d.pth.*--inception-weights") as refused:
        find_weights(None)
    assert "\n" not in str(refused.value)
    with pytest.raises(UsageError, match="there is no"):
        find_weights(tmp_path / "mine.pth")


def test_a_file_of_something_else_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    (tmp_path / "bomb.pth").write_bytes(pickle.dumps(Bomb()))
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no weights")
    for name in ("bomb.pth", "other.pth", "text.pth"):
        with pytest.raises(CheckpointError, match=name):
            load_inception(tmp_path / name, "cpu")
    assert not (tmp_path / "exploded").exists()
