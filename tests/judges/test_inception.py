"""The standard Inception-v3: seeded random weights give torch-fidelity's scores; other files are refused in a line."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fergan_core.data import Dataset, split_parts
from fergan_core.errors import CheckpointError, UsageError
from fergan_core.evaluation import Evaluator, Faces, Protocol
from fergan_core.judges.inception import find_weights, load_inception
from fergan_core.metrics import inception_score, kernel
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


@pytest.mark.thorough
def test_scores_are_those_of_torch_fidelity(weights: Path, few: Dataset) -> None:
    from torch_fidelity import calculate_metrics  # not above: it imports torchvision

    parts = split_parts(few)
    chosen = parts.train[:8], parts.train[1000:1008]
    reference, fake = (torch.from_numpy(few.images[index]) for index in chosen)
    theirs = calculate_metrics(
        input1=Pictures(fake),
        input2=Pictures(reference),
        feature_extractor_weights_path=str(weights),
        isc=True,
        kid=True,  # FID's root of a matrix of 2048 features takes 20 seconds, and is compared in metrics/test_frechet
        isc_splits=2,
        kid_subsets=1,
        kid_subset_size=8,
        samples_shuffle=False,
        save_cpu_ram=True,  # in this process
        cuda=False,
        verbose=False,
    )
    judge = load_inception(weights, "cpu")
    (logits, features), (_, real_features) = (judge.read(images) for images in (fake, reference))
    mean, deviation = inception_score.split_scores(logits, 2)
    assert mean == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert deviation == pytest.approx(theirs["inception_score_std"], rel=1e-4)
    distance = kernel.kid(torch.as_tensor(real_features), torch.as_tensor(features))
    assert distance == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-4)


@pytest.mark.thorough
def test_faces_are_scored_without_what_takes_a_judge_of_emotion(weights: Path, few: Dataset) -> None:
    parts = split_parts(few)
    ten = few.take(np.concatenate([parts.train[:8], parts.report[:2]]))
    fake = torch.from_numpy(few.images[parts.train[1000:1020]])
    evaluation = Evaluator(ten, split_parts(ten), Protocol(f"inception:{weights}", count=len(fake))).score(
        Faces(fake, None), range(7)
    )
    metrics = {score.metric for score in evaluation.scores}
    assert evaluation.judge == "inception-v3"
    assert "is" in metrics
    # So few faces span no covariance of 2048 features, and FID is left out.
    assert metrics.isdisjoint({"fid", "accuracy", "recall", "cas"})


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
