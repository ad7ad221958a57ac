"""The memory of the dashboard's server, which people leave open for days."""

import ctypes
import sys


def return_what_is_free() -> None:
    """Give memory that a page no longer needs back to the system, which takes milliseconds.

    glibc keeps what is freed between what is still in use, in a pool for each thread, and every run of a page is a
    thread of its own. Does nothing with another C library.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
