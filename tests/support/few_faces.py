"""The command `fergan` with evaluations of few faces, as `few_light_faces` makes them, for what starts it by itself."""

import sys

from tests.support.commands import few_light_faces
from trainers.cli import main

if __name__ == "__main__":
    with few_light_faces():
        sys.exit(main())
