"""The parts of synthfer's faces that an expression moves: cheeks, nose, beard, mouth, eyes and brows."""

import numpy as np

from fergan_core.data.synthfer.canvas import (
    EYE_V,
    MOUTH_V,
    SIZE,
    Actions,
    Light,
    Sheet,
    bump,
    cos,
    inside,
    paint,
    shade,
    sin,
)
from fergan_core.data.synthfer.people import People

# Windows in which the parts lie under any pose that synthfer draws: the rest of the picture need not be computed.
EYE_ROWS = slice(3, 34)
_MOUTH_ROWS = slice(22, SIZE)
_MIDDLE_ROWS = slice(12, 42)


def draw_cheeks(sheet: Sheet, person: People, acts: Actions) -> None:
    """Eye sockets, cheeks, the folds from nose to mouth, lines of age, freckles, a mole."""
    rows = _MIDDLE_ROWS
    u, v, picture = np.abs(sheet.u[:, rows]), sheet.v[:, rows], sheet.picture[:, rows]
    shade(picture, 0.24, bump((u - person.eye_apart + 0.8) / 6.5, (v - EYE_V) / 5.0))
    raised = acts.au6 + 0.4 * acts.au9
    shade(picture, -0.05 - 0.13 * raised, bump((u - 9) / 5.5, (v - 3.6 + 1.0 * raised) / 4.5))
    fold = u - (person.nose_width + 1.6 + (v - 4.5) * (0.42 + 0.20 * acts.au12))
    deep = 0.04 + 0.06 * person.wrinkles + 0.30 * np.maximum(acts.au12, 1.1 * acts.au9) + 0.12 * acts.au15
    shade(picture, deep, bump(fold / 1.5) * bump((v - 7.6 + acts.au12 + acts.au9) / 5.5))
    bag = v - EYE_V - 3.6 + 0.7 * raised + 0.05 * (u - person.eye_apart) ** 2
    shade(picture, 0.06 + 0.16 * person.wrinkles + 0.16 * raised, bump(bag / 1.2) * bump((u - person.eye_apart) / 5))
    spotted = np.flatnonzero(person.freckles[:, 0, 0])
    if spotted.size:
        u_, v_ = sheet.u[spotted, rows], v[spotted]
        dots = np.maximum(sin(2.3 * u_ + 0.9 * v_) * sin(2.1 * v_ - 0.8 * u_) - 0.45, 0)
        picture[spotted] *= 1 - 0.55 * dots * bump((u[spotted] - 6) / 6, (v_ - 3) / 4)
    marked = np.flatnonzero(person.mole[:, 0, 0])
    if marked.size:
        place = sheet.u[marked, rows] - 7.5 * person.mole[marked]
        picture[marked] *= 1 - 0.75 * bump(place / 1.5, (v[marked] - 7.5) / 1.5)


def draw_nose(sheet: Sheet, person: People, acts: Actions, light: Light) -> None:
    rows = _MIDDLE_ROWS
    u, v, picture = sheet.nose_u[:, rows], sheet.v[:, rows], sheet.picture[:, rows]
    tip = person.nose_length - 1.3 * acts.au9
    width = person.nose_width + 0.5 * acts.au9 + 0.25 * acts.au12
    lean = cos(light.light_angle) * (0.5 + light.light_strength)
    along = inside(tip - v, 4.0) * inside(v + 6, 4.0)
    reach = width * (0.55 + 0.03 * (v + 4))
    flank = bump((u + reach) / 1.7) * (1 + lean) + bump((u - reach) / 1.7) * (1 - lean)
    shade(picture, 0.11, flank * along)
    shade(picture, -0.14, bump(u / 1.5) * along)
    shade(picture, -0.16, bump(u / 2.0, (v - tip + 0.8) / 2.0))
    wide = np.abs(u)
    wings = bump((wide - width) / 1.2, (v - tip - 0.1) / 2.2)
    shade(picture, 0.32 + 0.2 * acts.au9, wings)
    under = v - tip - 1.3 + 0.10 * wide * wide / width
    shade(picture, 0.30, bump(under / 1.1) * inside(width - wide, 2.0))
    shade(picture, 0.62, bump((wide - 0.55 * width) / 1.3, (v - tip - 0.9) / 1.1))
    # Nose wrinkler: creases across the root of the nose and slanting down its sides.
    creases = np.maximum(sin(2.4 * (v + 5.2 - 0.35 * wide)), 0)
    shade(picture, 0.46 * acts.au9, creases * bump(wide / 5.2, (v + 3.0) / 4.6))


def draw_beard(sheet: Sheet, person: People, acts: Actions) -> None:
    """Full beard, goatee and moustache, for those who have any."""
    bearded = np.flatnonzero((person.beard + person.goatee + person.moustache)[:, 0, 0])
    if not bearded.size:
        return
    rows = _MOUTH_ROWS
    who, act = person.rows(bearded), acts.rows(bearded)
    u, v, face_u = sheet.u[bearded, rows], sheet.v[bearded, rows], sheet.face_u[bearded, rows]
    wide, drop = np.abs(u), 3.6 * act.au26
    grain = 1 + 0.16 * sin(1.1 * u + 1.9 * sin(0.9 * v)) * sin(1.2 * v + 1.7 * sin(0.8 * u))
    cheek = np.square(face_u / who.head_width)
    jaw = inside(v - 9.5 + 13 * cheek * cheek, 3.0) * inside(1.02 * who.head_width - np.abs(face_u), 1.5)
    jaw *= inside(sheet.chin[bearded] + 1.0 - sheet.head_v[bearded, rows] - 9 * cheek, 2.0)
    mouth_width = who.mouth_width + 0.8
    goatee = inside((1 - np.square(u / (mouth_width * 0.85)) - np.square((v - 20.3 - drop) / 5.6)) * 2.4, 2.2)
    goatee *= inside(sheet.chin[bearded] - 0.05 * face_u * face_u + 0.8 - sheet.head_v[bearded, rows], 1.5)
    lift = 1.6 * act.au9 + 0.5 * act.au26 + 0.6 * act.au12
    lip = MOUTH_V - 2.6 - lift + (0.018 - 0.03 * act.au12 + 0.02 * act.au15) * u * u
    moustache = inside(1.35 - np.abs(v - lip), 1.5) * inside(mouth_width + 0.6 - wide, 2.0)
    cover = np.maximum(np.maximum(jaw * who.beard, goatee * who.goatee), moustache * who.moustache)
    picture = sheet.picture[bearded, rows]
    paint(picture, np.minimum(who.hair_tone, who.skin * 0.72) * grain, 0.85 * cover)
    sheet.picture[bearded, rows] = picture


def draw_mouth(sheet: Sheet, person: People, acts: Actions) -> None:
    rows = _MOUTH_ROWS
    u, v, picture = sheet.u[:, rows], sheet.v[:, rows], sheet.picture[:, rows]
    smile, drop = acts.au12, acts.au26
    width = (
        person.mouth_width
        + 1.9 * smile
        + 2.2 * acts.au20
        - 0.9 * acts.au23
        - 1.5 * drop * (1 - acts.au20)
        + 0.6 * acts.au15
    )
    corner = -3.9 * smile + 3.6 * acts.au15 + 1.3 * acts.au20 - 0.35
    along2 = np.minimum(np.square(u / width), 1)
    arch = 1 - along2
    round_arch = np.sqrt(arch)
    middle = MOUTH_V + 0.7 * acts.au15 + 0.6 * drop + corner * (along2 - 0.45)
    upper_gap = 1.0 * drop + 1.3 * acts.au9 + 0.5 * np.maximum(smile - 0.35, 0)
    lower_gap = 6.6 * drop + 2.3 * acts.au16 + 6.0 * np.maximum(smile - 0.35, 0)
    # Stretched lips open to a slot, a dropped jaw to an oval.
    gap = round_arch + acts.au20 * (np.sqrt(round_arch) - round_arch)
    top, bottom = middle - upper_gap * gap, middle + lower_gap * gap
    thick = person.lip_thick * (1 - 0.65 * acts.au23 - 0.15 * smile)
    within = inside(width + 0.3 - np.abs(u), 1.0)
    lip_top = top - thick * 0.95 * round_arch * (1 - 0.25 * bump(u / 1.8))
    lip_bottom = bottom + thick * 1.25 * round_arch
    lips = inside(v - lip_top) * inside(lip_bottom - v) * within
    lip_tone = person.skin * person.lip_tone * (1 - 0.22 * smile)
    shade(picture, 0.20 + 0.12 * acts.au15, bump(u / 5.5, (v - lip_bottom - 1.4) / 1.8))
    paint(picture, lip_tone, lips)
    shade(picture, -0.18, bump(u / (0.6 * width), (v - lip_bottom + 0.8 * thick) / 1.1) * lips)
    open_ = inside(v - top, 1.0) * inside(bottom - v, 1.0) * within
    paint(picture, 0.05, open_)
    teeth_up = 2.0 * np.minimum(1.6 * smile, 1) + 1.0 * acts.au20 + 0.9 * acts.au9 + 0.9 * drop
    teeth_down = 1.9 * acts.au16 + 0.9 * acts.au20
    teeth = np.maximum(inside(top + teeth_up - v, 1.0), inside(v - bottom + teeth_down, 1.0))
    paint(picture, 0.70 + 0.25 * person.skin, 0.94 * teeth * open_ * inside(0.88 * width - np.abs(u), 1.5))
    paint(picture, person.skin * 0.35, 0.6 * open_ * bump(u / (0.7 * width), (v - bottom - 0.5) / 3.0) * drop)
    # The line where the lips meet, pressed hard by the lip tightener, and the shadow in the corners.
    line = bump((v - middle) / (1.25 - 0.1 * acts.au23)) * within
    shade(picture, np.maximum(0.55 + 0.2 * acts.au23 - 0.4 * (upper_gap + lower_gap), 0), line)
    edge = bump((np.abs(u) - width - 0.2) / 1.7, (v - middle) / 1.6)
    shade(picture, 0.22 + 0.30 * np.maximum(smile, acts.au15), edge)
    bulge = np.maximum(bump(u / 9, (v - lip_bottom - 2.2) / 1.4), 0)
    shade(picture, 0.22 * acts.au23, bulge)


def draw_eyes(sheet: Sheet, person: People, acts: Actions) -> None:
    rows = EYE_ROWS
    u, v, picture = sheet.u[:, rows], sheet.v[:, rows] - EYE_V, sheet.picture[:, rows]
    wide = np.abs(u)
    across = (wide - person.eye_apart) / person.eye_width  # -1 inner corner, 1 outer corner
    arch = 1 - np.minimum(across * across, 1)
    sorrow = acts.au1 * acts.au15  # the upper lid follows the brow: its inner end is pulled up, its outer end sinks
    raised = (
        person.eye_height * (1 - 0.28 * acts.au7 - 0.30 * acts.au6 - 0.34 * acts.au9 - 0.22 * sorrow) + 1.9 * acts.au5
    )
    lower = person.eye_height * (0.72 - 0.30 * acts.au7 - 0.52 * acts.au6 - 0.30 * acts.au9) + 0.35 * acts.au5
    tilt = across * (0.15 - 1.15 * sorrow + 0.55 * acts.au4 * (1 - acts.au1) - 0.5 * acts.au6)
    upper_lid = -raised * arch - tilt * np.minimum(wide, 1) * 0.9
    lower_lid = lower * arch - tilt * 0.6
    span = inside((1 - np.abs(across)) * person.eye_width, 1.2)
    opening = inside(v - upper_lid, 1.1) * inside(lower_lid - v, 1.1) * span
    white = 0.50 + 0.42 * person.skin
    paint(picture, white * (0.86 + 0.14 * inside(v - upper_lid - 1.0, 1.5)), opening)
    look = u - np.sign(u) * person.eye_apart - acts.gaze
    far = np.sqrt(look * look + np.square(v + 0.35))
    paint(picture, person.iris * np.minimum(person.skin + 0.25, 1.0), opening * inside(2.05 - far, 1.1))
    paint(picture, 0.02, opening * inside(0.95 - far, 1.0))
    paint(picture, 0.95, 0.8 * opening * bump((look + 0.7) / 0.95, (v + 1.0) / 0.95))
    lid = np.minimum(person.skin * 0.30, 0.2)
    paint(picture, lid, 0.85 * person.lashes * span * bump((v - upper_lid + 0.35) / 1.15))
    shade(picture, 0.30 + 0.20 * acts.au7 + 0.12 * acts.au6, span * bump((v - lower_lid - 0.5) / 1.0))
    crease = v - upper_lid + 2.1
    shade(picture, 0.24 * np.maximum(1 - acts.au4, 0.2), span * bump(crease / 0.9))
    # Crow's feet of a raised cheek.
    rays = np.maximum(sin(1.9 * (v - 0.6)), 0) * bump((across - 1.45) / 0.42, v / 3.2)
    shade(picture, 0.24 * acts.au6 + 0.10 * person.wrinkles, rays)


def draw_brows(sheet: Sheet, person: People, acts: Actions) -> None:
    rows = EYE_ROWS
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
    height = EYE_V - 4.6 + 0.5 * (inner + outer) + 0.5 * (outer - inner) * along + (lift - arch) * (1 - along * along)
    thick = person.brow_thick * (1.12 - 0.3 * along)
    brow = inside(thick - np.abs(v - height), 1.4) * inside((1 - np.abs(along)) * half, 1.8)
    paint(picture, person.brow_tone, 0.9 * brow)
    frown = acts.au4 * (1 - 0.6 * acts.au2)
    furrow = bump((wide - 1.5) / 1.1, (v + 9.0 - 1.0 * lowered) / 3.8)
    shade(picture, 0.45 * frown, furrow)
    up = acts.au1 * (0.35 + 0.65 * acts.au2)
    lines = np.maximum(sin(2.3 * (v + 12.5) - 0.012 * u * u), 0) * bump(u / 12, (v + 14.0) / 3.2)
    shade(picture, 0.26 * up + 0.13 * person.wrinkles, lines)
