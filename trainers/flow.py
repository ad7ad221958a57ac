"""Train a class-conditional flow-matching model: `python -m trainers.flow`."""

import sys

from trainers.shell import guarded
from trainers.training import train


def main() -> int:
    """Entry point of `python -m trainers.flow`."""
    return train("python -m trainers.flow", "flow")


if __name__ == "__main__":
    sys.exit(guarded(main))
