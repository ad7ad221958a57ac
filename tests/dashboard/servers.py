"""Dashboards that tests start in a folder of their own, with an environment of their own."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


@contextlib.contextmanager
def started(command: list[str], folder: Path, **environment: str) -> Iterator[tuple[int, psutil.Process]]:
    """Start a dashboard with a free port as its last flag in a folder; yield port and process when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    names = {"PATH": os.environ["PATH"], "HOME": str(folder)} | environment
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*command, str(port)], cwd=folder, env=names, stdout=log, stderr=log)
    process = psutil.Process(server.pid)
    try:
        for _ in range(600):
            if server.poll() is not None:
                pytest.fail(f"the server ended: {(folder / 'log').read_text()}")
            if addresses(process, port):
                break
            time.sleep(0.2)
        yield port, process
    finally:
        for child in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.terminate()
        server.wait(timeout=30)


def addresses(process: psutil.Process, port: int) -> set[str]:
    """Return the addresses on which a process or its children listen at a port."""
    ips = set()
    for running in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            ips |= {c.laddr.ip for c in running.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port}
    return ips
