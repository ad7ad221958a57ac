"""A run's recipe, what differs from its preset first; where it comes from, and the command that makes it again."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import choose, data
from dashboard.sections import fields
from fergan_core.analysis.settings import beside_preset
from fergan_core.recipe import NON_TRAINING_FIELDS, OWN_SCRIPT, PRESETS, UNITS, flat, to_dict
from fergan_core.registry.studies import what_the_command_makes


def show(run: Mapping[str, Any]) -> None:
    """The recipe: what differs from its preset, all that decides how it learns, and the rest folded."""
    st.header("Recipe", anchor=False)
    recipe, name = run["recipe"], str(run["preset"])
    preset = PRESETS.get(name)
    if run["method"] == OWN_SCRIPT:
        st.caption("The settings that its script gave." if name == OWN_SCRIPT else "What is known of an imported run.")
    elif preset is None:
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


def show_provenance(run: Mapping[str, Any]) -> None:
    """The command that makes the run again, and under which code, libraries and machine it was made."""
    st.header("Provenance", anchor=False)
    command = run["provenance"].get("command")
    if command:
        st.write(what_the_command_makes(run["tags"]))
        st.code(command, language=None, wrap_lines=True)
    with st.expander("Code, libraries, machine and data"):
        begun = choose.when(run["created"])
        rest = {name: value for name, value in run["provenance"].items() if name != "command"}
        fields.show(st, {"run": run["id"], "begun": begun, "dataset": run["dataset"]} | rest)


def show_checkpoints(run_id: str) -> None:
    """The run's checkpoints as a table."""
    st.header("Checkpoints", anchor=False)
    saved = data.checkpoints(run_id)
    if saved.empty:
        st.caption(choose.NO_CHECKPOINT if choose.can_draw(run_id) else "No checkpoint here: its script saved none.")
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
