"""A week of bookings behind us and one before us.

What lies in the past cannot be booked any more, so the crowd's bookings are written as
rows, the same rows that the actions would have left behind: `manage.py prove` holds
them against every promise. What the people to sign in as have is booked by actions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models

from bureau.accounts.demo import GUARDIAN, SENIOR, STUDENT, crowd
from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.demo import DemoCity
from bureau.payments.actions import settle_payment
from bureau.payments.models import (
    Attempt,
    Payment,
    Refund,
    SandboxRefund,
    SandboxTransaction,
    new_number,
)
from venues import actions
from venues.actions import Pick
from venues.models import (
    Admission,
    Bookable,
    Booking,
    BookingLine,
    EntryPass,
    Occupancy,
    Venue,
)
from venues.queries import Offer, SlotState, Timetable, day_grid, house_rules
from venues.querysets import period

DAYS_BACK, DAYS_AHEAD = 7, 7
HOLD = timedelta(minutes=10)
SANDBOX = "sandbox"


def fill(city: DemoCity) -> None:
    _people_book(city)
    _Week(city).write()
    city.let_the_planner_know()
    city.say(f"{Booking.objects.count()} bookings from last week to next week")


# --- The people to sign in as ------------------------------------------------------


def _people_book(city: DemoCity) -> None:
    venues = list(Venue.objects.public().order_by("code"))
    mother = GUARDIAN.user().dependants.order_by("pk")[1]
    _book(city, SENIOR.user(), venues[0], days=1)
    _book(city, STUDENT.user(), venues[11], days=2)
    given_back = _book(city, STUDENT.user(), venues[8], days=3)
    actions.cancel_booking(booking=given_back, by=STUDENT.user())
    _book(city, GUARDIAN.user(), venues[2], days=1)
    _book(city, GUARDIAN.user(), venues[4], days=3, dependant=mother)


def _book(
    city: DemoCity, user: User, venue: Venue, *, days: int, dependant: Any = None
) -> Booking:
    """Book and pay the first free slot after 14:00, as the pages do it."""
    on = city.today + timedelta(days=days)
    grid = day_grid(
        venue,
        sport=venue.sports[0],
        on=on,
        at=city.now,
        groups=eligible_groups(user, dependant=dependant, on=city.today),
    )
    slot = next(
        slot
        for row in grid.rows
        for slot in row.slots
        if slot and slot.state is SlotState.FREE and row.starts_at >= clock.at(on, 840)
    )
    booking = actions.hold_slots(
        venue=venue,
        picks=[Pick(slot.bookable_id, slot.starts_at)],
        quoted_fen=slot.price.fen,
        request_key=UUID(int=city.dice.getrandbits(128), version=4),
        by=user,
        dependant=dependant,
    )
    return settle_all(booking, at=city.now)


def settle_all(booking: Booking, *, at: datetime) -> Booking:
    """What a booking asks for is paid at the sandbox cashier."""
    for payment in Payment.objects.for_owner(booking):
        paid = _paid_at_cashier(payment, at=at)
        paid.save()
        settle_payment(
            number=payment.number,
            provider=SANDBOX,
            provider_ref=paid.ref,
            amount_fen=payment.amount_fen,
            at=at,
        )
    booking.refresh_from_db()
    return booking


def _paid_at_cashier(
    payment: Payment, *, at: datetime, refunded_fen: int = 0
) -> SandboxTransaction:
    return SandboxTransaction(
        ref=payment.provider_ref or new_number(),
        number=payment.number,
        amount_fen=payment.amount_fen,
        refunded_fen=refunded_fen,
        state=SandboxTransaction.State.PAID,
        created_at=payment.created_at,
        paid_at=at,
    )


# --- The crowd ---------------------------------------------------------------------


def _share_taken(start: datetime, days_from_today: int) -> float:
    """How busy an hour is: evenings and weekends most, the far future least."""
    local = start.astimezone(clock.CHINA)
    if local.hour >= 18:
        share = 0.62
    elif local.isoweekday() >= 6:
        share = 0.45
    elif local.hour < 8:
        share = 0.35
    else:
        share = 0.16
    if days_from_today > 0:
        share *= max(0.15, 0.8 - 0.11 * days_from_today)
    return share


@dataclass
class _Rows:
    """Rows in the order in which they must be written."""

    bookings: list[Booking] = field(default_factory=list)
    lines: list[BookingLine] = field(default_factory=list)
    occupancies: list[Occupancy] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    transactions: list[SandboxTransaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    sandbox_refunds: list[SandboxRefund] = field(default_factory=list)
    passes: list[EntryPass] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)
    happened: list[tuple[datetime, str, models.Model, User | None]] = field(
        default_factory=list
    )


class _Week:
    def __init__(self, city: DemoCity) -> None:
        self.city = city
        self.people = crowd()
        self.rows = _Rows()
        self.taken: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        for unit_id, during in Occupancy.objects.values_list("unit_id", "during"):
            self.taken[unit_id].append((during.lower, during.upper))

    def write(self) -> None:
        days = [
            self.city.today + timedelta(days=ahead)
            for ahead in range(-DAYS_BACK, DAYS_AHEAD + 1)
        ]
        for venue in Venue.objects.public().order_by("code"):
            courts = list(venue.bookables.offered().with_units().in_order())
            timetable = Timetable(venue, courts, since=min(days))
            staff = venue.staff.select_related("user").order_by("pk")[0].user
            for on in days:
                for court in courts:
                    self._fill_day(venue, court, timetable.offers(court, on), staff)
        self._save()

    def _fill_day(
        self, venue: Venue, court: Bookable, offers: list[Offer], staff: User
    ) -> None:
        city = self.city
        units = court.unit_ids
        # The whole hall is hired less often than a half.
        eagerness = 1.0 if len(units) == 1 else 0.25
        index = 0
        while index < len(offers):
            first = offers[index]
            ahead = (clock.local_day(first.starts_at) - city.today).days
            if not city.chance(_share_taken(first.starts_at, ahead) * eagerness):
                index += 1
                continue
            wanted = offers[index : index + (2 if city.chance(0.4) else 1)]
            index += len(wanted)
            if wanted[0].ends_at + court.buffer != wanted[-1].starts_at:
                wanted = wanted[:1]
            # What is about to begin stays free: somebody may want to try it now.
            soon = timedelta(0) < first.starts_at - city.now < timedelta(minutes=90)
            if not soon and self._is_free(units, wanted):
                self._book(venue, court, wanted, staff)

    def _is_free(self, units: list[int], wanted: list[Offer]) -> bool:
        start, end = wanted[0].starts_at, wanted[-1].ends_at
        return not any(
            begins < end and start < ends
            for unit in units
            for begins, ends in self.taken[unit]
        )

    def _book(
        self, venue: Venue, court: Bookable, slots: list[Offer], staff: User
    ) -> None:
        city, rows = self.city, self.rows
        start, end = slots[0].starts_at, slots[-1].ends_at
        created_at = min(
            start - timedelta(minutes=city.between(60, 6 * 1440)),
            city.now - timedelta(minutes=city.between(120, 2880)),
        )
        booking = Booking(
            venue=venue,
            booked_by=city.one_of(self.people),
            starts_at=start,
            ends_at=end,
            total_fen=sum(slot.price.fen for slot in slots),
            cancel_terms=house_rules(venue, today=city.today).cancel_terms,
            created_at=created_at,
            request_key=UUID(int=city.dice.getrandbits(128), version=4),
        )
        self._set_state(booking)
        rows.bookings.append(booking)
        self._happened(created_at, "venues.booking.held", booking, booking.booked_by)
        for slot in slots:
            line = BookingLine(
                booking=booking,
                bookable=court,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                price_fen=slot.price.fen,
                quote=slot.as_quote(),
            )
            rows.lines.append(line)
            if booking.state == Booking.State.CONFIRMED:
                self._take(court, line)
        if booking.total_fen:
            self._pay(booking)
        if booking.state != Booking.State.EXPIRED:
            self._pass(booking, staff)
        if booking.cancelled_at:
            self._happened(
                booking.cancelled_at,
                "venues.booking.cancelled",
                booking,
                booking.booked_by,
            )

    def _set_state(self, booking: Booking) -> None:
        city = self.city
        booking.state = Booking.State.CONFIRMED
        if city.chance(0.07):
            booking.state = Booking.State.CANCELLED
            booking.cancelled_at = booking.created_at + timedelta(
                minutes=city.between(15, 50)
            )
        elif city.chance(0.03) and booking.total_fen:
            booking.state = Booking.State.EXPIRED
            booking.hold_until = booking.created_at + HOLD

    def _take(self, court: Bookable, line: BookingLine) -> None:
        for unit_id in court.unit_ids:
            self.taken[unit_id].append((line.starts_at, line.ends_at + court.buffer))
            self.rows.occupancies.append(
                Occupancy(
                    unit_id=unit_id,
                    during=period(line.starts_at, line.ends_at + court.buffer),
                    kind=Occupancy.Kind.BOOKING,
                    line=line,
                )
            )

    def _pay(self, booking: Booking) -> None:
        city, rows = self.city, self.rows
        expired = booking.state == Booking.State.EXPIRED
        paid_at = booking.created_at + timedelta(seconds=city.between(20, 400))
        payment = Payment(
            owner_app="venues",
            owner_model="booking",
            payer=booking.booked_by,
            amount_fen=booking.total_fen,
            title=f"{booking.venue.name} {clock.at_text(booking.starts_at)}",
            state=Payment.State.CLOSED if expired else Payment.State.PAID,
            provider="" if expired else SANDBOX,
            provider_ref="" if expired else new_number(),
            return_path=booking.get_absolute_url(),
            expires_at=booking.created_at + HOLD,
            created_at=booking.created_at,
            paid_at=None if expired else paid_at,
            closed_at=booking.created_at + HOLD if expired else None,
        )
        rows.payments.append(payment)
        if expired:
            return
        rows.attempts.append(
            Attempt(
                payment=payment,
                provider=SANDBOX,
                channel="mobile",
                created_at=booking.created_at,
            )
        )
        self._happened(paid_at, "payments.payment.settled", payment, None)
        self._happened(paid_at, "venues.booking.confirmed", booking, booking.booked_by)
        if booking.cancelled_at:
            payment.refunded_fen = payment.amount_fen
        source = _paid_at_cashier(
            payment, at=paid_at, refunded_fen=payment.refunded_fen
        )
        rows.transactions.append(source)
        if booking.cancelled_at:
            self._refund(payment, source, booking.cancelled_at)

    def _refund(
        self, payment: Payment, source: SandboxTransaction, at: datetime
    ) -> None:
        refund = Refund(
            payment=payment,
            key="cancel",
            amount_fen=payment.amount_fen,
            reason="预订已取消",
            state=Refund.State.DONE,
            tries=1,
            next_try_at=at,
            provider_ref=new_number(),
            requested_by=payment.payer,
            created_at=at,
            done_at=at + timedelta(minutes=1),
        )
        self.rows.refunds.append(refund)
        self.rows.sandbox_refunds.append(
            SandboxRefund(
                transaction=source,
                ref=refund.provider_ref,
                number=refund.number,
                amount_fen=refund.amount_fen,
                created_at=at,
            )
        )
        self._happened(at, "payments.refund.requested", refund, payment.payer)

    def _pass(self, booking: Booking, staff: User) -> None:
        city = self.city
        ticket = EntryPass(
            booking=booking, issued_at=booking.created_at + timedelta(minutes=7)
        )
        self.rows.passes.append(ticket)
        if booking.state == Booking.State.CANCELLED:
            ticket.state = EntryPass.State.REVOKED
        elif booking.starts_at < city.now and city.chance(0.92):
            ticket.state = EntryPass.State.USED
            came_at = booking.starts_at + timedelta(minutes=city.between(-15, 10))
            admission = Admission(
                entry_pass=ticket,
                venue=booking.venue,
                admitted_at=min(came_at, city.now),
                admitted_by=staff,
            )
            self.rows.admissions.append(admission)
            self._happened(admission.admitted_at, "venues.pass.admitted", ticket, staff)

    def _happened(
        self, at: datetime, event: str, subject: models.Model, by: User | None
    ) -> None:
        self.rows.happened.append((at, event, subject, by))

    def _save(self) -> None:
        rows = self.rows
        Booking.objects.bulk_create(rows.bookings)
        BookingLine.objects.bulk_create(rows.lines)
        Occupancy.objects.bulk_create(rows.occupancies)
        owed = (booking for booking in rows.bookings if booking.total_fen)
        for payment, booking in zip(rows.payments, owed, strict=True):
            payment.owner_id = booking.pk
        Payment.objects.bulk_create(rows.payments)
        Attempt.objects.bulk_create(rows.attempts)
        SandboxTransaction.objects.bulk_create(rows.transactions)
        Refund.objects.bulk_create(rows.refunds)
        SandboxRefund.objects.bulk_create(rows.sandbox_refunds)
        EntryPass.objects.bulk_create(rows.passes)
        Admission.objects.bulk_create(rows.admissions)
        Entry.objects.bulk_create(
            Entry(
                event=event,
                subject_type=subject._meta.label_lower,
                subject_id=subject.pk,
                actor=by,
                actor_name=str(by) if by else "",
                occurred_at=at,
            )
            for at, event, subject, by in sorted(
                rows.happened, key=lambda row: (row[0], row[1], row[2].pk)
            )
        )
