"""Tickets for open sessions: look at the price, say for how many, take the places."""

from __future__ import annotations

import uuid
from datetime import date
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.payments.http import way_to_pay
from bureau.payments.models import Payment
from venues import actions, queries
from venues.actions.tickets import MOST_PLACES
from venues.errors.sessions import SessionFull
from venues.errors.slots import FormDamaged, PriceChanged
from venues.errors.waiting import PlacesLeft
from venues.forms import BookForm
from venues.models import Booking, BookingLine, OpenSession, Venue, WaitingEntry
from venues.queries.sessions import SessionCard, card_of, ticket_price
from venues.views.family import dependant_asked, family_links, person_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def session(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Choose how many places, see what they cost, take them.

    Places and person stay in the address, also of the POST.
    """
    shown = get_object_or_404(
        OpenSession.objects.select_related("venue", "bookable"),
        pk=pk,
        venue__code=codes.normalise(code),
    )
    person = person_of(request)
    dependant = dependant_asked(request, person)
    if request.method != "POST":
        return _show(request, shown, person, dependant, None)
    form = BookForm(request.POST)
    try:
        if not form.is_valid():
            raise FormDamaged
        booking = actions.buy_tickets(
            session=shown,
            places=_places_asked(request),
            quoted_fen=form.cleaned_data["quoted_fen"],
            request_key=form.cleaned_data["request_key"],
            by=person,
            dependant=dependant,
        )
    except DomainError as said_no:
        shown.refresh_from_db(fields=["taken", "capacity", "cancelled_at"])
        return _show(request, shown, person, dependant, said_no)
    return _to_the_cashier(booking)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def wait(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Stand in line for places in a full session; whoever comes back here sees it."""
    shown = get_object_or_404(
        OpenSession.objects.select_related("venue", "bookable"),
        pk=pk,
        venue__code=codes.normalise(code),
    )
    person = person_of(request)
    dependant = dependant_asked(request, person)
    if request.method != "POST":
        return redirect("venues:session", code=shown.venue.code, pk=shown.pk)
    try:
        actions.join_session_line(
            session=shown,
            places=_number(request.POST.get("wait_places", "1")),
            dependant=dependant,
            by=person,
        )
    except DomainError as said_no:
        shown.refresh_from_db(fields=["taken", "capacity", "cancelled_at"])
        return _show(request, shown, person, dependant, said_no)
    messages.success(request, _("You are in line. We tell you when it is free."))
    return redirect("venues:waiting")


def _to_the_cashier(booking: Booking) -> HttpResponse:
    now = clock.now()
    if not booking.is_held_at(now):
        return redirect(booking)
    due = Payment.objects.for_owner(booking).payable_at(now).order_by("-pk").first()
    return redirect(way_to_pay(due) if due else booking)


def _places_asked(request: HttpRequest) -> int:
    return _number(request.GET.get("places", "1"))


def _number(asked: str) -> int:
    is_number = asked.isascii() and asked.isdigit() and len(asked) == 1
    return min(max(int(asked), 1), MOST_PLACES) if is_number else 1


def _show(
    request: HttpRequest,
    shown: OpenSession,
    person: User,
    dependant: Dependant | None,
    refusal: DomainError | None,
) -> HttpResponse:
    now = clock.now()
    groups = eligible_groups(person, dependant, on=clock.local_day(now))
    card = card_of(shown, venue=shown.venue, at=now, groups=groups)
    has = _places_of(person, shown)
    most = min(MOST_PLACES - has, card.left)
    places = min(_places_asked(request), most)
    # A changed price or a lost place is a question to the person, not the end.
    is_question = refusal is None or isinstance(
        refusal, PriceChanged | FormDamaged | SessionFull | PlacesLeft
    )
    line = _line(shown, card, person, has)
    can_buy = is_question and shown.cancelled_at is None and card.can_buy and most > 0
    context: dict[str, Any] = {
        "session": shown,
        "venue": shown.venue,
        "card": card,
        "refusal": refusal,
        "has": has,
        "most_places": MOST_PLACES,
        "can_buy": can_buy,
        "family": family_links(request, person, dependant),
        "back_url": _back_to_day(shown),
        **line,
    }
    if can_buy:
        price = ticket_price(shown, places, groups=groups)
        context |= {
            "places": places,
            "choices": [
                (n, _address(request, places=n), n == places)
                for n in range(1, most + 1)
            ],
            "price": price,
            "cancel_bands": _bands(shown),
            "form": BookForm(
                initial={"quoted_fen": price.fen, "request_key": uuid.uuid4()}
            ),
        }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/session.html", context, status=status)


def _line(
    shown: OpenSession, card: SessionCard, person: User, has: int
) -> dict[str, Any]:
    """Who waits for places, and for how many one can wait: more than are left."""
    live = WaitingEntry.objects.filter(session=shown).live()
    entry = live.filter(person=person).first()
    is_on_sale = not (shown.cancelled_at or card.opens_at or card.is_begun)
    numbers = range(card.left + 1, MOST_PLACES - has + 1) if is_on_sale else ()
    return {
        "entry": entry,
        "ahead": queries.people_ahead([entry])[entry.pk] if entry else 0,
        "waiting": live.count(),
        "wait_numbers": [] if entry else list(numbers),
    }


def _places_of(person: User, shown: OpenSession) -> int:
    """How many places the person has in this session, paid or held."""
    mine = BookingLine.objects.standing().filter(
        session=shown,
        booking__in=Booking.objects.visible_to(person).upcoming_at(clock.now()),
    )
    return mine.aggregate(places=Sum("places"))["places"] or 0


def _bands(shown: OpenSession) -> list[Any]:
    rules = queries.house_rules(shown.venue, today=clock.today())
    terms = Booking(cancel_terms=rules.cancel_terms)
    return queries.bands_ahead(terms, starts_at=shown.starts_at, at=clock.now())


def _address(request: HttpRequest, *, places: int) -> str:
    asked = request.GET.copy()
    asked["places"] = str(places)
    return f"?{asked.urlencode()}"


def _back_to_day(shown: OpenSession) -> str:
    on = clock.local_day(shown.starts_at)
    return f"{shown.venue.get_absolute_url()}?on={on}#sessions"


def sessions_shown(request: HttpRequest, venue: Venue, on: date) -> list[SessionCard]:
    """The open sessions of a day, for the venue's page; own prices only where asked."""
    now = clock.now()
    cards = queries.sessions_of_day(venue, on, at=now)
    has_reduction = any(
        card.session.concession_fen < card.session.price_fen for card in cards
    )
    if not (has_reduction and isinstance(request.user, User)):
        return cards
    groups = eligible_groups(request.user, on=clock.local_day(now))
    return [card_of(card.session, venue=venue, at=now, groups=groups) for card in cards]
