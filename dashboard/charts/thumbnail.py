"""A sheet's picture -> the small one that stands for a run in a list; a pure function of bytes."""

import io

import numpy as np
from PIL import Image

from dashboard.charts.sheets import tiles
from fergan_core.sheet import PITCH, TILE


def thumbnail(picture: bytes) -> bytes:
    """Lay the first face of each emotion of a sheet in two rows (three faces and fewer in one), as a small WebP."""
    faces = tiles(picture)[:, 0]
    columns = len(faces) if len(faces) <= 3 else -(-len(faces) // 2)
    small = np.zeros((-(-len(faces) // columns) * PITCH, columns * PITCH, 4), np.uint8)
    for place, face in enumerate(faces):
        top, left = place // columns * PITCH, place % columns * PITCH
        tile = small[top : top + TILE, left : left + TILE]
        tile[..., :3], tile[..., 3] = face[..., None], 255
    file = io.BytesIO()
    Image.fromarray(small).save(file, "WEBP", quality=60)
    return file.getvalue()
