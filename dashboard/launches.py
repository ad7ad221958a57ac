"""Trainings that are started from the browser: each a process of its own, which goes on when the server ends.

A training's output goes to a log in the user's cache, and a small file beside it says what was started. The log is
locked for as long as the process lives that writes it: so the pages know their trainings again after the server's
restart, and never take another process for one of them. On a disk without such locks a training is taken for ended.
"""

import contextlib
import hashlib
import ipaddress
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import streamlit as st

from fergan_core.data import cache
from fergan_core.errors import UsageError
from fergan_core.files import write_atomically

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

COMMAND = (sys.executable, "-m", "trainers.cli")
"""The command `fergan`, of this Python."""

SWITCH = "FERGAN_ALLOW_LAUNCH"
_MOST_KEPT = 20
_HEAD_BYTES, _TAIL_BYTES = 100_000, 20_000
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
_NOT_FROM_HERE = (
    "Trainings are started and stopped only from a browser on the machine on which the dashboard runs. Open it there "
    "as http://localhost:8501, or from elsewhere through SSH: `ssh -L 8501:localhost:8501 HOST`."
)


def are_allowed() -> bool:
    """Tell whether whoever started the server has switched trainings from the browser on."""
    return os.environ.get(SWITCH) == "1"


def refusal() -> str | None:
    """Return why trainings cannot be started from this browser; None where they can."""
    if not are_allowed():
        return (
            "Trainings are not started from the browser here. Whoever starts the dashboard can switch it on: "
            f"`{SWITCH}=1 python -m trainers.open_dashboard`."
        )
    if fcntl is None:
        return "On Windows trainings are not started from the browser; start them by `fergan train METHOD`."
    # Nobody is connected where Streamlit's AppTest runs a page.
    if st.config.get_option("global.appTest") or is_from_here(st.context.ip_address, st.context.headers):
        return None
    return _NOT_FROM_HERE


def is_from_here(address: str | None, headers: Mapping[str, str]) -> bool:
    """Tell whether a browser is on this machine: by its address (None: loopback), by no proxy having passed it on, and
    by the server's name in its address bar, since another site's name may lead here too."""
    host = re.sub(r":\d+$", "", headers.get("Host", "")).strip("[]").lower()
    return (
        (address is None or _is_loopback(address))
        and (host == "localhost" or _is_loopback(host))
        and not any(name in headers for name in _FORWARDED)
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Launch:
    """A training that was started here: the words behind `fergan`, its process, and when it began.

    `registry` is a hash of its registry's URL, in which a password may be. `known_run` is the run that it resumes, ''
    for a new one; `stopped` tells that it was told to stop.
    """

    id: str
    words: tuple[str, ...]
    process: int
    registry: str
    started: float
    known_run: str = ""
    stopped: bool = False

    @property
    def log(self) -> Path:
        """Return the file of what it prints."""
        return _folder() / f"{self.id}.log"

    def lives(self) -> bool:
        """Tell whether its process is still running."""
        try:
            with self.log.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def run_id(self) -> str:
        """Return the id of its run, '' while it has none yet."""
        if self.known_run:
            return self.known_run
        begun = re.search(r"^run (\w+) has begun in ", self._read(first=_HEAD_BYTES), re.MULTILINE)
        return begun[1] if begun else ""

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines that it printed, '' left out."""
        lines = self._read(last=_TAIL_BYTES).splitlines()
        return [line.rstrip() for line in lines if line.strip()][-count:]

    def _read(self, first: int | None = None, last: int | None = None) -> str:
        try:
            with self.log.open("rb") as stream:
                if last is not None:
                    stream.seek(max(0, os.fstat(stream.fileno()).st_size - last))
                return stream.read(-1 if first is None else first).decode(errors="replace")
        except OSError:
            return ""


def start(words: Sequence[str], registry: str, known_run: str = "") -> Launch:
    """Start `fergan WORDS`, a training that records into a registry; UsageError where its log cannot be written."""
    folder = _folder()
    number = f"{time.time_ns()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{number}.log").open("xb") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            # In a session of its own: what ends the server, such as Ctrl-C in its terminal, does not end it.
            process = subprocess.Popen(
                [*COMMAND, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
    except OSError as error:
        raise UsageError(f"{folder}: the training's log cannot be written there ({error}); set FERGAN_CACHE") from None
    # Somebody has to wait for the process's end, or it would remain as a zombie for as long as the server runs.
    threading.Thread(target=process.wait, name="training", daemon=True).start()
    launch = Launch(number, tuple(words), process.pid, _hash(registry), time.time(), known_run)
    _write(launch)
    _forget_old()
    return launch


def stop(launch: Launch) -> None:
    """Tell a training to save and end, as Ctrl-C in its terminal would; a second time changes nothing."""
    if launch.stopped or not launch.lives():
        return
    _write(replace(launch, stopped=True))
    # SIGTERM is to a training what Ctrl-C is, and unlike it is not ignored by what was started in the background.
    with contextlib.suppress(ProcessLookupError):
        os.kill(launch.process, signal.SIGTERM)


def launches(registry: str) -> list[Launch]:
    """Return the trainings that were started here and record into a registry, the newest first."""
    return [launch for launch in _all() if launch.registry == _hash(registry)]


def of_run(run_id: str, registry: str) -> Launch | None:
    """Return the living training of a run, None where none was started here."""
    return next((one for one in launches(registry) if one.lives() and one.run_id() == run_id), None)


def _hash(registry: str) -> str:
    return hashlib.sha256(registry.encode()).hexdigest()


def _folder() -> Path:
    return cache.folder() / "trainings"


def _all() -> list[Launch]:
    found = []
    for file in sorted(_folder().glob("*.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            plain = json.loads(file.read_bytes())
            found.append(Launch(**{**plain, "words": tuple(plain["words"])}))
    return found


def _write(launch: Launch) -> None:
    write_atomically(_folder() / f"{launch.id}.json", json.dumps(asdict(launch)).encode())


def _forget_old() -> None:
    """Remove the logs of trainings that ended long ago."""
    for launch in _all()[_MOST_KEPT:]:
        if not launch.lives():
            for file in (launch.log, launch.log.with_suffix(".json")):
                file.unlink(missing_ok=True)
