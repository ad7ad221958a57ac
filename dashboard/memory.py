"""The memory of the dashboard's server, which people leave open for days."""

import ctypes
import sys
from functools import cache

_M_ARENA_MAX = -8  # of glibc's malloc.h
_POOLS = 2


@cache
def keep_few_pools() -> None:
    """Let all threads share two of the pools from which glibc gives memory.

    By default there are up to eight a processor, each thread keeps to one, and what is freed stays in its pool: every
    run of a page, a thread of its own, would leave some behind. Does nothing with another C library.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _POOLS)
