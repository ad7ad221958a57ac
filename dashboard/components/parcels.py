"""What is sent to the components of a page, unpacked and kept by parcels.js: pictures, a file, a generator, words."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_parcel = st.components.v2.component(
    "fergan_parcel", html="<div></div>", js=Path(__file__).with_name("parcels.js").read_text(encoding="utf-8")
)


def send(header: Mapping[str, Any], parts: Sequence[bytes], *, key: str) -> None:
    """Send some contents with what they are: `kind` (sheets, file, generator or words) and whatever that kind needs."""
    head = json.dumps({**header, "sizes": [len(part) for part in parts]}).encode()
    _parcel(data=b"".join([len(head).to_bytes(4, "little"), head, *parts]), key=key)


def deliver(key: str, content: bytes, **about: str) -> None:
    """Send the file that the component with this key asked for: `about` is its `id`, and its `name`, `type` and `done`,
    a sentence that says so, or else a `refusal`."""
    with st.container(gap=None):
        send({"kind": "file", **about}, [content], key=f"{key} file")
