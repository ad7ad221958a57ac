"""Draws faces of 48 x 48 pixels from numbers: who, how strong each action unit, which pose, which light.

Each part of a face is a soft mask: a signed distance in pixels (positive inside), clipped to a ramp, so edges are
smooth without supersampling. All arrays are float32 and broadcast over a batch: parameters [B,1,1], pictures [B,H,W].
Coordinates: u to the right, v down, both in pixels from the middle of the face before pose is applied.
"""

from dataclasses import dataclass

import numpy as np

from fergan_core.data._people import FloatArray, People, Rows

SIZE = 48

_EYE_V = -4.6  # height of the eyes
_MOUTH_V = 11.6
_EYE_ROWS = slice(3, 34)  # windows in which the parts can lie under any pose that synthfer draws
_MOUTH_ROWS = slice(22, SIZE)
_MIDDLE_ROWS = slice(12, 42)


@dataclass(frozen=True)
class Pose(Rows):
    """How the face stands before the camera; every field float32."""

    yaw: FloatArray  # radians, positive turns the nose to the right
    roll: FloatArray  # radians, positive turns clockwise
    pitch: FloatArray  # pixels the features move down
    shift_x: FloatArray
    shift_y: FloatArray
    scale: FloatArray


@dataclass(frozen=True)
class Light(Rows):
    """Light, background and camera; every field float32."""

    light_angle: FloatArray  # radians: 0 from the right, pi / 2 from below, -pi / 2 from above
    light_strength: FloatArray  # 0 flat to 1 from one side
    exposure: FloatArray  # the picture's gain
    contrast: FloatArray
    background: FloatArray  # tone
    background_slope: FloatArray  # tone change over the picture
    background_angle: FloatArray
    blob_x: FloatArray  # something out of focus behind the person
    blob_y: FloatArray
    blob_tone: FloatArray
    clothes: FloatArray  # tone


@dataclass(frozen=True)
class Actions(Rows):
    """Activation of each action unit of the Facial Action Coding System (Ekman & Friesen 1978), 0 to about 1, and gaze."""

    au1: FloatArray  # inner brow raiser
    au2: FloatArray  # outer brow raiser
    au4: FloatArray  # brow lowerer
    au5: FloatArray  # upper lid raiser
    au6: FloatArray  # cheek raiser
    au7: FloatArray  # lid tightener
    au9: FloatArray  # nose wrinkler
    au12: FloatArray  # lip corner puller
    au15: FloatArray  # lip corner depressor
    au16: FloatArray  # lower lip depressor
    au20: FloatArray  # lip stretcher
    au23: FloatArray  # lip tightener
    au26: FloatArray  # jaw drop
    gaze: FloatArray  # pixels the irises look to the right


def _inside(distance: FloatArray, softness: float = 1.3) -> FloatArray:
    """Soft mask of a signed distance: 0 outside, 1 inside, a ramp `softness` pixels wide between."""
    mask = distance * np.float32(1 / softness)
    mask += np.float32(0.5)
    return np.clip(mask, 0, 1, out=mask)


def _bump(u: FloatArray, v: FloatArray | float = 0.0) -> FloatArray:
    """A smooth hill, 1 in the middle and 0 from distance 1 on."""
    hill = 1 - (u * u + v * v)
    np.maximum(hill, 0, out=hill)
    hill *= hill
    return hill


def _paint(picture: FloatArray, tone: FloatArray | float, mask: FloatArray) -> None:
    """Lay a tone over the picture where the mask is."""
    picture += mask * (tone - picture)


def _shade(picture: FloatArray, amount: FloatArray | float, mask: FloatArray) -> None:
    """Darken (amount above 0) or lighten the picture by a fraction where the mask is."""
    picture *= 1 - amount * mask


class _Sheet:
    """A batch of pictures being drawn, with the coordinates of head and face."""

    def __init__(self, person: People, pose: Pose, acts: Actions) -> None:
        line = np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)
        self.x, self.y = line[None, None, :], line[None, :, None]
        x, y = (self.x - pose.shift_x) / pose.scale, (self.y - pose.shift_y) / pose.scale
        cos, sin = np.cos(pose.roll), np.sin(pose.roll)
        across = cos * x + sin * y
        self.head_v = cos * y - sin * x
        self.v = self.head_v - pose.pitch
        # The face is a cylinder turned by yaw: features slide along it, and its far side grows narrow.
        radius = person.head_width + 1.5
        depth = np.sqrt(np.maximum(radius * radius - across * across, 0))
        turn = np.sin(pose.yaw)
        self.u = np.cos(pose.yaw) * across - turn * depth
        self.nose_u = self.u - 2.0 * turn
        self.head_u = across - 0.10 * radius * turn
        self.face_u = across - 0.26 * radius * turn
        self.chin = person.chin + 3.6 * acts.au26 + 0.4 * acts.au12
        self.picture = np.empty((person.skin.shape[0], SIZE, SIZE), np.float32)


def draw(person: People, pose: Pose, acts: Actions, light: Light) -> FloatArray:
    """Draw a batch of faces, float32 [B,48,48], 0 black to 1 white (before noise, not clipped).

    Every argument holds [B,1,1] fields, as `Rows.rows` gives them.
    """
    sheet = _Sheet(person, pose, acts)
    _background(sheet, light)
    strands = _strands(sheet, person)
    outline = _hair_outline(sheet, person)
    _paint(sheet.picture, strands * 0.8, outline)
    _neck_and_ears(sheet, person, light)
    _skin(sheet, person, acts, light)
    _cheeks(sheet, person, acts)
    _nose(sheet, person, acts, light)
    _beard(sheet, person, acts)
    _mouth(sheet, person, acts)
    _eyes(sheet, person, acts)
    _brows(sheet, person, acts)
    _front_hair(sheet, person, strands, outline)
    _glasses(sheet, person)
    return _grade(sheet, light)


def _background(sheet: _Sheet, light: Light) -> None:
    slope = light.background_slope / SIZE
    sheet.picture[:] = light.background + slope * (
        np.cos(light.background_angle) * sheet.x + np.sin(light.background_angle) * sheet.y
    )
    blob = _bump((sheet.x - light.blob_x) / 16, (sheet.y - light.blob_y) / 22)
    _paint(sheet.picture, light.blob_tone, 0.8 * blob)


def _strands(sheet: _Sheet, person: People) -> FloatArray:
    """The hair's tone at every pixel: strands that fall, or curls."""
    u, v = sheet.head_u, sheet.head_v
    # Sines whose frequencies do not fit together, each bent by another, look like hair and not like a pattern.
    bend = np.sin(0.13 * v + 0.09 * u)
    falling = np.sin(0.83 * u + 2.1 * bend) + 0.7 * np.sin(1.71 * u - 1.4 * bend + 1.0)
    curls = np.sin(1.05 * u + 1.9 * np.sin(0.71 * v + 0.23 * u)) * np.sin(0.97 * v + 1.7 * np.sin(0.83 * u))
    texture = falling + person.hair_curl * (2.0 * curls - falling)
    shine = 0.22 * _bump((u + 3) / 13, (v + 16) / 6)
    tone: FloatArray = person.hair_tone * (1 + (0.055 + 0.045 * person.hair_curl) * texture + shine) + 0.014 * texture
    return tone


def _hair_outline(sheet: _Sheet, person: People) -> FloatArray:
    """All that lies under the hair's outer line: an arch over the head, hanging straight down at the sides."""
    u, v = sheet.head_u, sheet.head_v
    width = person.head_width + person.hair_side
    above = np.minimum(v + 2, 0) / (17.5 + person.hair_top)
    ragged = person.hair_wave * np.sin(0.9 * v + 0.35 * np.abs(u))
    along = u / (width + ragged)
    outline = _inside((1 - along * along - above * above) * width * 0.5)
    ends = np.maximum(person.hair_length, person.hairline_curtain) - v
    outline *= _inside(ends - 0.16 * np.square(np.maximum(np.abs(u) - person.head_width + 1, 0)), 2.5)
    knot = np.flatnonzero(person.bun[:, 0, 0])
    if knot.size:
        bun = person.bun[knot] - np.sqrt((u[knot] - 9) ** 2 + (v[knot] + 16.5) ** 2)
        outline[knot] = np.maximum(outline[knot], _inside(bun))
    outline *= person.hair
    return outline


def _neck_and_ears(sheet: _Sheet, person: People, light: Light) -> None:
    u, v, picture = sheet.head_u[:, 12:], sheet.head_v[:, 12:], sheet.picture[:, 12:]
    wide = np.abs(u)
    _paint(picture, person.skin * 0.62, _inside(person.head_width * 0.62 - wide) * _inside(v - 10))
    _paint(picture, light.clothes, _inside(v - 23.5 + 0.12 * wide, 1.8))
    across, down = (wide - person.head_width + 0.2) / 2.6, (v + 1) / 4.6
    ear = _inside((1 - across * across - down * down) * 1.8) * person.ears
    _paint(picture, person.skin * (0.88 - 0.28 * _bump(across / 0.8, down / 0.8)), ear)


def _skin(sheet: _Sheet, person: People, acts: Actions, light: Light) -> None:
    """The face's oval, lit as an ellipsoid."""
    u, v = sheet.face_u, sheet.head_v
    below = np.maximum(v, 0) / sheet.chin
    down = np.minimum(v, 0) / 19.5 + below
    along = u / (person.head_width * (1 - person.jaw_taper * below))
    below2 = below * below
    inside = 1 - along * along - down * down - (0.8 * person.jaw_square) * below2 * (below2 - 1)
    face = _inside(inside * person.head_width * 0.5)
    depth = np.sqrt(np.maximum(inside, 0))
    side = np.cos(light.light_angle) * along + np.sin(light.light_angle) * down
    lit = 0.70 + 0.34 * depth + light.light_strength * 0.30 * side
    _paint(sheet.picture, person.skin * lit, face)


def _cheeks(sheet: _Sheet, person: People, acts: Actions) -> None:
    """Eye sockets, cheeks, the folds from nose to mouth, lines of age, freckles, a mole."""
    rows = _MIDDLE_ROWS
    u, v, picture = np.abs(sheet.u[:, rows]), sheet.v[:, rows], sheet.picture[:, rows]
    _shade(picture, 0.24, _bump((u - person.eye_apart + 0.8) / 6.5, (v - _EYE_V) / 5.0))
    raised = acts.au6 + 0.4 * acts.au9
    _shade(picture, -0.05 - 0.13 * raised, _bump((u - 9) / 5.5, (v - 3.6 + 1.0 * raised) / 4.5))
    fold = u - (person.nose_width + 1.6 + (v - 4.5) * (0.42 + 0.20 * acts.au12))
    deep = 0.04 + 0.06 * person.wrinkles + 0.30 * np.maximum(acts.au12, 1.1 * acts.au9) + 0.12 * acts.au15
    _shade(picture, deep, _bump(fold / 1.5) * _bump((v - 7.6 + acts.au12 + acts.au9) / 5.5))
    bag = v - _EYE_V - 3.6 + 0.7 * raised + 0.05 * (u - person.eye_apart) ** 2
    _shade(picture, 0.06 + 0.16 * person.wrinkles + 0.16 * raised, _bump(bag / 1.2) * _bump((u - person.eye_apart) / 5))
    spotted = np.flatnonzero(person.freckles[:, 0, 0])
    if spotted.size:
        u_, v_ = sheet.u[spotted, rows], v[spotted]
        dots = np.maximum(np.sin(2.3 * u_ + 0.9 * v_) * np.sin(2.1 * v_ - 0.8 * u_) - 0.45, 0)
        picture[spotted] *= 1 - 0.55 * dots * _bump((u[spotted] - 6) / 6, (v_ - 3) / 4)
    marked = np.flatnonzero(person.mole[:, 0, 0])
    if marked.size:
        place = sheet.u[marked, rows] - 7.5 * person.mole[marked]
        picture[marked] *= 1 - 0.75 * _bump(place / 1.5, (v[marked] - 7.5) / 1.5)


def _nose(sheet: _Sheet, person: People, acts: Actions, light: Light) -> None:
    rows = _MIDDLE_ROWS
    u, v, picture = sheet.nose_u[:, rows], sheet.v[:, rows], sheet.picture[:, rows]
    tip = person.nose_length - 1.3 * acts.au9
    width = person.nose_width + 0.5 * acts.au9 + 0.25 * acts.au12
    lean = np.cos(light.light_angle) * (0.5 + light.light_strength)
    along = _inside(tip - v, 4.0) * _inside(v + 6, 4.0)
    reach = width * (0.55 + 0.03 * (v + 4))
    flank = _bump((u + reach) / 1.7) * (1 + lean) + _bump((u - reach) / 1.7) * (1 - lean)
    _shade(picture, 0.11, flank * along)
    _shade(picture, -0.14, _bump(u / 1.5) * along)
    _shade(picture, -0.16, _bump(u / 2.0, (v - tip + 0.8) / 2.0))
    wide = np.abs(u)
    wings = _bump((wide - width) / 1.2, (v - tip - 0.1) / 2.2)
    _shade(picture, 0.32 + 0.2 * acts.au9, wings)
    under = v - tip - 1.3 + 0.10 * wide * wide / width
    _shade(picture, 0.30, _bump(under / 1.1) * _inside(width - wide, 2.0))
    _shade(picture, 0.62, _bump((wide - 0.55 * width) / 1.3, (v - tip - 0.9) / 1.1))
    # Nose wrinkler: creases across the root of the nose and slanting down its sides.
    creases = np.maximum(np.sin(2.4 * (v + 5.2 - 0.35 * wide)), 0)
    _shade(picture, 0.46 * acts.au9, creases * _bump(wide / 5.2, (v + 3.0) / 4.6))


def _beard(sheet: _Sheet, person: People, acts: Actions) -> None:
    """Full beard, goatee and moustache, for those who have any."""
    bearded = np.flatnonzero((person.beard + person.goatee + person.moustache)[:, 0, 0])
    if not bearded.size:
        return
    rows = _MOUTH_ROWS
    who, act = person.rows(bearded), acts.rows(bearded)
    u, v, face_u = sheet.u[bearded, rows], sheet.v[bearded, rows], sheet.face_u[bearded, rows]
    wide, drop = np.abs(u), 3.6 * act.au26
    grain = 1 + 0.16 * np.sin(1.1 * u + 1.9 * np.sin(0.9 * v)) * np.sin(1.2 * v + 1.7 * np.sin(0.8 * u))
    cheek = np.square(face_u / who.head_width)
    jaw = _inside(v - 9.5 + 13 * cheek * cheek, 3.0) * _inside(1.02 * who.head_width - np.abs(face_u), 1.5)
    jaw *= _inside(sheet.chin[bearded] + 1.0 - sheet.head_v[bearded, rows] - 9 * cheek, 2.0)
    mouth_width = who.mouth_width + 0.8
    goatee = _inside((1 - np.square(u / (mouth_width * 0.85)) - np.square((v - 20.3 - drop) / 5.6)) * 2.4, 2.2)
    goatee *= _inside(sheet.chin[bearded] - 0.05 * face_u * face_u + 0.8 - sheet.head_v[bearded, rows], 1.5)
    lift = 1.6 * act.au9 + 0.5 * act.au26 + 0.6 * act.au12
    lip = _MOUTH_V - 2.6 - lift + (0.018 - 0.03 * act.au12 + 0.02 * act.au15) * u * u
    moustache = _inside(1.35 - np.abs(v - lip), 1.5) * _inside(mouth_width + 0.6 - wide, 2.0)
    cover = np.maximum(np.maximum(jaw * who.beard, goatee * who.goatee), moustache * who.moustache)
    picture = sheet.picture[bearded, rows]
    _paint(picture, np.minimum(who.hair_tone, who.skin * 0.72) * grain, 0.85 * cover)
    sheet.picture[bearded, rows] = picture


def _mouth(sheet: _Sheet, person: People, acts: Actions) -> None:
    rows = _MOUTH_ROWS
    u, v, picture = sheet.u[:, rows], sheet.v[:, rows], sheet.picture[:, rows]
    smile, drop = acts.au12, acts.au26
    width = person.mouth_width + 1.9 * smile + 2.2 * acts.au20 - 0.9 * acts.au23 - 1.5 * drop * (1 - acts.au20) + 0.6 * acts.au15
    corner = -3.9 * smile + 3.6 * acts.au15 + 1.3 * acts.au20 - 0.35
    along2 = np.minimum(np.square(u / width), 1)
    arch = 1 - along2
    round_arch = np.sqrt(arch)
    middle = _MOUTH_V + 0.7 * acts.au15 + 0.6 * drop + corner * (along2 - 0.45)
    upper_gap = 1.0 * drop + 1.3 * acts.au9 + 0.5 * np.maximum(smile - 0.35, 0)
    lower_gap = 6.6 * drop + 2.3 * acts.au16 + 6.0 * np.maximum(smile - 0.35, 0)
    # Stretched lips open to a slot, a dropped jaw to an oval.
    gap = round_arch + acts.au20 * (np.sqrt(round_arch) - round_arch)
    top, bottom = middle - upper_gap * gap, middle + lower_gap * gap
    thick = person.lip_thick * (1 - 0.65 * acts.au23 - 0.15 * smile)
    within = _inside(width + 0.3 - np.abs(u), 1.0)
    lip_top = top - thick * 0.95 * round_arch * (1 - 0.25 * _bump(u / 1.8))
    lip_bottom = bottom + thick * 1.25 * round_arch
    lips = _inside(v - lip_top) * _inside(lip_bottom - v) * within
    lip_tone = person.skin * person.lip_tone * (1 - 0.22 * smile)
    _shade(picture, 0.20 + 0.12 * acts.au15, _bump(u / 5.5, (v - lip_bottom - 1.4) / 1.8))
    _paint(picture, lip_tone, lips)
    _shade(picture, -0.18, _bump(u / (0.6 * width), (v - lip_bottom + 0.8 * thick) / 1.1) * lips)
    open_ = _inside(v - top, 1.0) * _inside(bottom - v, 1.0) * within
    _paint(picture, 0.05, open_)
    teeth_up = 2.0 * np.minimum(1.6 * smile, 1) + 1.0 * acts.au20 + 0.9 * acts.au9 + 0.9 * drop
    teeth_down = 1.9 * acts.au16 + 0.9 * acts.au20
    teeth = np.maximum(_inside(top + teeth_up - v, 1.0), _inside(v - bottom + teeth_down, 1.0))
    _paint(picture, 0.70 + 0.25 * person.skin, 0.94 * teeth * open_ * _inside(0.88 * width - np.abs(u), 1.5))
    _paint(picture, person.skin * 0.35, 0.6 * open_ * _bump(u / (0.7 * width), (v - bottom - 0.5) / 3.0) * drop)
    # The line where the lips meet, pressed hard by the lip tightener, and the shadow in the corners.
    line = _bump((v - middle) / (1.25 - 0.1 * acts.au23)) * within
    _shade(picture, np.maximum(0.55 + 0.2 * acts.au23 - 0.4 * (upper_gap + lower_gap), 0), line)
    edge = _bump((np.abs(u) - width - 0.2) / 1.7, (v - middle) / 1.6)
    _shade(picture, 0.22 + 0.30 * np.maximum(smile, acts.au15), edge)
    bulge = np.maximum(_bump(u / 9, (v - lip_bottom - 2.2) / 1.4), 0)
    _shade(picture, 0.22 * acts.au23, bulge)


def _eyes(sheet: _Sheet, person: People, acts: Actions) -> None:
    rows = _EYE_ROWS
    u, v, picture = sheet.u[:, rows], sheet.v[:, rows] - _EYE_V, sheet.picture[:, rows]
    wide = np.abs(u)
    across = (wide - person.eye_apart) / person.eye_width  # -1 inner corner, 1 outer corner
    arch = 1 - np.minimum(across * across, 1)
    sorrow = acts.au1 * acts.au15  # the upper lid follows the brow: its inner end is pulled up, its outer end sinks
    raised = person.eye_height * (1 - 0.28 * acts.au7 - 0.30 * acts.au6 - 0.34 * acts.au9 - 0.22 * sorrow) + 1.9 * acts.au5
    lower = person.eye_height * (0.72 - 0.30 * acts.au7 - 0.52 * acts.au6 - 0.30 * acts.au9) + 0.35 * acts.au5
    tilt = across * (0.15 - 1.15 * sorrow + 0.55 * acts.au4 * (1 - acts.au1) - 0.5 * acts.au6)
    upper_lid = -raised * arch - tilt * np.minimum(wide, 1) * 0.9
    lower_lid = lower * arch - tilt * 0.6
    span = _inside((1 - np.abs(across)) * person.eye_width, 1.2)
    opening = _inside(v - upper_lid, 1.1) * _inside(lower_lid - v, 1.1) * span
    white = 0.50 + 0.42 * person.skin
    _paint(picture, white * (0.86 + 0.14 * _inside(v - upper_lid - 1.0, 1.5)), opening)
    look = u - np.sign(u) * person.eye_apart - acts.gaze
    far = np.sqrt(look * look + np.square(v + 0.35))
    _paint(picture, person.iris * np.minimum(person.skin + 0.25, 1.0), opening * _inside(2.05 - far, 1.1))
    _paint(picture, 0.02, opening * _inside(0.95 - far, 1.0))
    _paint(picture, 0.95, 0.8 * opening * _bump((look + 0.7) / 0.95, (v + 1.0) / 0.95))
    lid = np.minimum(person.skin * 0.30, 0.2)
    _paint(picture, lid, 0.85 * person.lashes * span * _bump((v - upper_lid + 0.35) / 1.15))
    _shade(picture, 0.30 + 0.20 * acts.au7 + 0.12 * acts.au6, span * _bump((v - lower_lid - 0.5) / 1.0))
    crease = v - upper_lid + 2.1
    _shade(picture, 0.24 * np.maximum(1 - acts.au4, 0.2), span * _bump(crease / 0.9))
    # Crow's feet of a raised cheek.
    rays = np.maximum(np.sin(1.9 * (v - 0.6)), 0) * _bump((across - 1.45) / 0.42, v / 3.2)
    _shade(picture, 0.24 * acts.au6 + 0.10 * person.wrinkles, rays)


def _brows(sheet: _Sheet, person: People, acts: Actions) -> None:
    rows = _EYE_ROWS
    u, v, picture = sheet.u[:, rows], sheet.v[:, rows], sheet.picture[:, rows]
    wide = np.abs(u)
    inner_end = person.eye_apart - 4.4 - 1.1 * acts.au4
    outer_end = person.eye_apart + 5.0
    half = (outer_end - inner_end) * 0.5
    along = (wide - (outer_end + inner_end) * 0.5) / half  # -1 inner, 1 outer
    # Raised and drawn together at once (AU 1+4) the inner ends still go up: only what AU 1 leaves is lowered.
    lowered = acts.au4 * (1 - acts.au1) + 0.55 * acts.au9
    inner = -2.9 * acts.au1 + 3.0 * lowered
    outer = -2.7 * acts.au2 + 0.3 * lowered + 1.4 * acts.au1 * acts.au4 * (1 - acts.au2)
    lift = -0.9 * acts.au2 - 0.2 * acts.au1
    arch = person.brow_arch * (1 - 0.5 * acts.au4)
    height = _EYE_V - 4.6 + 0.5 * (inner + outer) + 0.5 * (outer - inner) * along + (lift - arch) * (1 - along * along)
    thick = person.brow_thick * (1.12 - 0.3 * along)
    brow = _inside(thick - np.abs(v - height), 1.4) * _inside((1 - np.abs(along)) * half, 1.8)
    _paint(picture, person.brow_tone, 0.9 * brow)
    frown = acts.au4 * (1 - 0.6 * acts.au2)
    furrow = _bump((wide - 1.5) / 1.1, (v + 9.0 - 1.0 * lowered) / 3.8)
    _shade(picture, 0.45 * frown, furrow)
    up = acts.au1 * (0.35 + 0.65 * acts.au2)
    lines = np.maximum(np.sin(2.3 * (v + 12.5) - 0.012 * u * u), 0) * _bump(u / 12, (v + 14.0) / 3.2)
    _shade(picture, 0.26 * up + 0.13 * person.wrinkles, lines)


def _front_hair(sheet: _Sheet, person: People, strands: FloatArray, outline: FloatArray) -> None:
    """Hair before the face: above the hairline and beside the cheeks."""
    across = sheet.face_u / person.head_width
    square = across * across
    line = person.hairline + person.hairline_slope * across + person.hairline_round * square
    line += person.hairline_curtain * square * square * square
    line += person.hair_curl * 0.7 * np.sin(1.3 * sheet.u) + 0.3 * np.sin(2.2 * sheet.u)
    _shade(sheet.picture, 0.18, outline * _inside(line + 1.6 - sheet.head_v, 2.5))
    _paint(sheet.picture, strands, outline * _inside(line - sheet.head_v, 1.6))


def _glasses(sheet: _Sheet, person: People) -> None:
    worn = np.flatnonzero(person.glasses[:, 0, 0])
    if not worn.size:
        return
    rows = _EYE_ROWS
    who = person.rows(worn)
    u, v = np.abs(sheet.u[worn, rows]), sheet.v[worn, rows] - _EYE_V - 0.5
    wide, high = 5.3 + 0.4 * who.glasses_square, 4.7 - 0.7 * who.glasses_square
    across, down = np.square((u - who.eye_apart) / wide), np.square(v / high)
    circle = across + down
    rim = np.sqrt(circle + who.glasses_square * (np.sqrt(across * across + down * down) - circle))
    frame = _inside(who.glasses - np.abs(rim - 1) * (0.5 * (wide + high)), 1.2)
    bridge = _inside(who.glasses - np.abs(v + 1.2), 1.2) * _inside(who.eye_apart - wide - u, 1.2)
    arm = _inside(who.glasses - np.abs(v + 1.4), 1.2) * _inside(u - who.eye_apart - wide, 1.2) * _inside(who.head_width - u)
    picture = sheet.picture[worn, rows]
    _paint(picture, who.glasses_tone, 0.95 * np.maximum(np.maximum(frame, bridge), arm))
    sheet.picture[worn, rows] = picture


def _grade(sheet: _Sheet, light: Light) -> FloatArray:
    """The light's fall over the whole picture, exposure and contrast."""
    fall = light.light_strength * 0.22 / (SIZE / 2)
    picture = sheet.picture
    picture *= 1 + fall * (np.cos(light.light_angle) * sheet.x + np.sin(light.light_angle) * sheet.y)
    picture -= 0.5
    picture *= light.contrast
    picture += 0.5 * light.exposure
    return picture
