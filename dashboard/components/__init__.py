"""JavaScript pieces, each with its Python face."""

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def source(name: str) -> str:
    """Return a script or a style sheet of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")


def component(name: str, shown_in: str, before: str = "") -> Any:
    """Return the component of NAME.js and NAME.css, which fills a div of the class `shown_in`; `before` is JavaScript
    that its script calls, since it can import none."""
    css, js = (source(f"{name}.{kind}") for kind in ("css", "js"))
    html = f'<div class="{shown_in}"></div>'
    return st.components.v2.component(f"fergan_{name}", html=html, css=css, js=before + js)
