"""QR codes in small camera frames, for browsers that cannot read them themselves."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO

import zxingcpp
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

FRAME_MAX_BYTES = 300 * 1024
FRAME_MAX_PIXELS = 2_000_000


def answer_frame(request: HttpRequest) -> JsonResponse:
    """`{"text": …}` of the QR code in the posted `frame`, empty when there is none."""
    frame = request.FILES.get("frame")
    if frame is None:
        return _unreadable(HTTPStatus.BAD_REQUEST, _("There is no picture."))
    if (frame.size or 0) > FRAME_MAX_BYTES:
        return _unreadable(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("The picture is too large.")
        )
    try:
        # The size stands in the header: a bomb is refused before it is unpacked.
        image = Image.open(BytesIO(frame.read()), formats=("JPEG", "PNG", "WEBP"))
        if image.width * image.height > FRAME_MAX_PIXELS:
            return _unreadable(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("The picture is too large.")
            )
        grey = image.convert("L")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return _unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, _("This is no picture."))
    found = zxingcpp.read_barcodes(
        grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    return JsonResponse({"text": found[0].text if found else ""})


def _unreadable(status: HTTPStatus, message: str) -> JsonResponse:
    return JsonResponse({"code": "bad_frame", "message": message}, status=status)
