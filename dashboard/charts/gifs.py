"""Endless GIFs of grey pictures: few greys for the faces' shading, which cost a third less than 256; pure functions."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

GREYS = 64
_SIDE = 192  # px, a face's in a loop
_WAY_SECONDS = 2.0  # from one end of a loop to the other


def grey_palette() -> list[int]:
    """Return the palette of a GIF's first GREYS colours: red, green, blue of each, 0 to 255."""
    return np.repeat(np.linspace(0, 255, GREYS).round().astype(int), 3).tolist()


def grey_indices(picture: Image.Image) -> np.ndarray:
    """Return the colours of a grey picture, mode L, as indices uint8 [height,width] in `grey_palette`."""
    return np.asarray(picture) // (256 // GREYS)


def written(pictures: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """Join pictures to an endless GIF, each shown so long."""
    file = io.BytesIO()
    # optimize=False and disposal=1: every picture stays a frame of its own, even one that equals its neighbour.
    pictures[0].save(
        file, "GIF", save_all=True, append_images=pictures[1:], duration=list(milliseconds), loop=0, optimize=False,
        disposal=1,
    )  # fmt: skip
    return file.getvalue()


def there_and_back(faces: np.ndarray) -> bytes:
    """Show faces uint8 [n,48,48], two or more, one after the other and back again without end, enlarged to 192 px."""
    pictures = []
    for face in [*faces, *faces[-2:0:-1]]:
        enlarged = Image.fromarray(face).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        pictures.append(Image.frombytes("P", enlarged.size, grey_indices(enlarged).tobytes()))
        pictures[-1].putpalette(grey_palette())
    return written(pictures, [round(1000 * _WAY_SECONDS / (len(faces) - 1))] * len(pictures))
