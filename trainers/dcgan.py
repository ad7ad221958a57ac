"""Train a conditional DCGAN: `python -m trainers.dcgan`. One training uses all cores; start one at a time."""

import sys

from trainers.shell import guarded
from trainers.training import train


def main() -> int:
    """Entry point of `python -m trainers.dcgan`."""
    return train("python -m trainers.dcgan", "gan")


if __name__ == "__main__":
    sys.exit(guarded(main))
