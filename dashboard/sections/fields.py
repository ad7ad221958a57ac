"""A table of names and values, for recipes, provenance and cards."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from fergan_core.analysis.settings import fields


def show(place: Any, values: Mapping[str, Any], units: Mapping[str, str] | None = None) -> None:
    """One table of names and values, nested names dotted; a value has its field's unit behind it, if any."""
    table = pd.DataFrame(fields(values, units=units).items(), columns=["field", "value"])
    # Together a telephone's width; where there is more, both grow.
    widths = {"field": st.column_config.TextColumn(width=150), "value": st.column_config.TextColumn(width=210)}
    place.dataframe(table, hide_index=True, width="stretch", height="content", column_config=widths)
