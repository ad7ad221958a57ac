"""FER+'s votes: read in FER2013's order, refused where they are of other images."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fergan_core.data import Dataset, make_dataset, open_dataset
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
    assert votes[0].tolist() == [0, 0, 0, 1, 0, 0, 0]  # the dataset's first is FER2013's PublicTest
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


def aligned(count: int, *, agree: float, in_rows: bool = True) -> tuple[Dataset, list[str]]:
    """Make training faces with random labels, and votes whose most frequent is the label in a share of the rows."""
    random = np.random.default_rng(4)
    labels = random.integers(0, 7, count)
    voted = np.where(random.random(count) < agree, labels, (labels + random.integers(1, 7, count)) % 7)
    columns = (6, 3, 5, 4, 0, 1, 2)  # as the header has them
    rows = [f"Training,,{','.join('8' if code == vote else '0' for code in columns)},0,1,0" for vote in voted.tolist()]
    images = np.zeros((count, 48, 48), np.uint8)
    dataset = make_dataset("fer2013", "faces", images, labels.astype(np.uint8), np.zeros(count, np.uint8))
    return replace(dataset, in_rows=in_rows), rows


def test_votes_of_pictures_are_refused_for_they_have_lost_their_order(tmp_path: Path) -> None:
    dataset, rows = aligned(300, agree=0.64, in_rows=False)
    with pytest.raises(DataError, match=r"--votes: 'faces' holds pictures.*give fer2013\.csv"):
        read_votes(written(tmp_path, [HEADER, *rows]), dataset)


def test_votes_that_agree_as_people_do_are_taken_and_in_another_order_refused(tmp_path: Path) -> None:
    dataset, rows = aligned(1000, agree=0.6)
    assert read_votes(written(tmp_path, [HEADER, *rows]), dataset).sum() == pytest.approx(1000)
    with pytest.raises(DataError, match=r"label of only 1\d% of split train's rows 1 to 200, where 41% are the least"):
        read_votes(written(tmp_path, [HEADER, *rows[1:], rows[0]]), dataset)


def test_votes_that_go_astray_in_the_middle_are_refused(tmp_path: Path) -> None:
    dataset, rows = aligned(1000, agree=0.64)
    moved = [*rows[:600], *rows[601:], rows[600]]
    with pytest.raises(DataError, match=r"split train's rows 601 to 800"):
        read_votes(written(tmp_path, [HEADER, *moved]), dataset)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.thorough
def test_real_votes_belong_to_the_csv_and_not_to_its_pictures_or_another_order(
    fer2013_layout: Callable[..., Path], tmp_path: Path
) -> None:
    votes = fer2013_layout("ferplus", 2000)
    table = fer2013_layout("csv", 2000)
    assert (read_votes(votes, open_dataset(table)).sum(1) > 0).mean() > 0.99
    with pytest.raises(DataError, match="holds pictures"):
        read_votes(votes, open_dataset(fer2013_layout("png-folder", 2000)))
    header, *rows = table.read_text().splitlines()
    (tmp_path / "by_emotion.csv").write_text("\n".join([header, *sorted(rows)]) + "\n")
    with pytest.raises(DataError, match="where 41% are the least"):
        read_votes(votes, open_dataset(tmp_path / "by_emotion.csv"))


def test_a_missing_file_is_refused(three_faces: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_votes(tmp_path / "none.csv", three_faces)
