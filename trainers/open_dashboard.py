"""Open the dashboard on a registry: in the browser where there is a screen, headless where there is none."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import tyro

from trainers.shell import guarded


@dataclass(frozen=True)
class Flags:
    """Which registry, at which port."""

    registry: str | None = None
    """Registry of runs: a path or a database URL; FERGAN_REGISTRY or runs.db where not given."""
    port: int = 8501
    """Port on this machine."""


def main() -> int:
    """Start Streamlit and wait for it; Ctrl-C ends both."""
    flags = tyro.cli(Flags, prog="python -m trainers.open_dashboard", description=__doc__)
    environment = dict(os.environ)
    if flags.registry is not None:
        environment["FERGAN_REGISTRY"] = flags.registry
    has_screen = sys.platform in ("darwin", "win32") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    place = importlib.util.find_spec("dashboard")  # found, not imported: trainers stand beside the dashboard, not on it
    assert place is not None
    assert place.origin is not None
    home = Path(place.origin).with_name("Home.py")
    print(f"dashboard: http://localhost:{flags.port} (Ctrl-C ends it)", file=sys.stderr)
    command = [sys.executable, "-m", "streamlit", "run", str(home), "--server.port", str(flags.port)]
    command += ["--server.headless", str(not has_screen).lower()]
    allowed = environment.get("FERGAN_ALLOW_REMOTE") == "1"
    return subprocess.call([*command, *settings(home, any_address=allowed)], env=environment)


def settings(home: Path, *, any_address: bool) -> list[str]:
    """Return the settings beside Home.py as flags of `streamlit run`, so that no STREAMLIT_ variable replaces them.

    Left out is the theme, which is a matter of taste; with `any_address` the address, too.
    """
    with (home.parent / ".streamlit" / "config.toml").open("rb") as file:
        sections = tomllib.load(file)
    given = {
        f"{section}.{name}": value
        for section, options in sections.items()
        if section != "theme"
        for name, value in options.items()
    }
    if any_address:
        del given["server.address"]
    return [f"--{name}={str(value).lower()}" for name, value in given.items()]


if __name__ == "__main__":
    sys.exit(guarded(main))
