from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.draws import quicknet, sportdraw
from bureau.draws.actions.log import locked, write_line
from bureau.draws.errors import (
    BadBeaconValue,
    BeaconKnown,
    BeaconNotDrawnYet,
    NotFrozen,
)
from bureau.draws.models import Beacon, BeaconReading, Draw

READERS = 2
SIGNATURE_DIGITS = 96


@transaction.atomic
def read_beacon(
    *, beacon: Beacon, value: str, by: User, at: datetime | None = None
) -> Beacon:
    """Type a source's result as it was drawn. Two different people must type the same.

    Any separators do; the numbers are brought into their canonical form. Who notices a
    slip types again, as long as the result is not settled. When two differ, a third
    person (or the one who erred) settles it. A signature of drand's has to be one.

    Raises `NotFrozen`, `BeaconNotDrawnYet`, `BadBeaconValue`, `BeaconKnown`.
    """
    at = at or clock.now()
    typed = value.strip().lower()
    is_signature = len(typed) == SIGNATURE_DIGITS and _is_drand(beacon)
    if is_signature:
        _refuse_unsigned(beacon, typed)
    beacon = _waiting(beacon, at)
    value = _canonical(beacon, typed)
    BeaconReading.objects.update_or_create(
        beacon=beacon, read_by=by, defaults={"value": value, "read_at": at}
    )
    record("draws.beacon.read", subject=beacon, by=by, at=at, detail={"value": value})
    alike = BeaconReading.objects.filter(beacon=beacon, value=value).count()
    if alike >= READERS:
        signature = typed if is_signature else ""
        _settle(beacon, value, at=at, how="read by two people", signature=signature)
    return beacon


def note_drand(*, beacon: Beacon, signature: str, at: datetime | None = None) -> Beacon:
    """Take a drand round's value from its signature (96 hex digits).

    Safe to call twice. Raises `NotFrozen`, `BeaconNotDrawnYet`, `BadBeaconValue`, also
    where drand's network has not signed this round so.
    """
    _refuse_unsigned(beacon, signature)  # takes a second: before anything is locked
    return _note_signed(beacon, signature, at=at or clock.now())


@transaction.atomic
def _note_signed(beacon: Beacon, signature: str, *, at: datetime) -> Beacon:
    try:
        beacon = _waiting(beacon, at)
    except BeaconKnown:
        return beacon
    value = _canonical(beacon, signature)
    record(
        "draws.beacon.fetched",
        subject=beacon,
        by=None,
        at=at,
        detail={"value": value, "signature": signature},
    )
    _settle(beacon, value, at=at, how="fetched", signature=signature)
    return beacon


def _is_drand(beacon: Beacon) -> bool:
    return beacon.source == Beacon.Source.DRAND


def _refuse_unsigned(beacon: Beacon, signature: str) -> None:
    if not _is_drand(beacon) or not quicknet.is_signed(int(beacon.issue), signature):
        raise BadBeaconValue


def _waiting(beacon: Beacon, at: datetime) -> Beacon:
    """The source as it is now, behind the draw's lock, if its result is wanted."""
    draw = locked(beacon.draw)
    beacon = Beacon.objects.select_related("draw").get(pk=beacon.pk)
    if beacon.known_at is not None:
        raise BeaconKnown
    if draw.state != Draw.State.FROZEN:
        raise NotFrozen
    if at < draw.draws_at:
        raise BeaconNotDrawnYet
    return beacon


def _canonical(beacon: Beacon, typed: str) -> str:
    try:
        return sportdraw.value_of(beacon.source, typed)
    except sportdraw.BadValue as bad:
        raise BadBeaconValue from bad


def _settle(
    beacon: Beacon, value: str, *, at: datetime, how: str, signature: str = ""
) -> None:
    beacon.value, beacon.known_at = value, at
    beacon.save(update_fields=["value", "known_at"])
    detail = {"position": beacon.position, "line": beacon.line, "how": how}
    if signature:
        detail["signature"] = signature
    write_line(draw=beacon.draw, step="beacon", at=at, detail=detail)
