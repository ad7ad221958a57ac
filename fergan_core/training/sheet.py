"""Sheets: one picture of a checkpoint, a row an emotion, the same latents in every row."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from fergan_core.emotions import emotion_code
from fergan_core.methods.protocols import Generator
from fergan_core.training.engine import SHEET_STREAM, derive_seed, to_bytes

COLUMNS = 10
TILE = 48
MARGIN = 2
PITCH = TILE + MARGIN


def sheet_images(
    generator: Generator, emotions: Sequence[str], seed: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Draw a sheet's faces, uint8 [rows, COLUMNS, 48, 48]: `COLUMNS` latents fixed by the seed, each in every row."""
    latents = generator.latents(COLUMNS, derive_seed(seed, SHEET_STREAM, 0))
    codes = torch.tensor([emotion_code(name) for name in emotions]).repeat_interleave(COLUMNS)
    faces = generator.generate(latents.repeat(len(emotions), *[1] * (latents.dim() - 1)), codes)
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = to_bytes(faces).cpu().numpy()
    return images.reshape(len(emotions), COLUMNS, TILE, TILE)


def draw_sheet(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """Lay uint8 [rows, columns, 48, 48] out on one grey picture with a margin of 2 and code it as WebP."""
    rows, columns = images.shape[:2]
    sheet = np.full((MARGIN + PITCH * rows, MARGIN + PITCH * columns), 255, np.uint8)
    tiles = np.pad(images, ((0, 0), (0, 0), (0, MARGIN), (0, MARGIN)), constant_values=255)
    sheet[MARGIN:, MARGIN:] = tiles.swapaxes(1, 2).reshape(rows * PITCH, columns * PITCH)
    coded = io.BytesIO()
    Image.fromarray(sheet).save(coded, "WEBP", quality=85, method=4)
    return coded.getvalue()
