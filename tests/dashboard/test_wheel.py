"""An installed copy: the wheel, built and installed into an environment of its own, opened from another folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.servers import started
from tests.support.machine import ROOT
from tests.support.pages import SWITCHED_ON, TITLES, wait_until_it_stands

PACKAGES = ("fergan_core", "trainers", "dashboard")
PAGES = sorted(path.stem for path in (ROOT / "dashboard" / "views").glob("[a-z]*.py"))
# Opens the pages that it is given, of the copy that is installed, and prints each one's title.
OPEN_PAGES = """
import sys
from pathlib import Path
import dashboard
from streamlit.testing.v1 import AppTest
home = Path(dashboard.__file__).with_name("Home.py")
assert sys.prefix in str(home), home
for name in sys.argv[1:]:
    app = AppTest.from_file(str(home), default_timeout=300)
    app.switch_page(f"views/{name}.py").run()
    assert not app.exception and not app.error, (name, app.exception, app.error)
    print(name, app.title[0].value, sep=": ")
"""
ANY_DAMAGE = "[data-testid=stException], [data-testid=stAlertContentError]"


def uv(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", *arguments, "--offline"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing is left in the checkout and nothing old gets in."""
    folder = tmp_path_factory.mktemp("build")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder), str(folder))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone; what it depends on is taken from this environment. Return the commands' folder."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    uv("venv", "--python", sys.executable, str(folder))
    uv("pip", "install", "--no-deps", "--python", str(folder / "bin" / "python"), str(wheel))
    (site,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is searched after the wheel's own, and its .pth files (an editable FerGAN's) are not read.
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return folder / "bin"


def is_damage(response: Any) -> bool:
    """Tell whether an answer failed that should not: Streamlit's client looks for its server below each page first."""
    return bool(response.status >= 400) and "/_stcore/" not in response.url


def command(installed: Path, folder: Path, *words: str, **others: str) -> str:
    """Run an installed command in a folder, without a trace of the checkout in its environment; return its output."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **others}
    done = subprocess.run(
        [str(installed / words[0]), *words[1:]], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages_and_no_tests(wheel: Path) -> None:
    in_source = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == in_source
    assert "fergan_core/py.typed" in packed


@pytest.mark.slow
@pytest.mark.thorough
def test_installed_commands_work_in_another_folder(installed: Path, tmp_path: Path) -> None:
    assert "evaluate" in command(installed, tmp_path, "fergan", "--help")
    assert "--preset" in command(installed, tmp_path, "python", "-m", "trainers.dcgan", "--help")
    code = "import dashboard, fergan_core, trainers; from fergan_core.registry import default_url; "
    code += "print(*(p.__file__ for p in (dashboard, fergan_core, trainers)), fergan_core.__version__, default_url(), "
    code += "sep='\\n')"
    *places, version, url = command(installed, tmp_path, "python", "-c", code).splitlines()
    assert all(Path(place).is_relative_to(installed.parent) for place in places)
    assert version == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert url == f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.mark.slow
@pytest.mark.thorough
def test_every_page_of_an_installed_copy_opens(installed: Path, filled_registry: str, tmp_path: Path) -> None:
    words = ["python", "-c", OPEN_PAGES, *PAGES]
    titles = {**TITLES, **SWITCHED_ON}
    opened = command(installed, tmp_path, *words, FERGAN_REGISTRY=filled_registry).splitlines()
    assert opened == [f"{name}: {titles[name]}" for name in PAGES]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.thorough
def test_an_installed_copy_serves_the_files_of_its_components(
    installed: Path, filled_registry: str, browser: Any, tmp_path: Path
) -> None:
    server = [str(installed / "python"), "-m", "trainers.open_dashboard", "--registry", filled_registry, "--port"]
    context = browser.new_context()
    page, failed = context.new_page(), []
    page.on("response", lambda response: failed.append(response.url) if is_damage(response) else None)
    try:
        with started(server, tmp_path) as (port, _):
            page.goto(f"http://127.0.0.1:{port}/checkpoints", timeout=180_000)
            page.locator(".player canvas").first.wait_for(timeout=180_000)
            wait_until_it_stands(page)
            assert page.locator(ANY_DAMAGE).count() == 0, page.locator(ANY_DAMAGE).first.inner_text()
    finally:
        context.close()
    assert not failed, failed
