from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from bureau.accounts.http import SignedInRequest
from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock, geo
from bureau.portal import metrics, queries
from bureau.portal.forms import SampleForm
from venues.models import Booking, Companion, Venue
from venues.queries import (
    Found,
    Wish,
    city_news,
    favourites_of,
    next_free,
    offered_sports,
)
from vouchers.queries import memberships_of
from vouchers.queries.offers import news as voucher_news
from vouchers.queries.wallet import sums_of

NEAR = 4  # venues on the home page
COMING = 3  # bookings on a person's own page


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    rows = Venue.objects.public().with_court_count().select_related("district")
    place = geo.parse_place(request.GET.get("near", ""))
    rows = rows.nearest_first(place) if place else rows.by_district()
    context = {
        "city": queries.city_at(clock.now()),
        "venues": _with_next_free(request, list(rows[:NEAR])),
        "near": bool(place),
        "sports": offered_sports(),
        "favourites": _favourites(request),
        "news": city_news(at=clock.now()),
        "rounds": voucher_news(at=clock.now()),
    }
    return render(request, "portal/home.html", context)


def _with_next_free(
    request: HttpRequest, venues: list[Venue]
) -> list[tuple[Venue, Found | None]]:
    """Each with what of it is free next, at the person's own price."""
    now = clock.now()
    groups: frozenset[str] = frozenset()
    if isinstance(request.user, User):
        groups = eligible_groups(request.user, on=clock.local_day(now))
    found = next_free([venue.pk for venue in venues], Wish(), groups=groups, at=now)
    return [(venue, found.get(venue.pk)) for venue in venues]


def _favourites(request: HttpRequest) -> Iterable[Venue]:
    """What a signed-in person keeps; nothing for a visitor."""
    user = request.user
    return favourites_of(user)[:NEAR] if isinstance(user, User) else ()


@require_GET
@login_required
def me(request: SignedInRequest) -> HttpResponse:
    now = clock.now()
    coming = Booking.objects.visible_to(request.user).upcoming_at(now).with_lines()
    context = {
        "coming": coming.order_by("starts_at", "pk")[:COMING],
        "now": now,
        "joined": Companion.objects.visible_to(request.user)
        .upcoming_at(now)
        .with_booking()
        .order_by("booking__starts_at", "pk")[:COMING],
        "wallet": sums_of(request.user, at=now),
        "favourites": favourites_of(request.user)[:NEAR],
        "works_at_gate": Venue.objects.worked_at_by(request.user).exists(),
        "works_at_counter": memberships_of(request.user).exists(),
    }
    return render(request, "portal/me.html", context)


@require_GET
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/about.html")


@require_GET
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/accessibility.html")


@require_GET
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/privacy.html")


@require_GET
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/terms.html")


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component on one page, for the people who build the next one."""
    if not (settings.DEBUG or settings.DEMO):
        raise Http404
    sprite = Path(settings.BASE_DIR, "static/icons/sprite.svg").read_text("utf-8")
    context = {
        "badge_kinds": ["free", "low", "hot", "ok", "warn", "danger", "info"],
        "form": SampleForm({"phone": "1380000"}),
        "summary": [("Court", "¥90"), ("Reduction", "-¥20")],
        "steps": ["Choose", "Pay", "Play"],
        "page": Paginator(range(50), 10).get_page(request.GET.get("page", 1)),
        "icons": re.findall(r'id="(\w+)"', sprite),
    }
    return render(request, "portal/styleguide.html", context)


@require_GET
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Where a browser looks for an icon on pages that name none."""
    return redirect(static("icons/mark.svg"))


@require_GET
def manifest(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """What a phone needs to put the portal on its home screen."""
    return JsonResponse(
        {
            "name": settings.SITE_NAME,
            "short_name": settings.SITE_NAME,
            "start_url": "/",
            "display": "standalone",
            "background_color": "#f1f4ee",
            "theme_color": "#06352a",
            "icons": [
                {
                    "src": static("icons/mark.svg"),
                    "sizes": "any",
                    "type": "image/svg+xml",
                }
            ],
        },
        content_type="application/manifest+json",
    )


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What the service worker shows where there is no network."""
    return render(request, "offline.html")


@require_GET
def service_worker(request: HttpRequest) -> HttpResponse:
    """Served from the top, since a service worker rules only what is below it."""
    return render(request, "portal/sw.js", content_type="text/javascript")


@require_GET
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The process is alive; it says nothing about what it stands on."""
    return JsonResponse({"status": "alive"})


@require_GET
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Whether this process can serve people: database, Redis and migrations."""
    failed = queries.failing_parts()
    return JsonResponse(
        {"status": "unready" if failed else "ready", "failed": failed},
        status=HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK,
    )


@require_GET
@never_cache
def show_metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus alone, which brings the token; to everybody else it is no page."""
    token = settings.METRICS_TOKEN
    brought = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not constant_time_compare(brought, token):
        raise Http404
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
