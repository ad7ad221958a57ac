"""Links, pictures and commands of the documents lead to what exists."""

import contextlib
import functools
import importlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fergan_core.recipe import kinds
from tests.docs.documents import DOCUMENTS, ROOT, code_lines, prose
from trainers import cli

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:fergan|python -m) .*?(?=\s+(?:fergan|python -m) |\s&&\s|$)")


@functools.cache
def _anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path.read_text()), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_and_pictures_exist(document: Path) -> None:
    missing = []
    for target in _LINK.findall(prose(document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in _anchors(path)):
            missing.append(target)
    assert not missing


def _commands() -> Iterator[tuple[str, str]]:
    """Every `fergan ...` and `python -m ...` of the documents, with the document's name."""
    for document in DOCUMENTS:
        for line in code_lines(document.read_text()):
            for command in _COMMAND.findall(line):
                yield document.name, command


def _command_of(words: list[str]) -> tuple[str, ...]:
    """The words of a command that choose what runs; ValueError where there is no such command."""
    if words[0] == "fergan":
        if words[1] in cli.GROUPS:
            if words[2] in cli.GROUPS[words[1]][1]:
                return tuple(words[:3])
        elif words[1] == "train":
            if words[2] == "METHOD":
                return ()
            if words[2] in kinds():
                return tuple(words[:3])
        elif words[1] in cli.SINGLE:
            return tuple(words[:2])
    else:
        package, _, module = words[2].partition(".")
        if package == "trainers" and (ROOT / package / f"{module}.py").exists():
            return tuple(words[:3])
        place = ROOT / package / module.replace(".", "/")
        if package in ("benchmarks", "tests") and any(
            source.exists() for source in (place.with_suffix(".py"), place / "__main__.py")
        ):
            return ()
        if package == "pytest":
            return ()
    raise ValueError(f"no command '{' '.join(words)}'")


def _run(command: tuple[str, ...], *words: str) -> None:
    """Run a command in this process."""
    if command[0] == "fergan":
        cli.main([*command[1:], *words])
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [command[2], *words])
            importlib.import_module(command[2]).main()


@functools.cache
def _help(command: tuple[str, ...]) -> str:
    """What a command prints for --help."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit):
            _run(command, "--help")
    return printed.getvalue()


def test_commands_and_their_flags_exist() -> None:
    wrong, checked = [], 0
    for document, text in _commands():
        words = text.split()
        if len(words) < 2 or words[-1] == "trainers.X":
            continue
        try:
            command = _command_of(words)
        except (ValueError, IndexError):
            wrong.append(f"{document}: {text}: no such command")
            continue
        flags = {word.strip("[],;").partition("=")[0] for word in words if word.strip("[").startswith("--")}
        unknown = {flag for flag in flags if command and not re.search(rf"{flag}(?![\w-])", _help(command))}
        wrong += [f"{document}: {text}: no flag {flag}" for flag in sorted(unknown)]
        checked += 1
    assert not wrong
    assert checked > 50  # of about a hundred: the documents' commands are found at all


def test_a_flag_that_does_not_exist_is_noticed() -> None:
    assert "--budget" in _help(("fergan", "compare"))
    assert "--nonsense" not in _help(("fergan", "compare"))
    with pytest.raises(ValueError, match="no command"):
        _command_of(["fergan", "nonsense"])


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for line in code_lines(document.read_text())
        for target in re.findall(r"\bmake ([a-z][\w-]*)", line)
    }
    assert named
    assert named <= targets
