"""Runs a page again when its theme changes: Streamlit changes its own colours only, not those of charts and sheets."""

from pathlib import Path

import streamlit as st

_follower = st.components.v2.component(
    "fergan_theme_follower", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def follow() -> None:
    """Follow the theme on this page; shows nothing."""
    _follower(key="theme", on_dark_change=lambda: None, height="content")
