from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from bureau.accounts.queries import eligible_groups
from bureau.common import clock, codes
from bureau.common.fields import clock_words
from bureau.common.pagination import page_of
from bureau.common.sports import Sport
from bureau.common.templatetags.bureau import yuan
from bureau.regions.queries import outline
from venues import queries
from venues.forms import MapQuery, VenueFilter, read_day
from venues.models import Venue
from venues.views.sessions import sessions_shown

PER_PAGE = 20
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


@require_safe
def venue_list(request: HttpRequest) -> HttpResponse:
    form = VenueFilter(request.GET)
    if not form.is_valid():
        context = {"form": form, **_choices(form)}
        return render(
            request, "venues/list.html", context, status=HTTPStatus.BAD_REQUEST
        )
    page = page_of(_found(form.cleaned_data), request, per_page=PER_PAGE)
    lowest = queries.lowest_prices(list(page), on=clock.today())
    context = {
        "form": form,
        "page": page,
        "rows": [(venue, _from_text(lowest.get(venue.pk))) for venue in page],
        "is_filtered": any(
            form.cleaned_data.get(n) for n in ("q", "sport", "district")
        ),
        **_choices(form),
    }
    return render(request, "venues/list.html", context)


def _found(asked: dict[str, Any]) -> QuerySet[Venue]:
    venues = Venue.objects.public().with_district().with_court_count()
    if asked["sport"]:
        venues = venues.offering(asked["sport"])
    if asked["district"]:
        venues = venues.in_district(asked["district"].code)
    if asked["q"]:
        venues = venues.matching(asked["q"])
    if asked["near"]:
        return venues.nearest_first(asked["near"])
    return venues.by_district()


def _choices(form: VenueFilter) -> dict[str, Any]:
    return {
        "sports": queries.offered_sports(),
        "sport": form["sport"].value() or "",
        "near": form["near"].value() or "",
    }


def _from_text(fen: int | None) -> str:
    """Such as `from ¥30 an hour`; nothing for a venue without prices."""
    if fen is None:
        return ""
    if fen == 0:
        return _("Free hours")
    return _("from %(price)s an hour") % {"price": yuan(fen)}


# --- The map --------------------------------------------------------------------------


@require_safe
def venue_map(request: HttpRequest) -> HttpResponse:
    form = VenueFilter({"sport": request.GET.get("sport", "")})
    if not form.is_valid():
        raise Http404
    venues = _found(form.cleaned_data)[:200]
    context = {
        "venues": venues,
        "outline": outline(),
        "district_url": f"{reverse('venues:list')}?district=",
        "tiles": settings.MAP_TILES_URL,
        **_choices(form),
    }
    return render(request, "venues/map.html", context)


@require_safe
@cache_control(private=True, max_age=60)
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
    found = queries.map_points(
        box=asked["bbox"], zoom=asked["zoom"], sport=asked["sport"]
    )
    return JsonResponse(
        {"type": "FeatureCollection", "features": [_feature(point) for point in found]},
        content_type="application/geo+json",
    )


def _feature(point: queries.MapPoint) -> dict[str, Any]:
    properties: dict[str, Any] = {"count": point.count}
    if point.code:
        url = reverse("venues:venue", args=[point.code])
        properties |= {"name": point.name, "url": url}
    return {
        "type": "Feature",
        "geometry": {
            "type": "Point",
            "coordinates": [round(point.longitude, 6), round(point.latitude, 6)],
        },
        "properties": properties,
    }


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
        "cancel_bands": shown.cancel_bands.order_by("-minutes_before"),
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
