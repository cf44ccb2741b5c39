"""Logos for the small world's clinics, drawn here so that no one else has rights to them."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from io import BytesIO
from math import cos, pi, sin
from typing import Final

from PIL import Image, ImageDraw

from ..clinics.pictures.encoding import encode
from ..clinics.pictures.model import EncodedPicture

SIDE: Final = 960
"""The width and height at which a logo is drawn: four times its stored size."""
CENTRE: Final = SIDE / 2
WHITE: Final = "#ffffff"

Draw = Callable[[ImageDraw.ImageDraw, str], None]


def draw_logo(slug: str, colour: str) -> EncodedPicture:
    """Return a clinic's logo: a white sign on a rounded square in its colour."""
    picture = Image.new("RGBA", (SIDE, SIDE))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, SIDE - 1, SIDE - 1), SIDE // 5, colour)
    SIGNS[slug](draw, colour)
    file = BytesIO()
    picture.save(file, "PNG")  # `encode` makes it smaller, with smooth edges
    return encode(b64encode(file.getvalue()).decode(), "logo")


def _draw_bridge(draw: ImageDraw.ImageDraw, colour: str) -> None:
    draw.rectangle((SIDE * 0.14, SIDE * 0.36, SIDE * 0.86, SIDE * 0.62), WHITE)
    for x in (0.28, 0.5, 0.72):
        radius = SIDE * 0.085
        draw.ellipse((SIDE * x - radius, SIDE * 0.46, SIDE * x + radius, SIDE * 0.46 + 2 * radius), colour)
        draw.rectangle((SIDE * x - radius, SIDE * 0.46 + radius, SIDE * x + radius, SIDE * 0.62), colour)
    draw.rounded_rectangle((SIDE * 0.14, SIDE * 0.7, SIDE * 0.86, SIDE * 0.75), SIDE // 40, WHITE)


def _draw_lighthouse(draw: ImageDraw.ImageDraw, _colour: str) -> None:
    draw.polygon([(SIDE * x, SIDE * y) for x, y in ((0.43, 0.36), (0.57, 0.36), (0.64, 0.8), (0.36, 0.8))], WHITE)
    draw.rounded_rectangle((SIDE * 0.41, SIDE * 0.22, SIDE * 0.59, SIDE * 0.32), SIDE // 60, WHITE)
    for side in (-1, 1):
        ends = [(CENTRE + side * SIDE * 0.13, SIDE * 0.27)] + [
            (CENTRE + side * SIDE * 0.34, SIDE * y) for y in (0.18, 0.36)
        ]
        draw.polygon(ends, WHITE)


def _draw_lotus(draw: ImageDraw.ImageDraw, _colour: str) -> None:
    for degrees in (-64, -32, 0, 32, 64):
        angle, length, breadth = (degrees - 90) * pi / 180, SIDE * 0.48, SIDE * 0.06
        foot = (CENTRE, SIDE * 0.74)
        tip = (foot[0] + length * cos(angle), foot[1] + length * sin(angle))
        middle = ((foot[0] + tip[0]) / 2, (foot[1] + tip[1]) / 2)
        across = (breadth * cos(angle + pi / 2), breadth * sin(angle + pi / 2))
        sides = [(middle[0] + sign * across[0], middle[1] + sign * across[1]) for sign in (1, -1)]
        draw.polygon([foot, sides[0], tip, sides[1]], WHITE)


SIGNS: Final[Mapping[str, Draw]] = {
    "spreebogen": _draw_bridge,
    "harbor-street": _draw_lighthouse,
    "lotus-lane": _draw_lotus,
}
"""What each clinic's logo shows, by slug."""
