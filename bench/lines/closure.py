"""Closing a hall for a week with five hundred bookings: floor, refunds, messages."""

from __future__ import annotations

from datetime import timedelta
from os import getloadavg
from time import perf_counter, sleep
from uuid import uuid4

from bench import city
from bench.portal import Portal
from bench.table import Line
from bureau.common import clock
from bureau.notices.models import Notice
from bureau.payments.actions import settle_payment
from bureau.payments.models import Payment, Refund
from venues import actions, queries
from venues.actions import Pick
from venues.models import Booking

BOOKINGS = 500
SECONDS = 10
PATIENCE = 120


def measure(portal: Portal) -> list[Line]:
    hall = city.venue(courts=10)
    city.venue(courts=10)  # a neighbour, where there is room
    taken = city.places(hall)[:BOOKINGS]
    people = city.citizens(BOOKINGS)
    for person, place in zip(people, taken, strict=True):
        booking = actions.hold_slots(
            venue=hall,
            picks=[Pick(place.bookable.pk, place.starts_at)],
            quoted_fen=city.PRICE_FEN,
            request_key=uuid4(),
            by=person.user,
        )
        payment = Payment.objects.for_owner(booking).get()
        settle_payment(
            number=payment.number,
            provider="sandbox",
            provider_ref=booking.number,
            amount_fen=city.PRICE_FEN,
            at=clock.now(),
        )
    units = list(hall.units.all())
    starts_at = min(place.starts_at for place in taken)
    ends_at = max(place.starts_at for place in taken) + timedelta(hours=1)
    begun = perf_counter()
    preview = queries.preview_closure(
        unit_ids=[unit.pk for unit in units],
        starts_at=starts_at,
        ends_at=ends_at,
        at=clock.now(),
    )
    previewed = perf_counter() - begun
    portal.start("worker")
    sleep(8)  # it loads Django
    begun = perf_counter()
    block = actions.close_units(
        venue=hall,
        units=units,
        starts_at=starts_at,
        ends_at=ends_at,
        reason="Repairs",
        by=people[0].user,
    )
    closed = perf_counter() - begun
    while not queries.progress_of(block, at=clock.now()).is_done:
        if perf_counter() - begun > PATIENCE:
            break
        sleep(0.05)
    seconds = perf_counter() - begun
    portal.kill("worker")
    whole = Booking.objects.filter(venue=hall, state="cancelled").count()
    persons = [person.user for person in people]
    refunded = Refund.objects.filter(payment__payer__in=persons)
    told = Notice.objects.filter(
        kind="venues.booking_cancelled", recipient__in=persons
    ).exclude(context__instead="")
    met = (
        seconds <= SECONDS
        and preview.bookings == whole == BOOKINGS
        and refunded.count() == told.count() == BOOKINGS
        and queries.progress_of(block, at=clock.now()).is_done
    )
    return [
        Line(
            what="closing a hall with 500 bookings",
            figure=f"{seconds:.1f} s",
            goal=f"≤ {SECONDS} s",
            met=met,
            note=f"shut to new bookings after {closed * 1000:.0f} ms, "
            f"preview {previewed * 1000:.0f} ms, {whole} called off, "
            f"{refunded.count()} refunded and {told.count()} told of other free times "
            f"by one worker of two processes; load {getloadavg()[0]:.1f}",
        )
    ]
