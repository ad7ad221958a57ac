"""Train a class-conditional MeanFlow: `python -m trainers.meanflow`."""

import sys

from trainers.shell import guarded
from trainers.training import train


def main() -> int:
    """Entry point of `python -m trainers.meanflow`."""
    return train("python -m trainers.meanflow", "meanflow")


if __name__ == "__main__":
    sys.exit(guarded(main))
