"""Gates without network: a signed list of the day, and what they did with it."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.conf import settings
from django.core import signing
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes
from bureau.common.db import insert
from bureau.notices.actions import notify
from venues.actions.gate import write_admission
from venues.errors.gate import DeviceRevoked
from venues.models import (
    Admission,
    Booking,
    Crossing,
    EntryPass,
    Gate,
    GateDevice,
    OfflineScan,
    Venue,
)
from venues.queries.gate import courts_of, holder_of

LIST_LIFE = timedelta(hours=8)
CLOCK_WARNING = timedelta(seconds=30)
TOLERANCE = timedelta(minutes=30)
"""By which a device's clock, or a list that is some hours old, may be wrong."""
_SALT = "venues.gate.list"
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class SignedList:
    """The passes of the coming hours: JSON text, and an ECDSA P-256 signature of it.

    The signature is r and s, 32 bytes each, as browsers verify it (base64).
    """

    body: str
    signature: str


@dataclass(frozen=True)
class Scan:
    """A pass that a device let in by itself."""

    scan_key: UUID
    pass_code: str
    scanned_at: datetime
    ticket: str = ""
    """The list that it was checked against, as `issue_list` signed it."""


@transaction.atomic
def register_device(*, venue: Venue, name: str, by: User) -> GateDevice:
    """A phone or tablet of the venue may check passes without network from now on."""
    now = clock.now()
    device = GateDevice.objects.create(
        venue=venue, name=name, registered_by=by, registered_at=now
    )
    record("venues.device.registered", subject=device, by=by, at=now)
    return device


@transaction.atomic
def revoke_device(*, device: GateDevice, by: User) -> GateDevice:
    """The device gets no list any more; the one it has ends within hours."""
    now = clock.now()
    if GateDevice.objects.filter(pk=device.pk, revoked_at=None).update(revoked_at=now):
        record("venues.device.revoked", subject=device, by=by, at=now)
    device.refresh_from_db()
    return device


@transaction.atomic
def issue_list(*, device: GateDevice, by: User, gate: Gate | None = None) -> SignedList:
    """The passes that may be shown in the next eight hours, for one device.

    Of each pass it has the keys of these days only (`codes.day_key`): the device can
    check what is shown to it, and cannot make passes of another day. Names are masked.
    Raises `DeviceRevoked`.
    """
    now = clock.now()
    if device.revoked_at:
        raise DeviceRevoked
    until = now + LIST_LIFE
    ticket = {"user": by.pk, "device": device.pk, "gate": gate.pk if gate else None}
    passes = [_entry(row, now, until) for row in _passes(device.venue, now)]
    body = {
        "v": 1,
        "venue": device.venue.code,
        "device": str(device.public_id),
        "issued_at": _ms(now),
        "valid_until": _ms(until),
        "ticket": signing.dumps({**ticket, "at": _ms(now)}, salt=_SALT),
        "passes": passes,
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    GateDevice.objects.filter(pk=device.pk).update(list_issued_at=now)
    record(
        "venues.device.list_issued",
        subject=device,
        by=by,
        at=now,
        detail={"passes": len(passes)},
    )
    return SignedList(text, _sign(text))


def sync_scans(
    *, device: GateDevice, scans: Sequence[Scan], by: User
) -> list[OfflineScan]:
    """Take over what a device let in without network; told twice, it counts once.

    Each scan stands for itself: the first one of a pass is its admission, another one
    (here or at another gate) is a conflict that the venue's staff are told of. Raises
    `DeviceRevoked`.
    """
    if device.revoked_at:
        raise DeviceRevoked
    in_order = sorted(scans, key=lambda scan: (scan.scanned_at, scan.scan_key))
    return [_sync(device, scan, by) for scan in in_order]


@transaction.atomic
def _sync(device: GateDevice, scan: Scan, by: User) -> OfflineScan:
    now = clock.now()
    # One device's reports wait for each other, so that a repeated one finds the first.
    GateDevice.objects.select_for_update(of=("self",)).get(pk=device.pk)
    known = OfflineScan.objects.filter(device=device, scan_key=scan.scan_key)
    if told_before := known.first():
        return told_before
    person, gate, issued_at = _under_whose_list(scan.ticket, device, by)
    at = _moment_of(scan, device, issued_at, now)
    # Another device may use the same key, by copy or on purpose: it is not its scan.
    request_key = uuid5(device.public_id, str(scan.scan_key))
    code = codes.normalise(scan.pass_code)[: codes.LENGTH]
    entry_pass = EntryPass.objects.with_holder().filter(code=code).first()
    if entry_pass and entry_pass.booking.venue_id != device.venue_id:
        entry_pass = None
    outcome = _outcome(entry_pass, device.venue, at)
    if outcome == OfflineScan.Outcome.ADMITTED and entry_pass:
        write_admission(
            entry_pass,
            device.venue,
            at=at,
            by=person,
            gate=gate,
            request_key=request_key,
        )
    else:
        # They went in all the same.
        insert(
            Crossing(
                venue=device.venue,
                gate=gate,
                direction=Crossing.Direction.IN,
                persons=entry_pass.persons if entry_pass else 1,
                crossed_at=at,
                counted_by=person,
                request_key=request_key,
            ),
            unless="(request_key)",
        )
    told = OfflineScan.objects.create(
        device=device,
        scan_key=scan.scan_key,
        pass_code=code,
        entry_pass=entry_pass,
        scanned_at=at,
        received_at=now,
        scanned_by=person,
        outcome=outcome,
    )
    if outcome != OfflineScan.Outcome.ADMITTED:
        _report(told, device, entry_pass, at=now)
    return told


def _moment_of(
    scan: Scan, device: GateDevice, issued_at: datetime | None, now: datetime
) -> datetime:
    """When it was, as far as we can believe the device: while its list was good."""
    if issued_at is None:
        return min(max(scan.scanned_at, device.registered_at), now)
    return min(max(scan.scanned_at, issued_at), issued_at + LIST_LIFE, now)


def _outcome(
    entry_pass: EntryPass | None, venue: Venue, at: datetime
) -> OfflineScan.Outcome:
    """What a scan turned out to be; a valid pass is used by it, in its time only."""
    if entry_pass is None:
        return OfflineScan.Outcome.UNKNOWN
    booking = entry_pass.booking
    opens_at = booking.starts_at - timedelta(minutes=venue.entry_minutes)
    is_timely = opens_at - TOLERANCE <= at < booking.ends_at + TOLERANCE
    if entry_pass.state == EntryPass.State.VALID and not is_timely:
        return OfflineScan.Outcome.UNTIMELY
    if EntryPass.objects.filter(pk=entry_pass.pk, state="valid").update(state="used"):
        return OfflineScan.Outcome.ADMITTED
    entry_pass.refresh_from_db(fields=["state"])
    if entry_pass.state == EntryPass.State.REVOKED:
        return OfflineScan.Outcome.CANCELLED
    return OfflineScan.Outcome.TWICE


def _report(
    scan: OfflineScan, device: GateDevice, entry_pass: EntryPass | None, *, at: datetime
) -> None:
    """Tell everybody who works at the venue; somebody there has to look into it."""
    first = Admission.objects.filter(entry_pass=entry_pass).first()
    context = {
        "venue": device.venue.name,
        "device": device.name,
        "outcome": scan.outcome,
        "code": codes.grouped(scan.pass_code),
        "scanned_at": scan.scanned_at.isoformat(),
        "first_at": first.admitted_at.isoformat() if entry_pass and first else "",
        "booking": entry_pass.booking.number if entry_pass else "",
    }
    record(
        "venues.pass.conflict",
        subject=scan,
        by=scan.scanned_by,
        at=at,
        detail={"outcome": scan.outcome, "code": scan.pass_code},
    )
    for post in device.venue.staff.select_related("user").order_by("pk"):
        notify(
            recipient=post.user,
            kind="venues.pass_conflict",
            context=context,
            subject=scan,
            at=at,
        )


def public_key() -> dict[str, str]:
    """The key that a gate verifies lists with, as a JSON Web Key."""
    numbers = _private_key().public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _b64url(numbers.x.to_bytes(32, "big")),
        "y": _b64url(numbers.y.to_bytes(32, "big")),
    }


@cache
def _private_key() -> ec.EllipticCurvePrivateKey:
    """Follows from a key of the environment, as all our secrets do."""
    secret = hmac.new(
        settings.FINGERPRINT_KEY.encode(), b"gate list signing key", sha256
    ).digest()
    wide = hmac.new(secret, b"P-256 scalar", "sha512").digest()
    return ec.derive_private_key(int.from_bytes(wide, "big") % (_ORDER - 1) + 1, _CURVE)


def _sign(text: str) -> str:
    der = _private_key().sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    return b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()


def _passes(venue: Venue, now: datetime) -> list[EntryPass]:
    opens_by = now + LIST_LIFE + timedelta(minutes=venue.entry_minutes)
    return list(
        EntryPass.objects.live()
        .with_holder()
        .filter(
            booking__venue=venue,
            booking__state=Booking.State.CONFIRMED,
            booking__ends_at__gt=now,
            booking__starts_at__lt=opens_by,
        )
        .prefetch_related("booking__lines__bookable")
        .order_by("booking__starts_at", "pk")
    )


def _entry(row: EntryPass, now: datetime, until: datetime) -> dict[str, Any]:
    booking, key = row.booking, row.key
    opens_at = booking.starts_at - timedelta(minutes=booking.venue.entry_minutes)
    days = sorted({clock.local_day(now), clock.local_day(until)})
    start = booking.starts_at.astimezone(clock.CHINA)
    end = booking.ends_at.astimezone(clock.CHINA)
    return {
        "code": row.code,
        "keys": {
            day.isoformat(): b64encode(codes.day_key(key, day)).decode() for day in days
        },
        "from": _ms(opens_at),
        "until": _ms(booking.ends_at),
        "persons": row.persons,
        "name": holder_of(row),
        "what": f"{courts_of(row)} {start:%H:%M}–{end:%H:%M}",
        "paper": row.printed_at is not None,
        "used": row.state == EntryPass.State.USED,
    }


def _under_whose_list(
    ticket: str, device: GateDevice, by: User
) -> tuple[User, Gate | None, datetime | None]:
    """Who had the list in hand, at which door, since when; else who reports it."""
    try:
        given = signing.loads(ticket, salt=_SALT)
    except signing.BadSignature:
        return by, None, None
    person = User.objects.filter(pk=given["user"]).first()
    if given["device"] != device.pk or person is None:
        return by, None, None
    gate = Gate.objects.filter(pk=given["gate"], venue=device.venue_id).first()
    issued_at = datetime.fromtimestamp(given["at"] / 1000, tz=clock.CHINA)
    return person, gate, issued_at


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _b64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
