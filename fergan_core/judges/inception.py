"""The standard Inception-v3 as a judge, for comparison with papers: it reads ImageNet's classes, not emotions."""

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fergan_core.errors import CheckpointError, UsageError

_FILE = "weights-inception-2015-12-05-6726825d.pth"  # as torch-fidelity names and publishes it
_BATCH = 32
PREFIX = "inception:"


@dataclass(frozen=True)
class InceptionJudge:
    """Inception-v3 with the TensorFlow weights of the published IS, FID and KID, in torch-fidelity's translation."""

    sha256: str
    network: nn.Module
    name: str = "inception-v3"
    reads_emotions: bool = False
    reads_identities: bool = False

    @torch.inference_mode()
    def read(self, images: NDArray[np.uint8] | Tensor) -> tuple[Tensor, Tensor]:
        """Read faces uint8 [N,48,48]: logits float64 [N,1008], without biases, and features float32 [N,2048].

        Greys are copied to three channels; the network enlarges to 299x299 as TensorFlow 1 did. Raises UsageError for
        another shape or type.
        """
        faces = torch.as_tensor(images)
        if faces.ndim != 3 or faces.dtype != torch.uint8:
            raise UsageError(f"inception: faces are {faces.dtype} {list(faces.shape)}; give uint8 [N,48,48]")
        device = next(self.network.parameters()).device
        features, logits = torch.zeros(len(faces), 2048), torch.zeros(len(faces), 1008, dtype=torch.float64)
        for start in range(0, len(faces), _BATCH):
            batch = faces[start : start + _BATCH].to(device).unsqueeze(1).expand(-1, 3, -1, -1)
            features[start : start + _BATCH], logits[start : start + _BATCH] = self.network(batch)
        return logits, features


def find_weights(path: Path | None) -> Path:
    """Return the weights' file: the one named, or the one in PyTorch's own folder; UsageError where there is none."""
    place = path or Path(torch.hub.get_dir()) / "checkpoints" / _FILE
    if not place.is_file():
        named = f"--inception-weights: there is no '{path}'" if path else f"--inception: there is no {place}"
        raise UsageError(
            f"{named}; fetch {_FILE} from torch-fidelity's release v0.2.0 and name it by --inception-weights"
        )
    return place


def load_inception(path: Path, device: torch.device | str) -> InceptionJudge:
    """Open the weights' file; CheckpointError where it is not a file of tensors, or is another network's."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        # First with tensors only: torch-fidelity loads the file unchecked, and a pickle can run code.
        torch.load(path, weights_only=True)
        network: Any = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(path)
        )
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"inception: '{path}' is not torch-fidelity's {_FILE} ({reason})") from None
    return InceptionJudge(hashlib.sha256(path.read_bytes()).hexdigest(), network.to(device))
