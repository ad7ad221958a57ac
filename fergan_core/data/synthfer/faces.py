"""Draws a batch of synthfer's faces: who, how strong each action unit, which pose, which light."""

import numpy as np

from fergan_core.data.synthfer.canvas import (
    EYE_V,
    SIZE,
    Actions,
    Light,
    Pose,
    Sheet,
    bump,
    cos,
    inside,
    paint,
    shade,
    sin,
)
from fergan_core.data.synthfer.features import (
    EYE_ROWS,
    draw_beard,
    draw_brows,
    draw_cheeks,
    draw_eyes,
    draw_mouth,
    draw_nose,
)
from fergan_core.data.synthfer.people import FloatArray, People


def draw(person: People, pose: Pose, acts: Actions, light: Light) -> FloatArray:
    """Draw a batch of faces, float32 [B,48,48], 0 black to 1 white (before noise, not clipped).

    Every argument holds [B,1,1] fields, as `Rows.rows` gives them.
    """
    sheet = Sheet(person, pose, acts)
    _background(sheet, light)
    strands = _strands(sheet, person)
    outline = _hair_outline(sheet, person)
    paint(sheet.picture, strands * 0.8, outline)
    _neck_and_ears(sheet, person, light)
    _skin(sheet, person, acts, light)
    draw_cheeks(sheet, person, acts)
    draw_nose(sheet, person, acts, light)
    draw_beard(sheet, person, acts)
    draw_mouth(sheet, person, acts)
    draw_eyes(sheet, person, acts)
    draw_brows(sheet, person, acts)
    _front_hair(sheet, person, strands, outline)
    _glasses(sheet, person)
    return _grade(sheet, light)


def _background(sheet: Sheet, light: Light) -> None:
    slope = light.background_slope / SIZE
    sheet.picture[:] = light.background + slope * (
        cos(light.background_angle) * sheet.x + sin(light.background_angle) * sheet.y
    )
    blob = bump((sheet.x - light.blob_x) / 16, (sheet.y - light.blob_y) / 22)
    paint(sheet.picture, light.blob_tone, 0.8 * blob)


def _strands(sheet: Sheet, person: People) -> FloatArray:
    """The hair's tone at every pixel: strands that fall, or curls."""
    u, v = sheet.head_u, sheet.head_v
    # Sines whose frequencies do not fit together, each bent by another, look like hair and not like a pattern.
    bend = sin(0.13 * v + 0.09 * u)
    falling = sin(0.83 * u + 2.1 * bend) + 0.7 * sin(1.71 * u - 1.4 * bend + 1.0)
    curls = sin(1.05 * u + 1.9 * sin(0.71 * v + 0.23 * u)) * sin(0.97 * v + 1.7 * sin(0.83 * u))
    texture = falling + person.hair_curl * (2.0 * curls - falling)
    shine = 0.22 * bump((u + 3) / 13, (v + 16) / 6)
    tone: FloatArray = person.hair_tone * (1 + (0.055 + 0.045 * person.hair_curl) * texture + shine) + 0.014 * texture
    return tone


def _hair_outline(sheet: Sheet, person: People) -> FloatArray:
    """All that lies under the hair's outer line: an arch over the head, hanging straight down at the sides."""
    u, v = sheet.head_u, sheet.head_v
    width = person.head_width + person.hair_side
    above = np.minimum(v + 2, 0) / (17.5 + person.hair_top)
    ragged = person.hair_wave * sin(0.9 * v + 0.35 * np.abs(u))
    along = u / (width + ragged)
    outline = inside((1 - along * along - above * above) * width * 0.5)
    ends = np.maximum(person.hair_length, person.hairline_curtain) - v
    outline *= inside(ends - 0.16 * np.square(np.maximum(np.abs(u) - person.head_width + 1, 0)), 2.5)
    knot = np.flatnonzero(person.bun[:, 0, 0])
    if knot.size:
        bun = person.bun[knot] - np.sqrt((u[knot] - 9) ** 2 + (v[knot] + 16.5) ** 2)
        outline[knot] = np.maximum(outline[knot], inside(bun))
    outline *= person.hair
    return outline


def _neck_and_ears(sheet: Sheet, person: People, light: Light) -> None:
    u, v, picture = sheet.head_u[:, 12:], sheet.head_v[:, 12:], sheet.picture[:, 12:]
    wide = np.abs(u)
    paint(picture, person.skin * 0.62, inside(person.head_width * 0.62 - wide) * inside(v - 10))
    paint(picture, light.clothes, inside(v - 23.5 + 0.12 * wide, 1.8))
    across, down = (wide - person.head_width + 0.2) / 2.6, (v + 1) / 4.6
    ear = inside((1 - across * across - down * down) * 1.8) * person.ears
    paint(picture, person.skin * (0.88 - 0.28 * bump(across / 0.8, down / 0.8)), ear)
    worn = np.flatnonzero(person.earrings[:, 0, 0])
    if worn.size:
        ring = inside(1.5 - np.sqrt((wide[worn] - person.head_width[worn] - 0.6) ** 2 + (v[worn] - 5.2) ** 2))
        picture[worn] += ring * (0.95 - picture[worn])


def _skin(sheet: Sheet, person: People, acts: Actions, light: Light) -> None:
    """The face's oval, lit as an ellipsoid."""
    u, v = sheet.face_u, sheet.head_v
    below = np.maximum(v, 0) / sheet.chin
    down = np.minimum(v, 0) / 19.5 + below
    along = u / (person.head_width * (1 - person.jaw_taper * below))
    below2 = below * below
    within = 1 - along * along - down * down - (0.8 * person.jaw_square) * below2 * (below2 - 1)
    face = inside(within * person.head_width * 0.5)
    depth = np.sqrt(np.maximum(within, 0))
    side = cos(light.light_angle) * along + sin(light.light_angle) * down
    lit = 0.70 + 0.34 * depth + light.light_strength * 0.30 * side
    paint(sheet.picture, person.skin * lit, face)


def _front_hair(sheet: Sheet, person: People, strands: FloatArray, outline: FloatArray) -> None:
    """Hair before the face: above the hairline and beside the cheeks."""
    across = sheet.face_u / person.head_width
    square = across * across
    line = person.hairline + person.hairline_slope * across + person.hairline_round * square
    line += person.hairline_curtain * square * square * square
    line += person.hair_curl * 0.7 * sin(1.3 * sheet.u) + 0.3 * sin(2.2 * sheet.u)
    shade(sheet.picture, 0.18, outline * inside(line + 1.6 - sheet.head_v, 2.5))
    paint(sheet.picture, strands, outline * inside(line - sheet.head_v, 1.6))


def _glasses(sheet: Sheet, person: People) -> None:
    worn = np.flatnonzero(person.glasses[:, 0, 0])
    if not worn.size:
        return
    rows = EYE_ROWS
    who = person.rows(worn)
    u, v = np.abs(sheet.u[worn, rows]), sheet.v[worn, rows] - EYE_V - 0.5
    wide, high = 5.3 + 0.4 * who.glasses_square, 4.7 - 0.7 * who.glasses_square
    across, down = np.square((u - who.eye_apart) / wide), np.square(v / high)
    circle = across + down
    rim = np.sqrt(circle + who.glasses_square * (np.sqrt(across * across + down * down) - circle))
    frame = inside(who.glasses - np.abs(rim - 1) * (0.5 * (wide + high)), 1.2)
    bridge = inside(who.glasses - np.abs(v + 1.2), 1.2) * inside(who.eye_apart - wide - u, 1.2)
    arm = (
        inside(who.glasses - np.abs(v + 1.4), 1.2) * inside(u - who.eye_apart - wide, 1.2) * inside(who.head_width - u)
    )
    picture = sheet.picture[worn, rows]
    paint(picture, who.glasses_tone, 0.95 * np.maximum(np.maximum(frame, bridge), arm))
    sheet.picture[worn, rows] = picture


def _grade(sheet: Sheet, light: Light) -> FloatArray:
    """The light's fall over the whole picture, exposure and contrast."""
    fall = light.light_strength * 0.22 / (SIZE / 2)
    picture = sheet.picture
    picture *= 1 + fall * (cos(light.light_angle) * sheet.x + sin(light.light_angle) * sheet.y)
    picture -= 0.5
    picture *= light.contrast
    picture += 0.5 * light.exposure
    return picture
