"""Read settings from the environment; fail loudly on a bad or missing value."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured

_FLAGS = {"1": True, "true": True, "0": False, "false": False}


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set the {name} environment variable.")
    return value


def flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return _FLAGS[value.lower()]
    except KeyError:
        raise ImproperlyConfigured(f"{name}={value!r}: use 1 or 0.") from None


def number(name: str, default: int) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r}: use a whole number.") from None


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list; empty parts are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def redis_url(name: str, default: str, *, database: int) -> str:
    """`REDIS_URL` with the number of one of its databases.

    Takes `redis://host:port` and, for a private server, `unix:///path/to/socket`.
    """
    parts = urlsplit(text(name, default))
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={database}"
    return f"{parts.scheme}://{parts.netloc}/{database}"


def broker_url(name: str, default: str, *, database: int) -> str:
    """The same address in the spelling that Celery's transport expects."""
    url = redis_url(name, default, database=database)
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host={dict(parse_qsl(parts.query))['db']}"
    return url
