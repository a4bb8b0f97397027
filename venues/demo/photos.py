"""Pictures for the venues' pages, drawn here: courts from above, in the evening light.

The demonstration shows no real building, and needs no file from anywhere.
"""

from __future__ import annotations

from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw, ImageFilter

from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from venues import actions
from venues.models import Venue

SIZE = (960, 600)
# Floor, court and line of each sport, as the courts' own drawings have them.
COLOURS: dict[str, tuple[str, str, str]] = {
    Sport.BADMINTON: ("#0b4a3a", "#17806a", "#f4f7ef"),
    Sport.TABLE_TENNIS: ("#5a2f1e", "#1f5fa8", "#ffffff"),
    Sport.TENNIS: ("#1d5a3c", "#2c6fb7", "#ffffff"),
    Sport.BASKETBALL: ("#8a5a2b", "#d08b45", "#ffffff"),
    Sport.VOLLEYBALL: ("#7c4a25", "#e0893e", "#ffffff"),
    Sport.FOOTBALL: ("#1b5e2a", "#2f8a3f", "#ffffff"),
    Sport.SWIMMING: ("#0e5d86", "#2aa3d1", "#f2fbff"),
}
WITH_A_CIRCLE = (Sport.FOOTBALL, Sport.BASKETBALL)
NEAR, FAR, TOP = 60, 230, 120  # where the court lies in the picture
PANORAMA = "https://vr.example.com/"


def fill(city: DemoCity) -> None:
    shown = 0
    for index, venue in enumerate(Venue.objects.public().order_by("code")):
        for position, sport in enumerate(venue.sports[:3]):
            actions.add_venue_photo(
                venue=venue,
                file=ContentFile(draw(sport, dusk=position * 0.35), name="court.png"),
                caption=f"{venue.name} · {Sport(sport).label}",
                position=position,
                by=None,
            )
            shown += 1
        if index % 3 == 0:
            venue.panorama_url = f"{PANORAMA}{venue.code.lower()}"
            venue.save(update_fields=["panorama_url"])
    city.say(f"{shown} pictures of venues")


def draw(sport: str, *, dusk: float) -> bytes:
    """A court of a sport as PNG; `dusk` 0..1 lets the evening in."""
    floor, court, line = COLOURS.get(sport, COLOURS[Sport.BADMINTON])
    image = Image.new("RGB", SIZE, floor)
    pen = ImageDraw.Draw(image)
    corners = [_at(*corner) for corner in ((0, 0), (1, 0), (1, 1), (0, 1))]
    pen.polygon(corners, fill=court)
    pen.line([*corners, corners[0]], fill=line, width=7)
    for points in _lines(sport):
        pen.line([_at(*point) for point in points], fill=line, width=5)
    if sport in WITH_A_CIRCLE:
        (left, middle), (right, _y) = _at(0.4, 0.5), _at(0.6, 0.5)
        pen.ellipse((left, middle - 45, right, middle + 45), outline=line, width=5)
    _light(pen)
    evening = Image.new("RGB", SIZE, "#0a1a3a")
    image = Image.blend(image, evening, min(dusk, 0.6) * 0.5)
    written = BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.8)).save(written, "PNG")
    return written.getvalue()


def _at(across: float, along: float) -> tuple[float, float]:
    """A point of the court (0..1 each way) in the picture: the far side is narrower."""
    width, height = SIZE
    y = height - 50 - (height - 50 - TOP) * along
    edge = NEAR + (FAR - NEAR) * along
    return edge + (width - 2 * edge) * across, y


def _lines(sport: str) -> list[list[tuple[float, float]]]:
    if sport == Sport.SWIMMING:
        return [[(lane / 6, 0), (lane / 6, 1)] for lane in range(1, 6)]
    if sport in WITH_A_CIRCLE:
        boxes = [
            [(side, 0.3), (inward, 0.3), (inward, 0.7), (side, 0.7)]
            for side, inward in ((0.0, 0.18), (1.0, 0.82))
        ]
        return [[(0.5, 0), (0.5, 1)], *boxes]
    return [
        [(0.08, 0), (0.08, 1)],
        [(0.92, 0), (0.92, 1)],
        [(0, 0.28), (1, 0.28)],
        [(0, 0.72), (1, 0.72)],
        [(0.5, 0), (0.5, 0.28)],
        [(0.5, 0.72), (0.5, 1)],
        # the net, which stands out on both sides
        *([(-0.04, 0.5 + lift), (1.04, 0.5 + lift)] for lift in (0, 0.01, 0.02)),
    ]


def _light(pen: ImageDraw.ImageDraw) -> None:
    """The wall behind the court, and its row of lamps."""
    width = SIZE[0]
    pen.rectangle((0, 0, width, TOP - 24), fill="#10302a")
    pen.rectangle((0, TOP - 30, width, TOP - 22), fill="#0a211d")
    for lamp in range(7):
        x = FAR // 2 + lamp * (width - FAR) // 6
        pen.ellipse((x - 16, 26, x + 16, 46), fill="#fdf6c8")
