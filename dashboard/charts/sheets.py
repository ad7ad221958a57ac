"""A sheet's picture -> its tiles, and labelled PNGs; pure functions of bytes and arrays."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from dashboard.charts.palette import emotion_colour
from fergan_core.errors import DataError
from fergan_core.sheet import MARGIN, PITCH, TILE, cut

# Ground and ink of the pictures that carry writing: the ground is that of either theme.
_GROUND = {False: "#fbfaf7", True: "#14181b"}
_INK = {False: "#3a434c", True: "#c3ccd4"}
_LABEL_WIDTH = 84
_TITLE_HEIGHT = 30
_NO_PICTURE = "a sheet's file holds no picture; run `fergan runs verify` to find what damaged it"


def tiles(picture: bytes) -> np.ndarray:
    """Cut a sheet's WebP or PNG into its faces, uint8 [rows, columns, 48, 48]; DataError if it is not a sheet."""
    try:
        sheet = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(_NO_PICTURE) from error
    faces = cut(sheet)
    if faces is None:
        height, width = sheet.shape
        raise DataError(_no_sheet(width, height))
    return faces


def check_sides(picture: bytes, rows: int) -> None:
    """Raise DataError unless a picture has the sides of a sheet of these rows; it is not decoded, which takes long."""
    try:
        image = Image.open(io.BytesIO(picture))
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(_NO_PICTURE) from error
    width, height = image.size
    if (height - MARGIN) % PITCH or (width - MARGIN) % PITCH:
        raise DataError(_no_sheet(width, height))
    if (height - MARGIN) // PITCH != rows:
        raise DataError(f"a sheet of {(height - MARGIN) // PITCH} rows cannot show {rows} emotions; verify the run")


def by_emotion(picture: bytes, emotions: Sequence[str]) -> dict[str, np.ndarray]:
    """Cut a sheet into its faces by emotion, uint8 [columns, 48, 48] each; DataError if it is not a sheet of these."""
    rows = tiles(picture)
    _check_rows(rows, emotions)
    return dict(zip(emotions, rows, strict=True))


def face_grid(faces: np.ndarray, columns: int, scale: int = 2) -> bytes:
    """Lay faces uint8 [N, 48, 48] out in rows of `columns`, enlarged `scale` times, as a PNG with transparent gaps."""
    return _png(_grid(faces, columns, scale))


def beside(face: np.ndarray, others: np.ndarray, scale: int = 2) -> bytes:
    """Lay a face, uint8 [48, 48], a wide gap and others, uint8 [N, 48, 48], in one row, as a PNG with clear gaps."""
    alone, row, gap = _grid(face[None], 1, scale), _grid(others, len(others), scale), 8 * scale
    picture = Image.new("LA", (alone.width + gap + row.width, alone.height), (0, 0))
    picture.paste(alone, (0, 0))
    picture.paste(row, (alone.width + gap, 0))
    return _png(picture)


def labelled_sheet(
    faces: Mapping[str, np.ndarray], title: str, *, dark: bool, columns: int = 10, scale: int = 2
) -> bytes:
    """Draw each emotion's faces, uint8 [N, 48, 48], beside its name and colour, under a title if any, as a PNG."""
    grids = {emotion: _grid(images, columns, scale) for emotion, images in faces.items()}
    gap = (PITCH - TILE) * scale
    label_width, title_height = _LABEL_WIDTH * scale, _TITLE_HEIGHT * scale if title else 0
    height = title_height + sum(grid.height + gap for grid in grids.values())
    width = label_width + max(grid.width for grid in grids.values())
    picture = Image.new("RGB", (width + gap, height), _GROUND[dark])
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(13 * scale)
    draw.text((label_width, title_height / 2), title, fill=_INK[dark], font=font, anchor="lm")
    top = title_height
    for emotion, grid in grids.items():
        at = (label_width - 12 * scale, top + TILE * scale / 2)
        draw.text(at, emotion, fill=_INK[dark], font=font, anchor="rm")
        bar = (label_width - 7 * scale, top, label_width - 3 * scale - 1, top + TILE * scale - 1)
        draw.rectangle(bar, fill=emotion_colour(emotion))
        picture.paste(grid.convert("RGB"), (label_width, top), grid.getchannel("A"))
        top += grid.height + gap
    return _png(picture)


def _grid(faces: np.ndarray, columns: int, scale: int) -> Image.Image:
    columns = min(columns, len(faces))
    rows = -(-len(faces) // columns)
    gap, side = (PITCH - TILE) * scale, TILE * scale
    picture = Image.new("LA", (columns * (side + gap) - gap, rows * (side + gap) - gap), (0, 0))
    for place, face in enumerate(faces):
        enlarged = Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC)
        enlarged.putalpha(255)
        picture.paste(enlarged, (place % columns * (side + gap), place // columns * (side + gap)))
    return picture


def _no_sheet(width: int, height: int) -> str:
    return f"a picture of {width}x{height} px is not a sheet, whose sides are {MARGIN} + {PITCH} n px; verify the run"


def _check_rows(sheet: np.ndarray, emotions: Sequence[str]) -> None:
    if len(sheet) != len(emotions):
        raise DataError(f"a sheet of {len(sheet)} rows cannot show {len(emotions)} emotions; verify the run")


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    # Faces are noise to PNG: its usual 6 takes twice as long for a twentieth less.
    picture.save(file, "PNG", compress_level=3)
    return file.getvalue()
