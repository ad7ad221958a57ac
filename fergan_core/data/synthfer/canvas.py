"""The canvas synthfer draws on: soft masks, pose, light and action units, and the coordinates of a turned face.

Each part of a face is a soft mask: a signed distance in pixels (positive inside), clipped to a ramp, so edges are
smooth without supersampling. All arrays are float32 and broadcast over a batch: parameters [B,1,1], pictures [B,H,W].
Coordinates: u to the right, v down, both in pixels from the middle of the face before pose is applied.
"""

from dataclasses import dataclass

import numpy as np

from fergan_core.data.synthfer.people import FloatArray, People, Rows

SIZE = 48

EYE_V = -4.6  # height of the eyes
MOUTH_V = 11.6


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
    """Activation of the Facial Action Coding System's units (Ekman & Friesen 1978), 0 to about 1, and gaze."""

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


def sin(angle: FloatArray) -> FloatArray:
    """Sine within 0.0011, of operations that IEEE 754 fixes to the bit: NumPy's own differs between processors.

    A parabola through sine's zeros and peaks, then a second one that bends it to the curve.
    """
    turn = angle * np.float32(0.5 / np.pi)
    turn = turn - np.rint(turn)
    rough = turn * (8 - 16 * np.abs(turn))
    sine: FloatArray = rough * (np.float32(0.775) + np.float32(0.225) * np.abs(rough))
    return sine


def cos(angle: FloatArray) -> FloatArray:
    return sin(angle + np.float32(np.pi / 2))


def inside(distance: FloatArray, softness: float = 1.3) -> FloatArray:
    """Soft mask of a signed distance: 0 outside, 1 inside, a ramp `softness` pixels wide between."""
    mask = distance * np.float32(1 / softness)
    mask += np.float32(0.5)
    return np.clip(mask, 0, 1, out=mask)


def bump(u: FloatArray, v: FloatArray | float = 0.0) -> FloatArray:
    """A smooth hill, 1 in the middle and 0 from distance 1 on."""
    hill = 1 - (u * u + v * v)
    np.maximum(hill, 0, out=hill)
    hill *= hill
    return hill


def paint(picture: FloatArray, tone: FloatArray | float, mask: FloatArray) -> None:
    """Lay a tone over the picture where the mask is."""
    picture += mask * (tone - picture)


def shade(picture: FloatArray, amount: FloatArray | float, mask: FloatArray) -> None:
    """Darken (amount above 0) or lighten the picture by a fraction where the mask is."""
    picture *= 1 - amount * mask


class Sheet:
    """A batch of pictures being drawn, with the coordinates of head and face."""

    def __init__(self, person: People, pose: Pose, acts: Actions) -> None:
        line = np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)
        self.x, self.y = line[None, None, :], line[None, :, None]
        x, y = (self.x - pose.shift_x) / pose.scale, (self.y - pose.shift_y) / pose.scale
        across = cos(pose.roll) * x + sin(pose.roll) * y
        self.head_v = cos(pose.roll) * y - sin(pose.roll) * x
        self.v = self.head_v - pose.pitch
        # The face is a cylinder turned by yaw: features slide along it, and its far side grows narrow.
        radius = person.head_width + 1.5
        depth = np.sqrt(np.maximum(radius * radius - across * across, 0))
        turn = sin(pose.yaw)
        self.u = cos(pose.yaw) * across - turn * depth
        self.nose_u = self.u - 2.0 * turn
        self.head_u = across - 0.10 * radius * turn
        self.face_u = across - 0.26 * radius * turn
        self.chin = person.chin + 3.6 * acts.au26 + 0.4 * acts.au12
        self.picture = np.empty((person.skin.shape[0], SIZE, SIZE), np.float32)
