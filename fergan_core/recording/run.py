"""A run that a script records, from its beginning to its end, however it ends."""

import atexit
import contextlib
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fergan_core.errors import FerganError, UsageError
from fergan_core.recipe import OWN_SCRIPT, own_recipe
from fergan_core.recording import images as sheet_images
from fergan_core.registry import PointWriter, Registry
from fergan_core.registry.registry import ENDED
from fergan_core.registry.rows import MOST
from fergan_core.sheets import arranged, draw_sheet
from fergan_core.training import provenance

if TYPE_CHECKING:
    import torch

    from fergan_core.data import Dataset
    from fergan_core.training.checkpoint import Written

_PROGRESS_SECONDS = 5.0  # from one record of how far the run is to the next, beside those at sheets and checkpoints


class Recording:
    """A run that is being recorded: `id` and `name` as in the registry, `step` the last one, `ended` once it is over.

    Its methods are as the functions of the same names. In a `with` block it is finished at the end, and an error that
    leaves the block is how it ended.
    """

    def __init__(self, registry: Registry, run_id: str, recipe: Mapping[str, Any]) -> None:
        self._registry = registry
        self.id = run_id
        self.name = str(registry.reader.run(run_id)["name"])
        self.step = 0
        self.ended = False
        self._batch_size = int(recipe.get("batch_size", 0))
        self._steps_per_epoch, self._epochs = _lengths(recipe)
        self._recorded = time.monotonic()
        self._process = os.getpid()
        self._writer = PointWriter(registry, run_id)
        atexit.register(self._end_with_the_process)

    def __repr__(self) -> str:
        return f"<run {self.id} '{self.name}', step {self.step}>"

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.ended and error is None:
            self.finish()
        elif not self.ended:
            self.finish(*self._how_it_ended(error))

    def log(self, values: Mapping[str, Any], *, step: int | None = None) -> None:
        """Record scalars, as `fergan_core.log` does."""
        self._open("log")
        at = self._at("log", self.step + 1 if step is None else step)
        self._writer.put([(_name_of(name), at, _number(name, value)) for name, value in values.items()])
        self.step = max(self.step, at)
        if time.monotonic() - self._recorded >= _PROGRESS_SECONDS:
            self._record_progress()

    def sheet(
        self,
        images: Any,
        labels: Any = None,
        *,
        classes: Sequence[str] | None = None,
        value_range: tuple[float, float] = (-1.0, 1.0),
        step: int | None = None,
    ) -> None:
        """Record generated images, as `fergan_core.sheet` does."""
        from fergan_core.training.checkpoint import write_atomically

        self._open("sheet")
        at = self._at("sheet", self.step if step is None else step)
        pixels = sheet_images.pixels_of(images, value_range)
        label_of, names = sheet_images.labelled(labels, classes, len(pixels))
        faces = arranged(pixels, label_of, names)
        path = self._registry.files / self.id / "sheets" / f"step-{at:08d}.webp"
        file = write_atomically(path, draw_sheet(faces))
        self._record_progress(at)
        self._registry.add_sheet(
            self.id, **self._moment(at), **self._file(file), emotions=names, columns=faces.shape[1]
        )

    def checkpoint(self, state: Any, *, step: int | None = None) -> None:
        """Save weights, as `fergan_core.checkpoint` does."""
        from fergan_core.recording.weights import entries_of
        from fergan_core.training.checkpoint import save_checkpoint

        self._open("checkpoint")
        at = self._at("checkpoint", self.step if step is None else step)
        entries, weights = entries_of(state)
        folder = self._registry.files / self.id / "checkpoints"
        try:
            saved, rest = save_checkpoint(folder, at, entries, weights)
        except TypeError as error:
            raise UsageError(
                f"checkpoint: something in it is neither a tensor nor JSON ({error}); leave it out, or save its state"
            ) from None
        self._writer.flush()
        self._record_progress(at)
        of_rest = {f"state_{name}": value for name, value in self._file(rest).items()}
        self._registry.add_checkpoint(self.id, **self._moment(at), **self._file(saved), **of_rest)

    def finish(self, status: str = "finished", reason: str = "") -> None:
        """End the run, as `fergan_core.finish` does."""
        self._open("finish")
        if status not in ENDED:
            raise UsageError(f"finish: '{status}' is not how a run ends; choose one of {', '.join(ENDED)}")
        self._end(status, reason)
        if self._batch_size:
            from fergan_core.experiment import detect_findings

            detect_findings(self._registry, self.id)

    def _end(self, status: str, reason: str) -> None:
        atexit.unregister(self._end_with_the_process)
        self.ended = True
        try:
            self._writer.close()
        finally:
            self._record_progress()
            self._registry.set_status(self.id, status, reason)

    def _end_with_the_process(self) -> None:
        # A forked child has this object too, and no right to end its parent's run.
        if os.getpid() == self._process:
            # What an interactive session showed of an error last need not be how it ended.
            error = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
            with contextlib.suppress(FerganError):
                self._end(*self._how_it_ended(error))

    def _how_it_ended(self, error: BaseException | None) -> tuple[str, str]:
        if isinstance(error, KeyboardInterrupt):
            return "interrupted", f"SIGINT at step {self.step}"
        if error is None or isinstance(error, SystemExit):
            return "interrupted", f"the script ended at step {self.step} without finish()"
        return "failed", f"{type(error).__name__}: {error}"

    def _open(self, call: str) -> None:
        if self.ended:
            raise UsageError(f"{call}: the run {self.id} '{self.name}' is over; begin another by `fergan_core.start()`")

    def _at(self, call: str, step: Any) -> int:
        whole = hasattr(step, "__index__") and not isinstance(step, bool)
        if not whole or not 0 <= int(step) <= MOST:
            raise UsageError(f"{call}: the step is {step!r:.40}; give a whole number from 0 on")
        return int(step)

    def _moment(self, step: int) -> dict[str, Any]:
        return {"epoch": step // self._steps_per_epoch, "step": step, "images_seen": step * self._batch_size}

    def _file(self, file: "Written") -> dict[str, Any]:
        path = file.path.relative_to(self._registry.files).as_posix()
        return {"path": path, "sha256": file.sha256, "bytes": file.bytes}

    def _record_progress(self, step: int = 0) -> None:
        self.step = max(self.step, step)
        self._recorded = time.monotonic()
        # A run whose length nobody knows is as long as it has become.
        epochs = max(self._epochs, math.ceil(self.step / self._steps_per_epoch), 1)
        self._registry.progress(self.id, **self._moment(self.step), epochs=epochs, steps=epochs * self._steps_per_epoch)


def begin(
    name: str | None,
    config: Any,
    *,
    data: "str | Dataset",
    tags: Sequence[str],
    registry: Registry | str | Path | None,
) -> Recording:
    """Enter a new run in the registry and return its recording, as `fergan_core.start` does."""
    recipe = own_recipe(config)
    if not isinstance(registry, Registry):
        registry = Registry(None if registry is None else str(registry))
    steps_per_epoch, epochs = _lengths(recipe)
    run_id = registry.create_run(
        name=name,
        method=OWN_SCRIPT,
        preset=str(recipe["preset"]),
        recipe=recipe,
        dataset=_dataset(data),
        seed=int(recipe.get("seed", 0)),
        provenance=provenance.collect(_device(), Path.cwd()),
        tags=tags,
        epochs=max(1, epochs),
        steps=max(1, epochs) * steps_per_epoch,
    )
    return Recording(registry, run_id, recipe)


def _lengths(recipe: Mapping[str, Any]) -> tuple[int, int]:
    """Return a run's steps per epoch, 1 where steps alone are counted, and its planned epochs, 0 where unknown."""
    steps = recipe.get("steps_per_epoch")
    return (1, 0) if steps is None else (int(steps), int(recipe.get("epochs", 0)))


def _dataset(data: "str | Dataset") -> dict[str, Any]:
    if isinstance(data, str):
        return {"name": data, "source": data, "content_hash": ""}
    return {
        "name": data.name, "source": data.source, "content_hash": data.content_hash, "images": len(data.images)
    }  # fmt: skip


def _device() -> "torch.device | None":
    """Return the device that the script trains on as far as PyTorch tells; None where it has not been imported, or may
    still choose a GPU."""
    torch_module = sys.modules.get("torch")
    if torch_module is None or (torch_module.cuda.is_available() and not torch_module.cuda.is_initialized()):
        return None
    device: torch.device = torch_module.device("cuda" if torch_module.cuda.is_available() else "cpu")
    return device


def _name_of(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 1000:
        raise UsageError(f"log: {name!r:.40} is not the name of a scalar; give a text of at most 1,000 letters")
    return name


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(
            f"log: '{name}' is {value!r:.60}, not one number; log a mean, or a scalar of its own for each"
        ) from None
