"""A sheet's picture -> the small one that stands for a run in a list; a pure function of bytes."""

import io

import numpy as np
from PIL import Image

from dashboard.charts.sheets import PITCH, TILE, tiles


def thumbnail(picture: bytes) -> bytes:
    """Lay the first face of each emotion of a sheet in a row, as a WebP of a few kilobytes."""
    faces = tiles(picture)[:, 0]
    strip = np.full((TILE, PITCH * len(faces), 2), 0, np.uint8)
    for place, face in enumerate(faces):
        strip[:, place * PITCH : place * PITCH + TILE] = np.dstack([face, np.full_like(face, 255)])
    file = io.BytesIO()
    Image.fromarray(strip, "LA").convert("RGBA").save(file, "WEBP", quality=60)
    return file.getvalue()
