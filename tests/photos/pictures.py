"""Pictures for tests, good and hostile."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

SECRET = b"secret-metadata"


def jpeg(
    size: tuple[int, int] = (640, 480), place: tuple[float, float] | None = None
) -> bytes:
    """A JPEG with a comment, a name and, if asked, a place in its metadata."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = SECRET.decode()
    exif[ExifTags.Base.Orientation] = 6
    if place is not None:
        lon, lat = place
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitudeRef] = "N"
        gps[ExifTags.GPS.GPSLatitude] = (lat, 0.0, 0.0)
        gps[ExifTags.GPS.GPSLongitudeRef] = "E"
        gps[ExifTags.GPS.GPSLongitude] = (lon, 0.0, 0.0)
    return _saved(
        _drawing(size), "JPEG", exif=exif, comment=SECRET, xmp=b"<x>" + SECRET + b"</x>"
    )


def png(size: tuple[int, int] = (64, 64), mode: str = "RGBA") -> bytes:
    info = PngInfo()
    info.add_text("Comment", SECRET.decode())
    return _saved(Image.new(mode, size), "PNG", pnginfo=info)


def webp() -> bytes:
    return _saved(_drawing((64, 48)), "WEBP", xmp=SECRET)


def heic() -> bytes:
    return _saved(_drawing((64, 48)), "HEIF", xmp=SECRET)


def bomb(side: int = 30_000) -> bytes:
    """A PNG of some kilobytes that says it is 900 million pixels."""
    row = b"\0" * (side // 8 + 1)
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(row) for _line in range(side)) + packed.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", body)
        + _chunk(b"IEND", b"")
    )


def upload(content: bytes, name: str = "photo.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


def _drawing(size: tuple[int, int]) -> Image.Image:
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    image.putpixel((0, 0), (255, 0, 0))
    return image


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
