"""Five calls by which any training script records a run that every page shows: start, log, sheet, checkpoint, finish.

    import fergan_core as fergan

    fergan.start("my dcgan", {"batch_size": 64, "lr": 2e-4, "steps_per_epoch": len(loader)})
    fergan.log({"loss_d": loss_d, "loss_g": loss_g})
    fergan.sheet(images, labels, classes=names)
    fergan.checkpoint({"generator": generator, "optimizer_g": optimizer_g})
    fergan.finish()

They act on the run that was started last in this process; `start` returns it as an object with the same methods, so
that there can be several. Nothing here imports torch before there are tensors to read or weights to save.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fergan_core.errors import UsageError
from fergan_core.recording.run import Recording, begin
from fergan_core.registry import Registry

if TYPE_CHECKING:
    from fergan_core.data import Dataset

__all__ = ["Recording", "checkpoint", "finish", "log", "sheet", "start"]

_started: list[Recording] = []  # the run that was started last, if any


def start(
    name: str | None = None,
    config: Any = None,
    *,
    data: "str | Dataset" = "own data",
    tags: Sequence[str] = (),
    registry: Registry | str | Path | None = None,
) -> Recording:
    """Begin a run, on which the other four calls act from now on, and return it.

    `config` is the script's configuration: a dict, a dataclass or argparse's flags. It is shown as the run's recipe.
    Its `batch_size` tells how many images a step is, `steps_per_epoch` how many steps an epoch has (without it steps
    alone are counted), `epochs` when the run will be done, and `seed` is the run's. `data` is what it learns from, a
    name or what `open_dataset` returned. `registry` is a Registry, a path or a URL, by default FERGAN_REGISTRY, or
    runs.db at the project's top level.

    A run whose script ends in an error becomes `failed`, by Ctrl-C `interrupted`, and one whose process dies `crashed`.
    Raises UsageError for a config without named settings, RegistryError where the registry cannot be written.
    """
    recording = begin(name, config, data=data, tags=tags, registry=registry)
    _started[:] = [recording]
    return recording


def log(values: Mapping[str, Any], *, step: int | None = None) -> None:
    """Record scalars at a step, by default the one after the last; a second value at a step replaces the first.

    Values are Python, NumPy or torch numbers; NaN and infinities are recorded as such. Steps count batches.
    Names are free; one with a slash, `train/loss`, is drawn in the panel `train`, and names of docs/scalars.md, such as
    loss_d or images_per_second, are drawn and read as FerGAN's own. Returns at once: a thread writes once a second.
    Raises UsageError for a value that is not one number, or a step that is not a whole number from 0 on.
    """
    _current("log").log(values, step=step)


def sheet(
    images: Any,
    labels: Any = None,
    *,
    classes: Sequence[str] | None = None,
    value_range: tuple[float, float] = (-1.0, 1.0),
    step: int | None = None,
) -> None:
    """Record generated images as a sheet, a row a class, at a step, by default the last one.

    `images` are square: an array or tensor [N,H,W], [N,1,H,W], [N,3,H,W] or [N,H,W,3], of uint8, or of floats in
    `value_range`, beyond which they are clipped. `labels` [N] are the names of their classes, or numbers into `classes`
    (without `classes` the numbers are the names); without labels all are of one class, `images`.

    A row has as many images as the class with the fewest has, the first 64 at most. Pass the same latents and labels
    each time: pages line sheets up by class and place. Raises UsageError where shapes, values or labels do not fit.
    """
    _current("sheet").sheet(images, labels, classes=classes, value_range=value_range, step=step)


def checkpoint(state: Any, *, step: int | None = None) -> None:
    """Save weights at a step, by default the last one, as safetensors files that the registry knows by their SHA-256.

    `state` is a network, a state dict, or a dict of several by name; beside networks it may have optimisers, and
    whatever else JSON can hold. Weights are named NAME.PARAMETER in `checkpoints/step-N.safetensors` (of a single
    network `model.PARAMETER`), all else is in `step-N.state.safetensors`. Nothing is pickled. Raises UsageError where
    there are no weights, or something is neither a tensor nor JSON, CheckpointError where the files cannot be written.
    """
    _current("checkpoint").checkpoint(state, step=step)


def finish(status: str = "finished", reason: str = "") -> None:
    """End the run: write what is left and record how it ended: `finished`, `interrupted`, `diverged` or `failed`."""
    _current("finish").finish(status, reason)


def _current(call: str) -> Recording:
    if not _started or _started[0].ended:
        raise UsageError(f"{call}: no run is being recorded; begin one by `fergan_core.start()`")
    return _started[0]
