"""A sheet's geometry, shared by what draws, cuts and plays one: one row per class, square tiles on a grid with margins.

FerGAN's own sheets have a row per emotion and faces of 48x48 pixels. Another script may record images of any side, in
grey or colour, of any classes: the side follows from the picture's width and the number of its columns.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, UnidentifiedImageError

from fergan_core.errors import DataError

COLUMNS = 10  # faces of an emotion, of the same latents in every row
TILE = 48  # px, a face's side
MARGIN = 2  # px, between tiles and about them
PITCH = TILE + MARGIN
MOST_COLUMNS = 64  # images of a class on a sheet of somebody's own
_LARGEST = 512  # px, such an image's side
_NO_PICTURE = "a sheet's file holds no picture; run `fergan runs verify` to find what damaged it"
_GREY = 2  # by which the channels of a grey picture differ at the most, once WebP has rounded them
_WIDEST, _HIGHEST = 4096, 16_383  # px; WebP holds no picture that is higher

Pixels = NDArray[np.uint8]


def laid_out(faces: Pixels) -> Pixels:
    """Lay images uint8 [rows, columns, side, side], of colours [..., 3], out as one picture uint8 [height, width], of
    colours [..., 3]: a margin of 2 px goes round each."""
    rows, columns, side, _, *colours = faces.shape
    pitch = side + MARGIN
    sheet = np.full((MARGIN + pitch * rows, MARGIN + pitch * columns, *colours), 255, np.uint8)
    pads = ((0, 0), (0, 0), (0, MARGIN), (0, MARGIN), *[(0, 0)] * len(colours))
    tiles = np.pad(faces, pads, constant_values=255)
    sheet[MARGIN:, MARGIN:] = tiles.swapaxes(1, 2).reshape(rows * pitch, columns * pitch, *colours)
    return sheet


def side_of(width: int, columns: int) -> int | None:
    """Return the side of the images of a sheet of this width, in px; None where no sheet of these columns has it."""
    pitch, rest = divmod(width - MARGIN, columns)
    return None if rest or pitch <= MARGIN else pitch - MARGIN


def cut(sheet: NDArray[Any], columns: int) -> NDArray[Any] | None:
    """Cut a sheet's picture [height, width] or [height, width, 3] into its images [rows, columns, side, side] or
    [..., 3]; None for other sides than a sheet's."""
    height, width, *colours = sheet.shape
    side = side_of(width, columns)
    if side is None or height <= MARGIN or (height - MARGIN) % (side + MARGIN):
        return None
    pitch = side + MARGIN
    grid = sheet[MARGIN:, MARGIN:].reshape((height - MARGIN) // pitch, pitch, columns, pitch, *colours)
    return np.ascontiguousarray(grid.swapaxes(1, 2)[:, :, :side, :side])


def draw_sheet(images: Pixels) -> bytes:
    """Lay images out as `laid_out` does and encode the picture as WebP."""
    encoded = io.BytesIO()
    Image.fromarray(laid_out(images)).save(encoded, "WEBP", quality=85, method=4)
    return encoded.getvalue()


def arranged(images: Pixels, labels: Sequence[str], names: Sequence[str]) -> Pixels:
    """Arrange images uint8 [N, side, side] or [..., 3] as a sheet's, [rows, columns, side, side] or [..., 3]: a row for
    each of `names`, with the first images of that label.

    A row has as many as the class with the fewest has, 64 at most. Images that would make too large a picture are
    scaled down. Each name must be the label of an image.
    """
    rows = [images[[place for place, label in enumerate(labels) if label == name]] for name in names]
    columns = min(MOST_COLUMNS, *map(len, rows))
    faces = np.stack([row[:columns] for row in rows])
    side = max(1, min(_LARGEST, _WIDEST // columns - MARGIN, _HIGHEST // len(rows) - MARGIN))
    if faces.shape[2] <= side:
        return faces
    flat = faces.reshape(-1, *faces.shape[2:])
    small = np.stack(
        [np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS)) for face in flat]
    )
    return small.reshape(len(rows), columns, *small.shape[1:])


def tiles(picture: bytes, columns: int) -> Pixels:
    """Cut a sheet's WebP or PNG into its images, uint8 [rows, columns, side, side], of a picture in colour [..., 3];
    DataError if it is not a sheet of these columns."""
    try:
        image = Image.open(io.BytesIO(picture)).convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(_NO_PICTURE) from error
    faces = cut(np.asarray(image if _in_colour(image) else image.convert("L")), columns)
    if faces is None:
        raise DataError(_no_sheet(*image.size, columns))
    return faces


def _in_colour(image: Image.Image) -> bool:
    """Tell whether a picture is of more than greys; WebP keeps all alike."""
    red, green, blue = image.split()
    ranges = [ImageChops.difference(green, other).getextrema() for other in (red, blue)]
    return any(int(np.max(most)) > _GREY for most in ranges)


def check_sides(picture: bytes, rows: int, columns: int) -> None:
    """Raise DataError unless a picture has the sides of a sheet of these rows and columns; it is not decoded, which
    takes long."""
    try:
        image = Image.open(io.BytesIO(picture))
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(_NO_PICTURE) from error
    width, height = image.size
    side = side_of(width, columns)
    if side is None or (height - MARGIN) % (side + MARGIN):
        raise DataError(_no_sheet(width, height, columns))
    _check_rows((height - MARGIN) // (side + MARGIN), rows)


def by_emotion(picture: bytes, emotions: Sequence[str], columns: int) -> dict[str, Pixels]:
    """Cut a sheet into its images by emotion or other class, uint8 [columns, side, side] or [..., 3] each; DataError if
    it is not a sheet of these."""
    rows = tiles(picture, columns)
    _check_rows(len(rows), len(emotions))
    return dict(zip(emotions, rows, strict=True))


def _no_sheet(width: int, height: int, columns: int) -> str:
    return (
        f"a picture of {width}x{height} px is not a sheet of {columns} columns with 2 px between them; verify the run"
    )


def _check_rows(rows: int, wanted: int) -> None:
    if rows != wanted:
        raise DataError(f"a sheet of {rows} rows cannot show {wanted} emotions; verify the run")
