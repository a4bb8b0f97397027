"""The device at a counter: by what a request makes it known, and where it is kept."""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponseBase

from bureau.accounts.templatetags.people import device_name
from vouchers import actions
from vouchers.models import Device, Member

COUNTER_COOKIE = "counter_device"
DEVICE_HEADER = "X-Device-Key"
TWO_YEARS = 2 * 365 * 24 * 60 * 60
_COUNTER_SALT = "vouchers.counter_device"
_COUNTER_KEY = re.compile(r"[0-9A-Za-z_.\-]{16,128}", re.ASCII)


def counter_key(request: HttpRequest) -> str:
    """The key by which a device at a counter is known, "" for one that has none yet.

    A till of the API sends it as `X-Device-Key`, or is known by its token; a browser
    keeps it in a signed cookie that no script can read.
    """
    given = request.headers.get(DEVICE_HEADER, "")
    if _COUNTER_KEY.fullmatch(given):
        return given
    token: Any = getattr(request, "auth", None)
    if token is not None and hasattr(token, "public_id"):
        return f"token:{token.public_id}"
    try:
        return str(request.get_signed_cookie(COUNTER_COOKIE, salt=_COUNTER_SALT))
    except (KeyError, BadSignature):
        return ""


def current_device(request: HttpRequest, member: Member) -> tuple[Device, str]:
    """The device that a member works on, and its key for `keep_device`.

    A new one is noted, and the managers are told. Raises `DeviceBlocked`.
    """
    key = counter_key(request) or secrets.token_urlsafe(32)
    name = device_name(request.headers.get("User-Agent", ""))
    return actions.know_device(member=member, key=key, name=name), key


def keep_device(response: HttpResponseBase, key: str) -> None:
    """Let a browser keep the key for its next visit."""
    response.set_signed_cookie(
        COUNTER_COOKIE,
        key,
        salt=_COUNTER_SALT,
        max_age=TWO_YEARS,
        secure=settings.BEHIND_TLS,
        httponly=True,
        samesite="Lax",
    )
