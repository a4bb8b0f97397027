"""How often: counters in Redis. They may refuse; when Redis is away, nobody passes."""

from __future__ import annotations

from http import HTTPStatus

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from bureau.common import clock, sealed
from bureau.common.errors import DomainError, TryLater


class TooOften(TryLater):
    code = "too_often"
    message = _("Too many tries. Try again in %(wait)s.")

    def __init__(self, *, after: int) -> None:
        super().__init__(after=after, wait=wait_text(after))


class LimitsAway(DomainError):
    code = "temporarily_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = _("This is not possible at the moment. Try again in a minute.")


def wait_text(seconds: int) -> str:
    """45 -> "45 seconds", 600 -> "10 minutes", 9000 -> "3 hours"; rounded up."""
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds > 2 * 3600:
        hours = -(-seconds // 3600)
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    minutes = -(-seconds // 60)
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}


def take(name: str, of: str, *, limit: int, seconds: int) -> None:
    """Count one try of `name` by `of` (a number, an address) in the current window.

    Raises `TooOften` beyond `limit` tries per `seconds`, `LimitsAway` without Redis.
    """
    moment = int(clock.now().timestamp())
    window, passed = divmod(moment, seconds)
    # Keys are seen in Redis's own tools, so they do not spell out phone numbers.
    key = f"limit:{name}:{sealed.fingerprint(of, purpose='limit')[:32]}:{window}"
    try:
        cache.add(key, 0, timeout=seconds + 60)
        tries = cache.incr(key)
    except (RedisError, ValueError, OSError) as away:
        raise LimitsAway from away
    if tries > limit:
        raise TooOften(after=seconds - passed)
