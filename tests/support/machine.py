"""What tests and benchmarks need of the machine: the real FER2013's exporter, Chromium, a dashboard's server."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def exporter() -> Path:
    """Return where the real images' exporter would be: in FERGAN_SHARED, or in `shared` beside the repository."""
    return Path(os.environ.get("FERGAN_SHARED") or ROOT.parent / "shared") / "data" / "export.py"


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome, None where there is none."""
    return next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)


@contextlib.contextmanager
def served(registry: str) -> Iterator[tuple[str, int]]:
    """Run the dashboard on a registry as its users do; yield its address and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/Home.py"]
    options = ["--server.headless", "true", "--server.port", str(port)]
    server = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, "FERGAN_REGISTRY": registry},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                break
            if server.poll() is not None:
                raise RuntimeError("the dashboard's server ended by itself")
            time.sleep(0.25)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)
