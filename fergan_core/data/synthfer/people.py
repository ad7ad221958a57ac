"""The 64 people of synthfer: a fixed table of faces, hair, glasses and beards.

Lengths are in pixels of a 48 x 48 picture at scale 1, tones run from 0 (black) to 1 (white). The table is a
mix of eight hair styles with eight people each; skin, glasses, beard and head shape run through their levels at
different paces, so that two people who share one trait differ in others. It depends on nothing but this file.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]  # float32 in truth: the stubs widen products with Python floats

NUM_IDENTITIES = 64


class Rows:
    """A dataclass whose fields are arrays of equal length, one row a face."""

    def rows(self, index: npt.NDArray[np.intp]) -> Self:
        """Return the chosen rows, each field as [B,1,1], ready to broadcast over pictures [B,H,W]."""
        return type(self)(**{name: column[index].reshape(-1, 1, 1) for name, column in vars(self).items()})


@dataclass(frozen=True)
class People(Rows):
    """What stays the same of a person from picture to picture; every field float32."""

    skin: FloatArray  # tone
    head_width: FloatArray  # half the width at the cheeks
    chin: FloatArray  # from the middle of the face down to the chin
    jaw_square: FloatArray  # 0 oval, 1 square
    jaw_taper: FloatArray  # how much the jaw narrows towards the chin
    hair: FloatArray  # 1 has hair, 0 is bald
    hair_tone: FloatArray
    hair_side: FloatArray  # how far it stands off at the sides
    hair_top: FloatArray  # how far it stands off above
    hair_length: FloatArray  # v at which the hair behind the face ends
    hairline: FloatArray  # v of the hairline in the middle of the forehead
    hairline_slope: FloatArray  # a side parting: rises to one side
    hairline_round: FloatArray  # falls towards the temples
    hairline_curtain: FloatArray  # falls beside the cheeks
    hair_curl: FloatArray  # 0 straight strands, 1 curls
    hair_wave: FloatArray  # raggedness of the outline
    bun: FloatArray  # radius of a knot on the head, 0 none
    ears: FloatArray  # 1 seen, 0 under the hair
    brow_thick: FloatArray
    brow_arch: FloatArray
    brow_tone: FloatArray
    eye_apart: FloatArray  # from the nose's line to the middle of an eye
    eye_width: FloatArray  # half
    eye_height: FloatArray
    iris: FloatArray  # tone
    lashes: FloatArray
    nose_width: FloatArray  # half
    nose_length: FloatArray  # v of its tip
    mouth_width: FloatArray  # half
    lip_thick: FloatArray
    lip_tone: FloatArray  # as a fraction of the skin's
    moustache: FloatArray
    goatee: FloatArray
    beard: FloatArray
    glasses: FloatArray  # 0 none, else the frame's half thickness
    glasses_square: FloatArray  # 0 round, 1 square
    glasses_tone: FloatArray
    wrinkles: FloatArray  # age: lines seen at rest
    freckles: FloatArray
    earrings: FloatArray  # 1 worn
    mole: FloatArray  # -1 left cheek, 1 right, 0 none


_HAIR_TRAITS = (
    "hair_side",
    "hair_top",
    "hair_length",
    "hairline",
    "hairline_slope",
    "hairline_round",
    "hairline_curtain",
    "hair_curl",
    "hair_wave",
    "bun",
    "ears",
)
_HAIR_STYLES: dict[str, tuple[float, ...]] = {
    "bald": (0.0, 0.0, -30.0, -30.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    "cropped": (0.4, 0.4, -1.0, -13.0, 0.0, 2.0, 4.0, 0.25, 0.0, 0.0, 1.0),
    "side parting": (1.2, 2.2, 0.0, -13.5, 4.5, 3.5, 3.0, 0.0, 0.5, 0.0, 1.0),
    "afro": (5.5, 5.0, 4.0, -12.5, 0.0, 3.0, 3.5, 1.0, 0.9, 0.0, 0.0),
    "bob with fringe": (3.0, 2.0, 12.0, -10.2, 0.0, 0.6, 9.5, 0.0, 0.35, 0.0, 0.0),
    "long, centre parting": (3.0, 1.5, 40.0, -16.5, 0.0, 9.5, 15.0, 0.0, 0.0, 0.0, 0.0),
    "long, wavy": (4.8, 2.5, 40.0, -13.5, 5.5, 5.0, 15.0, 0.65, 1.1, 0.0, 0.0),
    "tied back": (0.6, 1.4, 2.0, -14.5, 0.0, 4.5, 3.0, 0.0, 0.0, 5.0, 1.0),
}
_BEARDED_STYLES = ("bald", "cropped", "side parting", "afro")

# moustache, goatee, beard, by the person's number in the style
_BEARDS = (
    (0.0, 0.0, 0.0),
    (1.0, 1.0, 1.0),
    (0.0, 0.0, 0.0),
    (1.0, 0.0, 0.0),
    (0.0, 0.0, 0.0),
    (0.8, 1.0, 0.0),
    (0.0, 0.0, 0.0),
    (0.45, 0.45, 0.45),
)
# half thickness, square, tone
_GLASSES = ((0.0, 0.0, 0.0), (0.45, 0.0, 0.16), (0.0, 0.0, 0.0), (0.75, 1.0, 0.05))
_SKIN = (0.82, 0.60, 0.72, 0.42)
_HAIR_TONES = (0.08, 0.28, 0.48, 0.78)


def people() -> People:
    """Return the table of the 64 people: every field float32 [64]."""
    chance = np.random.default_rng(64)
    table: dict[str, list[float]] = {field.name: [] for field in fields(People)}
    for person in range(NUM_IDENTITIES):
        for name, value in _person(person, chance).items():
            table[name].append(value)
    return People(**{name: np.asarray(values, np.float32) for name, values in table.items()})


def _person(person: int, chance: np.random.Generator) -> dict[str, float]:
    """Mix one person's traits; `chance` adds what a table of levels would make too regular."""
    style, member = divmod(person, 8)
    style_name, shape = list(_HAIR_STYLES.items())[style]
    bearded = style_name in _BEARDED_STYLES
    skin = _SKIN[(member + style) % 4]
    # Dark skin goes with dark hair, else the brows would be lost or look dyed.
    # Hair of the skin's own tone would hide the head's shape as well.
    tones = [tone for tone in _HAIR_TONES if abs(tone - skin) > 0.17 and (skin > 0.5 or tone < 0.3)]
    hair_tone = float(chance.choice(tones))
    beard = _BEARDS[(member + style // 2) % 8] if bearded else (0.0, 0.0, 0.0)
    glasses = _GLASSES[(member + member // 4 + 3 * style) % 4]  # of two people with the same skin one wears some
    head = (3 * member + member // 4 + style) % 4  # oval, round, square, long
    lipstick = not bearded and member % 3 != 0

    def about(middle: float, spread: float) -> float:
        return middle + spread * float(chance.uniform(-1, 1))

    traits = dict(zip(_HAIR_TRAITS, shape, strict=True))
    traits["hairline"] += about(0.0, 0.8)
    traits["hairline_slope"] *= 1.0 if member % 2 else -1.0
    brow_tone = min(hair_tone, skin * 0.62) if shape[1] > 0 else skin * 0.4
    return traits | {
        "skin": skin + about(0.0, 0.03),
        "head_width": (15.4, 17.0, 16.2, 14.4)[head] + about(0.0, 0.4),
        "chin": (20.2, 18.8, 19.8, 21.6)[head] + about(0.0, 0.4),
        "jaw_square": (0.15, 0.2, 0.95, 0.4)[head],
        "jaw_taper": (0.26, 0.10, 0.06, 0.20)[head] + about(0.0, 0.04),
        "hair": float(style_name != "bald"),
        "hair_tone": hair_tone + about(0.0, 0.03),
        "brow_thick": about(1.15 if bearded else 0.85, 0.3),
        "brow_arch": about(0.5 if bearded else 1.1, 0.5),
        "brow_tone": brow_tone,
        "eye_apart": about(7.9, 0.7),
        "eye_width": about(3.9, 0.35),
        "eye_height": about(1.75, 0.25),
        "iris": float(chance.choice([0.10, 0.22, 0.42])) if skin > 0.5 else 0.08,
        "lashes": about(0.75 if bearded else 1.1, 0.1),
        "nose_width": about(3.1 if skin > 0.5 else 3.7, 0.5),
        "nose_length": about(4.9, 0.8),
        "mouth_width": about(6.3, 0.8),
        "lip_thick": about(1.25 if bearded else 1.6, 0.3) + (0.4 if skin < 0.5 else 0.0),
        "lip_tone": 0.5 if lipstick else 0.74,
        "moustache": beard[0],
        "goatee": beard[1],
        "beard": beard[2],
        "glasses": glasses[0],
        "glasses_square": glasses[1],
        "glasses_tone": glasses[2],
        "wrinkles": float((member + 2 * style) % 5 == 0),
        "freckles": float(skin > 0.7 and (member + style) % 3 == 1),
        "earrings": float(style_name == "tied back"),
        "mole": float((member * 5 + style) % 7 == 1) * (1.0 if member % 2 else -1.0),
    }
