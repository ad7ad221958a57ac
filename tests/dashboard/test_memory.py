"""That the server's threads share their memory."""

import subprocess
import sys

import pytest

from tests.support.machine import ROOT

# How many pools of memory glibc has made for twelve threads which all ask for some at once.
POOLS = """
import ctypes, sys, threading
from dashboard.memory import keep_few_pools

if sys.argv[1] == "few":
    keep_few_pools()
at_once = threading.Barrier(12)

def ask():
    at_once.wait()
    kept = [bytes(2000) for _ in range(2000)]
    at_once.wait()
    return kept

threads = [threading.Thread(target=ask) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, out)
libc.fclose(out)
print(open(sys.argv[2]).read().count("<heap nr="))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way")
def test_many_threads_share_two_pools(tmp_path) -> None:
    def pools(how: str) -> int:
        command = [sys.executable, "-c", POOLS, how, str(tmp_path / "pools.xml")]
        return int(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)

    assert pools("few") == 2 < pools("many")
