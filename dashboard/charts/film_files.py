"""A film's pictures as files to keep: a PNG of one place, a PNG strip, a GIF or an MP4 of all; pure functions."""

import io
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dashboard.charts import gifs
from dashboard.charts.film import Film, FilmRun
from dashboard.charts.palette import emotion_colour
from fergan_core.sheets import PITCH, TILE, by_emotion

Format = Literal["PNG", "strip", "GIF", "MP4"]
# All is grey except the emotions' marks and faces in colour, so that a GIF's few colours are left to the faces.
_GROUND = {False: 255, True: 22}
_INK = {False: 60, True: 200}
_LABEL, _HEAD, _BETWEEN, _EDGE, _GAP = 76, 40, 16, 8, PITCH - TILE  # px, at scale 1
_MOST_IN_LINE = 16  # faces
_HOLD_SECONDS = 2.5  # of the last picture of a GIF or MP4


@dataclass(frozen=True)
class Look:
    """How a film's pictures are drawn: in the dark theme or not, and what percentage a wipe gives to the left run."""

    dark: bool
    split: int = 50


def file_of(film: Film, format: Format, place: float, look: Look, rate: int) -> bytes:
    """Draw a film's picture at a place as a PNG, or all of them as a strip, GIF or MP4, `rate` pictures a second.

    Raises DataError where a picture is not a sheet of its run's emotions.
    """
    if format == "PNG":
        return _png(draw(film, place, look, scale=2))
    if format == "strip":
        return _png(_strip(film, look))
    return _gif(film, look, rate) if format == "GIF" else _mp4(film, look, rate)


def draw(film: Film, place: float, look: Look, scale: int) -> Image.Image:
    """Draw what a film shows at a place: runs beside each other, or two in one frame, every emotion in its row."""
    painter = _Painter(film, look, scale)
    return painter.coloured(painter.unmarked(place))


class _Painter:
    """Draws a film's pictures; what is the same in all of them is drawn once."""

    def __init__(self, film: Film, look: Look, scale: int) -> None:
        self._film, self._look, self._scale = film, look, scale
        columns = max(run.columns for run in film.runs)
        lines = max(2 if len(film.emotions) == 1 else 1, -(-columns // _MOST_IN_LINE))
        self._line = -(-columns // min(lines, columns))
        looked_at = [_first_row(run, number) for run in film.runs for number in (0, -1)]
        # px at scale 1: an image that is larger than a face keeps its own size.
        self._tile = max(TILE, *(-(-row.shape[1] // scale) for row in looked_at))
        self._pitch = self._tile + _GAP
        self.in_colour = any(row.ndim == 4 for row in looked_at)
        self._row = -(-columns // self._line) * self._pitch  # px of an emotion's row with the gap below it, at scale 1
        self._frames = [film.runs] if film.wipe else [(run,) for run in film.runs]
        self._ink = self._shade(_INK)
        self._width, self._height = self._line * self._pitch - _GAP, len(film.emotions) * self._row - _GAP
        frames = len(self._frames)
        width = 2 * _EDGE + _LABEL + frames * self._width + (frames - 1) * _BETWEEN
        self._base = self._blank(width, 2 * _EDGE + _HEAD + self._height)
        self.size = self._base.size
        self.marks: list[tuple[tuple[int, int, int, int], tuple[int, int, int]]] = []
        pen = ImageDraw.Draw(self._base)
        for place, emotion in enumerate(film.emotions):
            y, right = _EDGE + _HEAD + place * self._row, _EDGE + _LABEL
            at = ((right - 10) * scale, (y + self._tile / 2) * scale)
            label = _cut(emotion, _font(12 * scale), (_LABEL - 12) * scale)
            pen.text(at, label, fill=self._ink, font=_font(12 * scale), anchor="rm")
            box = ((right - 7) * scale, y * scale, (right - 3) * scale, (y + self._row - _GAP) * scale)
            self.marks.append((box, _rgb(emotion_colour(emotion))))

    def _blank(self, width: int, height: int) -> Image.Image:
        size = (width * self._scale, height * self._scale)
        return Image.new("RGB" if self.in_colour else "L", size, self._shade(_GROUND))

    def _shade(self, of_theme: dict[bool, int]) -> int | tuple[int, int, int]:
        """Return a grey of the theme as the pictures' mode has it."""
        grey = of_theme[self._look.dark]
        return (grey, grey, grey) if self.in_colour else grey

    def unmarked(self, place: float) -> Image.Image:
        """Draw the picture at a place without the emotions' marks, mode L, with images in colour RGB."""
        picture, scale = self._base.copy(), self._scale
        left, top = _EDGE + _LABEL, _EDGE + _HEAD
        for runs in self._frames:
            for which, run in enumerate(runs):
                self._head(picture, run, place, left, which, len(runs))
            bodies = [self._body(run, place) for run in runs]
            body = bodies[0] if len(bodies) == 1 else self._wiped(*bodies)
            picture.paste(body, (left * scale, top * scale))
            left += self._width + _BETWEEN
        return picture

    def coloured(self, picture: Image.Image) -> Image.Image:
        """Return an unmarked picture with the emotions' marks, mode RGB."""
        picture = picture.convert("RGB")
        for box, colour in self.marks:
            picture.paste(colour, box)
        return picture

    def _head(self, picture: Image.Image, run: FilmRun, place: float, left: int, which: int, runs: int) -> None:
        """Write a run's name and which of its sheets is shown; the second run of a wipe stands to the right."""
        scale, number = self._scale, run.at(place)
        shown = "no sheet yet" if number is None else run.pictures[number].words
        if number is not None and not run.is_at(place):
            shown += f" (no sheet at {self._film.words(place)})"
        x, anchor = (left, "la") if which == 0 else (left + self._width, "ra")
        room = (self._width // runs - 6) * scale
        for text, size, down in ((run.name, 13, 0), (shown, 11, 18)):
            font, at = _font(size * scale), (x * scale, (_EDGE + down) * scale)
            ImageDraw.Draw(picture).text(at, _cut(text, font, room), fill=self._ink, font=font, anchor=anchor)

    def _body(self, run: FilmRun, place: float) -> Image.Image:
        """Draw a run's faces, one emotion's below another's; a row of an emotion that it did not learn says so."""
        body, scale, number = self._blank(self._width, self._height), self._scale, run.at(place)
        faces = {} if number is None else by_emotion(run.pictures[number].content, run.emotions, run.columns)
        for row, emotion in enumerate(self._film.emotions):
            top = row * self._row
            if emotion not in run.emotions:
                at, font = (4 * scale, (top + self._tile / 2) * scale), _font(11 * scale)
                ImageDraw.Draw(body).text(at, f"{emotion}: not learned", fill=self._ink, font=font, anchor="lm")
            for column, face in enumerate(faces.get(emotion, ())):
                tile, side = Image.fromarray(face), self._tile * scale
                if tile.width != side:
                    tile = tile.resize((side, side), Image.Resampling.BICUBIC)
                x, y = column % self._line * self._pitch, top + column // self._line * self._pitch
                body.paste(tile, (x * scale, y * scale))
        return body

    def _wiped(self, left: Image.Image, right: Image.Image) -> Image.Image:
        """Lay the right picture over the left one from the split on, with a line between them."""
        split = round(left.width * self._look.split / 100)
        left.paste(right.crop((split, 0, right.width, right.height)), (split, 0))
        left.paste(self._ink, (max(split - 1, 0), 0, split + 1, left.height))
        return left


def _first_row(run: FilmRun, number: int) -> np.ndarray:
    """Return the images of a sheet's first class; DataError where it is not a sheet of the run's classes."""
    return by_emotion(run.pictures[number].content, run.emotions, run.columns)[run.emotions[0]]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: int) -> str:
    """Shorten a text that is wider than the room."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "...") > room:
        text = text[:-1]
    return text + "..."


def _strip(film: Film, look: Look) -> Image.Image:
    """Lay all pictures beside each other: up to six in one row, more in rows that make the strip about square."""
    painter = _Painter(film, look, scale=1)
    pictures = [painter.coloured(painter.unmarked(place)) for place in film.places]
    width, height = pictures[0].size
    columns = len(pictures) if len(pictures) <= 6 else -int(-((len(pictures) * height / width) ** 0.5) // 1)
    strip = Image.new("RGB", (columns * width, -(-len(pictures) // columns) * height), (_GROUND[look.dark],) * 3)
    for place, picture in enumerate(pictures):
        strip.paste(picture, (place % columns * width, place // columns * height))
    return strip


def _gif(film: Film, look: Look, rate: int) -> bytes:
    """Join a film's pictures to one endless GIF, the last one held."""
    painter = _Painter(film, look, scale=1)
    palette = [*gifs.grey_palette(), *(value for _, colour in painter.marks for value in colour)]
    pictures = []
    for place in film.places:
        grey = painter.unmarked(place)
        if painter.in_colour:
            pictures.append(painter.coloured(grey).quantize(256))
            continue
        indices = gifs.grey_indices(grey)
        for number, ((left, top, right, bottom), _) in enumerate(painter.marks):
            indices[top:bottom, left:right] = gifs.GREYS + number
        pictures.append(Image.frombytes("P", grey.size, indices.tobytes()))
        pictures[-1].putpalette(palette)
    durations = [1000 // rate] * (len(pictures) - 1) + [int(1000 * _HOLD_SECONDS)]
    return gifs.written(pictures, durations)


def _mp4(film: Film, look: Look, rate: int) -> bytes:
    """Encode a film's pictures as H.264 in an MP4, the last one held."""
    import av  # only here: it brings FFmpeg, which nobody else needs

    painter, file = _Painter(film, look, scale=2), io.BytesIO()
    held = int(_HOLD_SECONDS * rate)
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
        stream.pix_fmt = "yuv420p"
        stream.width, stream.height = painter.size  # even, as H.264 wants: twice those at scale 1
        number = 0
        for place in film.places:
            picture = painter.coloured(painter.unmarked(place))
            for _ in range(1 + held if place == film.places[-1] else 1):
                frame = av.VideoFrame.from_ndarray(np.asarray(picture), "rgb24")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                container.mux(stream.encode(frame))
                number += 1
        container.mux(stream.encode(None))
    return file.getvalue()


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=4)
    return file.getvalue()
