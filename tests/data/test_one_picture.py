"""A person's own picture as a face: cut, grey, 48x48, or refused in a sentence."""

import io

import numpy as np
import pytest
from PIL import Image

from fergan_core.data.one_picture import face_of_picture
from fergan_core.errors import DataError


def written(picture: Image.Image, suffix: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, suffix, **options)
    return file.getvalue()


def test_a_face_of_the_right_size_stays_as_it_is() -> None:
    face = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    assert np.array_equal(face_of_picture(written(Image.fromarray(face)), "face.png"), face)


@pytest.mark.parametrize("size", [(400, 200), (200, 400)])
def test_the_middle_square_is_taken(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, "black")
    left, top = (size[0] - 200) // 2, (size[1] - 200) // 2
    picture.paste((255, 255, 255), (left, top, left + 200, top + 200))
    face = face_of_picture(written(picture, "JPEG", quality=95), "wide.jpg")
    assert face.shape == (48, 48)
    assert face[2:-2, 2:-2].min() > 250


def test_a_picture_is_turned_as_the_camera_says_and_what_is_transparent_is_white() -> None:
    upright = Image.new("L", (96, 96), 0)
    upright.paste(255, (0, 0, 96, 48))  # white above
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = face_of_picture(written(upright, "JPEG", exif=exif), "turned.jpg")
    assert turned[:20].max() < 5
    assert turned[-20:].min() > 250
    clear = Image.new("RGBA", (96, 96), (0, 0, 0, 0))
    assert face_of_picture(written(clear), "clear.png").min() == 255


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
        (written(Image.effect_noise((200, 200), 50))[:900], "is damaged"),
        (written(Image.new("L", (47, 90))), "is 47x90; give a picture of at least 48x48"),
        (written(Image.new("1", (20_000, 9_000))), "; give a picture of at most 40 million pixels"),
        (written(Image.new("1", (9_000, 5_000))), "is 9000x5000; give a picture of at most 40 million pixels"),
    ],
)
def test_what_cannot_be_a_face_is_refused_in_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as error:
        face_of_picture(content, "mine")
    assert str(error.value).startswith("mine ")
    assert "\n" not in str(error.value)
