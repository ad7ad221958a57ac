"""Train a class-conditional diffusion model: `python -m trainers.diffusion`."""

import sys

from trainers.shell import guarded
from trainers.training import train


def main() -> int:
    """Entry point of `python -m trainers.diffusion`."""
    return train("python -m trainers.diffusion", "diffusion")


if __name__ == "__main__":
    sys.exit(guarded(main))
