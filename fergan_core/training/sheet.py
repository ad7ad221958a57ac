"""Sheets: the faces of a checkpoint, a row an emotion, the same latents in every row."""

from collections.abc import Sequence

import numpy as np
import torch

from fergan_core.emotions import emotion_code
from fergan_core.methods.protocols import Generator
from fergan_core.sheets import COLUMNS, TILE
from fergan_core.training.engine import SHEET_STREAM, derive_seed, to_bytes


def sheet_images(
    generator: Generator, emotions: Sequence[str], seed: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Draw a sheet's faces, uint8 [rows, COLUMNS, 48, 48]: COLUMNS latents fixed by the seed, the same in every row."""
    latents = generator.latents(COLUMNS, derive_seed(seed, SHEET_STREAM, 0))
    codes = torch.tensor([emotion_code(name) for name in emotions]).repeat_interleave(COLUMNS)
    faces = generator.generate(latents.repeat(len(emotions), *[1] * (latents.dim() - 1)), codes)
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = to_bytes(faces).cpu().numpy()
    return images.reshape(len(emotions), COLUMNS, TILE, TILE)
