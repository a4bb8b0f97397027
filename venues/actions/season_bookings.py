"""Approved seasons are booked, date by date (docs/venues/seasons.md).

An approval is one decision and then one transaction for each date, behind the locks of
its floor: a long season does not lock the city. Which dates are done is read from what
stands (a booked line or a skipped date), so a crash loses nothing, and going on twice
is going on once. The invoice is `new` meanwhile, and nobody can pay it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db import transaction
from django.utils import translation

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.errors import DomainError
from bureau.common.tasks import after_commit
from venues.actions.clubs import lock_club
from venues.actions.floor import open_booking
from venues.actions.invoices import DUE_DAYS, add_to_invoice, tell_club
from venues.actions.money import lock_invoice_money
from venues.actions.seasons import close_if_decided, lock_season, move_to, tell_request
from venues.actions.slots import Pick, lock_floor, refuse_taken, resolve_picks
from venues.errors.slots import SlotNotOffered, SlotTaken
from venues.models import Booking, Invoice, Season, SeasonRequest, SkippedDate, Venue
from venues.queries import house_rules
from venues.queries.seasons import WeeklyTime, booked_dates, plan_season, slots_on

State = SeasonRequest.State


def approve_request(
    *, request: SeasonRequest, by: User, at: datetime | None = None
) -> Invoice:
    """Give a club what was proposed: book every date, then issue the invoice.

    A date that is taken meanwhile is skipped, with its reason. Not one transaction: the
    sweep (`finish_approvals`) goes on where a crash left it. Raises `RequestMovedOn`.
    """
    at = at or clock.now()
    _decide(request, by=by, at=at)
    return book_season(request=request, at=at)


@transaction.atomic
def approve_proposal(
    *, season: Season, by: User, at: datetime | None = None
) -> list[SeasonRequest]:
    """Approve all that is proposed; workers book the dates, each request on its own."""
    from venues.tasks import book_season as book  # noqa: PLC0415 - tasks call actions

    at = at or clock.now()
    season = lock_season(season.pk)
    proposed = season.requests.filter(state=State.PROPOSED).select_related("club")
    rows = list(proposed.order_by("pk"))
    for request in rows:
        _decide(request, by=by, at=at)
        after_commit(book, request_id=request.pk)
    return rows


@transaction.atomic
def _decide(request: SeasonRequest, *, by: User, at: datetime) -> None:
    season = lock_season(request.season_id)
    move_to(request, State.APPROVED, decided_at=at, decided_by=by)
    Invoice.objects.create(
        request=request,
        club=request.club,
        total_fen=0,
        issued_at=at,
        due_on=clock.local_day(at) + timedelta(days=DUE_DAYS),
    )
    record("venues.seasonrequest.approved", subject=request, by=by, at=at)
    close_if_decided(season, at=at)


def book_season(*, request: SeasonRequest, at: datetime) -> Invoice:
    """Go on with an approved request: its dates that are not done, then its invoice.

    Safe to run twice, by several workers, and again after a crash.
    """
    request = SeasonRequest.objects.select_related(
        "club__contact", "season", "decided_by"
    ).get(pk=request.pk)
    invoice = Invoice.objects.get(request=request)
    if invoice.state == Invoice.State.NEW:
        done = booked_dates(request)
        for on in WeeklyTime.of(request).dates:
            if on not in done:
                book_date(request, invoice, on, at=at)
        _issue(request, at=at)
    return Invoice.objects.get(pk=invoice.pk)


def finish_approvals(*, at: datetime) -> int:
    """Go on where a crash interrupted an approval; how many there were."""
    left = SeasonRequest.objects.filter(invoice__state=Invoice.State.NEW)
    rows = list(left.order_by("pk"))
    for request in rows:
        book_season(request=request, at=at)
    return len(rows)


@transaction.atomic
def book_date(
    request: SeasonRequest, invoice: Invoice, on: date, *, at: datetime
) -> None:
    """One date: booked, or skipped with its reason. Twice is once."""
    lock_invoice_money(invoice.pk)  # one after the other, if several go on with it
    venue = Venue.objects.get(pk=request.season.venue_id)
    rules = house_rules(venue, today=clock.local_day(at))
    court = rules.court(request.bookable_id)
    offers = (
        slots_on(rules, court, on, starts=request.starts, ends=request.ends)
        if court
        else ()
    )
    if court and offers:
        lock_floor(
            (unit_id, offer.starts_at, offer.ends_at + court.buffer)
            for offer in offers
            for unit_id in court.unit_ids
        )
    if on in booked_dates(request):
        return
    # Read behind its lock: the club may have been handed to somebody else meanwhile.
    request.club = lock_club(request.club_id)
    picks = [Pick(request.bookable_id, offer.starts_at) for offer in offers]
    try:
        booking = _book(request, venue, picks, on=on, at=at)
    except DomainError as refusal:
        _skip(request, venue, on, refusal, at=at)
        return
    booking.invoice = invoice
    booking.save(update_fields=["invoice"])
    add_to_invoice(invoice, booking.total_fen)


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def _book(
    request: SeasonRequest,
    venue: Venue,
    picks: Sequence[Pick],
    *,
    on: date,
    at: datetime,
) -> Booking:
    if not picks:
        raise SlotNotOffered
    slots = resolve_picks(venue, picks, at=at, channel=Booking.Channel.SERIES)
    refuse_taken([piece for slot in slots for piece in slot.wanted], at=at)
    return open_booking(
        venue=venue,
        slots=slots,
        person=request.club.contact,
        dependant=None,
        channel=Booking.Channel.SERIES,
        hold_until=None,
        at=at,
        by=request.decided_by,
        # One booking for each date, whoever goes on with it.
        request_key=uuid5(NAMESPACE_URL, f"season:{request.number}:{on}"),
    )


def _skip(
    request: SeasonRequest,
    venue: Venue,
    on: date,
    refusal: DomainError,
    *,
    at: datetime,
) -> None:
    """In the bureau's language: it stays in the table."""
    with translation.override(settings.LANGUAGE_CODE):
        weekly = WeeklyTime.of(request)
        one = WeeklyTime(
            weekly.bookable_id, on.isoweekday(), weekly.starts, weekly.ends, on, on
        )
        planned = plan_season(venue, one, at=at).dates
        reason = planned[0].problem if planned else ""
        SkippedDate.objects.get_or_create(
            request=request,
            on=on,
            defaults={"reason": (reason or str(refusal))[:200]},
        )


@transaction.atomic
def _issue(request: SeasonRequest, *, at: datetime) -> None:
    invoice = (
        Invoice.objects.select_related("club__contact", "request__season__venue")
        .select_for_update(of=["self"])
        .get(request=request)
    )
    left = set(WeeklyTime.of(request).dates) - booked_dates(request)
    if invoice.state != Invoice.State.NEW or left:
        return
    owes = Invoice.State.OPEN if invoice.total_fen else Invoice.State.VOID
    request.club = invoice.club  # its contact of now
    invoice.state = owes
    invoice.issued_at = at
    invoice.save(update_fields=["state", "issued_at"])
    record(
        "venues.invoice.issued",
        subject=invoice,
        by=request.decided_by,
        at=at,
        detail={"total_fen": invoice.total_fen},
    )
    booked = invoice.bookings.count()
    tell_request(request, "venues.season_allocated", at=at, booked=str(booked))
    skipped = list(request.skipped.order_by("on"))
    if skipped:
        dates = "; ".join(f"{row.on:%Y-%m-%d} {row.reason}" for row in skipped)
        tell_request(
            request,
            "venues.season_dates_skipped",
            at=at,
            count=str(len(skipped)),
            dates=dates,
        )
    if owes == Invoice.State.OPEN:
        tell_club(invoice, "venues.invoice_open", at=at)
