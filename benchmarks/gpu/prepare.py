"""The first part: the data, which others then read from the cache, and what machine this is."""

import json
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import row
from benchmarks.gpu.job import Job
from fergan_core.experiment import choose_device
from fergan_core.training import provenance

_MACHINE = "machine.json"


def machine(folder: Path) -> dict[str, Any]:
    """Return what this part has found out about the machine."""
    found: dict[str, Any] = json.loads((folder / _MACHINE).read_text())
    return found


def run(job: Job) -> None:
    """Open the data, and write down what the machine is."""
    started = time.monotonic()
    dataset = job.dataset()
    job.report(row("opened", time.monotonic() - started, "s", f"{dataset.name}, {len(dataset.images):,} images"))
    device = choose_device(job.device)
    found = provenance.collect(device)
    if device.type == "cuda":
        found["gpu_memory_gib"] = torch.cuda.get_device_properties(device).total_memory / 2**30
    (job.folder / _MACHINE).write_text(json.dumps(found))
