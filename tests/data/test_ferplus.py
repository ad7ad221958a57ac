"""FER+'s votes: read in FER2013's order, refused where they are of other images."""

from pathlib import Path

import numpy as np
import pytest

from fergan_core.data import Dataset, make_dataset
from fergan_core.data.ferplus import read_votes
from fergan_core.errors import DataError

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
ROWS = [
    "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
    "Training,,0,0,0,0,0,0,0,0,0,10",
    "PublicTest,fer0028638.png,0,10,0,0,0,0,0,0,0,0",
]


@pytest.fixture
def three_faces() -> Dataset:
    images = np.zeros((3, 48, 48), np.uint8)
    return make_dataset("fer2013", "x", images, np.array([0, 1, 3], np.uint8), np.array([1, 0, 0], np.uint8))


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "fer2013new.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_votes_stand_in_fer2013s_codes_and_order(three_faces: Dataset, tmp_path: Path) -> None:
    votes = read_votes(written(tmp_path, [HEADER, *ROWS]), three_faces)
    assert votes.dtype == np.float32
    assert votes[0].tolist() == [0, 0, 0, 1, 0, 0, 0]  # the data set's first is FER2013's PublicTest
    assert votes[1].tolist() == pytest.approx([0.3, 0.2, 0, 0, 0.1, 0, 0.4])
    assert votes[2].sum() == 0  # no face: nobody voted for an emotion


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEADER, *ROWS[1:]], "1 rows of split train, the data 2"),
        (["emotion,pixels,Usage", "0,1 2 3,Training"], "has not FER"),
        ([HEADER, ROWS[0].replace("Training", "Other"), *ROWS[1:]], "line 2: unknown split"),
        ([HEADER, ROWS[0].replace("4,0", "-4,0"), *ROWS[1:]], "negative votes"),
        ([HEADER, ROWS[0].replace("4,0", "four,0"), *ROWS[1:]], "cannot be read"),
        ([HEADER, "Training,fer.png,1"], "cannot be read"),
    ],
)
def test_another_file_is_refused(three_faces: Dataset, tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_votes(written(tmp_path, lines), three_faces)


def test_a_missing_file_is_refused(three_faces: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_votes(tmp_path / "none.csv", three_faces)
