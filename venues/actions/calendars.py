from __future__ import annotations

from hashlib import sha256

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes
from venues.models import CalendarFeed

CODE_LENGTH = 26
"""130 bits: the address alone opens the feed, on a device that nobody signs in on."""


@transaction.atomic
def make_feed(*, by: User) -> str:
    """Make the secret code of a person's calendar feed; an older one stops working.

    The code comes back this once: only its hash is kept.
    """
    now = clock.now()
    code = codes.new_code(CODE_LENGTH)
    feed, _is_new = CalendarFeed.objects.update_or_create(
        user=by, defaults={"code_hash": hash_of(code), "made_at": now}
    )
    record("venues.calendar_feed.made", subject=feed, by=by, at=now)
    return code


@transaction.atomic
def revoke_feed(*, by: User) -> None:
    """Let the address show nothing any more. Nothing happens without one."""
    feed = CalendarFeed.objects.filter(user=by).first()
    if feed is None:
        return
    record("venues.calendar_feed.revoked", subject=feed, by=by, at=clock.now())
    feed.delete()


def hash_of(code: str) -> str:
    return sha256(codes.normalise(code).encode()).hexdigest()
