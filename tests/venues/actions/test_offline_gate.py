from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.notices.models import Notice
from tests import make
from tests.at_once import at_once
from tests.promises import broken_promises
from venues import actions
from venues.actions import Scan
from venues.actions.offline import SignedList, public_key
from venues.errors.gate import DeviceRevoked
from venues.models import Admission, Booking, Crossing, EntryPass, GateDevice

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking() -> Booking:
    return make.confirmed()


@pytest.fixture
def keeper(booking: Booking) -> User:
    return make.gatekeeper(booking.venue)


@pytest.fixture
def phone(booking: Booking, keeper: User) -> GateDevice:
    return actions.register_device(venue=booking.venue, name="Gate 1", by=keeper)


def verify(signed: SignedList, body: str) -> None:
    x, y = (
        int.from_bytes(urlsafe_b64decode(f"{public_key()[part]}="), "big")
        for part in ("x", "y")
    )
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    raw = b64decode(signed.signature)
    halves = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    key.verify(encode_dss_signature(*halves), body.encode(), ec.ECDSA(hashes.SHA256()))


def list_of(device: GateDevice, by: User) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(actions.issue_list(device=device, by=by).body)
    return read


def scan(booking: Booking, at: datetime, **given: Any) -> Scan:
    given.setdefault("scan_key", uuid4())
    return Scan(pass_code=make.pass_of(booking).code, scanned_at=at, **given)


def test_the_list_is_signed_and_one_letter_breaks_it(
    phone: GateDevice, keeper: User
) -> None:
    signed = actions.issue_list(device=phone, by=keeper)
    verify(signed, signed.body)
    with pytest.raises(InvalidSignature):
        verify(signed, signed.body.replace("v", "w", 1))


def test_it_has_the_passes_of_eight_hours_with_day_keys_and_masked_names(
    booking: Booking, phone: GateDevice, keeper: User
) -> None:
    make.confirmed()  # of another venue
    later = make.confirmed(
        court=booking.lines.get().bookable,
        starts_at=booking.starts_at + timedelta(hours=9),
    )
    with time_machine.travel(booking.starts_at, tick=False):
        issued = list_of(phone, keeper)
        now = clock.now()
    entry_pass = make.pass_of(booking)
    assert [row["code"] for row in issued["passes"]] == [entry_pass.code]
    row = issued["passes"][0]
    assert row["name"] == booking.booked_by.display_name
    assert str(booking.booked_by.phone) not in json.dumps(issued)
    assert entry_pass.key.hex() not in json.dumps(issued)
    today = clock.local_day(now)
    assert b64decode(row["keys"][today.isoformat()]) == codes.day_key(
        entry_pass.key, today
    )
    assert issued["valid_until"] - issued["issued_at"] == 8 * 3600 * 1000
    with time_machine.travel(later.starts_at - timedelta(hours=8), tick=False):
        both = list_of(phone, keeper)
    assert make.pass_of(later).code in [one["code"] for one in both["passes"]]


def test_what_was_let_in_without_network_is_an_admission_of_that_moment(
    booking: Booking, phone: GateDevice, keeper: User
) -> None:
    colleague = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at, tick=False):
        ticket = list_of(phone, keeper)["ticket"]
    at = booking.starts_at + timedelta(minutes=5)
    given = scan(booking, at, ticket=ticket)
    with time_machine.travel(at + timedelta(hours=2), tick=False):
        for _ in range(2):
            told = actions.sync_scans(device=phone, scans=[given], by=colleague)
            assert [row.outcome for row in told] == ["admitted"]
    admission = Admission.objects.get()
    assert admission.admitted_at == at
    assert admission.admitted_by == keeper  # who had the list in hand
    assert make.pass_of(booking).state == EntryPass.State.USED
    assert Crossing.objects.get().crossed_at == at
    assert not Notice.objects.filter(kind="venues.pass_conflict").exists()


def test_a_pass_used_at_two_gates_without_network_is_told_to_the_staff(
    booking: Booking, phone: GateDevice, keeper: User
) -> None:
    other = actions.register_device(venue=booking.venue, name="Gate 2", by=keeper)
    at = booking.starts_at
    with time_machine.travel(at + timedelta(hours=1), tick=False):
        actions.sync_scans(device=phone, scans=[scan(booking, at)], by=keeper)
        told = actions.sync_scans(
            device=other,
            scans=[scan(booking, at + timedelta(minutes=1))],
            by=keeper,
        )
    assert [row.outcome for row in told] == ["twice"]
    assert Crossing.objects.count() == 2  # both went in
    assert Admission.objects.count() == 1
    notice = Notice.objects.get(kind="venues.pass_conflict")
    assert notice.recipient == keeper
    assert "used before" in notice.text("body")


def test_what_was_cancelled_meanwhile_or_is_unknown_is_told_too(
    booking: Booking, phone: GateDevice, keeper: User
) -> None:
    given = [
        scan(booking, clock.now()),
        Scan(scan_key=uuid4(), pass_code="NOSUCHPASS00", scanned_at=clock.now()),
        scan(make.confirmed(), clock.now()),  # another venue's
    ]
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    told = actions.sync_scans(device=phone, scans=given, by=keeper)
    assert sorted(row.outcome for row in told) == ["cancelled", "unknown", "unknown"]
    assert Notice.objects.filter(kind="venues.pass_conflict").count() == 3
    assert not Admission.objects.exists()


@pytest.mark.parametrize("hours", [-26, -3, 3, 30])
def test_a_pass_scanned_at_another_time_stays_good_and_is_told(
    booking: Booking, phone: GateDevice, keeper: User, hours: int
) -> None:
    at = booking.starts_at + timedelta(hours=hours)
    with time_machine.travel(at, tick=False):
        (told,) = actions.sync_scans(device=phone, scans=[scan(booking, at)], by=keeper)
    assert told.outcome == "untimely"
    assert make.pass_of(booking).state == EntryPass.State.VALID
    assert Crossing.objects.get().crossed_at == at  # they went in all the same
    notice = Notice.objects.get(kind="venues.pass_conflict")
    assert "at another time" in notice.text("body")


@pytest.mark.parametrize("years", [-1900, -1, 1, 7000])
def test_a_device_does_not_say_when_it_was_past_all_belief(
    booking: Booking, phone: GateDevice, keeper: User, years: int
) -> None:
    with time_machine.travel(booking.starts_at, tick=False):
        ticket = list_of(phone, keeper)["ticket"]
        issued_at = clock.now()
    moment = datetime(clock.today().year + years, 7, 1, tzinfo=clock.CHINA)
    later = booking.starts_at + timedelta(hours=20)
    with time_machine.travel(later, tick=False):
        given = [scan(booking, moment, ticket=ticket), scan(booking, moment)]
        actions.sync_scans(device=phone, scans=given, by=keeper)
    said = set(Crossing.objects.values_list("crossed_at", flat=True))
    earliest = {issued_at, phone.registered_at}
    latest = {issued_at + timedelta(hours=8), later}
    assert said == (earliest if years < 0 else latest)


def test_an_old_list_is_good_for_its_eight_hours_only(
    booking: Booking, phone: GateDevice, keeper: User
) -> None:
    """A device with a clock of its own cannot use a list of yesterday for today."""
    with time_machine.travel(booking.starts_at - timedelta(hours=20), tick=False):
        ticket = list_of(phone, keeper)["ticket"]
    given = scan(booking, booking.starts_at, ticket=ticket)
    with time_machine.travel(booking.starts_at, tick=False):
        (told,) = actions.sync_scans(device=phone, scans=[given], by=keeper)
    assert told.outcome == "untimely"


@pytest.mark.parametrize("ticket", ["x", "", "eyJhIjoxfQ:1wPsVz:x"])
def test_a_forged_ticket_names_nobody_else(
    booking: Booking, phone: GateDevice, keeper: User, ticket: str
) -> None:
    with time_machine.travel(booking.starts_at, tick=False):
        given = scan(booking, clock.now(), ticket=ticket)
        (told,) = actions.sync_scans(device=phone, scans=[given], by=keeper)
    assert told.scanned_by == keeper


def test_the_ticket_of_another_device_names_nobody(
    booking: Booking, phone: GateDevice, keeper: User
) -> None:
    other = actions.register_device(venue=booking.venue, name="Gate 2", by=keeper)
    colleague = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at, tick=False):
        ticket = list_of(other, colleague)["ticket"]
        given = scan(booking, clock.now(), ticket=ticket)
        (told,) = actions.sync_scans(device=phone, scans=[given], by=keeper)
    assert told.scanned_by == keeper


def test_two_devices_with_one_key_are_two_scans(
    booking: Booking, phone: GateDevice, keeper: User
) -> None:
    other = actions.register_device(venue=booking.venue, name="Gate 2", by=keeper)
    key = uuid4()
    with time_machine.travel(booking.starts_at, tick=False):
        now = clock.now()
        planted = Scan(scan_key=key, pass_code="NOSUCHPASS00", scanned_at=now)
        actions.sync_scans(device=other, scans=[planted], by=keeper)
        given = scan(booking, now, scan_key=key)
        (told,) = actions.sync_scans(device=phone, scans=[given], by=keeper)
    assert told.outcome == "admitted"
    assert Crossing.objects.count() == 2


def test_a_revoked_device_gets_nothing(phone: GateDevice, keeper: User) -> None:
    revoked = actions.revoke_device(device=phone, by=keeper)
    with pytest.raises(DeviceRevoked):
        actions.issue_list(device=revoked, by=keeper)
    with pytest.raises(DeviceRevoked):
        actions.sync_scans(device=revoked, scans=[], by=keeper)


@pytest.mark.django_db(transaction=True)
def test_two_devices_that_report_at_once_admit_once_and_tell_once() -> None:
    booking = make.confirmed()
    keeper = make.gatekeeper(booking.venue)
    devices = [
        actions.register_device(venue=booking.venue, name=f"Gate {n}", by=keeper)
        for n in range(8)
    ]
    given = [scan(booking, booking.starts_at) for _ in devices]

    def report(device: GateDevice, scanned: Scan) -> list[str]:
        # Each twice: an answer got lost.
        for _ in range(2):
            told = actions.sync_scans(device=device, scans=[scanned], by=keeper)
        return [row.outcome for row in told]

    with time_machine.travel(booking.starts_at, tick=False):
        jobs = [partial(report, *of) for of in zip(devices, given, strict=True)]
        told = at_once(*jobs)
    outcomes = sorted(one for outcome in told for one in outcome)
    assert outcomes == ["admitted", *["twice"] * 7]
    assert Admission.objects.count() == 1
    assert Crossing.objects.count() == 8
    assert broken_promises() == []
