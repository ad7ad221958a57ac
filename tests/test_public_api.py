"""The public names of fergan_core: their objects, what importing them loads, their documentation."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import torch

import fergan_core
from fergan_core.training import provenance
from tests.support.machine import ROOT


def test_public_names_are_sorted_and_each_leads_to_an_object_of_that_name() -> None:
    names = fergan_core.__all__
    assert names == sorted(set(names))
    for name in names:
        exported = getattr(fergan_core, name)
        assert name == "__version__" or exported.__name__ == name
    assert set(names) <= set(dir(fergan_core))


def test_type_checkers_and_python_find_the_same_names_in_the_same_modules() -> None:
    tree = ast.parse((ROOT / "fergan_core" / "__init__.py").read_text())
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.name: str(node.module)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    lazy = {name: f"fergan_core.{module}" for name, module in fergan_core._MODULES.items()}
    assert typed == lazy
    assert {*typed, "__version__"} == set(fergan_core.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'fergan_core' has no attribute 'nonsense'"):
        fergan_core.nonsense  # noqa: B018


def test_importing_fergan_core_loads_neither_torch_nor_pandas() -> None:
    code = "import sys, fergan_core; fergan_core.__version__; fergan_core.Recipe; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"fergan_core", "fergan_core.recipe"} <= loaded
    assert loaded & {"torch", "pandas"} == set()


def test_the_version_is_that_of_pyproject_and_is_recorded_and_cited() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert fergan_core.__version__ == version
    assert provenance.collect(torch.device("cpu"))["versions"]["fergan"] == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


def _examples() -> list[str]:
    """The Python of the documents' section about it."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text.partition("## Using FerGAN from Python\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)


def test_the_documented_example_generates_faces_of_a_committed_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(_examples()[0], names)
    assert names["faces"].shape == (3, 1, 48, 48)
    assert float(names["faces"].abs().max()) <= 1


def _public_calls(code: str) -> Iterator[tuple[str, int, list[str]]]:
    """The calls of public names: the name, the number of positional arguments, the named ones."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in fergan_core.__all__:
            yield node.func.id, len(node.args), [str(keyword.arg) for keyword in node.keywords]


def test_the_documented_training_calls_public_names_as_they_can_be_called() -> None:
    called = list(_public_calls("".join(_examples())))
    for name, places, keywords in called:
        inspect.signature(getattr(fergan_core, name)).bind(*[None] * places, **dict.fromkeys(keywords))
    assert {"train", "preset", "open_dataset", "Evaluator", "Protocol", "Reader"} <= {name for name, *_ in called}


def test_every_public_name_is_documented() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text.partition("## Using FerGAN from Python\n")[2].partition("\n## ")[0]
    assert [name for name in fergan_core.__all__ if f"`{name}`" not in section] == []
