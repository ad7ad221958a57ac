"""Faces -> PNGs, in a grid, beside each other, or labelled; pure functions of arrays."""

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dashboard.charts.palette import emotion_colour
from fergan_core.sheets import PITCH, TILE

# Ground and ink of the pictures that carry writing: the ground is that of either theme.
_GROUND = {False: "#fbfaf7", True: "#14181b"}
_INK = {False: "#3a434c", True: "#c3ccd4"}
_LABEL_WIDTH = 84
_TITLE_HEIGHT = 30


def face_grid(faces: np.ndarray, columns: int, scale: int = 2) -> bytes:
    """Lay images uint8 [N, side, side] or [..., 3] out in rows of `columns`, drawn as large as 48 px enlarged `scale`
    times, or larger where they are, as a PNG with transparent gaps."""
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
    """Draw each emotion's faces, uint8 [N, side, side] or [..., 3], beside its name and colour, under a title if any,
    as a PNG."""
    grids = {emotion: _grid(images, columns, scale) for emotion, images in faces.items()}
    font = ImageFont.load_default(13 * scale)
    gap = (PITCH - TILE) * scale
    longest = max(round(font.getlength(emotion)) for emotion in grids)
    label_width, title_height = max(_LABEL_WIDTH * scale, longest + 16 * scale), _TITLE_HEIGHT * scale if title else 0
    height = title_height + sum(grid.height + gap for grid in grids.values())
    width = label_width + max(grid.width for grid in grids.values())
    picture = Image.new("RGB", (width + gap, height), _GROUND[dark])
    draw = ImageDraw.Draw(picture)
    fits = (width + gap - label_width) / max(font.getlength(title), 1)
    title_font = font if fits >= 1 else ImageFont.load_default(13 * scale * fits)
    draw.text((label_width, title_height / 2), title, fill=_INK[dark], font=title_font, anchor="lm")
    top = title_height
    for emotion, grid in grids.items():
        side = _drawn_side(faces[emotion], scale)
        at = (label_width - 12 * scale, top + side / 2)
        draw.text(at, emotion, fill=_INK[dark], font=font, anchor="rm")
        bar = (label_width - 7 * scale, top, label_width - 3 * scale - 1, top + side - 1)
        draw.rectangle(bar, fill=emotion_colour(emotion))
        picture.paste(grid.convert("RGB"), (label_width, top), grid.getchannel("A"))
        top += grid.height + gap
    return _png(picture)


def _drawn_side(faces: np.ndarray, scale: int) -> int:
    """Return the side at which images are drawn: that of a face of 48 px enlarged, or their own if it is larger."""
    return max(TILE * scale, int(faces.shape[1]))


def _grid(faces: np.ndarray, columns: int, scale: int) -> Image.Image:
    columns = min(columns, len(faces))
    rows = -(-len(faces) // columns)
    gap, side = (PITCH - TILE) * scale, _drawn_side(faces, scale)
    size = (columns * (side + gap) - gap, rows * (side + gap) - gap)
    picture = Image.new("LA", size, (0, 0)) if faces.ndim == 3 else Image.new("RGBA", size, (0, 0, 0, 0))
    for place, face in enumerate(faces):
        enlarged = Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC)
        enlarged.putalpha(255)
        picture.paste(enlarged, (place % columns * (side + gap), place // columns * (side + gap)))
    return picture


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    # Faces are noise to PNG: its usual 6 takes twice as long for a twentieth less.
    picture.save(file, "PNG", compress_level=3)
    return file.getvalue()
