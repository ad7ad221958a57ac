"""Which device a training or a reading runs on."""

import torch

from fergan_core.errors import UsageError


def pick_device(name: str) -> torch.device:
    """Return the device called 'auto' (a GPU where there is one), 'cpu' or 'cuda'; UsageError where there is none."""
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device: unknown device '{name}'; use auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: PyTorch sees no GPU here; use --device cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
