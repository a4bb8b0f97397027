"""Other times in exchange for booked ones: choose, see what it costs, agree."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.sports import Sport
from bureau.payments.http import way_to_pay
from venues import actions, queries
from venues.actions.slots import PickedSlot
from venues.errors.bookings import NotChangeable, RefundChanged
from venues.errors.slots import FormDamaged, PriceChanged
from venues.forms import ChangeForm, read_day, read_picks
from venues.models import Booking, BookingChange, BookingLine
from venues.views.bookings import lines_asked
from venues.views.family import person_of


def _mine(request: HttpRequest, number: str) -> Booking:
    mine = Booking.objects.visible_to(person_of(request)).with_lines()
    return get_object_or_404(mine, number=codes.normalise(number))


def _changeable(booking: Booking, *, at: datetime) -> list[BookingLine]:
    """The slots that can still be exchanged; tickets and what has begun cannot."""
    if booking.state != Booking.State.CONFIRMED or booking.invoice_id:
        return []
    return [
        line
        for line in booking.standing_lines
        if line.starts_at > at and line.session_id is None
    ]


# --- Choosing -------------------------------------------------------------------------


@dataclass(frozen=True)
class DayTab:
    on: date
    is_current: bool
    url: str


@never_cache
@require_safe
@login_required
def change(request: HttpRequest, number: str) -> HttpResponse:
    """Which slots go (of several), then which ones come: the venue's grid of a day."""
    booking = _mine(request, number)
    now = clock.now()
    lines = _changeable(booking, at=now)
    if not lines:
        messages.error(request, str(NotChangeable()))
        return redirect(booking)
    asked = lines_asked(request.GET)
    leaving = [line for line in lines if line.pk in asked]
    if len(lines) == 1:
        leaving = lines
    context = {
        "booking": booking,
        "venue": booking.venue,
        "lines": lines,
        "leaving": leaving,
    }
    if leaving:
        context |= _grid(request, booking, leaving, at=now)
    return render(request, "venues/change.html", context)


def _grid(
    request: HttpRequest,
    booking: Booking,
    leaving: Sequence[BookingLine],
    *,
    at: datetime,
) -> dict[str, object]:
    venue = booking.venue
    days = queries.bookable_days(venue, at=at)
    own_day = clock.local_day(leaving[0].starts_at)
    on = read_day(request.GET.get("on", "")) or own_day
    if on not in days:
        on = own_day if own_day in days else days[0] if days else own_day
    sports = queries.house_rules(venue, today=clock.local_day(at)).sports
    sport = request.GET.get("sport", "")
    if sport not in sports:
        sport = leaving[0].bookable.sport
    groups = eligible_groups(
        booking.booked_by, booking.dependant, on=clock.local_day(at)
    )
    grid = queries.day_grid(
        venue,
        sport=sport,
        on=on,
        at=at,
        groups=groups,
        but_lines=[line.pk for line in leaving],
    )
    own = {(line.bookable_id, line.starts_at) for line in leaving}
    rows = [row for row in grid.rows if row.starts_at > at]
    return {
        "on": on,
        "sport": sport,
        "sports": [
            (code, Sport(code).label, _choose_url(booking, leaving, on, code))
            for code in sports
        ],
        "days": [
            DayTab(day, day == on, _choose_url(booking, leaving, day, sport))
            for day in days
        ],
        "grid": grid,
        "rows": rows,
        "chosen": [
            slot.key
            for row in rows
            for slot in row.slots
            if slot and (slot.bookable_id, slot.starts_at) in own
        ],
        "most": max(1, venue.max_slots - len(booking.standing_lines) + len(leaving)),
    }


def _choose_url(
    booking: Booking, leaving: Sequence[BookingLine], on: date, sport: str
) -> str:
    asked = [("line", str(line.pk)) for line in leaving]
    query = urlencode([*asked, ("on", on.isoformat()), ("sport", sport)])
    return f"{reverse('venues:change', args=[booking.number])}?{query}#slots"


# --- Agreeing -------------------------------------------------------------------------


@dataclass(frozen=True)
class Exchange:
    """What a person is about to agree to."""

    leaving: Sequence[tuple[BookingLine, int]]
    """(what goes, what it counts for, in fen)"""
    slots: Sequence[PickedSlot]

    @property
    def price_fen(self) -> int:
        return sum(slot.offer.price.fen for slot in self.slots)

    @property
    def old_fen(self) -> int:
        return sum(line.price_fen for line, _credit in self.leaving)

    @property
    def credit_fen(self) -> int:
        return sum(credit for _line, credit in self.leaving)

    @property
    def retained_fen(self) -> int:
        """What is lost because it is late."""
        return self.old_fen - self.credit_fen

    @property
    def pay_fen(self) -> int:
        return max(0, self.price_fen - self.credit_fen)

    @property
    def refund_fen(self) -> int:
        return max(0, self.credit_fen - self.price_fen)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def confirm_change(request: HttpRequest, number: str) -> HttpResponse:
    """Look at both sides and at the difference, then exchange (or go and pay)."""
    booking = _mine(request, number)
    if request.method != "POST":
        return _show_exchange(request, booking, None)
    form = ChangeForm(request.POST)
    try:
        if not form.is_valid():
            raise FormDamaged
        asked = actions.change_booking(
            booking=booking,
            line_ids=lines_asked(request.GET),
            picks=read_picks(request.GET.getlist("slot")),
            by=person_of(request),
            **form.cleaned_data,
        )
    except DomainError as said_no:
        return _show_exchange(request, _mine(request, number), said_no)
    if asked.state == BookingChange.State.HELD and asked.payment:
        return redirect(way_to_pay(asked.payment))
    if asked.state == BookingChange.State.DONE:
        messages.success(request, _("Your booking is changed."))
    return redirect(booking)


def _show_exchange(
    request: HttpRequest, booking: Booking, refusal: DomainError | None
) -> HttpResponse:
    exchange: Exchange | None = None
    # A changed price or band is a question to the person, not the end of the road.
    if refusal is None or isinstance(
        refusal, PriceChanged | RefundChanged | FormDamaged
    ):
        try:
            exchange = _exchange(request, booking)
        except DomainError as said_no:
            refusal = said_no
    query = urlencode({"line": lines_asked(request.GET)}, doseq=True)
    context: dict[str, object] = {
        "booking": booking,
        "venue": booking.venue,
        "refusal": refusal,
        "exchange": exchange,
        "choose_url": f"{reverse('venues:change', args=[booking.number])}?{query}",
    }
    if exchange:
        context["form"] = ChangeForm(
            initial={
                "quoted_fen": exchange.price_fen,
                "expected_fen": exchange.credit_fen,
                "request_key": uuid.uuid4(),
            }
        )
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/change_confirm.html", context, status=status)


def _exchange(request: HttpRequest, booking: Booking) -> Exchange:
    now = clock.now()
    if booking.state != Booking.State.CONFIRMED:
        raise NotChangeable
    leaving, slots = actions.exchange_of(
        booking,
        lines_asked(request.GET),
        read_picks(request.GET.getlist("slot")),
        at=now,
    )
    return Exchange(
        [(line, booking.refund_of(line, at=now)) for line in leaving], slots
    )


@require_POST
@login_required
def drop_change(request: HttpRequest, number: str) -> HttpResponse:
    """Keep the old times."""
    booking = _mine(request, number)
    held = booking.changes.filter(state=BookingChange.State.HELD).first()
    if held is None:
        return redirect(booking)
    try:
        actions.drop_change(change=held, by=person_of(request))
    except DomainError as said_no:
        messages.error(request, str(said_no))
    else:
        messages.success(request, _("Everything stays as it was."))
    return redirect(booking)
