"""A time that cannot be booked: why, until when, who waits for it; and offers."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from venues import actions, queries
from venues.forms import read_picks
from venues.models import Bookable, Booking, Venue, WaitingEntry
from venues.queries import Slot
from venues.queries.alternatives import Nearness
from venues.views.family import dependant_asked, family_links, person_of

MOST_PAST = 10


# --- One time -------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def slot(request: HttpRequest, code: str) -> HttpResponse:
    """Why a time cannot be booked, when it can, what else there is; and its line.

    The time stays in the address, so that it survives signing in.
    """
    venue = get_object_or_404(
        Venue.objects.public().with_district(), code=codes.normalise(code)
    )
    if request.method == "POST" and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    person = request.user if isinstance(request.user, User) else None
    dependant = dependant_asked(request, person) if person else None
    shown = _slot_asked(request, venue, person, dependant)
    refusal: DomainError | None = None
    if request.method == "POST" and person:
        try:
            actions.join_waiting_list(
                venue=venue,
                sport=shown.bookable.sport,
                starts_at=shown.starts_at,
                bookable=None if request.POST.get("court") == "any" else shown.bookable,
                dependant=dependant,
                by=person,
            )
        except DomainError as said_no:
            refusal = said_no
            shown = _slot_asked(request, venue, person, dependant)
        else:
            messages.success(
                request, _("You are in line. We tell you when it is free.")
            )
            return redirect("venues:waiting")
    asked = _Asked(venue, shown, person, dependant)
    return _show_slot(request, asked, refusal)


def _groups(person: User | None, dependant: Dependant | None) -> frozenset[str]:
    if person is None:
        return frozenset()
    return eligible_groups(person, dependant, on=clock.today())


def _slot_asked(
    request: HttpRequest, venue: Venue, person: User | None, dependant: Dependant | None
) -> Slot:
    try:
        picks = read_picks(request.GET.getlist("slot")[:1])
    except DomainError as wrong:
        raise Http404 from wrong
    if not picks:
        raise Http404
    now = clock.now()
    rules = queries.house_rules(venue, today=clock.local_day(now))
    courts = {court.pk: court for court in rules.bookables}
    if picks[0].bookable_id not in courts:
        raise Http404
    found = queries.slot_at(
        venue,
        courts[picks[0].bookable_id],
        picks[0].starts_at,
        at=now,
        groups=_groups(person, dependant),
    )
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True)
class _Asked:
    """Which time, and who looks at it for whom."""

    venue: Venue
    slot: Slot
    person: User | None
    dependant: Dependant | None


def _show_slot(
    request: HttpRequest, asked: _Asked, refusal: DomainError | None
) -> HttpResponse:
    now = clock.now()
    venue, shown = asked.venue, asked.slot
    person, dependant = asked.person, asked.dependant
    court = shown.bookable
    others = []
    if not shown.is_free:
        others = queries.alternatives(
            venue=venue,
            bookable=court,
            starts=[shown.starts_at],
            at=now,
            groups=_groups(person, dependant),
        )
    entry = _own_entry(venue, shown, person)
    can_wait = shown.state in queries.CAN_WAIT and entry is None
    another_is_free = any(other.nearness is Nearness.COURT for other in others)
    context = {
        "venue": venue,
        "slot": shown,
        "reason": queries.reasons(venue, [shown], at=now).get(shown.key),
        "state_words": _state_words(shown),
        "refusal": refusal,
        "alternatives": others,
        "for_id": dependant.pk if dependant else None,
        "can_wait": can_wait,
        "can_wait_for_any": can_wait
        and not another_is_free
        and _has_other_courts(venue, court),
        "waiting": WaitingEntry.objects.at_slot(
            venue, court, shown.starts_at, shown.ends_at
        ).count(),
        "entry": entry,
        "ahead": queries.people_ahead([entry])[entry.pk] if entry else 0,
        "family": family_links(request, person, dependant)
        if person and can_wait
        else [],
        "grid_url": f"{venue.get_absolute_url()}?on={shown.offer.business_day}"
        f"&sport={court.sport}#slots",
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/slot.html", context, status=status)


def _state_words(shown: Slot) -> tuple[str, str]:
    """(words, badge kind) of a slot."""
    states = queries.SlotState
    return {
        states.FREE: (_("Free"), "ok"),
        states.HELD: (_("Being booked"), "warn"),
        states.BOOKED: (_("Taken"), ""),
        states.BLOCKED: (_("Shut"), "danger"),
        states.SESSION: (_("Open session"), "info"),
        states.BALLOT: (_("Ballot"), "info"),
        states.PAST: (_("Over"), ""),
        states.NOT_YET: (_("Not open yet"), "info"),
        states.KEPT: (_("Kept for the window"), "info"),
        states.TOO_LATE: (_("At the window only"), "info"),
    }[shown.state]


def _has_other_courts(venue: Venue, court: Bookable) -> bool:
    rules = queries.house_rules(venue, today=clock.today())
    return sum(other.sport == court.sport for other in rules.bookables) > 1


def _own_entry(venue: Venue, shown: Slot, person: User | None) -> WaitingEntry | None:
    if person is None:
        return None
    mine = WaitingEntry.objects.visible_to(person).live().for_court(shown.bookable)
    return (
        mine.filter(venue=venue, sport=shown.bookable.sport, starts_at=shown.starts_at)
        .order_by("pk")
        .first()
    )


# --- My places in line ----------------------------------------------------------------


@never_cache
@require_safe
@login_required
def waiting(request: HttpRequest) -> HttpResponse:
    mine = (
        WaitingEntry.objects.visible_to(person_of(request))
        .select_related("venue", "bookable", "session", "dependant", "booking")
        .order_by("starts_at", "pk")
    )
    live = list(mine.live())
    ahead = queries.people_ahead(live)
    past = mine.exclude(pk__in=[entry.pk for entry in live])
    context = {
        "rows": [(entry, ahead[entry.pk], _is_offer(entry)) for entry in live],
        "past": past.order_by("-starts_at", "-pk")[:MOST_PAST],
    }
    return render(request, "venues/waiting.html", context)


def _is_offer(entry: WaitingEntry) -> bool:
    booking = entry.booking
    return booking is not None and booking.is_held_at(clock.now())


@require_POST
@login_required
def leave(request: HttpRequest, entry_id: int) -> HttpResponse:
    person = person_of(request)
    entry = get_object_or_404(WaitingEntry.objects.visible_to(person), pk=entry_id)
    try:
        actions.leave_waiting_list(entry=entry, by=person)
    except DomainError as said_no:
        messages.error(request, str(said_no))
    else:
        messages.success(request, _("You have left this line."))
    return redirect("venues:waiting")


# --- An offer -------------------------------------------------------------------------


def _offer(request: HttpRequest, number: str) -> Booking:
    """A time that is held for the person without their having booked it."""
    offers = Booking.objects.visible_to(person_of(request)).offers()
    found: Booking = get_object_or_404(offers, number=codes.normalise(number))
    return found


@require_POST
@login_required
def accept(request: HttpRequest, number: str) -> HttpResponse:
    """Take a time that costs nothing; one that costs something is taken by paying."""
    booking = _offer(request, number)
    try:
        actions.accept_offer(booking=booking, by=person_of(request))
    except DomainError as said_no:
        messages.error(request, str(said_no))
    else:
        messages.success(request, _("The time is yours."))
    return redirect(booking)


@require_POST
@login_required
def decline(request: HttpRequest, number: str) -> HttpResponse:
    """Let the next one in line have it."""
    booking = _offer(request, number)
    if booking.state != Booking.State.HELD:
        return redirect(booking)
    try:
        actions.decline_offer(booking=booking, by=person_of(request))
    except DomainError as said_no:
        messages.error(request, str(said_no))
    else:
        messages.success(request, _("Thank you. The next one in line has it now."))
    return redirect(booking)
