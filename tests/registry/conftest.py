"""What the registry's tests share: a registry in a folder of its own, and a run in it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fergan_core.registry import Reader, Registry

DATASET = {"name": "synthfer", "source": "synthfer", "content_hash": "a" * 64, "images": 128}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A new registry."""
    return Registry(str(tmp_path / "runs.db"))


@pytest.fixture
def reader(registry: Registry) -> Reader:
    """The same registry, opened for reading."""
    return registry.reader


def copied(registry: Registry, folder: Path) -> Registry:
    """Copy a registry that a test may change, with its files, into a folder: to fill one takes a second."""
    path = registry.files.with_suffix(".db")
    shutil.copy(path, folder)
    if registry.files.exists():
        shutil.copytree(registry.files, folder / registry.files.name)
    return Registry(str(folder / path.name))


@pytest.fixture(scope="session")
def enter() -> Callable[..., str]:
    """Return a function (registry, **changes) -> id of a new run."""

    def create(registry: Registry, **changes: Any) -> str:
        values: dict[str, Any] = {
            "name": None,
            "method": "gan",
            "preset": "quick",
            "recipe": {"preset": "quick", "epochs": 3},
            "dataset": DATASET,
            "seed": 7,
            "provenance": {"device": "cpu"},
            "tags": (),
            "epochs": 3,
            "steps": 30,
        }
        return registry.create_run(**{**values, **changes})

    return create
