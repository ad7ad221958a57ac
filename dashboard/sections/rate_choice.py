"""Choosing a rating study on the page Rate; the choice lives in the address (?study=ID)."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose

_CHOSEN = "chosen rating study"


def of_address(studies: pd.DataFrame) -> dict[str, Any] | None:
    """Return the study that the address names; None, and a sentence, where it names none of them."""
    named = studies[studies.id == st.query_params.get("study", "")]
    if named.empty:
        st.error("This address names no study; open the whole link that you were sent.")
        return None
    return _as_dict(named)


def one_study(studies: pd.DataFrame) -> dict[str, Any]:
    """Ask for one of the studies, of which there are some; opens at that of the address, else at the newest.

    The address always names it: who goes on tomorrow by the same link comes to the same study.
    """
    names = dict(zip(studies.id, studies.name, strict=True))
    ids, wished = list(names), st.query_params.get("study", "")
    if wished and wished not in names:
        st.warning(choose.plain(f"The address names the study '{wished}', which this registry does not hold."))
    st.session_state[_CHOSEN] = next(one for one in (wished, st.session_state.get(_CHOSEN), ids[0]) if one in names)

    def follow() -> None:
        st.query_params["study"] = st.session_state[_CHOSEN]
        st.query_params.pop("rater", None)

    chosen = st.selectbox("Study", ids, format_func=names.__getitem__, key=_CHOSEN, on_change=follow, width=320)
    st.query_params["study"] = chosen
    return _as_dict(studies[studies.id == chosen])


def _as_dict(rows: pd.DataFrame) -> dict[str, Any]:
    return {str(name): value for name, value in rows.iloc[0].to_dict().items()}
