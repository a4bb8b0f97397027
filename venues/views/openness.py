"""Free and low-fee opening as everybody can check it: the city, and one venue."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.regions.queries import districts_of
from venues import queries
from venues.models import Venue
from venues.queries.openness import LABELS, SENTENCES, Light, Openness, Rule

WEEKS = range(-3, 5)
"""Weeks around this one that the page leads to."""

# Light -> (kind of badge, icon); its words say the same without the colour.
LOOKS = {
    Light.GREEN: ("ok", "check"),
    Light.AMBER: ("warn", "clock"),
    Light.RED: ("danger", "alert"),
    Light.NONE: ("", "info"),
}


def words_of(light: Light) -> str:
    return {
        Light.GREEN: _("kept"),
        Light.AMBER: _("in danger"),
        Light.RED: _("broken"),
        Light.NONE: _("not judged"),
    }[light]


@require_safe
def openness(request: HttpRequest) -> HttpResponse:
    """Every venue that takes part, with its light, in a week or a year."""
    venues = Venue.objects.public().filter(is_low_fee=True).with_district()
    year, monday = _period_asked(request)
    found = _held(list(venues.by_district()), year, monday)
    found.sort(key=lambda one: list(Light).index(one.light), reverse=True)
    counts = [
        (light.value, words_of(light), sum(one.light is light for one in found))
        for light in (Light.RED, Light.AMBER, Light.GREEN)
    ]
    context = {
        "rows": [(one, words_of(one.light), *LOOKS[one.light]) for one in found],
        "counts": counts,
        "rules": [(LABELS[rule], SENTENCES[rule]) for rule in Rule],
        **_choices(year, monday),
    }
    return render(request, "venues/openness.html", context)


@require_safe
def venue_openness(request: HttpRequest, code: str) -> HttpResponse:
    """Each rule for one venue: the light, the figure, the reasons, the sentence."""
    venues = Venue.objects.public().filter(is_low_fee=True).with_district()
    venue = get_object_or_404(venues, code=codes.normalise(code))
    year, monday = _period_asked(request)
    found = _held([venue], year, monday)[0]
    context = {
        "venue": venue,
        "found": found,
        "light_words": words_of(found.light),
        "light_kind": LOOKS[found.light][0],
        "measures": [
            (one, words_of(one.light), *LOOKS[one.light]) for one in found.measures
        ],
        "may_report": _may_report(request.user, venue),
        **_choices(year, monday),
    }
    return render(request, "venues/venue_openness.html", context)


def _may_report(user: User | AnonymousUser, venue: Venue) -> bool:
    """Whether the staff page of the venue's subsidy report opens for this person."""
    if not isinstance(user, User) or not user.is_staff:
        return False
    mine = districts_of(user)
    is_mine = mine is None or venue.district_id in mine
    return is_mine and user.has_perm("venues.view_programme")


def _held(venues: list[Venue], year: int | None, monday: date) -> list[Openness]:
    now = clock.now()
    if year:
        return queries.year_of(venues, year=year, at=now)
    return queries.week_of(venues, monday=monday, at=now)


def _period_asked(request: HttpRequest) -> tuple[int | None, date]:
    """(year or None, Monday of the week); this week unless something is asked."""
    today = clock.today()
    this = today - timedelta(days=today.weekday())
    asked = request.GET.get("year", "")
    if asked:
        if asked not in {str(today.year - 1), str(today.year), str(today.year + 1)}:
            raise Http404
        return int(asked), this
    try:
        day = date.fromisoformat(request.GET.get("week", ""))
    except ValueError:
        return None, this
    if abs(day - today) > timedelta(days=400):
        raise Http404
    return None, day - timedelta(days=day.weekday())


def _choices(year: int | None, monday: date) -> dict[str, object]:
    today = clock.today()
    this = today - timedelta(days=today.weekday())
    weeks = [this + timedelta(weeks=n) for n in WEEKS]
    if monday not in weeks:
        weeks.append(monday)
    return {
        "year": year,
        "monday": monday,
        "sunday": monday + timedelta(days=6),
        "this_monday": this,
        "weeks": sorted(weeks),
        "years": [today.year - 1, today.year],
        "today": today,
    }
