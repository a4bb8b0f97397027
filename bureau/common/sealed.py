"""Personal data at rest: encrypted to be read back, keyed-hashed to be found.

Keys come from the environment. `BUREAU_SEAL_KEYS` is a comma-separated list of Fernet
keys: the first one seals, all of them open, so a key is rotated by putting a new one in
front and running `manage.py reseal`.
"""

from __future__ import annotations

import hmac
from functools import cache
from hashlib import sha256

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@cache
def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SEAL_KEYS])


def seal(text: str) -> bytes:
    return _box().encrypt(text.encode())


def unseal(sealed: bytes | memoryview) -> str:
    return _box().decrypt(bytes(sealed)).decode()


def reseal(sealed: bytes | memoryview) -> bytes:
    """The same content under the newest key."""
    return _box().rotate(bytes(sealed))


def fingerprint(text: str, *, purpose: str) -> str:
    """A keyed hash that finds equal values without telling them (64 hex characters)."""
    message = f"{purpose}|{text}".encode()
    return hmac.new(settings.FINGERPRINT_KEY.encode(), message, sha256).hexdigest()
