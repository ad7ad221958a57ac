"""A person's own picture as a face: cut to its middle square, grey, 48x48."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fergan_core.data.dataset import SIZE, Bytes
from fergan_core.data.files import DAMAGED_PICTURE, reason
from fergan_core.errors import DataError

# Formats that Pillow unpacks by itself: others, such as EPS, are programs to be run.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MOST_PIXELS = 40_000_000  # of a picture: more than a telephone's camera takes, and 160 MB when unpacked


def face_of_picture(content: bytes, name: str) -> Bytes:
    """Return the middle square of a picture as a grey face, uint8 [48,48].

    The picture is a JPEG, PNG, WebP, BMP, GIF or TIFF. It is turned as its camera says; of several pictures in a file
    the first one counts, and what is transparent is white. Raises DataError, a sentence that names the file, where it
    is not a picture, damaged, smaller than 48x48 or larger than MOST_PIXELS.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            _check_size(picture.size, name)
            upright = ImageOps.exif_transpose(picture)
            if upright.has_transparency_data:
                with_alpha = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", with_alpha.size, "white"), with_alpha)
            square = ImageOps.fit(upright.convert("L"), (SIZE, SIZE), Image.Resampling.LANCZOS)
            return np.asarray(square)
    except Image.DecompressionBombError:
        raise DataError(f"{name} is far too large; give a picture of at most {_MOST}") from None
    except UnidentifiedImageError:
        raise DataError(f"{name} is not a picture; give a JPEG, PNG, WebP, BMP, GIF or TIFF") from None
    except DAMAGED_PICTURE as error:
        raise DataError(f"{name} is damaged ({reason(error)}); save it again or give another") from None


_MOST = f"{MOST_PIXELS // 1_000_000} million pixels"


def _check_size(size: tuple[int, int], name: str) -> None:
    """Raise DataError for a picture that is too small or too large; its size stands before its pixels."""
    width, height = size
    if min(size) < SIZE:
        raise DataError(f"{name} is {width}x{height}; give a picture of at least {SIZE}x{SIZE}")
    if width * height > MOST_PIXELS:
        raise DataError(f"{name} is {width}x{height}; give a picture of at most {_MOST}")
