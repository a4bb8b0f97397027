"""Places in open sessions."""

from __future__ import annotations

import uuid
from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bureau.accounts.queries import eligible_groups
from bureau.common import clock
from bureau.common.errors import DomainError
from venues import actions
from venues.actions.tickets import MOST_PLACES
from venues.errors.desk import DeskVisitOver
from venues.forms import DeskBookForm
from venues.models import OpenSession
from venues.queries.sessions import ticket_price
from venues.views.desk.visits import elsewhere, venue_here, visit_over, visitor_of
from venues.views.posts import person


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_tickets(request: HttpRequest, visit: str, pk: int) -> HttpResponse:
    """Places in an open session at the person's own price, sold until its end."""
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    try:
        visitor = visitor_of(request, visit)
    except DeskVisitOver as refusal:
        return visit_over(request, refusal)
    rows = OpenSession.objects.select_related("venue", "bookable").filter(venue=venue)
    shown = get_object_or_404(rows, pk=pk)
    places = _places_asked(request)
    said_no: DomainError | None = None
    form = DeskBookForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            booking = actions.sell_tickets(
                session=shown,
                places=places,
                quoted_fen=given["quoted_fen"],
                request_key=given["request_key"],
                person=visitor,
                way="link" if given["way"] == "link" else "cash",
                by=person(request),
            )
        except DomainError as refusal:
            said_no = refusal
        else:
            return redirect("venues:desk-booking", booking.number)
    groups = eligible_groups(visitor, on=clock.today())
    price = ticket_price(shown, places, groups=groups)
    context = {
        "venue": venue,
        "visit": visit,
        "visitor": visitor,
        "session": shown,
        "places": places,
        "choices": range(1, MOST_PLACES + 1),
        "total_fen": price.fen,
        "refusal": said_no,
        "form": DeskBookForm(
            initial={"quoted_fen": price.fen, "request_key": uuid.uuid4()}
        ),
    }
    status = said_no.status if said_no else HTTPStatus.OK
    return render(request, "venues/desk_tickets.html", context, status=status)


def _places_asked(request: HttpRequest) -> int:
    asked = request.GET.get("places", "1")
    is_number = asked.isascii() and asked.isdigit() and len(asked) == 1
    return min(max(int(asked), 1), MOST_PLACES) if is_number else 1
