"""The fields of a recipe as widgets, each made of what the recipe says of it: its type, range, choices and help."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import choose
from fergan_core.analysis.settings import field_text
from fergan_core.recipe import UNITS, FormField

# What is asked for first, beside the data and the run's name.
FIRST = ("epochs", "seed")
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Networks": (
        "network", "width", "blocks", "patch", "latent_size", "latent", "embedding_size", "g_conditioning",
        "d_conditioning", "g_batch_norm", "d_batch_norm", "spectral_norm", "dropout",
    ),
    "Loss and regularisation": (
        "loss", "matching_aware", "label_smoothing", "r1", "r2", "r1_every", "lecam", "augment", "instance_noise",
        "beta", "label_dropout",
    ),
    "Optimiser": (
        "lr", "g_lr", "d_lr", "beta1", "beta2", "warmup", "lr_decay", "first", "d_steps", "ema", "g_ema",
    ),
    "How a face is drawn": ("sampler", "sample_steps", "guidance"),
    "Images and batches": ("emotions", "images", "batch_size", "flip", "sampling"),
    "Scores, checkpoints, precision": (
        "eval_every", "checkpoint_every", "watch_every", "sheet_every", "precision", "compile",
    ),
}  # fmt: skip
_COLUMNS = 3


def groups(fields: Mapping[str, FormField]) -> dict[str, list[FormField]]:
    """Return the fields that are not asked for first, by group; those of no group, such as a new method's, are last."""
    grouped = {title: [fields[name] for name in names if name in fields] for title, names in _GROUPS.items()}
    known = {*FIRST, *(name for names in _GROUPS.values() for name in names)}
    grouped["Further fields"] = [field for name, field in fields.items() if name not in known]
    return {title: members for title, members in grouped.items() if members}


def ask(fields: Sequence[FormField], defaults: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Ask for fields, which open at `defaults`; return their values. A field with one choice alone is left out."""
    values: dict[str, Any] = {}
    shown = [field for field in fields if len(field.choices) != 1]
    for first in range(0, len(shown), _COLUMNS):
        for column, field in zip(st.columns(_COLUMNS, gap="medium"), shown[first : first + _COLUMNS], strict=False):
            with column:
                values[field.name] = widget(field, defaults[field.name], f"{key} {field.name}")
                if values[field.name] != defaults[field.name]:
                    before = f"The preset has {value_text(defaults[field.name])}."
                    st.markdown(f":orange-badge[changed] :small[{choose.plain(before)}]")
    return values


def widget(field: FormField, default: Any, key: str) -> Any:
    """Ask for one field, which opens at its default; a number that was emptied is the default again."""
    unit = UNITS.get(field.name)
    # Not escaped: a screen reader is given the label as it is.
    label = field.name + (f" ({unit})" if unit else "")
    help_text = choose.plain(" ".join(filter(None, [field.help, _range(field)])))
    if field.kind == "switch":
        return st.toggle(label, default, key=key, help=help_text)
    if field.kind == "choice":
        return st.selectbox(label, field.choices, field.choices.index(default), key=key, help=help_text)
    if field.kind == "several":
        chosen = st.multiselect(label, field.choices, default, key=key, help=help_text)
        return [choice for choice in field.choices if choice in chosen]
    if field.kind == "whole":
        least, most = (None if end is None else int(end) for end in (field.least, field.most))
        whole = st.number_input(label, least, most, int(default), 1, key=key, help=help_text)
        return default if whole is None else int(whole)
    low, high = (None if end is None else float(end) for end in (field.least, field.most))
    number = st.number_input(label, low, high, float(default), _step(float(default)), "%.6g", key=key, help=help_text)
    return default if number is None else float(number)


def value_text(value: Any) -> str:
    """Write a field's value as its widget shows it."""
    return ("on" if value else "off") if isinstance(value, bool) else field_text(value)


def _step(value: float) -> float:
    """Return by how much the buttons beside a number change it: one of its first digit; near 1, of what lacks to 1."""
    distance = 1 - value if 0.5 < value < 1 else value
    return 10.0 ** math.floor(math.log10(distance)) if distance > 0 else 0.1


def _range(field: FormField) -> str:
    """Say in which range a number is; '' where it has none."""
    ends = [
        f"{words} {end:g}"
        for words, end in (
            ("at least", field.least), ("above", field.above), ("at most", field.most), ("below", field.below),
        )
        if end is not None
    ]  # fmt: skip
    return f"A number {' and '.join(ends)}." if ends else ""
