"""Other times for who lost theirs."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from venues import queries
from venues.models import Bookable, Booking
from venues.views.family import person_of

MOST_SHOWN = 4


@never_cache
@require_safe
@login_required
def instead(request: HttpRequest, number: str) -> HttpResponse:
    """The three nearest free times for each court and day that a closure took.

    Looked up when they are read, so that they are free then; at this person's price.
    """
    person = person_of(request)
    booking = get_object_or_404(
        Booking.objects.visible_to(person).select_related("venue", "dependant"),
        number=codes.normalise(number),
    )
    now = clock.now()
    groups = eligible_groups(
        person, dependant=booking.dependant, on=clock.local_day(now)
    )
    lost: dict[tuple[Bookable, object], list[datetime]] = defaultdict(list)
    for line in queries.closed_lines_of(booking.pk, at=now):
        lost[line.bookable, clock.local_day(line.starts_at)].append(line.starts_at)
    found = [
        (
            starts,
            queries.alternatives(
                venue=booking.venue,
                bookable=court,
                starts=starts,
                at=now,
                groups=groups,
            ),
        )
        for (court, _day), starts in list(lost.items())[:MOST_SHOWN]
    ]
    context = {
        "booking": booking,
        "found": found,
        "for_id": booking.dependant_id,
    }
    return render(request, "venues/instead.html", context)
