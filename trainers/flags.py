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
from trainers.arguments import arg
from trainers.datasets import LabelOrderFlag


@dataclass(frozen=True)
class Session:
    """Flags of this command that are not part of the recipe."""

    data: Annotated[str | None, arg(metavar="PATH|synthfer")] = None
    """FER2013 in any published layout, or synthfer, the built-in faces; by default synthfer, or a resumed run's."""
    label_order: LabelOrderFlag = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to train on; auto is the GPU where there is one."""
    name: Annotated[str | None, arg(metavar="NAME")] = None
    """Name of the run; by default made from the preset."""
    tags: Annotated[tuple[str, ...], arg(metavar="TAG...")] = ()
    """Tags of the run."""
    registry: Annotated[str | None, arg(metavar="PATH|URL")] = None
    """Registry of runs: a path or database URL; by default FERGAN_REGISTRY, or runs.db at the project's top level."""
    resume: Annotated[str | None, arg(metavar="RUN")] = None
    """Continue this run (id or name) from its last checkpoint, with its own recipe."""
    fork: Annotated[str | None, arg(metavar="RUN[@EPOCH]")] = None
    """Branch a new run off this one's state at an epoch, by default its last checkpoint; --set changes its recipe."""
    set: Annotated[tuple[str, ...], arg(metavar="FIELD=VALUE...")] = ()
    """Fields of the recipe that a fork changes, as in --set d_lr=1e-4 augment=ada."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the outcome as one line of JSON instead of a table."""


@dataclass(frozen=True)
class Flags:
    """All flags of a trainer."""

    session: Annotated[Session, arg(name="")] = field(default_factory=Session)
    recipe: Annotated[Recipe, arg(name="")] = field(default_factory=Recipe)


# The flags that go with --resume and --fork: all others are fields of the recipe, which the run has already.
_WITH = {
    "--resume": {"--resume", "--registry", "--device", "--data", "--label-order", "--json"},
    "--fork": {"--fork", "--set", "--name", "--tags", "--registry", "--device", "--data", "--label-order", "--json"},
}


def parse(prog: str, kind: str, arguments: Sequence[str] | None = None) -> Flags:
    """Read the command line of the trainer of a `kind` of method.

    Raises UsageError for an unknown preset or a value out of range. `--help` needs no torch.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = recipes.preset_of(kind, _value_of(words, "--preset") or "quick")
    for flag, allowed in _WITH.items():
        if _value_of(words, flag) is not None:
            _refuse_recipe(words, flag, allowed)
    try:
        flags = tyro.cli(
            Flags,
            prog=prog,
            description=(
                f"Train {recipes.method_recipe(kind).title} on FER2013 or the built-in faces and record it as a run. "
                "The defaults are preset quick on synthfer. A training uses all cores; two at once gain no time. "
                f"Presets: {', '.join(recipes.presets_of(kind))}."
            ),
            args=words,
            default=Flags(recipe=chosen),
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.SuppressFixed, tyro.conf.AvoidSubcommands),
        )
        return replace(flags, recipe=replace(flags.recipe, preset=chosen.preset))
    except ValidationError as error:
        raise UsageError(recipes.explain(error)) from None


def _value_of(words: Sequence[str], flag: str) -> str | None:
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
        hint = ", or change the fork's recipe with --set" if flag == "--fork" else ""
        raise UsageError(f"{flag}: the run keeps its own recipe; leave out {', '.join(extra)}{hint}")


def settings(session: Session) -> dict[str, str]:
    """Return what --set says, by field; UsageError for a word that is not field=value, or --set without --fork."""
    if session.set and session.fork is None:
        raise UsageError(
            "--set: it changes the recipe of a --fork; give the fields of a new run as flags, as in --d-lr 1e-4"
        )
    return pairs("--set", session.set)


def pairs(flag: str, words: Sequence[str]) -> dict[str, str]:
    """Read field=value words; UsageError for any other."""
    fields = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"{flag}: '{word}' is not field=value, as in {flag} d_lr=1e-4")
        fields[name] = value
    return fields
