"""The commands that start, resume and fork a training, as lists of words: no shell reads them."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.open_datasets import Place
from fergan_core.errors import UsageError
from fergan_core.recipe import Recipe, flags
from fergan_core.registry.connect import sqlite_path


@dataclass(frozen=True)
class Session:
    """What a training is told beside its recipe: where its data lie, the device, and the run's name and tags."""

    place: Place
    device: str = "auto"
    name: str = ""
    tags: tuple[str, ...] = ()


def of_recipe(recipe: Recipe, session: Session, registry: str) -> list[str]:
    """Return the words behind `fergan` that train a recipe; UsageError where a text would be read as a flag."""
    device = [] if session.device == "auto" else ["--device", session.device]
    tags = [_text("--tags", tag) for tag in session.tags]
    return [
        "train",
        recipe.method.kind,
        *flags(recipe),
        *_data(session.place),
        *device,
        *_named(session.name),
        *(["--tags", *tags] if tags else []),
        *_registry(registry),
    ]


def of_resume(run: Mapping[str, Any], place: Place | None, registry: str) -> list[str]:
    """Return the words behind `fergan` that go on with a run, whose data lie at a place that is not the recorded one
    (None: at that)."""
    return ["train", run["method"], "--resume", run["id"], *_data(place), *_registry(registry)]


def of_fork(
    run: Mapping[str, Any], epoch: int, setting: tuple[str, str], name: str, place: Place | None, registry: str
) -> list[str]:
    """Return the words behind `fergan` that branch off a run's state at an epoch with a field set to a text."""
    field, text = setting
    return [
        "train",
        run["method"],
        "--fork",
        f"{run['id']}@{epoch}",
        "--set",
        f"{field}={text}",
        *_data(place),
        *_named(name),
        *_registry(registry),
    ]


def as_typed(words: Sequence[str]) -> str:
    """Return the command line of words, as a person types it in a shell."""
    return shlex.join(["fergan", *words])


def _named(name: str) -> list[str]:
    return ["--name", _text("--name", name.strip())] if name.strip() else []


def _data(place: Place | None) -> list[str]:
    if place is None or place.path == "synthfer":
        return []
    order = [] if place.label_order is None else ["--label-order", _text("--label-order", place.label_order)]
    return ["--data", os.path.abspath(os.path.expanduser(place.path)), *order]


def _registry(url: str) -> list[str]:
    """Name a registry that is a file; another's URL may hold a password, and is in the server's environment anyway."""
    path = sqlite_path(url)
    return [] if path is None else ["--registry", str(path)]


def _text(flag: str, text: str) -> str:
    if text.startswith("-"):
        raise UsageError(f"{flag}: '{text}' begins with '-' and would be read as a flag; begin it with a letter")
    return text
