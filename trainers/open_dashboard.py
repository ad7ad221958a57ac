"""Start the dashboard of a registry, and open it in a browser where there is a screen."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from trainers.arguments import arg
from trainers.shell import guarded


@dataclass(frozen=True)
class Flags:
    """Flags of `python -m trainers.open_dashboard`."""

    registry: Annotated[str | None, arg(metavar="PATH|URL")] = None
    """Registry of runs: a path or database URL; by default FERGAN_REGISTRY, or runs.db at the project's top level."""
    port: int = 8501
    """Port on localhost."""


def main() -> int:
    """Start Streamlit and wait for it; Ctrl-C ends both."""
    flags = tyro.cli(Flags, prog="python -m trainers.open_dashboard", description=__doc__)
    environment = dict(os.environ)
    if flags.registry is not None:
        environment["FERGAN_REGISTRY"] = flags.registry
    has_screen = sys.platform in ("darwin", "win32") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    place = importlib.util.find_spec("dashboard")  # found, not imported: trainers do not depend on the dashboard
    assert place is not None
    assert place.origin is not None
    home = Path(place.origin).with_name("Home.py")
    print(f"dashboard: http://localhost:{flags.port} (Ctrl-C ends it)", file=sys.stderr)
    command = [sys.executable, "-m", "streamlit", "run", str(home), "--server.port", str(flags.port)]
    command += ["--server.headless", str(not has_screen).lower()]
    allowed = environment.get("FERGAN_ALLOW_REMOTE") == "1" or "FERGAN_RATE_TOKEN" in environment
    return subprocess.call([*command, *settings(home, any_address=allowed)], env=environment)


def settings(home: Path, *, any_address: bool) -> list[str]:
    """Return the settings beside Home.py as flags of `streamlit run`, so that no STREAMLIT_ variable overrides them.

    The theme is left out, which the user may change; with `any_address` the server's address too.
    """
    with (home.parent / ".streamlit" / "config.toml").open("rb") as file:
        sections = tomllib.load(file)
    flags = {
        f"{section}.{name}": value
        for section, options in sections.items()
        if section != "theme"
        for name, value in options.items()
    }
    if any_address:
        del flags["server.address"]
    return [f"--{name}={str(value).lower()}" for name, value in flags.items()]


if __name__ == "__main__":
    sys.exit(guarded(main))
