"""Reading what people send as pictures. Everything in the file is hostile."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.files.base import File
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from bureau.common.geo import LonLat
from bureau.photos.errors import (
    NotAPhoto,
    PhotoTooLarge,
    PhotoTooManyPixels,
    PhotoTooSmall,
)

register_heif_opener(thumbnails=False)

MAX_BYTES: int = getattr(settings, "PHOTO_MAX_BYTES", 10 * 1024 * 1024)
MAX_PIXELS: int = getattr(settings, "PHOTO_MAX_PIXELS", 60_000_000)
LONGEST_SIDE = 2048  # what is kept: enough to read a certificate
SHORTEST_SIDE = 16
QUALITY = 85
# What the first bytes must say, and the one decoder that they then get.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


@dataclass(frozen=True)
class Picture:
    """A picture written anew, and what its upload said."""

    content: bytes
    width: int
    height: int
    sha256: str
    taken_at: LonLat | None


def read_picture(file: File[bytes]) -> Picture:
    """Decode an upload and write it anew as JPEG, without any metadata.

    Raises `PhotoTooLarge`, `NotAPhoto`, `PhotoTooManyPixels` or `PhotoTooSmall`.
    """
    data = _read(file)
    decoder = _format_of(data)
    if decoder is None:
        raise NotAPhoto
    try:
        with warnings.catch_warnings():
            # Pillow's own limit only warns up to twice its size; ours is checked below.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=[decoder]) as image:
                return _written_anew(image, sha256(data).hexdigest())
    except (PhotoTooManyPixels, PhotoTooSmall):
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        OverflowError,
        RuntimeError,
        MemoryError,
    ) as error:
        # Decoders fail in many ways over a broken file.
        raise NotAPhoto from error


def _read(file: File[bytes]) -> bytes:
    too_large = PhotoTooLarge(megabytes=MAX_BYTES // 1024 // 1024)
    if file.size and file.size > MAX_BYTES:
        raise too_large
    file.seek(0)
    # The stated size is the sender's word; what is read is not.
    data: bytes = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise too_large
    return data


def _format_of(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return "HEIF"
    return None


def _written_anew(image: Image.Image, digest: str) -> Picture:
    width, height = image.size
    # Before anything is decoded: the header is enough to see a bomb.
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < SHORTEST_SIDE:
        raise PhotoTooSmall
    taken_at = _place(image)
    if image.format == "JPEG":
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image.load()
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    # Onto a new canvas: no metadata, profile or comment comes along, and what was
    # transparent is white.
    canvas = Image.new("RGB", upright.size, "white")
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        canvas.paste(layer, mask=layer.getchannel("A"))
    else:
        canvas.paste(upright.convert("RGB"))
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return Picture(out.getvalue(), *canvas.size, digest, taken_at)


def _place(image: Image.Image) -> LonLat | None:
    """Where the picture says it was taken; a broken tag says nothing."""
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude])
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude])
        south = gps.get(ExifTags.GPS.GPSLatitudeRef, "N") == "S"
        west = gps.get(ExifTags.GPS.GPSLongitudeRef, "E") == "W"
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        ZeroDivisionError,
        SyntaxError,
        OSError,
    ):
        return None
    if not (0 <= lat <= 90 and 0 <= lon <= 180) or (lat == 0 and lon == 0):
        return None
    return (-lon if west else lon), (-lat if south else lat)


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def _too_many_pixels() -> PhotoTooManyPixels:
    return PhotoTooManyPixels(megapixels=MAX_PIXELS // 1_000_000)
