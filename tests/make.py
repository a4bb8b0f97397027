"""Build rows for tests: every argument is optional, and the result is valid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.contrib.gis.geos import MultiPolygon, Point, Polygon

from bureau.accounts.models import Dependant, User, VerifiedIdentity
from bureau.accounts.queries import eligible_groups
from bureau.common import clock, sealed
from bureau.common.sports import Sport
from bureau.payments.actions import settle_payment
from bureau.payments.models import Payment
from bureau.regions.models import District
from venues import actions
from venues.actions import Pick, Prices
from venues.models import (
    Bookable,
    BookableUnit,
    Booking,
    CancelBand,
    ConductRule,
    EntryPass,
    OpenSession,
    PriceRule,
    Unit,
    Venue,
    VenueStaff,
    WeeklyHours,
)
from venues.queries.sessions import ticket_price

_serial = count(1)

EVERY_DAY = range(1, 8)
PRICE_FEN = 40_00


def user(name: str = "", **given: Any) -> User:
    """Staff or nobody in particular: known by a user name."""
    return User.objects.create_user(name or f"user-{next(_serial)}", **given)


def citizen(**given: Any) -> User:
    """A person known by a mobile number."""
    given.setdefault("phone", f"139{next(_serial):08}")
    given.setdefault("phone_verified_at", clock.now())
    return user(**given)


def verified(*, id_number: str = "", **given: Any) -> User:
    """A citizen whose real name is confirmed."""
    person = citizen(**given)
    VerifiedIdentity.objects.create(
        user=person,
        sealed_name=sealed.seal("李雷"),
        sealed_id_number=sealed.seal(id_number or f"ID{person.pk:016}"),
        fingerprint=uuid4().hex,
        masked_name="李*",
        masked_id_number="3708**********0011",
        birth_on=date(1990, 1, 1),
        sex="male",
        verified_at=clock.now(),
    )
    return person


def dependant(guardian: User, **given: Any) -> Dependant:
    """A child of ten or so, for whom the guardian books."""
    given.setdefault("relation", Dependant.Relation.CHILD)
    given.setdefault("fingerprint", uuid4().hex)
    given.setdefault("masked_name", "李*")
    given.setdefault("masked_id_number", "3708**********0011")
    given.setdefault("birth_on", clock.today() - timedelta(days=3650))
    return Dependant.objects.create(
        guardian=guardian,
        sealed_name=b"",
        sealed_id_number=b"",
        sex="female",
        registered_at=clock.now(),
        **given,
    )


def district(**given: Any) -> District:
    serial = next(_serial)
    given.setdefault("code", f"{370000 + serial}")
    given.setdefault("name", f"District {serial}")
    given.setdefault("name_en", given["name"])
    given.setdefault("position", serial)
    square = Polygon.from_bbox((116.0, 35.0, 117.0, 36.0))
    given.setdefault("boundary", MultiPolygon(square, srid=4326))
    return District.objects.create(**given)


def venue(
    *,
    opens: int = 0,
    closes: int = 1440,
    bands: Sequence[tuple[int, int]] = ((120, 100),),
    **given: Any,
) -> Venue:
    """A public badminton hall at 40 yuan an hour, with the same hours every day."""
    given.setdefault("name", f"Venue {next(_serial)}")
    given.setdefault("location", Point(116.587, 35.415, srid=4326))
    given.setdefault("sports", [Sport.BADMINTON])
    given.setdefault("address", "1 Stadium Road")
    if "district" not in given:
        given["district"] = district()
    made = Venue.objects.create(**given)
    WeeklyHours.objects.bulk_create(
        WeeklyHours(venue=made, weekday=day, opens=opens, closes=closes)
        for day in EVERY_DAY
    )
    CancelBand.objects.bulk_create(
        CancelBand(venue=made, minutes_before=minutes, percent=percent)
        for minutes, percent in bands
    )
    price(venue=made)
    return made


def price(
    *,
    venue: Venue,
    fen: int = PRICE_FEN,
    weekdays: Sequence[int] = EVERY_DAY,
    **given: Any,
) -> list[PriceRule]:
    given.setdefault("valid_from", date(2020, 1, 1))
    return PriceRule.objects.bulk_create(
        PriceRule(venue=venue, weekday=day, price_fen=fen, **given) for day in weekdays
    )


def bookable(*, units: Sequence[Unit] = (), **given: Any) -> Bookable:
    """A court of one unit of its own, unless units are given."""
    serial = next(_serial)
    given.setdefault("name", f"Court {serial}")
    given.setdefault("sport", Sport.BADMINTON)
    if "venue" not in given:
        given["venue"] = units[0].venue if units else venue()
    made = Bookable.objects.create(**given)
    floor = units or [unit(venue=made.venue)]
    BookableUnit.objects.bulk_create(
        BookableUnit(bookable=made, unit=part) for part in floor
    )
    return made


def unit(**given: Any) -> Unit:
    given.setdefault("name", f"Unit {next(_serial)}")
    if "venue" not in given:
        given["venue"] = venue()
    return Unit.objects.create(**given)


def gatekeeper(venue: Venue, **given: Any) -> User:
    """Somebody who works at the gate of a venue."""
    made = user(**given)
    VenueStaff.objects.create(venue=venue, user=made)
    return made


def tomorrow() -> date:
    """Asked for in a test, never while its file is read: midnight may lie between."""
    return clock.today() + timedelta(days=1)


def tomorrow_at(hour: int, minute: int = 0) -> datetime:
    return clock.at(tomorrow(), hour * 60 + minute)


def pick(court: Bookable, starts_at: datetime) -> Pick:
    return Pick(court.pk, starts_at)


def held(
    *,
    court: Bookable | None = None,
    starts_at: datetime | None = None,
    by: User | None = None,
    **given: Any,
) -> Booking:
    """A booking that waits for its payment: one slot, tomorrow at 18:00."""
    court = court or bookable()
    given.setdefault("quoted_fen", PRICE_FEN)
    return actions.hold_slots(
        venue=court.venue,
        picks=[pick(court, starts_at or tomorrow_at(18))],
        request_key=uuid4(),
        by=by or citizen(),
        **given,
    )


def end_of_hold(booking: Booking) -> datetime:
    """When a booking that waits for its payment lets go of the court."""
    assert booking.hold_until
    return booking.hold_until


def payment_of(booking: Booking) -> Payment:
    return Payment.objects.for_owner(booking).get()


def settle(payment: Payment | None) -> None:
    """The provider says that this payment was paid."""
    assert payment
    settle_payment(
        number=payment.number,
        provider="sandbox",
        provider_ref=f"S{next(_serial)}",
        amount_fen=payment.amount_fen,
        at=clock.now(),
    )


def pay(booking: Booking) -> Booking:
    """The money for a booking arrives."""
    payment = payment_of(booking)
    settle_payment(
        number=payment.number,
        provider="sandbox",
        provider_ref=f"ref-{next(_serial)}",
        amount_fen=payment.amount_fen,
        at=clock.now(),
    )
    booking.refresh_from_db()
    return booking


def confirmed(**given: Any) -> Booking:
    """A paid booking."""
    return pay(held(**given))


def pass_of(booking: Booking) -> EntryPass:
    return EntryPass.objects.of_bookers().get(booking=booking)


def session(**given: Any) -> OpenSession:
    """An open session at 20 yuan (reduced: 10), tomorrow from 18:00 to 20:00."""
    given.setdefault("bookable", None)
    given["bookable"] = given["bookable"] or bookable()
    starts_at = given.setdefault("starts_at", tomorrow_at(18))
    given.setdefault("ends_at", starts_at + timedelta(hours=2))
    given.setdefault("name", "Evening swim")
    given.setdefault("capacity", 20)
    given.setdefault("prices", Prices(full_fen=20_00, concession_fen=10_00))
    return actions.open_session(by=user(), **given)


def tickets(
    session: OpenSession, *, places: int = 1, by: User | None = None, **given: Any
) -> Booking:
    """Places in a session, waiting for their payment when they cost something."""
    by = by or citizen()
    if "quoted_fen" not in given:
        groups = eligible_groups(by, on=clock.today())
        given["quoted_fen"] = ticket_price(session, places, groups=groups).fen
    given.setdefault("request_key", uuid4())
    return actions.buy_tickets(session=session, places=places, by=by, **given)


def let_in(booking: Booking) -> None:
    """Somebody at the gate lets the booker in, now."""
    keeper = gatekeeper(booking.venue)
    actions.admit(entry_pass=pass_of(booking), venue=booking.venue, by=keeper)


def conduct_rule(**given: Any) -> ConductRule:
    """A point for each no-show; three points in 90 days ban for 30 days."""
    given.setdefault("valid_from", date(2020, 1, 1))
    given.setdefault("no_show_points", 1)
    given.setdefault("ban_from_points", 3)
    given.setdefault("count_days", 90)
    given.setdefault("ban_days", 30)
    return ConductRule.objects.create(**given)
