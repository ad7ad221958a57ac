"""A contact sheet: a row of faces an emotion, so that a person can see what a dataset holds."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from fergan_core.data.dataset import SIZE, SPLITS, UNLABELLED, Dataset, Index
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import DataError

COLUMNS = 16
_SCALE = 2
_GAP = 4
_MARGIN = 128  # left of the faces, for the emotion's name
_PITCH = SIZE * _SCALE + _GAP
_PAPER, _INK = 255, 0


def contact_sheet(dataset: Dataset, seed: int = 0) -> Image.Image:
    """Draw up to 16 faces an emotion, chosen by the seed; below, if identities are known, every person's neutral face.

    Where identities are known a row shows 16 different people. Raises DataError where there is nothing to show.
    """
    if not len(dataset):
        raise DataError(f"{dataset.source}: no images to draw; give a dataset with at least one")
    rows = _emotion_rows(dataset, np.random.default_rng(seed))
    rows += _people_rows(dataset)
    columns = max(len(index) for _, index in rows)
    page = Image.new("L", (_MARGIN + _GAP + _PITCH * columns, _GAP + _PITCH * len(rows)), _PAPER)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(18)
    for row, (name, index) in enumerate(rows):
        top = _GAP + _PITCH * row
        pen.text((8, top + _PITCH / 2), name, fill=_INK, font=font, anchor="lm")
        for column, image in enumerate(dataset.images[index]):
            face = Image.fromarray(image).resize((SIZE * _SCALE, SIZE * _SCALE), Image.Resampling.BICUBIC)
            page.paste(face, (_MARGIN + _GAP + _PITCH * column, top))
    return page


def _emotion_rows(dataset: Dataset, random: np.random.Generator) -> list[tuple[str, Index]]:
    rows = []
    for code, name in [*enumerate(EMOTIONS), (UNLABELLED, "unlabelled")]:
        index = random.permutation(np.flatnonzero(dataset.labels == code))
        if "identity" in dataset.factors:
            _, first = np.unique(dataset.factors["identity"][index], return_index=True)
            index = index[np.sort(first)]
        if len(index):
            rows.append((name, index[:COLUMNS].astype(np.int64)))
    return rows


def _people_rows(dataset: Dataset) -> list[tuple[str, Index]]:
    """Choose each person's neutral training picture that looks most straight at the camera, 16 people a row."""
    if "identity" not in dataset.factors:
        return []
    neutral = (dataset.labels == EMOTIONS.index("neutral")) & (dataset.splits == SPLITS.index("train"))
    index = np.flatnonzero(neutral)
    turned = np.zeros(len(index), np.float32)
    for angle in ("yaw", "pitch", "roll"):
        if angle in dataset.factors:
            turned += np.abs(dataset.factors[angle][index])
    straight: npt.NDArray[np.int64] = index[np.argsort(turned, kind="stable")]
    people, first = np.unique(dataset.factors["identity"][straight], return_index=True)
    chosen = straight[first]
    return [
        (f"people {people[i]}-{people[i : i + COLUMNS][-1]}", chosen[i : i + COLUMNS])
        for i in range(0, len(chosen), COLUMNS)
    ]
