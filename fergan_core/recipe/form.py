"""What a form and a command line need of a recipe: its fields with types, ranges and help, and the flags it stands for.

All of it is read from the recipe's dataclasses, so a new field, or a new method, is in every form by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from fergan_core.emotions import EMOTIONS
from fergan_core.recipe.compare import flat
from fergan_core.recipe.method import method_recipe
from fergan_core.recipe.presets import preset_of
from fergan_core.recipe.recipe import Common, Recipe, to_dict

# A fork goes on within its parent's epochs, whose images and steps these fields decide.
KEPT_BY_FORKS = ("batch_size", "images", "emotions")


@dataclass(frozen=True)
class FormField:
    """A field of a recipe as a form asks for it.

    `choices` are all that a 'choice' can be, or a 'several' can hold. A 'whole' number or 'number' is at least `least`
    and at most `most`, above `above` and below `below`: None where there is no such bound.
    """

    name: str
    kind: Literal["switch", "choice", "several", "whole", "number"]
    help: str
    choices: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None


@cache
def form_fields(kind: str) -> Mapping[str, FormField]:
    """Return the fields of a method's recipe by name, the common ones first; UsageError for an unknown method."""
    own = [cls for cls in method_recipe(kind).__mro__ if "kind" in getattr(cls, "__dataclass_fields__", {})]
    fields: dict[str, FormField] = {}
    for classes in ([Common], own):
        schema, *inherited = (TypeAdapter(cls).json_schema()["properties"] for cls in classes)
        for name, about in schema.items():
            # Pydantic gives a field its docstring in the class that defines it, and not in descendants.
            helps = (one[name].get("description") for one in (schema, *inherited) if name in one)
            if name not in ("kind", "preset"):
                fields[name] = _form_field(name, next(filter(None, helps), ""), about)
    return fields


def _form_field(name: str, help_text: str, about: Mapping[str, Any]) -> FormField:
    """Make a field of its part of a JSON schema."""
    choices = tuple(about.get("enum", [about["const"]] if "const" in about else ()))
    if choices:
        return FormField(name, "choice", help_text, choices)
    if about["type"] == "boolean":
        return FormField(name, "switch", help_text)
    if about["type"] == "array":
        return FormField(name, "several", help_text, EMOTIONS)
    return FormField(
        name,
        "whole" if about["type"] == "integer" else "number",
        help_text,
        least=about.get("minimum"),
        most=about.get("maximum"),
        above=about.get("exclusiveMinimum"),
        below=about.get("exclusiveMaximum"),
    )


def preset_changes(recipe: Recipe) -> dict[str, Any]:
    """Return the fields of a recipe, as plain values, that differ from its preset's."""
    preset = flat(to_dict(preset_of(recipe.method.kind, recipe.preset)))
    return {
        name: value
        for name, value in flat(to_dict(recipe)).items()
        if name not in ("preset", "kind") and value != preset[name]
    }


def flags(recipe: Recipe) -> list[str]:
    """Return the flags by which a trainer makes a recipe: its preset, and each field that differs from it."""
    words = ["--preset", recipe.preset]
    for name, value in preset_changes(recipe).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *(map(str, value) if isinstance(value, list) else [str(value)])]
    return words
