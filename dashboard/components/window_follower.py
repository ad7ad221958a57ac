"""Runs a page again when its theme changes, or its window becomes a telephone's or wide: Streamlit then changes its own
colours and columns only, not those of charts, sheets and tables."""

from pathlib import Path

import streamlit as st

_KEY = "window"
_follower = st.components.v2.component(
    "fergan_window_follower", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def follow(dark: bool) -> None:
    """Follow the window of a page that is drawn in the dark theme or the light one; shows nothing."""
    _follower(
        data={"dark": dark, "narrow": narrow()},
        key=_KEY,
        on_dark_change=lambda: None,
        on_narrow_change=lambda: None,
        height="content",
    )


def narrow() -> bool:
    """Tell whether the page is in a telephone's window, where columns stand below each other."""
    return bool((st.session_state.get(_KEY) or {}).get("narrow"))
