from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class PhotoTooLarge(DomainError):
    code = "photo_too_large"
    message = _("The picture is too large: %(megabytes)s MB are allowed.")
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotAPhoto(DomainError):
    code = "photo_not_a_photo"
    message = _("This is not a picture we can read. Please send a JPEG, PNG or HEIC.")
    status = HTTPStatus.BAD_REQUEST


class PhotoTooManyPixels(DomainError):
    code = "photo_too_many_pixels"
    message = _("The picture has too many pixels: %(megapixels)s million are allowed.")
    status = HTTPStatus.BAD_REQUEST


class PhotoTooSmall(DomainError):
    code = "photo_too_small"
    message = _("The picture is too small to show anything.")
    status = HTTPStatus.BAD_REQUEST
