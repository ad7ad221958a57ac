"""What is brought back from the machine: few files, none of them large."""

import tempfile
from pathlib import Path

from fergan_core.registry import Reader, Registry
from fergan_core.registry.exchange.archive import export_run
from fergan_core.registry.exchange.showcase import spread, write_showcase

PART_BYTES = 15 * 2**20
MOST_FILES = 8
_MOST_PARTS = 4  # of the archive
_SHEETS = 3
JSON, LOG, ARCHIVE, SHEET = "bench-gpu.json", "bench-gpu.log", "run.zip", "sheet-"


def forget(folder: Path) -> None:
    """Remove what an earlier bench has left in the folder."""
    for pattern in (JSON, LOG, f"{ARCHIVE}*", f"{SHEET}*.webp"):
        for file in folder.glob(pattern):
            file.unlink()


def bring(registry: Registry, run_id: str, folder: Path) -> str:
    """Write a run into the folder as an archive with light weights, in parts where it is large, and some sheets.

    Returns in a sentence what was written. A run with weights that are too large even so comes without them.
    """
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / ARCHIVE
        for without_weights in (False, True):
            light = Path(scratch) / f"light-{without_weights}.db"
            write_showcase(registry.url, light, [run_id], brief=[run_id] if without_weights else [])
            if export_run(Reader(str(light)), run_id, archive, light=True) <= _MOST_PARTS * PART_BYTES:
                break
        parts = split(archive, folder)
    reader = registry.reader
    sheets = reader.sheets(run_id).set_index("step")["path"]
    room = min(_SHEETS, MOST_FILES - 2 - len(parts))
    for step in spread(sorted(sheets.index), room):
        (folder / f"{SHEET}{step:08d}.webp").write_bytes(reader.file(sheets[step]).read_bytes())
    how = f"cat {ARCHIVE}.* > {ARCHIVE}, then " if len(parts) > 1 else ""
    return f"{how}fergan runs import {ARCHIVE}" + (": without its weights, which are too large" * without_weights)


def split(file: Path, folder: Path, part_bytes: int = PART_BYTES) -> list[Path]:
    """Copy a file into a folder, in numbered parts where it is larger than one part; return the parts in order."""
    content = file.read_bytes()
    pieces = [content[start : start + part_bytes] for start in range(0, len(content), part_bytes)]
    names = [file.name] if len(pieces) == 1 else [f"{file.name}.{number}" for number in range(1, len(pieces) + 1)]
    parts = [folder / name for name in names]
    for part, piece in zip(parts, pieces, strict=True):
        part.write_bytes(piece)
    return parts
