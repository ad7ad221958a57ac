"""That the server gives back the memory which a page needed for a while."""

import subprocess
import sys

import pytest

from tests.support.machine import ROOT

# Prints the MiB in use while 64 MiB are, once most of them are free again, and once they have been given back.
FREED = """
import psutil
from dashboard.memory import return_what_is_free

def used():
    return psutil.Process().memory_info().rss / 2**20

kept = [bytes(1000) for _ in range(64_000)]
print(used())
del kept[:-1]  # the last one keeps the pool's end in use, as what pages leave behind does
print(used())
return_what_is_free()
print(used())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way")
def test_what_a_page_no_longer_needs_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], check=True, capture_output=True, text=True, cwd=ROOT)
    full, freed, returned = map(float, done.stdout.split())
    assert freed > full - 10
    assert returned < full - 50
