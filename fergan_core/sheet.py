"""A sheet's geometry, shared by what draws, cuts and plays one: one row per emotion, tiles on a grid with margins."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = 10  # faces of an emotion, of the same latents in every row
TILE = 48  # px, a face's side
MARGIN = 2  # px, between tiles and about them
PITCH = TILE + MARGIN

Pixels = NDArray[np.uint8]


def laid_out(faces: Pixels) -> Pixels:
    """Lay faces uint8 [rows, columns, 48, 48] out as one grey picture, uint8 [2 + 50 rows, 2 + 50 columns]."""
    rows, columns = faces.shape[:2]
    sheet = np.full((MARGIN + PITCH * rows, MARGIN + PITCH * columns), 255, np.uint8)
    tiles = np.pad(faces, ((0, 0), (0, 0), (0, MARGIN), (0, MARGIN)), constant_values=255)
    sheet[MARGIN:, MARGIN:] = tiles.swapaxes(1, 2).reshape(rows * PITCH, columns * PITCH)
    return sheet


def cut(sheet: NDArray[Any]) -> NDArray[Any] | None:
    """Cut a sheet's picture [height, width] into its faces [rows, columns, 48, 48]; None for other sides than a
    sheet's."""
    height, width = sheet.shape
    if height < PITCH or width < PITCH or (height - MARGIN) % PITCH or (width - MARGIN) % PITCH:
        return None
    grid = sheet[MARGIN:, MARGIN:].reshape((height - MARGIN) // PITCH, PITCH, (width - MARGIN) // PITCH, PITCH)
    return np.ascontiguousarray(grid.transpose(0, 2, 1, 3)[:, :, :TILE, :TILE])
