"""Scalars and images from TensorBoard's event files, by the reader of the package tensorboard."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fergan_core.errors import DataError, UsageError
from fergan_core.registry.exchange.foreign_run import ALONE, ForeignRun
from fergan_core.registry.exchange.pictures import Named, decoded, sheet_of

_ALL = {"scalars": 0, "images": 0, "tensors": 0}  # of each tag every event, where TensorBoard itself takes some


def read(path: Path) -> list[ForeignRun]:
    """Read an event file, or a run for each folder at or below a path that holds some.

    Raises UsageError where the package tensorboard is not installed, DataError for what is not an event file.
    """
    if path.is_file():
        return [_read_one(path, path.parent.resolve().name)]
    folders = sorted({file.parent for file in path.rglob("*tfevents*")})
    top = path.resolve().name
    return [
        _read_one(
            folder, "/".join((top, *folder.relative_to(path).parts)) if len(folders) > 1 else folder.resolve().name
        )
        for folder in folders
    ]


def _read_one(place: Path, name: str) -> ForeignRun:
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise UsageError(
            "TensorBoard's event files are read by its own package, which is not here; run "
            "`pip install 'fergan[tensorboard]'`"
        ) from None
    events = EventAccumulator(str(place), size_guidance=_ALL)
    try:
        events.Reload()
    except Exception as error:  # whatever the package meets in a file that is none
        raise DataError(f"'{place}' cannot be read as event files ({error}); copy them anew") from None
    run = ForeignRun(name)
    times = []
    for tag, step, time, value in _scalars(events):
        run.points.setdefault(tag, {})[step] = (value, *ALONE)
        times.append(time)
    by_step: dict[int, list[Named]] = defaultdict(list)
    for tag, step, time, content in _images(events):
        by_step[step].append((tag, decoded(content, f"'{place}', image '{tag}' of step {step}")))
        times.append(time)
    run.sheets = {step: sheet_of(pictures) for step, pictures in by_step.items()}
    run.begun = min(times, default=None)
    return run


def _scalars(events: Any) -> Iterator[tuple[str, int, float, float]]:
    """Yield tag, step, time and value of each scalar, of either form in which TensorBoard has kept them."""
    for tag in events.Tags()["scalars"]:
        for event in events.Scalars(tag):
            yield tag, event.step, event.wall_time, float(event.value)
    for tag, event, array in _tensors(events, "scalars"):
        yield tag, event.step, event.wall_time, float(array)


def _images(events: Any) -> Iterator[tuple[str, int, float, bytes]]:
    """Yield tag, step, time and file of each image, of either form in which TensorBoard has kept them."""
    for tag in events.Tags()["images"]:
        for event in events.Images(tag):
            yield tag, event.step, event.wall_time, event.encoded_image_string
    for tag, event, array in _tensors(events, "images"):
        for content in array.reshape(-1)[2:]:  # the first two are the width and the height
            yield tag, event.step, event.wall_time, bytes(content)


def _tensors(events: Any, plugin: str) -> Iterator[tuple[str, Any, Any]]:
    from tensorboard.util import tensor_util

    for tag in events.Tags()["tensors"]:
        if events.SummaryMetadata(tag).plugin_data.plugin_name == plugin:
            for event in events.Tensors(tag):
                yield tag, event, tensor_util.make_ndarray(event.tensor_proto)
