"""A judge: a trained classifier and its card, read from and written to a pair of files."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from fergan_core.errors import CheckpointError, UsageError
from fergan_core.files import write_atomically
from fergan_core.models.judge import JudgeNet

SHIPPED = Path(__file__).parent
# Fixed, so that a face's logits do not depend on how many are read at once. More than 64 faces leave a core's cache
# between layers: reading takes half as long again with 256.
READ_BATCH = 64


def shipped_judges() -> tuple[str, ...]:
    """Return the names of the judges that come with the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.safetensors")))


@dataclass(frozen=True)
class Judge:
    """A classifier of the seven emotions, its temperature, and the card that says how good it is.

    `sha256` is that of the weights' file. A judge always reads all seven emotions, even where a generator has fewer: a
    face that is read as an emotion that was never requested is the generator's error and must count.
    """

    name: str
    sha256: str
    temperature: float
    card: dict[str, Any]
    network: JudgeNet
    reads_emotions: bool = True

    @property
    def reads_identities(self) -> bool:
        """Tell whether the judge also reads who is drawn."""
        return self.network.identity_head is not None

    @torch.inference_mode()
    def read(self, images: NDArray[np.uint8] | Tensor) -> tuple[Tensor, Tensor]:
        """Read faces uint8 [N,48,48]: temperature-scaled logits float64 [N,7] and features float32 [N,D], on the CPU.

        A face and its mirror image get the same reading: the average of the network's two.

        Raises UsageError for any other shape or type: float faces are to be rounded to greys first.
        """
        faces = torch.as_tensor(images)
        if faces.ndim != 3 or faces.shape[1:] != (48, 48) or faces.dtype != torch.uint8:
            raise UsageError(f"judge: faces are {faces.dtype} {list(faces.shape)}; give uint8 [N,48,48]")
        device = self.network.emotion_head.weight.device
        features = torch.zeros(len(faces), self.network.emotion_head.in_features)
        logits = torch.zeros(len(faces), self.network.emotion_head.out_features, dtype=torch.float64)
        for start in range(0, len(faces), READ_BATCH):
            batch = faces[start : start + READ_BATCH].to(device).unsqueeze(1).float() / 127.5 - 1
            part = self.network.mirrored_features(batch.contiguous(memory_format=torch.channels_last))
            features[start : start + READ_BATCH] = part
            logits[start : start + READ_BATCH] = self.network.emotion_head(part)
        return logits / self.temperature, features

    @torch.inference_mode()
    def identities(self, features: Tensor) -> Tensor:
        """Return identity logits float32 [N,64] of features [N,D]; UsageError for a judge without identities."""
        head = self.network.identity_head
        if head is None:
            raise UsageError(f"judge '{self.name}' reads no identities; use the judge 'synthfer'")
        logits: Tensor = head(features.to(head.weight.device))
        return logits.cpu()


def half(network: JudgeNet) -> dict[str, Tensor]:
    """Return a network's tensors on the CPU, floats in half precision, as they are written and measured."""
    return {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def rebuilt(
    recipe: dict[str, Any], identities: int, tensors: dict[str, Tensor], device: torch.device | str
) -> JudgeNet:
    """Build the network that a card's `recipe` describes and give it these weights; CheckpointError if they differ."""
    network = JudgeNet(
        recipe["architecture"],
        recipe["widths"],
        recipe["blocks"],
        recipe["features"],
        identities,
        full=recipe.get("full", 0),  # the first cards lack it
    )
    floats = {name: value.float() for name, value in tensors.items()}
    expected = {name: v.shape for name, v in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    if {name: value.shape for name, value in floats.items()} != expected:
        raise CheckpointError("the weights do not fit the network that the card describes; make the judge again")
    network.load_state_dict(floats, strict=False)
    return network.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)


def save_judge(folder: Path, name: str, tensors: dict[str, Tensor], card: dict[str, Any]) -> Path:
    """Write NAME.safetensors and, naming its SHA-256, NAME.json into a folder; return the weights' path."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = save(tensors)
    card = {**card, "name": name, "sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
    path = folder / f"{name}.safetensors"
    text = json.dumps(card, indent=1, allow_nan=False) + "\n"
    for target, data in ((path, weights), (path.with_suffix(".json"), text.encode())):
        write_atomically(target, data)
    return path


def load_judge(name_or_path: str | Path, device: torch.device | str = "cpu") -> Judge:
    """Open a shipped judge by name, or another by the path of its .safetensors with its card (.json) beside it.

    Raises UsageError for an unknown name, CheckpointError where a file is missing, broken, or not the card's.
    """
    text = str(name_or_path)
    if text in shipped_judges():
        path = SHIPPED / f"{text}.safetensors"
    elif text.endswith(".safetensors"):
        path = Path(text)
    else:
        names = ", ".join(shipped_judges())
        raise UsageError(f"unknown judge '{text}'; use one of {names}, or the path of a .safetensors with its card")
    try:
        weights = path.read_bytes()
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        digest = hashlib.sha256(weights).hexdigest()
        if digest != card["sha256"]:
            raise CheckpointError(f"judge '{path}': the weights are not those of its card; fetch both files again")
        network = rebuilt(card["recipe"], int(card["identities"]), load(weights), device)
        return Judge(str(card["name"]), digest, float(card["temperature"]), card, network)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"judge '{path}': no file '{error.filename}'; a judge is .safetensors and .json"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"judge '{path}': cannot be read ({error}); make it with trainers.judge") from None
