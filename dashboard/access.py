"""Who may open the pages: this machine alone, unless its owner has said otherwise."""

import hmac
import ipaddress
import os
import socket
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_VIEWS = Path(__file__).parent.resolve() / "views"
_SHORTEST_TOKEN = 16  # characters


def refusal() -> str | None:
    """Return why the pages are not shown: the server listens beyond this machine, and nobody allowed it. None: shown.

    What decides is Streamlit's own option of the address, wherever it was set: a file, the environment, a flag.
    Nothing listens where Streamlit's AppTest runs a page. A server for raters alone may be reached by others.
    """
    if for_raters():
        return _refusal_of_rater()
    # By its module: AppTest puts its own function there, and `st.get_option` is bound to the old one.
    address: str | None = st.config.get_option("server.address")
    if os.environ.get("FERGAN_ALLOW_REMOTE") == "1" or (not address and st.config.get_option("global.appTest")):
        return None
    if address and is_local(address):
        return None
    where = f"on {address}" if address else "on every address of this machine"
    return (
        f"The server listens {where}, where others can read the runs and change their tags and notes; "
        "start it with `--server.address 127.0.0.1`, or, if that is what you want, with `FERGAN_ALLOW_REMOTE=1`."
    )


def for_raters() -> bool:
    """Tell whether this server shows the page Rate alone, to whoever has its token: FERGAN_RATE_TOKEN is set."""
    return "FERGAN_RATE_TOKEN" in os.environ


def _refusal_of_rater() -> str | None:
    token, given = os.environ["FERGAN_RATE_TOKEN"], st.query_params.get("token", "")
    if len(token) < _SHORTEST_TOKEN:
        return (
            f"FERGAN_RATE_TOKEN has {len(token)} characters and could be guessed; start the server with one of at "
            f"least {_SHORTEST_TOKEN}."
        )
    if hmac.compare_digest(given.encode(), token.encode()):
        return None
    return "This address lacks the token that belongs to it; open the whole link that you were sent."


def is_open_to_others() -> bool:
    """Tell whether others than this machine can open the pages: they are then not asked for paths of this machine."""
    address: str | None = st.config.get_option("server.address")
    return not (st.config.get_option("global.appTest") if not address else is_local(address))


def stop_outside_home() -> None:
    """Stop a page that Streamlit runs by itself, without Home and its refusal of servers that others can reach."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is not None and _is_view(context.main_script_path):
        st.error("A page does not run by itself; start the dashboard with `streamlit run dashboard/Home.py`.")
        st.stop()


@lru_cache
def _is_view(script: str) -> bool:
    """Tell whether a script is a page's; a page asks dozens of times, and each look at the disk takes its time."""
    return Path(script).resolve().parent == _VIEWS


@lru_cache
def is_local(address: str) -> bool:
    """Tell whether what listens on `address` is reached from this machine alone: a loopback address or a Unix socket.

    Of a host's name every address that it stands for must be one; a name that stands for none is not.
    """
    if address.startswith("unix://"):
        return True
    try:
        infos = socket.getaddrinfo(address, None)
    except OSError:
        return False
    return bool(infos) and all(ipaddress.ip_address(place[4][0]).is_loopback for place in infos)
