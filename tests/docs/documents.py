"""The documents as texts: where they are, and what of them is code."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]

_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`]+)`")


def code_lines(text: str) -> Iterator[str]:
    """Yield a document's code: the lines of its fenced blocks, without comments, and its inline code, unwrapped."""
    for block in _FENCE.findall(text):
        yield from (re.sub(r"\s#.*|^#.*", "", line) for line in block.splitlines())
    for span in _INLINE.findall(_FENCE.sub("", text)):
        yield " ".join(span.split())


def prose(text: str) -> str:
    """Return a document without its fenced blocks."""
    return _FENCE.sub("", text)
