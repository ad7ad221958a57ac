"""Runs a page again when its theme changes: Streamlit changes its own colours only, not those of charts and sheets."""

from pathlib import Path

import streamlit as st

_follower = st.components.v2.component(
    "fergan_theme_follower", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def follow(dark: bool) -> None:
    """Follow the theme of a page that is drawn in the dark theme or the light one; shows nothing."""
    _follower(data={"dark": dark}, key="theme", on_dark_change=lambda: None, height="content")
