"""Files beside a run that no row records: what was computed from a checkpoint and can be computed again.

Their names hold the checkpoint's hash, so that none is taken for that of weights which were written anew.
"""

import re

DERIVED = re.compile(r"^[a-z0-9]{1,16}/directions/[0-9a-f]{32}\.safetensors$")


def directions_path(run_id: str, sha256: str) -> str:
    """Return the path, below the registry's files, of the directions learned from a run's checkpoint, by its hash."""
    return f"{run_id}/directions/{sha256[:32]}.safetensors"
