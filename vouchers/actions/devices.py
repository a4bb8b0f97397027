"""Devices at a counter: noted when a member first works on them, blocked by a manager.

What a device is known by is a random key that it keeps itself (a cookie, or a header of
a till); we keep its hash.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import QuerySet

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from vouchers.actions.members import tell_managers
from vouchers.errors.merchants import DeviceBlocked
from vouchers.models import Device, Member
from vouchers.queries.counter import devices_known_by

SEEN_AGAIN = timedelta(minutes=5)
"""How stale "last seen" may be: a busy counter writes it once in this time."""


def key_hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def know_device(*, member: Member, key: str, name: str) -> Device:
    """The device that a member works on; a new one is told to the managers.

    A key that is blocked anywhere in the merchant is blocked for everybody there.
    Raises `DeviceBlocked`.
    """
    now = clock.now()
    mark = key_hash(key)
    known = {row.member_id: row for row in devices_known_by(member.merchant_id, mark)}
    if any(row.blocked_at for row in known.values()):
        raise DeviceBlocked
    device = known.get(member.pk)
    if device is None:
        return _note(member, mark, name)
    if now - device.last_seen_at >= SEEN_AGAIN:
        Device.objects.filter(pk=device.pk).update(last_seen_at=now)
        device.last_seen_at = now
    return device


@transaction.atomic
def _note(member: Member, mark: str, name: str) -> Device:
    now = clock.now()
    # Two first taps at once: the second one finds the row of the first.
    device, is_new = Device.objects.get_or_create(
        member=member,
        key_hash=mark,
        defaults={"name": name[:80], "first_seen_at": now, "last_seen_at": now},
    )
    if is_new:
        record("vouchers.device.noted", subject=device, by=member.person, at=now)
        tell_managers(
            member.merchant,
            "vouchers.device_new",
            at=now,
            name=member.name,
            device=device.name,
        )
    return device


@transaction.atomic
def block_device(*, device: Device, by: User) -> None:
    """No member of the merchant redeems on it any more. Again, it stays blocked."""
    now = clock.now()
    rows = _everywhere(device).filter(blocked_at=None)
    if rows.update(blocked_at=now):
        record("vouchers.device.blocked", subject=device, by=by, at=now)


@transaction.atomic
def unblock_device(*, device: Device, by: User) -> None:
    """A manager lets a device in again."""
    if _everywhere(device).update(blocked_at=None):
        record("vouchers.device.unblocked", subject=device, by=by, at=clock.now())


def _everywhere(device: Device) -> QuerySet[Device]:
    """The rows of the same thing, whoever of the merchant worked on it."""
    merchant_id = device.member.merchant_id
    return Device.objects.filter(member__merchant=merchant_id, key_hash=device.key_hash)
