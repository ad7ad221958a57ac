"""Recipes compared: their fields side by side, what differs, and which recipes are the same training.

All take plain recipes, as the registry keeps them. A recipe of an older version lacks fields that came later: it has
their defaults, which are what its training did.
"""

import json
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from fergan_core.errors import UsageError
from fergan_core.recipe.recipe import from_dict, to_dict

# Fields that name a training or change what is recorded of it, and not how it learns.
NON_TRAINING_FIELDS = frozenset(
    {"seed", "preset", "eval_every", "checkpoint_every", "watch_every", "sheet_every", "compile"}
)


def flat(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's fields with its method's own beside them, and the defaults of those that it lacks.

    Of a run that a script of one's own recorded, the fields of its configuration; one that is called as a field of the
    recipe is, and is not the same, becomes config.NAME.
    """
    method = plain.get("method")
    method_fields = method if isinstance(method, Mapping) else {}
    fields = {name: value for name, value in plain.items() if name not in ("method", "config")}
    fields |= dict(method_fields)
    config = plain.get("config")
    for name, value in config.items() if isinstance(config, Mapping) else ():
        fields.setdefault(name if fields.get(name, value) == value else f"config.{name}", value)
    kind = method_fields.get("kind")
    later = _defaults(kind) if isinstance(kind, str) else {}
    return fields | {name: value for name, value in later.items() if name not in fields}


def differences(recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the fields in which recipes differ: by field and label the value, none where a method has no such field.

    `recipes` may hold more than recipes do, such as the dataset's name.
    """
    flat_recipes = {label: flat(plain) for label, plain in recipes.items()}
    names = dict.fromkeys(name for fields in flat_recipes.values() for name in fields)
    rows = {name: {label: fields[name] for label, fields in flat_recipes.items() if name in fields} for name in names}
    return {
        name: values
        for name, values in rows.items()
        if len(values) < len(flat_recipes) or len({json.dumps(value, sort_keys=True) for value in values.values()}) > 1
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields by which two trainings differ, the seed too, with both values; None for one that is absent."""
    return {
        name: (values.get("before"), values.get("after"))
        for name, values in differences({"before": before, "after": after}).items()
        if name == "seed" or name not in NON_TRAINING_FIELDS
    }


def training_fields(plain: Mapping[str, Any], without: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields that decide how a run learns, but for the seed and those in `without`."""
    return {
        name: value for name, value in flat(plain).items() if name not in NON_TRAINING_FIELDS and name not in without
    }


def key_of(fields: Mapping[str, Any], data_hash: str = "") -> str:
    """Return a text that is the same for the same fields, in any order, on the same data."""
    return json.dumps([data_hash, fields], sort_keys=True)


@cache
def _defaults(kind: str) -> dict[str, Any]:
    """Return the defaults of all fields of a method's recipe; none for what is not a recipe of ours."""
    try:
        plain = to_dict(from_dict({"method": {"kind": kind}}))
    except UsageError:
        return {}
    return {name: value for name, value in {**plain, **plain["method"]}.items() if name != "method"}
