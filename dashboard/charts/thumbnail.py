"""A sheet's picture -> the small one that stands for a run in a list; a pure function of bytes."""

import io

import numpy as np
from PIL import Image

from fergan_core.sheets import PITCH, TILE, tiles

_MOST = 14  # images, in two rows


def thumbnail(picture: bytes, columns: int) -> bytes:
    """Lay the first face of each emotion of a sheet in two rows (three faces and fewer in one), as a small WebP.

    Of another script's classes the first 14 are shown; of a single class its first images.
    """
    sheet = tiles(picture, columns)
    faces = (sheet[:, 0] if len(sheet) > 1 else sheet[0])[:_MOST]
    per_row = len(faces) if len(faces) <= 3 else -(-len(faces) // 2)
    small = np.zeros((-(-len(faces) // per_row) * PITCH, per_row * PITCH, 4), np.uint8)
    for place, face in enumerate(faces):
        top, left = place // per_row * PITCH, place % per_row * PITCH
        tile = small[top : top + TILE, left : left + TILE]
        tile[..., :3], tile[..., 3] = np.asarray(Image.fromarray(face).convert("RGB").resize((TILE, TILE))), 255
    file = io.BytesIO()
    Image.fromarray(small).save(file, "WEBP", quality=60)
    return file.getvalue()
