"""Open the dashboard on a registry: in the browser where there is a screen, headless where there is none."""

import importlib.util
import os
import subprocess
import sys
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
    return subprocess.call([*command, "--server.headless", str(not has_screen).lower()], env=environment)


if __name__ == "__main__":
    sys.exit(guarded(main))
