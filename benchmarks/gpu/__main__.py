"""`make bench-gpu`: check, measure and train on a GPU in some minutes, and leave a small folder to bring back.

Without a GPU it tries its own logic on very small networks. `python -m benchmarks.gpu speed train` does two parts.
"""

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from benchmarks.common import print_rows
from benchmarks.gpu import bring, parts, prepare
from benchmarks.gpu.job import ON_CPU, Job, Size, failed
from fergan_core import recipe as recipes
from fergan_core.errors import DataError, UsageError
from fergan_core.registry import Registry
from trainers.shell import guarded

_RESERVE = 0.02  # of the time, and at least
_RESERVE_SECONDS = 4.0  # for the archive, the JSON and the table
_LOG_BYTES = 2**20  # of each part


class Bench:
    """A bench at work: its flags, its clock, and the rows so far, which are written down after every part."""

    def __init__(
        self, minutes: float, data: str, train: str, out: Path, device: str, folder: Path, context: BaseContext
    ) -> None:
        self.minutes, self.data, self.train, self.device = minutes, data, train, device
        self.out, self.folder, self.context = out, folder, context
        self.started = time.monotonic()
        self.rows: list[dict[str, Any]] = []
        self.machine: dict[str, Any] = {}
        self.brought = ""

    @property
    def left(self) -> float:
        """Return the seconds that are left for parts."""
        total = 60 * self.minutes
        return total - max(_RESERVE * total, _RESERVE_SECONDS) - (time.monotonic() - self.started)

    def do(self, group: Sequence[parts.Part], size: Size) -> None:
        """Do the parts of a group beside each other, each within its share of the time and what is left of it."""
        jobs, begun = [], time.monotonic()
        for part in group:
            seconds = min(self.left, 60 * self.minutes * part.share or self.left)
            if seconds < 1:
                self.rows.append({"part": part.name, **failed(part.name, "no time was left")})
                continue
            rows = self.folder / f"{part.name}.jsonl"
            jobs.append((part, Job(self.data, self.device, self.train, size, self.folder, rows, seconds)))
        if not jobs:
            return
        names = ", ".join(part.name for part, _ in jobs)
        print(f"{names} ...", file=sys.stderr, flush=True)
        self.rows += parts.do(jobs, self.context)
        print(f"{names} took {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        self.write()

    def bring(self) -> None:
        """Bring the trained run into the folder of what is brought back."""
        registry = Registry(str(self.folder / "runs.db"))
        runs = registry.reader.runs()
        runs = runs[~runs["literature"].astype(bool)]
        try:
            for row in runs.to_dict("records"):
                if row["status"] == "running":
                    registry.set_status(row["id"], "interrupted", "ended at the bench's limit")
                self.brought = bring.bring(registry, str(row["id"]), self.out)
        except Exception as error:
            self.rows.append({"part": "train", **failed("the run's archive", f"{type(error).__name__}: {error}")})
        self.write()

    def write(self) -> None:
        """Write the JSON and the log."""
        plain = {
            "machine": self.machine,
            "minutes": self.minutes,
            "data": Path(self.data).name,
            "train": self.train,
            "seconds": time.monotonic() - self.started,
            "import": self.brought,
            "rows": self.rows,
        }
        (self.out / bring.JSON).write_text(json.dumps(plain, indent=1) + "\n")
        with (self.out / bring.LOG).open("wb") as log:
            for file in sorted(self.folder.glob("*.log")):
                log.write(f"== {file.stem}\n".encode() + file.read_bytes()[-_LOG_BYTES:])


def run(bench: Bench, groups: Sequence[Sequence[parts.Part]], size: Size | None = None) -> int:
    """Do a bench's parts, print its table; return the exit status: 1 where a check or a part failed.

    `size` is by default that of the device. Raises DataError where the data or the device cannot be opened.
    """
    bench.do([parts.PREPARE], ON_CPU)
    if any(not row.get("ok", True) for row in bench.rows):
        raise DataError(bench.rows[-1]["note"].removeprefix("failed: "))
    bench.machine = prepare.machine(bench.folder)
    if size is None:
        size = Size() if bench.machine["device"] == "cuda" else ON_CPU
    for group in groups:
        bench.do(group, size)
    if any(part.name == "train" for group in groups for part in group):
        bench.bring()
    print_rows(bench.rows, "part")
    files = ", ".join(sorted(file.name for file in bench.out.iterdir()))
    print(f"{bench.machine['device_name']}; in {bench.out}: {files}" + (f" ({bench.brought})" if bench.brought else ""))
    return int(any(not row.get("ok", True) for row in bench.rows))


def main(
    only: tyro.conf.Positional[tuple[str, ...]] = (),
    minutes: Annotated[float, tyro.conf.arg(help="Time for all of it.")] = 8.0,
    data: Annotated[str, tyro.conf.arg(help="FER2013 in any published layout, or synthfer.")] = "synthfer",
    train: Annotated[str, tyro.conf.arg(help="Preset to train for the time that is left.")] = "robust-gpu",
    out: Annotated[Path, tyro.conf.arg(help="Folder to bring back.")] = Path("bench-gpu"),
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> int:
    """Check, measure and train on a GPU in some minutes, and leave a small folder to bring back.

    By default all parts are done: checks, compile-gan, compile-denoiser, speed, evaluation, beside, train.
    """
    recipes.preset(train)
    names = [part.name for group in parts.PARTS for part in group]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise UsageError(f"no part is called {', '.join(unknown)}; choose from {', '.join(names)}")
    groups = [[part for part in group if not only or part.name in only] for group in parts.PARTS]
    out.mkdir(parents=True, exist_ok=True)
    bring.forget(out)
    with tempfile.TemporaryDirectory() as folder:
        # A new Python for each part: CUDA does not work in a process that was forked from one that has used it.
        context = multiprocessing.get_context("spawn")
        bench = Bench(minutes, data, train, out, device, Path(folder), context)
        return run(bench, [group for group in groups if group])


if __name__ == "__main__":
    sys.exit(guarded(lambda: tyro.cli(main)))
