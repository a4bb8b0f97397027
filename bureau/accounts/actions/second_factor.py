"""The authenticator's code opens one door, whichever, for as long as it counts."""

from __future__ import annotations

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from django.conf import settings
from django.core.cache import cache

from bureau.accounts.models import User


def spend_code(user: User, code: str) -> bool:
    """Whether this right code is used for the first time: pages and API together.

    allauth remembers a used code for one period only, and with a tolerance it counts
    for longer than that.
    """
    periods = 1 + 2 * settings.MFA_TOTP_TOLERANCE
    used = f"second-factor-used:{user.pk}:{normalize_user_code(code)}"
    return bool(cache.add(used, "y", timeout=periods * app_settings.TOTP_PERIOD))
