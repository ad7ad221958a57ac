"""FerGAN: train, record and judge generators of emotional faces.

The names of `__all__` are the public ones. Each is imported when it is first asked for, so that `import fergan_core`
takes neither torch's seconds nor pandas'.
"""

import os
from typing import TYPE_CHECKING

# PyTorch's threads wait for each other in a loop unless they are told to sleep, before it is imported. Alone a training
# is as fast either way; two on the same cores take twice as long together where they loop (`make bench`).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = [
    "Evaluator",
    "FerganError",
    "Protocol",
    "Reader",
    "Recipe",
    "Registry",
    "__version__",
    "checkpoint",
    "finish",
    "fork",
    "load_generator",
    "log",
    "open_dataset",
    "preset",
    "resume",
    "sheet",
    "split_parts",
    "start",
    "train",
]

if TYPE_CHECKING:
    from fergan_core.data import open_dataset, split_parts
    from fergan_core.errors import FerganError
    from fergan_core.evaluation import Evaluator, Protocol
    from fergan_core.experiment import fork, resume, train
    from fergan_core.methods import load_generator
    from fergan_core.recipe import Recipe, preset
    from fergan_core.recording import checkpoint, finish, log, sheet, start
    from fergan_core.registry import Reader, Registry

    __version__: str
else:
    # Hidden from type checkers, which would take any name for one that is there.
    _MODULES = {
        "Evaluator": "evaluation",
        "FerganError": "errors",
        "Protocol": "evaluation",
        "Reader": "registry",
        "Recipe": "recipe",
        "Registry": "registry",
        "checkpoint": "recording",
        "finish": "recording",
        "fork": "experiment",
        "load_generator": "methods",
        "log": "recording",
        "open_dataset": "data",
        "preset": "recipe",
        "resume": "experiment",
        "sheet": "recording",
        "split_parts": "data",
        "start": "recording",
        "train": "experiment",
    }

    def __getattr__(name):
        if name == "__version__":
            value = _version()
        elif name in _MODULES:
            from importlib import import_module

            value = getattr(import_module(f"fergan_core.{_MODULES[name]}"), name)
        else:
            raise AttributeError(f"module 'fergan_core' has no attribute '{name}'")
        globals()[name] = value
        return value


def _version() -> str:
    """Return the installed package's version, which is pyproject.toml's; AttributeError where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version("fergan")
    except metadata.PackageNotFoundError:
        raise AttributeError(
            "fergan_core.__version__: FerGAN is not installed in this environment; run `pip install -e .` in its folder"
        ) from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
