from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.pagination import page_of
from bureau.payments.http import way_to_pay
from bureau.payments.models import Payment, ProviderName, Refund
from venues import actions, queries
from venues.actions.floor import groups_of
from venues.actions.slots import PickedSlot, resolve_picks
from venues.errors.bookings import BookingMovedOn, NotCancellable, RefundChanged
from venues.errors.slots import (
    FormDamaged,
    PriceChanged,
    SlotKeptForDesk,
    SlotTaken,
    TooShortNotice,
)
from venues.forms import BookForm, read_picks
from venues.models import Booking, Companion, EntryPass, Venue
from venues.views.family import dependant_asked, family_links, person_of
from venues.views.passes import used_at

PER_PAGE = 20
BARRED = (SlotTaken, SlotKeptForDesk, TooShortNotice)
"""Refusals after which another time is the way out."""


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
    person = person_of(request)
    dependant = dependant_asked(request, person)
    if request.method != "POST":
        return _show_summary(request, _venue(code), dependant, None)
    venue = queries.venue_for_booking(codes.normalise(code))
    if venue is None:
        raise Http404
    try:
        booking = take(request, venue, person, dependant)
    except (PriceChanged, FormDamaged) as question:
        # Not the end of the road: the person may agree to what it is now.
        return _show_summary(request, _venue(code), dependant, question)
    except DomainError as said_no:
        return _show_refusal(request, venue, dependant, said_no)
    return to_the_cashier(booking)


def _venue(code: str) -> Venue:
    bookable = Venue.objects.public().with_district()
    return get_object_or_404(bookable, code=codes.normalise(code))


_REFUSED = "venues.refused"


def remember_refusal(request: HttpRequest, refusal: DomainError) -> None:
    """What `take` said to this request already, so that nobody asks again."""
    request.META[_REFUSED] = refusal


def take(
    request: HttpRequest, venue: Venue, person: User, dependant: Dependant | None
) -> Booking:
    """Hold what the form asks for, or raise why not."""
    if refusal := request.META.get(_REFUSED):
        raise refusal
    form = BookForm.read(request.POST)
    return actions.hold_slots(
        venue=venue,
        picks=read_picks(request.GET.getlist("slot")),
        quoted_fen=form["quoted_fen"],
        request_key=form["request_key"],
        by=person,
        dependant=dependant,
    )


def to_the_cashier(booking: Booking) -> HttpResponse:
    """On to paying; a booking that the same form made before just shows itself."""
    if not booking.is_held_at(clock.now()):
        return redirect(booking)
    if payment := booking.payment_due or _payment_due(booking):
        return HttpResponseRedirect(way_to_pay(payment))
    return redirect(booking)


def _payment_due(booking: Booking) -> Payment | None:
    due = Payment.objects.for_owner(booking).payable_at(clock.now())
    return due.order_by("-pk").first()


def _show_summary(
    request: HttpRequest,
    venue: Venue,
    dependant: Dependant | None,
    question: DomainError | None,
) -> HttpResponse:
    """What would be booked; `question` is a refusal that one can agree to."""
    person = person_of(request)
    try:
        summary = _summary(request, venue, person, dependant)
    except DomainError as said_no:
        return _show_refusal(request, venue, dependant, said_no)
    context = {
        "venue": venue,
        "refusal": question,
        "grid_url": _back_to_grid(request, venue),
        "summary": summary,
        "family": family_links(request, person, dependant),
        "cancel_bands": _bands(venue, summary),
        "form": BookForm(
            initial={"quoted_fen": summary.total_fen, "request_key": uuid.uuid4()}
        ),
    }
    status = question.status if question else HTTPStatus.OK
    return render(request, "venues/book.html", context, status=status)


def _show_refusal(
    request: HttpRequest,
    venue: Venue,
    dependant: Dependant | None,
    refusal: DomainError,
) -> HttpResponse:
    """Say no, and lead on: to what is free instead, and to the waiting list.

    In a rush this is the answer to nearly everybody, so it asks as little as it can.
    """
    own = _own_booking(request) if isinstance(refusal, SlotTaken) else None
    is_barred = isinstance(refusal, BARRED) and own is None
    ways = _ways_out(request, venue, dependant) if is_barred else queries.NO_WAY
    url = reverse("venues:slot", args=[venue.code])
    context = {
        "venue": venue,
        "refusal": refusal,
        "own": own,
        "grid_url": _back_to_grid(request, venue),
        "alternatives": ways.alternatives,
        "for_id": dependant.pk if dependant else None,
        "barred_urls": [
            (
                f"{court.name} {offer.starts_at.astimezone(clock.CHINA):%H:%M}",
                f"{url}?slot={offer.key}",
            )
            for court, offer in ways.barred
        ],
    }
    response = render(request, "venues/not_booked.html", context, status=refusal.status)
    # Django writes a line for each answer that is an error. That a court is taken is
    # none, and in a rush it would be hundreds a second.
    setattr(response, "_has_been_logged", True)  # noqa: B010 - as Django marks it
    return response


def _own_booking(request: HttpRequest) -> Booking | None:
    """The person's own booking that has the first slot: they came back to this page."""
    first = read_picks(request.GET.getlist("slot"))[0]
    return queries.own_booking_at(
        person_of(request), first.bookable_id, first.starts_at, at=clock.now()
    )


def _ways_out(
    request: HttpRequest, venue: Venue, dependant: Dependant | None
) -> queries.WaysOut:
    now = clock.now()
    groups = groups_of(
        person_of(request), dependant, venue=venue, on=clock.local_day(now)
    )
    picks = read_picks(request.GET.getlist("slot"))
    wanted = [(pick.bookable_id, pick.starts_at) for pick in picks]
    return queries.ways_out(venue, wanted, at=now, groups=groups, lately=True)


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


def _bands(venue: Venue, summary: Summary) -> list[tuple[datetime, int]]:
    """(until when, percent that comes back) of what would be booked now."""
    rules = queries.house_rules(venue, today=clock.today())
    terms = Booking(cancel_terms=rules.cancel_terms)
    starts_at = summary.slots[0].offer.starts_at
    return queries.bands_ahead(terms, starts_at=starts_at, at=clock.now())


def _fen_asked(request: HttpRequest) -> int | None:
    """What the page said would come back, when it said so."""
    given = request.POST.get("expected_fen", "")
    return int(given) if given.isascii() and given.isdigit() else None


def _back_to_grid(request: HttpRequest, venue: Venue) -> str:
    """The fresh grid of the day and sport that the slots came from."""
    url = venue.get_absolute_url()
    try:
        picks = read_picks(request.GET.getlist("slot"))
    except DomainError:
        return url
    if not picks:
        return url
    rules = queries.house_rules(venue, today=clock.today())
    court = rules.court(picks[0].bookable_id)
    sport = f"&sport={court.sport}" if court else ""
    return f"{url}?on={clock.local_day(picks[0].starts_at)}{sport}#slots"


# --- My bookings ----------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def booking_list(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    mine = Booking.objects.visible_to(person_of(request)).with_lines()
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
        "joined": () if is_over or page.number > 1 else _joined(person_of(request)),
    }
    return render(request, "venues/booking_list.html", context)


def _joined(person: User) -> QuerySet[Companion]:
    """Bookings of others in which the person plays along, the next one first."""
    mine = Companion.objects.visible_to(person).upcoming_at(clock.now())
    return mine.with_booking().order_by("booking__starts_at", "pk")


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
        Booking.State.NO_SHOW: (_("Nobody came"), "warn"),
    }[Booking.State(state)]


def _mine(request: HttpRequest, number: str) -> Booking:
    mine = Booking.objects.visible_to(person_of(request)).with_lines()
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
    refunds = (
        Refund.objects.filter(payment__in=Payment.objects.for_owner(shown))
        .select_related("payment")
        .order_by("pk")
    )
    is_coming = shown.state == Booking.State.CONFIRMED and now < shown.ends_at
    held_changes = shown.changes.held_at(now).select_related("payment")
    change = held_changes.prefetch_related(
        "arriving__bookable", "leaving__bookable"
    ).first()
    context = {
        "booking": shown,
        "venue": shown.venue,
        "lines": shown.standing_lines,
        "given_up": shown.lines.given_up()
        .select_related("bookable")
        .order_by("starts_at", "pk"),
        "change": change,
        "change_pay_url": way_to_pay(change.payment)
        if change and change.payment
        else "",
        "change_seconds": _seconds_until(change.hold_until, now) if change else 0,
        "is_offer": shown.is_offer,
        "can_change": is_coming
        and not shown.invoice_id
        and change is None
        and not used_at(entry_pass)
        and any(
            line.starts_at > now and not line.session_id
            for line in shown.standing_lines
        ),
        "state": shown.shown_state_at(now),
        "state_words": words,
        "state_kind": kind,
        "payment": payment,
        "pay_url": way_to_pay(payment) if payment else "",
        "seconds_left": _seconds_until(shown.hold_until, now)
        if shown.is_held_at(now)
        else 0,
        "entry_pass": entry_pass if is_coming else None,
        "used_at": used_at(entry_pass),
        "refunds": [(refund, *_refund_words(refund)) for refund in refunds],
        "can_cancel": shown.can_be_given_back_at(now)
        and shown.shown_state_at(now) != Booking.State.EXPIRED
        and not used_at(entry_pass),
        "cancel_bands": queries.bands_ahead(shown, starts_at=shown.starts_at, at=now),
        "is_coming": is_coming,
        "party": queries.party_of(shown) if is_coming else None,
    }
    return render(request, "venues/booking.html", context)


def _seconds_until(moment: datetime | None, now: datetime) -> int:
    return max(0, int((moment - now).total_seconds())) if moment else 0


def _refund_words(refund: Refund) -> tuple[str, str]:
    is_cash = refund.payment.provider == ProviderName.CASH
    if is_cash and refund.state != Refund.State.DONE:
        return _("Refund lies ready in cash at the venue's desk"), "warn"
    return {
        Refund.State.DUE: (_("Refund is being sent"), "warn"),
        Refund.State.SENT: (_("Refund is on its way to you"), "warn"),
        Refund.State.DONE: (_("Refund has arrived"), "ok"),
        Refund.State.FAILED: (_("Refund is stuck; our staff look after it"), "danger"),
    }[Refund.State(refund.state)]


# --- Giving back ----------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Say what comes back, then give the booking back, or some of its slots.

    Of several slots one first ticks which (`?line=`); all are ticked at first.
    """
    shown = _mine(request, number)
    refusal: DomainError | None = None
    if request.method == "POST":
        before = shown.standing_lines
        try:
            actions.cancel_booking(
                booking=shown,
                by=person_of(request),
                line_ids=lines_asked(request.POST),
                expected_fen=_fen_asked(request),
            )
        except (NotCancellable, BookingMovedOn) as said_no:
            shown = _mine(request, number)
            if _is_given_back(shown, lines_asked(request.POST)):
                return redirect(shown)  # a second tap: it is done
            refusal = said_no
        except DomainError as said_no:
            refusal = said_no
        else:
            _say_given_back(request, _mine(request, number), len(before))
            return redirect(shown)
    elif shown.state == Booking.State.CANCELLED:
        return redirect(shown)
    return _show_cancel(request, shown, refusal)


def lines_asked(given: QueryDict) -> list[int]:
    """The ids in `line=`; something else was typed by hand and is not found."""
    ids = given.getlist("line")
    if not all(one.isascii() and one.isdigit() and len(one) <= 18 for one in ids):
        raise Http404
    return [int(one) for one in ids]


def _is_given_back(shown: Booking, line_ids: Collection[int]) -> bool:
    if shown.state == Booking.State.CANCELLED:
        return True
    standing = {line.pk for line in shown.standing_lines}
    return bool(line_ids) and standing.isdisjoint(line_ids)


def _say_given_back(request: HttpRequest, shown: Booking, before: int) -> None:
    given_back = before - len(shown.standing_lines)
    if shown.state == Booking.State.CANCELLED:
        messages.success(request, _("Your booking is cancelled."))
        return
    words = ngettext(
        "%(number)s time is given back. The rest stays yours.",
        "%(number)s times are given back. The rest stays yours.",
        given_back,
    )
    messages.success(request, words % {"number": given_back})


def _show_cancel(
    request: HttpRequest, shown: Booking, refusal: DomainError | None
) -> HttpResponse:
    now = clock.now()
    asked = lines_asked(request.POST if request.method == "POST" else request.GET)
    standing = shown.standing_lines
    is_paid_for = shown.state == Booking.State.CONFIRMED
    can_cancel = refusal is None or isinstance(refusal, RefundChanged)
    can_cancel = can_cancel and shown.can_be_given_back_at(now)
    meant = [line for line in standing if not asked or line.pk in asked] or standing
    paid = Payment.objects.for_owner(shown).holding_money()
    back = [shown.refund_of(line, at=now) if is_paid_for else 0 for line in meant]
    context = {
        "booking": shown,
        "venue": shown.venue,
        "refusal": refusal,
        "can_cancel": can_cancel,
        "is_choosing": can_cancel and is_paid_for and len(standing) > 1 and not asked,
        "is_all": len(meant) == len(standing),
        "lines": meant,
        "rows": list(zip(meant, back, strict=True)),
        "paid_fen": sum(p.amount_fen - p.refunded_fen for p in paid),
        "value_fen": sum(line.price_fen for line in meant) if is_paid_for else 0,
        "comes_back_fen": sum(back),
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/cancel.html", context, status=status)
