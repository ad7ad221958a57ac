"""GIFs of faces: there and back without end."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dashboard.charts import gifs


@pytest.mark.parametrize(("faces", "frames", "milliseconds"), [(9, 16, 250), (2, 2, 2000)])
def test_a_loop_goes_there_and_back_and_its_ends_come_once(faces: int, frames: int, milliseconds: int) -> None:
    greys = np.linspace(0, 255, faces).round().astype(np.uint8)
    gif: Any = Image.open(io.BytesIO(gifs.there_and_back(np.repeat(greys, 48 * 48).reshape(faces, 48, 48))))
    assert (gif.format, gif.n_frames, gif.size, gif.info["loop"]) == ("GIF", frames, (192, 192), 0)
    seen = []
    for frame in range(frames):
        gif.seek(frame)
        assert gif.info["duration"] == milliseconds
        seen.append(int(np.asarray(gif.convert("L"))[96, 96]))
    there = [*greys.tolist(), *greys[-2:0:-1].tolist()]
    assert np.allclose(seen, there, atol=4)  # of 64 greys
