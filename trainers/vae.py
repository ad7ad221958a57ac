"""Train a conditional variational autoencoder: `python -m trainers.vae`."""

import sys

from trainers.shell import guarded
from trainers.training import train


def main() -> int:
    """Entry point of `python -m trainers.vae`."""
    return train("python -m trainers.vae", "vae")


if __name__ == "__main__":
    sys.exit(guarded(main))
