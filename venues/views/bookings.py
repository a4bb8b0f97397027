from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.pagination import page_of
from bureau.payments.http import way_to_pay
from bureau.payments.models import Payment, Refund
from venues import actions, queries
from venues.actions.slots import PickedSlot, resolve_picks
from venues.errors import FormDamaged, NotCancellable, PriceChanged, SlotTaken
from venues.forms import BookForm, read_picks
from venues.models import Booking, BookingLine, EntryPass, Venue
from venues.views.passes import used_at

PER_PAGE = 20


def _person(request: HttpRequest) -> User:
    """Who asks; behind `login_required`."""
    return cast("User", request.user)


# --- Booking --------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """What a person is about to agree to."""

    picks: Sequence[actions.Pick]
    slots: Sequence[PickedSlot]

    @property
    def total_fen(self) -> int:
        return sum(slot.offer.price.fen for slot in self.slots)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def book(request: HttpRequest, code: str) -> HttpResponse:
    """Look at the price once more, say for whom, and take the slots.

    The slots stay in the address, also of the POST, so that they survive signing in.
    """
    person = _person(request)
    dependant = _dependant_asked(request, person)
    if request.method != "POST":
        return _show_summary(request, _venue(code), dependant, None)
    try:
        booking = _take(request, code, person, dependant)
    except DomainError as said_no:
        return _show_summary(request, _venue(code), dependant, said_no)
    return _to_the_cashier(booking)


def _venue(code: str) -> Venue:
    bookable = Venue.objects.public().with_district()
    return get_object_or_404(bookable, code=codes.normalise(code))


def _take(
    request: HttpRequest, code: str, person: User, dependant: Dependant | None
) -> Booking:
    venue = queries.venue_for_booking(codes.normalise(code))
    if venue is None:
        raise Http404
    form = BookForm(request.POST)
    if not form.is_valid():
        raise FormDamaged
    return actions.hold_slots(
        venue=venue,
        picks=read_picks(request.GET.getlist("slot")),
        quoted_fen=form.cleaned_data["quoted_fen"],
        request_key=form.cleaned_data["request_key"],
        by=person,
        dependant=dependant,
    )


def _dependant_asked(request: HttpRequest, person: User) -> Dependant | None:
    if not (asked := request.GET.get("for", "")):
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 18):
        raise Http404
    dependant: Dependant = get_object_or_404(
        Dependant.objects.of(person), pk=int(asked)
    )
    return dependant


def _to_the_cashier(booking: Booking) -> HttpResponse:
    """On to paying; a booking that the same form made before just shows itself."""
    if not booking.is_held_at(clock.now()):
        return redirect(booking)
    if payment := booking.payment_due or _payment_due(booking):
        return redirect(way_to_pay(payment))
    return redirect(booking)


def _payment_due(booking: Booking) -> Payment | None:
    due = Payment.objects.for_owner(booking).payable_at(clock.now())
    return due.order_by("-pk").first()


def _show_summary(
    request: HttpRequest,
    venue: Venue,
    dependant: Dependant | None,
    refusal: DomainError | None,
) -> HttpResponse:
    person = _person(request)
    summary: Summary | None = None
    # A changed price is a question to the person, not the end of the road.
    if refusal is None or isinstance(refusal, PriceChanged | FormDamaged):
        try:
            summary = _summary(request, venue, person, dependant)
        except DomainError as said_no:
            refusal = said_no
    own = _own_booking_of(request, person) if isinstance(refusal, SlotTaken) else None
    context: dict[str, Any] = {
        "venue": venue,
        "refusal": refusal,
        "own": own,
        "grid_url": _back_to_grid(request, venue),
        "summary": summary,
        "dependant": dependant,
        "family": _family_links(request, person, dependant),
        "cancel_bands": _bands(venue, summary),
    }
    if summary:
        context["form"] = BookForm(
            initial={"quoted_fen": summary.total_fen, "request_key": uuid.uuid4()}
        )
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/book.html", context, status=status)


def _summary(
    request: HttpRequest, venue: Venue, person: User, dependant: Dependant | None
) -> Summary:
    now = clock.now()
    picks = read_picks(request.GET.getlist("slot"))
    groups = eligible_groups(person, dependant, on=clock.local_day(now))
    slots = resolve_picks(venue, picks, at=now, groups=groups)
    if queries.is_taken([w for slot in slots for w in slot.wanted], at=now):
        raise SlotTaken
    return Summary(picks, slots)


def _bands(venue: Venue, summary: Summary | None) -> list[tuple[datetime, int]]:
    """(until when, percent that comes back) of what would be booked now."""
    if summary is None:
        return []
    rules = queries.house_rules(venue, today=clock.today())
    terms = Booking(cancel_terms=rules.cancel_terms)
    return terms.bands_for(summary.slots[0].offer.starts_at)


def _fen_asked(request: HttpRequest) -> int | None:
    """What the page said would come back, when it said so."""
    given = request.POST.get("expected_fen", "")
    return int(given) if given.isascii() and given.isdigit() else None


def _own_booking_of(request: HttpRequest, person: User) -> Booking | None:
    """The person's own booking that has these slots: they came back to this page."""
    try:
        picks = read_picks(request.GET.getlist("slot"))
    except DomainError:
        return None
    pick = picks[0]
    return (
        Booking.objects.visible_to(person)
        .upcoming_at(clock.now())
        .filter(
            lines__bookable=pick.bookable_id,
            lines__starts_at__lte=pick.starts_at,
            lines__ends_at__gt=pick.starts_at,
        )
        .order_by("pk")
        .first()
    )


def _back_to_grid(request: HttpRequest, venue: Venue) -> str:
    """The fresh grid of the day and sport that the slots came from."""
    url = venue.get_absolute_url()
    try:
        picks = read_picks(request.GET.getlist("slot"))
    except DomainError:
        return url
    if not picks:
        return url
    court = venue.bookables.filter(pk=picks[0].bookable_id).first()
    sport = f"&sport={court.sport}" if court else ""
    return f"{url}?on={clock.local_day(picks[0].starts_at)}{sport}#slots"


def _family_links(
    request: HttpRequest, person: User, chosen: Dependant | None
) -> list[tuple[str, str, bool]]:
    """(name, address, is chosen) of everybody to book for; empty when alone."""
    family = list(Dependant.objects.of(person).order_by("pk"))
    if not family:
        return []
    links = [(_("Myself"), _address(request, None), chosen is None)]
    links += [
        (row.masked_name, _address(request, row), row == chosen) for row in family
    ]
    return links


def _address(request: HttpRequest, dependant: Dependant | None) -> str:
    asked = request.GET.copy()
    asked.pop("for", None)
    if dependant:
        asked["for"] = str(dependant.pk)
    return f"?{asked.urlencode()}"


# --- My bookings ----------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def booking_list(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    mine = Booking.objects.visible_to(_person(request)).with_lines()
    is_over = request.GET.get("show") == "over"
    if is_over:
        rows = mine.over_at(now).order_by("-starts_at", "-pk")
    else:
        rows = mine.upcoming_at(now).order_by("starts_at", "pk")
    page = page_of(rows, request, per_page=PER_PAGE)
    context = {
        "page": page,
        "rows": [(booking, *_state_words(booking)) for booking in page],
        "is_over": is_over,
    }
    return render(request, "venues/booking_list.html", context)


def _state_words(booking: Booking) -> tuple[str, str]:
    """(words, badge kind) of the state as it is now."""
    now = clock.now()
    state = booking.shown_state_at(now)
    if state == Booking.State.CONFIRMED:
        if now >= booking.ends_at:
            return _("Over"), ""
        return _("Booked"), "ok"
    return {
        Booking.State.HELD: (_("To be paid"), "warn"),
        Booking.State.CANCELLED: (_("Cancelled"), ""),
        Booking.State.EXPIRED: (_("Not paid in time"), ""),
    }[Booking.State(state)]


def _mine(request: HttpRequest, number: str) -> Booking:
    mine = Booking.objects.visible_to(_person(request)).with_lines()
    return get_object_or_404(mine, number=codes.normalise(number))


@never_cache
@require_safe
@login_required
def booking(request: HttpRequest, number: str) -> HttpResponse:
    shown = _mine(request, number)
    now = clock.now()
    words, kind = _state_words(shown)
    payment = _payment_due(shown) if shown.is_held_at(now) else None
    entry_pass = EntryPass.objects.live().of_bookers().filter(booking=shown).first()
    refunds = Refund.objects.filter(
        payment__in=Payment.objects.for_owner(shown)
    ).order_by("pk")
    is_coming = shown.state == Booking.State.CONFIRMED and now < shown.ends_at
    context = {
        "booking": shown,
        "venue": shown.venue,
        "lines": sorted(shown.lines.all(), key=lambda line: (line.starts_at, line.pk)),
        "state": shown.shown_state_at(now),
        "state_words": words,
        "state_kind": kind,
        "payment": payment,
        "pay_url": way_to_pay(payment) if payment else "",
        "seconds_left": max(0, int((shown.hold_until - now).total_seconds()))
        if payment and shown.hold_until
        else 0,
        "entry_pass": entry_pass if is_coming else None,
        "used_at": used_at(entry_pass),
        "refunds": [(refund, *_refund_words(refund)) for refund in refunds],
        "can_cancel": shown.can_be_given_back_at(now)
        and shown.shown_state_at(now) != Booking.State.EXPIRED
        and not used_at(entry_pass),
        "cancel_bands": shown.bands_for(shown.starts_at),
        "is_coming": is_coming,
    }
    return render(request, "venues/booking.html", context)


def _refund_words(refund: Refund) -> tuple[str, str]:
    return {
        Refund.State.DUE: (_("Refund is being sent"), "warn"),
        Refund.State.SENT: (_("Refund is on its way to you"), "warn"),
        Refund.State.DONE: (_("Refund has arrived"), "ok"),
        Refund.State.FAILED: (_("Refund is stuck; our staff look after it"), "danger"),
    }[Refund.State(refund.state)]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Say what comes back, then give the court back."""
    shown = _mine(request, number)
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            actions.cancel_booking(
                booking=shown,
                by=_person(request),
                expected_fen=_fen_asked(request),
            )
        except NotCancellable as said_no:
            shown.refresh_from_db()
            if shown.state == Booking.State.CANCELLED:
                return redirect(shown)  # a second tap: it is done
            refusal = said_no
        except DomainError as said_no:
            refusal = said_no
        else:
            messages.success(request, _("Your booking is cancelled."))
            return redirect(shown)
    elif shown.state == Booking.State.CANCELLED:
        return redirect(shown)
    now = clock.now()
    paid = Payment.objects.for_owner(shown).holding_money()
    lines = shown.lines.filter(state=BookingLine.State.STANDING)
    context = {
        "booking": shown,
        "venue": shown.venue,
        "refusal": refusal,
        "can_cancel": refusal is None and shown.can_be_given_back_at(now),
        "paid_fen": sum(p.amount_fen - p.refunded_fen for p in paid),
        "comes_back_fen": sum(shown.refund_of(line, at=now) for line in lines)
        if shown.state == Booking.State.CONFIRMED
        else 0,
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/cancel.html", context, status=status)
