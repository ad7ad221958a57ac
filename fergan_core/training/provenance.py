"""Where a run came from: code, packages, machine and command."""

import os
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_PACKAGES = ("fergan", "torch", "torchvision", "numpy", "safetensors", "sqlalchemy")
_HERE = Path(__file__).resolve().parent


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def collect(device: "torch.device | None", code: Path = _HERE) -> dict[str, Any]:
    """Return git commit and dirty flag (None outside a clone), versions, device, threads and the command line.

    `code` is a folder of the code that trains. Without a device PyTorch is not asked anything, nor imported.
    """
    status = _git(code, "status", "--porcelain", "--untracked-files=no")
    return {
        "git_commit": _git(code, "rev-parse", "HEAD"),
        "git_dirty": None if status is None else bool(status),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        **_machine(device),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "command": shlex.join(sys.orig_argv),
    }


def _machine(device: "torch.device | None") -> dict[str, Any]:
    if device is None:
        return {"device_name": platform.machine()}
    import torch

    return {
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
    }
