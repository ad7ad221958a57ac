"""A run's sheets as pictures: the first, the best and the last; and the faces before and after a finding."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from fergan_core.analysis.findings.timeline import Statement, moments
from fergan_core.errors import FerganError
from fergan_core.registry import Reader
from fergan_core.report.contents import FindingPart, Picture
from fergan_core.sheets import by_emotion, laid_out

_FACES, _OF_EACH = 5, 3  # in a picture of a finding: of its emotion, or of each
# Findings with faces, of a run alone and of each of several: beyond these a report would grow without end.
_MOST_PICTURED = {False: 8, True: 3}
# A sheet of FerGAN's own has 40 KB. One of larger images is scaled down, so that a report stays small.
_LARGEST_FILE = 150_000  # bytes
_LARGEST_SIDES = (1000, 1400)  # px
_MOST_NAMED = 20  # rows of a sheet that are named beside it


def sheets(
    reader: Reader, saved: pd.DataFrame, best_step: int | None, unit: str, *, few: bool
) -> tuple[list[Picture], list[str]]:
    """Return the first, the best and the last of a run's `saved` sheets, with `few` the last alone; and a sentence for
    each that cannot be read.

    `best_step` is the step of the lowest FID; `unit` is 'epoch' or 'step', by which they are named. They are the
    recorded files themselves, since another encoding would either lose something or be twice as large.
    """
    if saved.empty:
        return [], []
    chosen: dict[int, str] = {int(saved["step"].iloc[-1]): "the last"}
    if not few:
        if best_step is not None and best_step in set(saved["step"]):
            chosen.setdefault(best_step, "the lowest FID")
        chosen.setdefault(int(saved["step"].iloc[0]), "the first")
    pictures, problems = [], []
    for step, which in sorted(chosen.items()):
        row = saved[saved["step"] == step].iloc[-1]
        where = f"{unit} {row[unit]}"
        try:
            content = _content(reader, row)
            rows = list(by_emotion(content, row["emotions"], int(row["columns"])))
        except FerganError as error:
            problems.append(f"The sheet of {where} cannot be shown: {error}.")
            continue
        seen = f": {row['images_seen']:,} images seen" if row["images_seen"] else ""
        caption = f"{where[0].upper()}{where[1:]}, {which}{seen}"
        alt = f"Generated faces at {where}, a row for each of {', '.join(rows)}"
        pictures.append(_picture(content, caption, alt, tuple(rows) if len(rows) <= _MOST_NAMED else ()))
    return pictures, problems


def with_faces(reader: Reader, saved: pd.DataFrame, statements: Sequence[Statement], *, few: bool) -> list[FindingPart]:
    """Return what was found, the gravest of it with faces before and after, as far as their sheets can be read;
    with `few` of fewer findings."""
    order = ("alarm", "warning", "info")
    gravest = sorted(statements, key=lambda one: order.index(one.severity) if one.severity in order else len(order))
    pictured = gravest[: _MOST_PICTURED[few]]
    by_step = saved.drop_duplicates("step", keep="last").set_index("step", drop=False)
    parts = []
    for statement in statements:
        shown = moments(statement, [int(step) for step in by_step.index]) if statement in pictured else []
        pictures = [_faces_at(reader, by_step.loc[step], when, statement.emotion) for when, step in shown]
        title = statement.title[0].upper() + statement.title[1:]
        known = tuple(picture for picture in pictures if picture is not None)
        parts.append(FindingPart(title, statement.severity, statement.epoch, statement.sentence, known))
    return parts


def _content(reader: Reader, row: Any) -> bytes:
    try:
        return reader.file(row["path"]).read_bytes()
    except OSError:
        raise FerganError("its file is missing; `fergan runs verify` lists what is damaged") from None


def _picture(content: bytes, caption: str, alt: str, rows: tuple[str, ...]) -> Picture:
    image: Image.Image = Image.open(io.BytesIO(content))
    kind = Image.MIME[image.format or "WEBP"]
    if len(content) > _LARGEST_FILE:
        image = image.convert("RGB")
        image.thumbnail(_LARGEST_SIDES)
        content, kind, caption = _encoded(image, quality=85), "image/webp", f"{caption}; scaled down"
    return Picture(content, kind, image.width, image.height, caption, alt, rows)


def _faces_at(reader: Reader, row: Any, when: str, emotion: str | None) -> Picture | None:
    """Cut some faces of an emotion, or of each, out of a sheet; None where it has none or cannot be read."""
    try:
        faces = by_emotion(_content(reader, row), row["emotions"], int(row["columns"]))
    except FerganError:
        return None  # which the sheets' own section says
    rows = list(faces) if emotion is None else [emotion]
    if not set(rows) <= set(faces):
        return None
    count = _OF_EACH if emotion is None else _FACES
    grid = laid_out(np.stack([faces[name][:count] for name in rows]))
    caption = f"{when}: epoch {row['epoch']}"
    alt = f"{'Faces of each emotion' if emotion is None else f'{emotion} faces'}, {caption}"
    content = _encoded(Image.fromarray(grid), lossless=True)
    return _picture(content, caption, alt, tuple(rows) if emotion is None else ())


def _encoded(image: Image.Image, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "WEBP", **how)
    return file.getvalue()
