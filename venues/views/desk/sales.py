"""The courts of a day, and one tap that takes the cash and the court."""

from __future__ import annotations

import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups, identity_of
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.sports import Sport
from venues import actions, queries
from venues.actions.slots import PickedSlot, resolve_picks
from venues.errors.desk import DeskVisitOver
from venues.errors.slots import PriceChanged, SlotTaken
from venues.forms import DeskBookForm, read_day, read_picks
from venues.models import Booking, BookingLine, Venue
from venues.models.rules import PriceGroup
from venues.queries.sessions import sessions_of_day
from venues.views.desk.visits import elsewhere, venue_here, visit_over, visitor_of
from venues.views.posts import person

DAYS = 14


@never_cache
@require_safe
@login_required
def desk_person(request: HttpRequest, visit: str) -> HttpResponse:
    """The person (masked) and the courts of a day, those kept for the desk included."""
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    try:
        visitor = visitor_of(request, visit)
    except DeskVisitOver as refusal:
        return visit_over(request, refusal)
    now, today = clock.now(), clock.today()
    groups = eligible_groups(visitor, on=today)
    sports = queries.house_rules(venue, today=today).sports
    sport = request.GET.get("sport") or (sports[0] if sports else "")
    if sport and sport not in sports:
        raise Http404
    on = read_day(request.GET.get("on", "")) or today
    changed = _changed_booking(request, venue, visitor)
    context: dict[str, Any] = {
        "venue": venue,
        "visit": visit,
        "visitor": visitor,
        "identity": identity_of(visitor),
        "groups": [label for code, label in PriceGroup.choices if code in groups],
        "sports": [(code, Sport(code).label) for code in sports],
        "sport": sport,
        "on": on,
        "days": [today + timedelta(days=n) for n in range(DAYS)],
        "changed": changed,
        "sessions": []
        if changed
        else sessions_of_day(venue, on, at=now, groups=groups),
        "coming": Booking.objects.filter(venue=venue, booked_by=visitor)
        .upcoming_at(now)
        .order_by("starts_at", "pk"),
    }
    if sport:
        grid = queries.day_grid(
            venue,
            sport=sport,
            on=on,
            at=now,
            groups=groups,
            channel=Booking.Channel.DESK,
        )
        context["grid"] = grid
        context["rows"] = [row for row in grid.rows if row.starts_at > now]
    return render(request, "venues/desk_person.html", context)


def _changed_booking(
    request: HttpRequest, venue: Venue, visitor: User
) -> Booking | None:
    """The booking whose slots are exchanged, when the page is asked to do that."""
    if not (number := request.GET.get("change", "")):
        return None
    mine = Booking.objects.filter(venue=venue, booked_by=visitor)
    found: Booking = get_object_or_404(mine, number=codes.normalise(number))
    return found


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_book(request: HttpRequest, visit: str) -> HttpResponse:
    """The price at the person's own rate; one tap takes the cash and the court."""
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    try:
        visitor = visitor_of(request, visit)
    except DeskVisitOver as refusal:
        return visit_over(request, refusal)
    changed = _changed_booking(request, venue, visitor)
    said_no: DomainError | None = None
    if request.method == "POST":
        try:
            booking = _take(request, venue, visitor, changed)
        except DomainError as refusal:
            said_no = refusal
        else:
            if booking:
                return redirect("venues:desk-booking", booking.number)
    return _show_book(
        request, visit, served=(venue, visitor), changed=changed, refusal=said_no
    )


def _show_book(
    request: HttpRequest,
    visit: str,
    *,
    served: tuple[Venue, User],
    changed: Booking | None,
    refusal: DomainError | None,
) -> HttpResponse:
    venue, visitor = served
    leaving: list[BookingLine] = []
    slots: list[PickedSlot] = []
    # A changed price is a question to the person, not the end of the road.
    if refusal is None or isinstance(refusal, PriceChanged):
        try:
            leaving, slots = _summary(request, venue, visitor, changed)
        except DomainError as said_no:
            refusal = said_no
    total = sum(slot.offer.price.fen for slot in slots)
    now = clock.now()
    credit = sum(line.booking.refund_of(line, at=now) for line in leaving)
    context = {
        "venue": venue,
        "visit": visit,
        "visitor": visitor,
        "slots": slots,
        "total_fen": total,
        "credit_fen": credit,
        "to_pay_fen": max(0, total - credit),
        "back_fen": max(0, credit - total),
        "changed": changed,
        "refusal": refusal,
        "form": DeskBookForm(
            initial={"quoted_fen": total, "request_key": uuid.uuid4()}
        ),
        "grid_url": _back_to_grid(visit, slots, changed),
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk_book.html", context, status=status)


def _take(
    request: HttpRequest, venue: Venue, visitor: User, changed: Booking | None
) -> Booking | None:
    form = DeskBookForm(request.POST)
    if not form.is_valid():
        return None
    given = form.cleaned_data
    picks = read_picks(request.GET.getlist("slot"))
    if changed:
        actions.change_at_desk(
            booking=changed,
            picks=picks,
            quoted_fen=given["quoted_fen"],
            request_key=given["request_key"],
            by=person(request),
        )
        return changed
    return actions.book_at_desk(
        venue=venue,
        picks=picks,
        quoted_fen=given["quoted_fen"],
        request_key=given["request_key"],
        person=visitor,
        way="link" if given["way"] == "link" else "cash",
        by=person(request),
    )


def _summary(
    request: HttpRequest, venue: Venue, visitor: User, changed: Booking | None
) -> tuple[list[BookingLine], list[PickedSlot]]:
    """(what is given up, what is taken) as the action will see it."""
    now = clock.now()
    picks = read_picks(request.GET.getlist("slot"))
    if changed:
        standing = changed.lines.filter(state="standing").values_list("pk", flat=True)
        return actions.exchange_of(
            changed, list(standing), picks, at=now, channel=Booking.Channel.DESK
        )
    slots = resolve_picks(
        venue,
        picks,
        at=now,
        groups=eligible_groups(visitor, on=clock.local_day(now)),
        channel=Booking.Channel.DESK,
    )
    wanted = [w for slot in slots for w in slot.wanted]
    if queries.is_taken(wanted, at=now):
        raise SlotTaken
    return [], slots


def _back_to_grid(visit: str, slots: list[PickedSlot], changed: Booking | None) -> str:
    url = reverse("venues:desk-person", args=[visit])
    asked = []
    if slots:
        day = clock.local_day(slots[0].offer.starts_at)
        asked += [f"on={day}", f"sport={slots[0].bookable.sport}"]
    if changed:
        asked.append(f"change={changed.number}")
    return f"{url}?{'&'.join(asked)}#slots" if asked else url
