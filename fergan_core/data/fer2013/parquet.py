"""FER2013 as parquet, as Hugging Face keeps it: rows of a picture, a label and perhaps a usage."""

import json
from typing import Any, BinaryIO

import numpy as np

from fergan_core.data.dataset import SIZE, SPLITS, UNLABELLED, Bytes
from fergan_core.data.fer2013.labels import Labels, Part
from fergan_core.data.fer2013.names import IMAGE_COLUMNS, LABEL_COLUMNS, USAGE_COLUMNS, column_of, read_usage
from fergan_core.data.fer2013.pictures import decode
from fergan_core.data.fer2013.pixels import MOST_ROWS, parse_pixels
from fergan_core.data.files import listed, reason
from fergan_core.errors import DataError


def read_parquet(stream: BinaryIO, name: str, labels: Labels, split: str | None) -> tuple[Part, bool]:
    """Read rows of an image {bytes, path}, of its bytes, or of 2,304 pixels as text; with a label and perhaps a usage.

    Rows without a usage are of `split` (None: training, or test where they have no label); whether there was a column
    of usages is returned. Raises DataError that names the file, the row and the remedy.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(stream)
        names = file.schema_arrow.names
        image, label, usage = (
            column_of(names, candidates) for candidates in (IMAGE_COLUMNS, LABEL_COLUMNS, USAGE_COLUMNS)
        )
        image = image or column_of(names, ("pixels",))
        if image is None:
            raise DataError(
                f"{name}: no column 'image' among {listed(names, 6)}; expected image {{bytes, path}} and label as on "
                "Hugging Face"
            )
        if file.metadata.num_rows > MOST_ROWS:
            raise DataError(
                f"{name} has {file.metadata.num_rows:,} rows; FER2013 has 35,887, take a copy of that alone"
            )
        images = np.empty((file.metadata.num_rows, SIZE, SIZE), np.uint8)
        # In batches: all pictures at once, as Python's bytes beside Arrow's, would double the memory.
        cells = (cell for batch in file.iter_batches(1024, columns=[image]) for cell in batch[0].to_pylist())
        for i, cell in enumerate(cells):
            images[i] = _picture(cell, f"{name}, row {i + 1}")
        label_columns = file.read([column for column in (label, usage) if column is not None])
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{name} is cut off or no parquet file ({reason(error)}); download it again") from None
    raws = np.full(len(images), UNLABELLED, np.uint16)
    if label is not None:
        values = label_columns.column(label).to_pylist()
        classes = _class_names(file.schema_arrow.metadata, label)
        if classes:
            values = [classes[v] if isinstance(v, int) and 0 <= v < len(classes) else v for v in values]
        raws[:] = [labels.read(value, f"{name}, row {i + 1}") for i, value in enumerate(values)]
    splits = np.full(len(images), SPLITS.index(split or ("train" if label is not None else "test")), np.uint8)
    if usage is not None:
        splits[:] = [
            read_usage(value, f"{name}, row {i + 1}") for i, value in enumerate(label_columns.column(usage).to_pylist())
        ]
    return Part(name, images, raws, splits), usage is not None


def _picture(cell: Any, where: str) -> Bytes:
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if isinstance(content, str):
        return parse_pixels(content.encode(), where)
    if isinstance(content, list):
        return parse_pixels(" ".join(map(str, content)).encode(), where)
    if not isinstance(content, bytes):
        raise DataError(f"{where}: the image has no bytes inside the file; take a copy with them")
    return decode(content, where)


def _class_names(metadata: dict[bytes, bytes] | None, column: str) -> list[str]:
    """Return the names that a Hugging Face file gives to its label's numbers, whose order is not always FER2013's."""
    try:
        names = json.loads((metadata or {})[b"huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return []
    # Numbers called '0', '1'... are FER2013's codes themselves.
    return names if isinstance(names, list) and all(isinstance(n, str) and not n.isdigit() for n in names) else []
