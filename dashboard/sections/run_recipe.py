"""A run's recipe, what differs from its preset first; where it comes from, and the command that makes it again."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts.compare import field_text
from dashboard.sections import fields
from fergan_core.recipe import NON_TRAINING_FIELDS, PRESETS, UNITS, differences, flat, to_dict
from fergan_core.registry import studies_of


def show(run: Mapping[str, Any]) -> None:
    """The recipe: what differs from its preset, all that decides how it learns, and the rest folded."""
    st.header("Recipe", anchor=False)
    recipe, name = run["recipe"], str(run["preset"])
    preset = PRESETS.get(name)
    if preset is None:
        st.caption(choose.plain(f"This FerGAN has no preset '{name}' to compare it with."))
    else:
        changed = beside_preset(recipe, to_dict(preset))
        if changed.empty:
            st.write(f"The preset `{name}` as it is.")
        else:
            st.write(f"The preset `{name}` with {len(changed)} field{'s' if len(changed) > 1 else ''} changed:")
            st.dataframe(
                changed,
                hide_index=True,
                width="stretch",
                height="content",
                alt="Fields that differ from the preset",
                column_config={"field": st.column_config.TextColumn(width=150)},
            )
    all_fields = {key: value for key, value in flat(recipe).items() if key != "kind"}
    learning = {key: value for key, value in all_fields.items() if key not in NON_TRAINING_FIELDS}
    with st.expander(f"All {len(learning)} fields that decide how it learns"):
        fields.show(st, learning, UNITS)
    rest = {key: value for key, value in all_fields.items() if key in NON_TRAINING_FIELDS}
    with st.expander("Bookkeeping: seed, and how often it was scored, saved and measured"):
        fields.show(st, rest, UNITS)


def beside_preset(recipe: Mapping[str, Any], preset: Mapping[str, Any]) -> pd.DataFrame:
    """List the fields in which a recipe differs from its preset: field, this run, preset; those that decide first."""
    rows = [
        {"field": name, **{column: _text(values, column) for column in ("this run", "preset")}}
        for name, values in differences({"this run": recipe, "preset": preset}).items()
        if name not in ("preset", "seed")
    ]
    rows.sort(key=lambda row: row["field"] in NON_TRAINING_FIELDS)
    return pd.DataFrame(rows, columns=["field", "this run", "preset"])


def _text(values: Mapping[str, Any], column: str) -> str:
    return field_text(values[column]) if column in values else "–"


def show_provenance(run: Mapping[str, Any]) -> None:
    """The command that makes the run again, and under which code, libraries and machine it was made."""
    st.header("Provenance", anchor=False)
    command = run["provenance"].get("command")
    if command:
        st.write(command_words(run))
        st.code(command, language=None, wrap_lines=True)
    with st.expander("Code, libraries, machine and data"):
        begun = choose.when(run["created"])
        rest = {name: value for name, value in run["provenance"].items() if name != "command"}
        fields.show(st, {"run": run["id"], "begun": begun, "dataset": run["dataset"]} | rest)


def command_words(run: Mapping[str, Any]) -> str:
    """Say what the recorded command makes again: the run, or the whole study that it is a trial of."""
    if studies_of(run["tags"]):
        return "The command of the study that it is a trial of:"
    return "The command that makes it again, on the same data:"


def show_checkpoints(run_id: str) -> None:
    """The run's checkpoints as a table."""
    st.header("Checkpoints", anchor=False)
    saved = data.checkpoints(run_id)
    if saved.empty:
        st.caption(choose.NO_CHECKPOINT)
        return
    table = saved[["epoch", "step", "images_seen", "sha256"]].rename(columns={"images_seen": "images seen"})
    table.insert(3, "megabytes", (saved["bytes"] + saved["state_bytes"].fillna(0).astype(float)) / 1e6)
    size = st.column_config.NumberColumn("megabytes", format="%.1f", help="Weights and training state together")
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content" if len(table) <= 10 else 385,
        alt="The run's checkpoints",
        column_config={"megabytes": size},
    )
