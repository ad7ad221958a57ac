"""A table of names and values, for recipes, provenance and cards."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts.compare import field_text


def show(place: Any, values: Mapping[str, Any], units: Mapping[str, str] | None = None) -> None:
    """One table of names and values, nested names dotted; a value has its field's unit behind it, if any."""
    table = pd.DataFrame(fields(values, units=units).items(), columns=["field", "value"])
    # Together a telephone's width; where there is more, both grow.
    widths = {"field": st.column_config.TextColumn(width=150), "value": st.column_config.TextColumn(width=210)}
    place.dataframe(table, hide_index=True, width="stretch", height="content", column_config=widths)


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
