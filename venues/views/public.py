from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from bureau.common.fields import clock_words
from bureau.common.pagination import page_of
from bureau.common.sports import Sport
from bureau.common.templatetags.bureau import price_from
from bureau.regions.queries import outline
from venues import queries
from venues.forms import MapQuery, VenueFilter, read_day
from venues.models import Venue
from venues.views.ballots import with_phases
from venues.views.sessions import sessions_shown

PER_PAGE = 20
ON_THE_MAP = 30
"""Venues in the list below the map; the list has them all."""
DAYS_SHOWN = 7
"""Days that can be picked with one tap."""
MORE = (
    "since", "until", "minutes", "most", "district", "within",
    "now", "open", "free", "low", "indoor", "accessible",
)  # fmt: skip
"""The filters of the small form, in its order."""
DAYS_BEYOND = 2
"""Days after the last bookable one, shown to say when they open."""
FACILITY_ICONS = {
    "parking": "parking",
    "shower": "shower",
    "locker": "lock",
    "accessible": "access",
    "indoor": "home",
    "lights": "bolt",
    "rental": "ticket",
    "aed": "shield",
}


# --- The list -------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A venue of the list and what of it can be booked."""

    venue: Venue
    found: queries.Found | None
    is_wished: bool
    """Whether `found` is what was asked for, and not only what comes first."""
    href: str


@require_safe
def venue_list(request: HttpRequest) -> HttpResponse:
    form = VenueFilter(request.GET)
    if not form.is_valid():
        context = {"form": form, "news": None, **_choices(form, request)}
        return render(
            request, "venues/list.html", context, status=HTTPStatus.BAD_REQUEST
        )
    wish = form.wish()
    now, groups = clock.now(), _groups(request)
    page = page_of(
        queries.find_venues(wish, groups=groups, at=now), request, per_page=PER_PAGE
    )
    context = {
        "form": form,
        "page": page,
        "rows": _shown(list(page), wish, groups=groups, at=now),
        "wish": wish,
        "news": queries.city_news(at=now),
        **_choices(form, request),
    }
    return render(request, "venues/list.html", context)


def _groups(request: HttpRequest) -> frozenset[str]:
    if not isinstance(request.user, User):
        return frozenset()
    return eligible_groups(request.user, on=clock.today())


def _shown(
    found: Sequence[queries.Found],
    wish: queries.Wish,
    *,
    groups: frozenset[str],
    at: datetime,
) -> list[Row]:
    """The venues as cards: with what was asked for, else with what is free next."""
    ids = [one.venue_id for one in found]
    asked = Venue.objects.with_district().with_court_count().filter(pk__in=ids)
    if wish.near:
        asked = asked.nearest_first(wish.near)
    venues = {venue.pk: venue for venue in asked}
    by_id = {one.venue_id: one for one in found}
    if not wish.is_timed:
        by_id = queries.next_free(ids, wish, groups=groups, at=at)
    return [
        Row(
            venues[key],
            by_id.get(key),
            is_wished=wish.is_timed,
            href=_address(venues[key], wish, by_id.get(key)),
        )
        for key in ids
        if key in venues
    ]


def _address(venue: Venue, wish: queries.Wish, found: queries.Found | None) -> str:
    """The venue's page, at the day of its first free slot."""
    asked = {}
    if found and found.first_on:
        asked["on"] = str(found.first_on)
    if wish.sport:
        asked["sport"] = wish.sport
    address = venue.get_absolute_url()
    return f"{address}?{urlencode(asked)}#slots" if asked else address


def _choices(form: VenueFilter, request: HttpRequest) -> dict[str, Any]:
    """What the filters offer, and which of them are in use."""
    today = clock.today()
    used = [name for name in form.fields if form[name].value()]
    return {
        "sports": queries.offered_sports(),
        "sport": form["sport"].value() or "",
        "near": form["near"].value() or "",
        "days": [today + timedelta(days=ahead) for ahead in range(DAYS_SHOWN)],
        "on": form["on"].value() or "",
        "used": used,
        "more_used": len(set(used) & set(MORE)),
        "more": [form[name] for name in MORE],
        "kept": [(name, request.GET[name]) for name in used if name != "q"],
        "relax": [(form[name].label, _without(request, name)) for name in used],
    }


def _without(request: HttpRequest, name: str) -> str:
    """The same search without one of its wishes."""
    asked = request.GET.copy()
    for gone in {name, "page"} | ({"until"} if name == "since" else set()):
        asked.pop(gone, None)
    return f"?{asked.urlencode()}"


# --- The map --------------------------------------------------------------------------


@require_safe
def venue_map(request: HttpRequest) -> HttpResponse:
    form = VenueFilter(request.GET)
    if not form.is_valid():
        raise Http404
    wish = form.wish()
    now, groups = clock.now(), _groups(request)
    found = queries.find_venues(wish, groups=groups, at=now)
    context = {
        "form": form,
        "rows": _shown(found[:ON_THE_MAP], wish, groups=groups, at=now),
        "number": len(found),
        "beyond": max(0, len(found) - ON_THE_MAP),
        "wish": wish,
        "outline": outline(),
        "district_url": f"{reverse('venues:list')}?district=",
        "tiles": settings.MAP_TILES_URL,
        **_choices(form, request),
    }
    return render(request, "venues/map.html", context)


@require_safe
@never_cache
def points(request: HttpRequest) -> HttpResponse:
    """Venues of a viewport as GeoJSON, near ones as one point with a count."""
    form = MapQuery(request.GET)
    if not form.is_valid():
        wrong = {
            "code": "bad_request",
            "message": _("We could not read this."),
            "fields": form.errors,
        }
        return JsonResponse(wrong, status=HTTPStatus.BAD_REQUEST)
    asked = form.cleaned_data
    wish = form.wish(box=asked["bbox"])
    found = queries.map_points(
        wish, zoom=asked["zoom"], groups=_groups(request), at=clock.now()
    )
    return JsonResponse(
        {
            "type": "FeatureCollection",
            "features": [_feature(point, wish) for point in found],
        },
        content_type="application/geo+json",
    )


@require_safe
@never_cache
def nearby(request: HttpRequest) -> HttpResponse:
    """The list beside the map: the venues that it shows."""
    form = MapQuery(request.GET)
    if not form.is_valid():
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    wish = form.wish(box=form.cleaned_data["bbox"])
    now, groups = clock.now(), _groups(request)
    found = queries.find_venues(wish, groups=groups, at=now)
    context = {
        "rows": _shown(found[:ON_THE_MAP], wish, groups=groups, at=now),
        "wish": wish,
        "is_moved": True,
        "level": "h3",
        "heart": "",
        "relax": [],
    }
    return render(request, "venues/_found.html", context)


def _feature(point: queries.MapPoint, wish: queries.Wish) -> dict[str, Any]:
    properties: dict[str, Any] = {"count": point.count}
    if point.free_courts is not None:
        properties |= {
            "free": point.free_courts,
            "from_fen": point.from_fen,
            "badge": _free_text(point),
        }
    if point.code:
        url = reverse("venues:venue", args=[point.code])
        asked = {"sport": wish.sport} if wish.sport else {}
        if wish.is_timed:
            asked["on"] = str(wish.on_day(clock.today()).on)
        query = f"?{urlencode(asked)}" if asked else ""
        properties |= {"name": point.name, "url": f"{url}{query}"}
    return {
        "type": "Feature",
        "geometry": {
            "type": "Point",
            "coordinates": [round(point.longitude, 6), round(point.latitude, 6)],
        },
        "properties": properties,
    }


def _free_text(point: queries.MapPoint) -> str:
    """Such as `3 courts free · from ¥20 an hour`."""
    courts = point.free_courts or 0
    words = ngettext("%(n)s court free", "%(n)s courts free", courts) % {"n": courts}
    return f"{words} · {price_from(point.from_fen or 0)}"


# --- One venue ------------------------------------------------------------------------


@dataclass(frozen=True)
class DayTab:
    on: date
    is_current: bool
    is_open: bool


@require_safe
def venue(request: HttpRequest, code: str) -> HttpResponse:
    shown = get_object_or_404(
        Venue.objects.public().with_district(), code=codes.normalise(code)
    )
    now = clock.now()
    rules = queries.house_rules(shown, today=clock.local_day(now))
    today = rules.business_day(now)  # yesterday, while its night is not over
    sports = rules.sports
    sport = request.GET.get("sport") or (sports[0] if sports else "")
    if sport and sport not in sports:
        raise Http404
    on = _day_asked(request, shown, today)
    if on is None:
        return redirect(f"{shown.get_absolute_url()}?sport={sport}" if sport else shown)
    context = {
        "venue": shown,
        "facilities": [
            (FACILITY_ICONS.get(name, "check"), label)
            for name, label in shown.facility_labels
        ],
        "sports": [(name, Sport(name).label) for name in sports],
        "sport": sport,
        "cancel_terms": rules.cancel_terms,
        "booking_terms": queries.booking_terms(shown, today=clock.local_day(now)),
        **_about(shown, rules, now),
    }
    context |= {"on": on, "open_sessions": sessions_shown(request, shown, on)}
    if sport:
        context |= _grid(request, shown, sport, on)
        context["days"] = _strip(shown, today, on)
    return render(request, "venues/venue.html", context)


def _about(shown: Venue, rules: queries.HouseRules, now: datetime) -> dict[str, Any]:
    """What stands beside the grid: pictures, hours, closures, the way out."""
    panorama = urlsplit(shown.panorama_url)
    return {
        "photos": shown.photos.select_related("photo").order_by("position", "pk"),
        "opening": queries.opening_of(shown, rules=rules, today=clock.local_day(now)),
        "closures": queries.announced_closures(shown, at=now),
        "seasons": queries.open_seasons(at=now, venue=shown),
        "ballots": with_phases(queries.coming_ballots(at=now, venue=shown), at=now),
        # Nothing but https leads out of here, whatever stands in the table.
        "panorama_host": panorama.hostname if panorama.scheme == "https" else "",
    }


def _day_asked(request: HttpRequest, shown: Venue, today: date) -> date | None:
    """Today unless a day is asked for; None for one that the grid does not show."""
    if not (text := request.GET.get("on", "")):
        return today
    day = read_day(text)
    last = clock.today() + timedelta(days=shown.days_ahead + DAYS_BEYOND)
    return day if day and today <= day <= last else None


def _strip(shown: Venue, today: date, on: date) -> list[DayTab]:
    """The days that can be booked now, and a few to say when they open."""
    bookable = queries.bookable_days(shown, at=clock.now())
    last = (bookable or [today])[-1] + timedelta(days=DAYS_BEYOND)
    return [
        DayTab(day, is_current=day == on, is_open=day in bookable)
        for day in (today + timedelta(days=n) for n in range((last - today).days + 1))
    ]


def _grid(request: HttpRequest, shown: Venue, sport: str, on: date) -> dict[str, Any]:
    now = clock.now()
    groups: frozenset[str] = frozenset()
    if request.user.is_authenticated:
        groups = eligible_groups(request.user, on=clock.local_day(now))
    grid = queries.day_grid(shown, sport=sport, on=on, at=now, groups=groups)
    ahead = [row for row in grid.rows if row.starts_at > now]
    offers = [slot.offer for row in ahead for slot in row.slots if slot]
    return {
        "on": on,
        "grid": grid,
        "is_over": bool(grid.rows) and not ahead,
        "rows": ahead,
        "opens": local_time(min(offer.starts_at for offer in offers)) if offers else "",
        "closes": _end_time(max(offer.ends_at for offer in offers), on)
        if offers
        else "",
        "own_price": any(offer.price.group for offer in offers),
        "durations": sorted({court.slot_minutes for court in grid.columns}),
    }


def local_time(moment: datetime) -> str:
    return f"{moment.astimezone(clock.CHINA):%H:%M}"


def _end_time(moment: datetime, on: date) -> str:
    """As `local_time`, but the midnight that ends a day is 24:00."""
    return clock_words(int((moment - clock.at(on, 0)).total_seconds()) // 60)


def _hours(minutes: int) -> str:
    """90 -> `1.5`."""
    return f"{minutes / 60:g}"
