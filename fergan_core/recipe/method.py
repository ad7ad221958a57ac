"""What a method's own part of a recipe is: every method's recipe is a frozen dataclass that descends from this one."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import tyro
from pydantic import ValidationError, model_validator
from pydantic.dataclasses import dataclass

from fergan_core.errors import UsageError
from fergan_core.recipe.fields import STRICT, explain


@dataclass(frozen=True, config=STRICT)
class MethodRecipe(ABC):
    """The fields of one method, told apart by `kind`; a descendant is known by its kind as soon as it is defined.

    `title` says what is trained, as in 'a conditional DCGAN'. `in_steps` tells whether a face is drawn in several
    steps of a sampler; such a recipe has a `sampling`. `in_one_pass` tells whether one pass of a network can draw it.
    """

    title: ClassVar[str]
    in_steps: ClassVar[bool] = False
    in_one_pass: ClassVar[bool] = True

    kind: tyro.conf.Suppress[str] = ""

    def __init_subclass__(cls) -> None:
        if cls.kind:
            _KINDS[cls.kind] = cls

    @model_validator(mode="wrap")
    @classmethod
    def _told_in_one_sentence(cls, given: Any, read: Callable[[Any], Self]) -> Self:
        # A ValidationError the command line's parser would tell in its own words, of many lines.
        try:
            return read(given)
        except ValidationError as error:
            raise UsageError(explain(error)) from None

    @property
    @abstractmethod
    def drawn_by(self) -> str:
        """Name the network of a checkpoint that draws."""

    def check(self, emotions: int, compiled: bool) -> None:  # noqa: B027 - most methods have nothing to check
        """Raise UsageError where the common fields (how many emotions; --compile) are at odds with the method's."""


_KINDS: dict[str, type[MethodRecipe]] = {}


def kinds() -> list[str]:
    """Name the methods in the order in which they were defined."""
    return list(_KINDS)


def in_steps(kind: str) -> bool:
    """Tell whether a kind of method draws a face in several steps; one that is not known here does not."""
    return kind in _KINDS and _KINDS[kind].in_steps


def in_one_pass(kind: str) -> bool:
    """Tell whether one pass of a network can draw a face of a kind of method; of one not known here it cannot."""
    return kind in _KINDS and _KINDS[kind].in_one_pass


def method_recipe(kind: object) -> type[MethodRecipe]:
    """Return the recipe's dataclass of a kind of method; UsageError for an unknown one."""
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UsageError(f"unknown method {kind!r}; this FerGAN has {', '.join(_KINDS)}")
    return _KINDS[kind]
