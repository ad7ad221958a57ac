"""Flags: the recipe's fields and the session's, mapped by tyro; the preset's values are the defaults."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import tyro
from pydantic import ValidationError

from fergan_core import recipe as recipes
from fergan_core.errors import UsageError
from fergan_core.recipe import Recipe
from trainers.datasets import LabelOrderFlag


@dataclass(frozen=True)
class Session:
    """What belongs to this start of the command and not to the recipe."""

    data: str = "synthfer"
    """FER2013 in any of its published layouts (file or folder), or synthfer, the built-in faces."""
    label_order: LabelOrderFlag = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes the GPU where there is one."""
    name: str | None = None
    """Name of the run; made from the preset where not given."""
    tags: tuple[str, ...] = ()
    """Tags of the run."""
    registry: str | None = None
    """Registry of runs: a path or a database URL; FERGAN_REGISTRY, or runs.db at the project's top level."""
    resume: str | None = None
    """Go on with this run (id or name) from its last checkpoint, with its own recipe."""
    fork: str | None = None
    """Branch from this run (RUN@EPOCH, or its last checkpoint), from its exact state; its recipe changes by --set."""
    set: tuple[str, ...] = ()
    """Fields that a fork changes, as in --set d_lr=1e-4 augment=ada."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """End with one line of JSON on stdout instead of a table."""


@dataclass(frozen=True)
class Flags:
    """All flags of a trainer."""

    session: Annotated[Session, tyro.conf.arg(name="")] = field(default_factory=Session)
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = field(default_factory=Recipe)


# What may join --resume and --fork: everything else is in the run's recipe already.
_WITH = {
    "--resume": {"--resume", "--registry", "--device", "--data", "--label-order", "--json"},
    "--fork": {"--fork", "--set", "--name", "--tags", "--registry", "--device", "--data", "--label-order", "--json"},
}


def parse(prog: str, kind: str, arguments: Sequence[str] | None = None) -> Flags:
    """Read the command line of the trainer of a `kind` of method.

    Raises UsageError where a preset or a value cannot be meant. `--help` needs no torch.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = recipes.preset_of(kind, _given(words, "--preset") or "quick")
    for flag, allowed in _WITH.items():
        if _given(words, flag) is not None:
            _refuse_recipe(words, flag, allowed)
    try:
        flags = tyro.cli(
            Flags,
            prog=prog,
            description=(
                f"Train {recipes.method_recipe(kind).title} on FER2013 or the built-in faces and record it as a run. "
                "Without flags: preset quick on synthfer. A training uses all cores: start one at a time. "
                f"Presets: {', '.join(recipes.presets_of(kind))}."
            ),
            args=words,
            default=Flags(recipe=chosen),
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.SuppressFixed, tyro.conf.AvoidSubcommands),
        )
        return replace(flags, recipe=replace(flags.recipe, preset=chosen.preset))
    except ValidationError as error:
        raise UsageError(recipes.explain(error)) from None


def _given(words: Sequence[str], flag: str) -> str | None:
    """Return the value that a flag has on the command line, None where it is not given."""
    for position, word in enumerate(words):
        if word == flag and position + 1 < len(words):
            return words[position + 1]
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return None


def _refuse_recipe(words: Sequence[str], flag: str, allowed: set[str]) -> None:
    flags = {word.partition("=")[0].replace("_", "-") for word in words if word.startswith("--")}
    extra = sorted(flags - allowed - {"--help"})
    if extra:
        hint = "; change a fork's with --set" if flag == "--fork" else ""
        raise UsageError(f"{flag}: the run keeps its own recipe; leave out {', '.join(extra)}{hint}")


def settings(session: Session) -> dict[str, str]:
    """Return what --set says, by field; UsageError for a word that is not field=value, or --set without --fork."""
    if session.set and session.fork is None:
        raise UsageError("--set: it changes what --fork RUN@EPOCH branches from; give a new run's fields as flags")
    return pairs("--set", session.set)


def pairs(flag: str, words: Sequence[str]) -> dict[str, str]:
    """Read field=value words; UsageError for any other."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"{flag}: '{word}' is not field=value, as in {flag} d_lr=1e-4")
        found[name] = value
    return found
