"""What runs were trained with, as tables: what differs between their recipes, or from a preset; values as texts."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fergan_core.recipe import NON_TRAINING_FIELDS, differences

# What a run's result does not depend on, beside the seed, on which it does: how it was recorded, and by what machine.
BOOKKEEPING = (NON_TRAINING_FIELDS - {"seed"}) | {"device", "commit", "torch"}


def recipe_differences(recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """List the fields in which recipes differ: one row per field, one column per run, a dash for a missing field."""
    rows = {
        name: [field_text(values[label]) if label in values else "–" for label in recipes]
        for name, values in differences(recipes).items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(recipes)).rename_axis("field").reset_index()


def beside_preset(recipe: Mapping[str, Any], preset: Mapping[str, Any]) -> pd.DataFrame:
    """List the fields in which a recipe differs from its preset: field, this run, preset; those that decide first."""
    table = recipe_differences({"this run": recipe, "preset": preset})
    table = table[~table["field"].isin(["preset", "seed"])]
    beside = table["field"].isin(list(NON_TRAINING_FIELDS))
    return pd.concat([table[~beside], table[beside]], ignore_index=True)


def field_text(value: Any) -> str:
    """Write a recipe's field as --set takes it: a list's members separated by commas, text without quotes."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def fields(values: Mapping[str, Any], prefix: str = "", units: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return values as text by name, those of nested mappings by dotted names, those of `units` with their unit."""
    texts: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            texts |= fields(value, f"{prefix}{name}.", units)
        else:
            unit = (units or {}).get(name, "")
            texts[prefix + name] = f"{field_text(value)} {unit.removesuffix('s') if value == 1 else unit}".rstrip()
    return texts


def sorted_out(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of `recipe_differences` on which a result depends, those that all runs have first, and those of
    bookkeeping."""
    some = (table == "–").any(axis=1)
    table = pd.concat([table[~some], table[some]])
    beside = table.field.isin(list(BOOKKEEPING))
    return table[~beside], table[beside]


def settings_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's recipe with what else its result depends on, and by what it was trained.

    `run` is as `Reader.run` returns it.
    """
    provenance, dataset = run["provenance"], run["dataset"]
    others = {
        "seed": run["seed"],
        "data": run["data"],
        "data_hash": str(dataset.get("content_hash", ""))[:8],
        "begun_from": f"run {run['parent']}, step {run['parent_step']}" if run.get("parent") else "–",
        "device": run.get("device") or "–",
        "commit": str(provenance.get("git_commit") or "–")[:8],
        "torch": dict(provenance.get("versions") or {}).get("torch", "–"),
    }
    return {**run["recipe"], **others}
