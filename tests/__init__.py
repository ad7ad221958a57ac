"""The tests. A package, so that another of this name among the installed ones does not take its place."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: each computes, and lets the commands that it starts compute, in one thread. This is read
    # when NumPy and PyTorch are imported, so it stands before anything that imports them.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
