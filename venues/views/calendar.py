"""My calendar: a month as a list, and the same for the calendar on a phone."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import groupby

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bureau.accounts.http import SignedInRequest
from bureau.common import clock, codes
from venues import actions, queries
from venues.models import Booking, CalendarFeed, Companion
from venues.serializers.calendars import TYPE, as_icalendar

KEPT_BACK = timedelta(days=60)
"""How far back a feed reaches; a calendar keeps what it has read before."""
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


# --- The page -------------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def calendar(request: SignedInRequest) -> HttpResponse:
    return _page(request, month=_month_asked(request))


def _page(
    request: SignedInRequest, *, month: date, feed_code: str = ""
) -> HttpResponse:
    following = _following(month)
    entries = queries.entries_of(
        request.user,
        since=clock.at(month, 0),
        until=clock.at(following, 0),
        at=clock.now(),
    )
    shown = [entry for entry in entries if not entry.is_cancelled]
    days = groupby(shown, key=lambda entry: clock.local_day(entry.starts_at))
    context = {
        "month": month,
        "before": (month - timedelta(days=1)).replace(day=1),
        "after": following,
        "today": clock.today(),
        "days": [(day, list(rows)) for day, rows in days],
        "feed": CalendarFeed.objects.filter(user=request.user).first(),
        "feed_url": _feed_url(feed_code) if feed_code else "",
    }
    return render(request, "venues/calendar.html", context)


def _month_asked(request: HttpRequest) -> date:
    found = _MONTH.fullmatch(request.GET.get("month", ""))
    if found:
        return date(int(found[1]), int(found[2]), 1)
    if request.GET.get("month"):
        raise Http404
    return clock.today().replace(day=1)


def _following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


# --- The feed -------------------------------------------------------------------------


@never_cache
@require_POST
@login_required
def make_feed(request: SignedInRequest) -> HttpResponse:
    """Show the new address this once, without a redirect: we cannot show it again."""
    code = actions.make_feed(by=request.user)
    return _page(request, month=clock.today().replace(day=1), feed_code=code)


@require_POST
@login_required
def revoke_feed(request: SignedInRequest) -> HttpResponse:
    actions.revoke_feed(by=request.user)
    messages.success(request, _("The address shows nothing any more."))
    return redirect("venues:calendar")


def _feed_url(code: str) -> str:
    path = reverse("venues:calendar-feed", args=[code.lower()])
    return f"{settings.PUBLIC_URL}{path}"


@never_cache
@require_safe
def feed(request: HttpRequest, code: str) -> HttpResponse:  # noqa: ARG001
    """For a calendar program, which cannot sign in: the address is its key."""
    found = get_object_or_404(
        CalendarFeed.objects.select_related("user"),
        code_hash=actions.hash_of(code),
        user__is_active=True,
    )
    now = clock.now()
    entries = queries.entries_of(found.user, since=now - KEPT_BACK, at=now)
    with translation.override(found.user.language):
        body = as_icalendar(entries, name=_("My bookings"))
    return HttpResponse(body, content_type=TYPE)


# --- One booking ----------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def booking_file(request: SignedInRequest, number: str) -> HttpResponse:
    mine = Booking.objects.visible_to(request.user)
    return _file(request, mine, number)


@never_cache
@require_safe
@login_required
def together_file(request: SignedInRequest, number: str) -> HttpResponse:
    joined = Companion.objects.visible_to(request.user).values("booking")
    return _file(request, Booking.objects.filter(pk__in=joined), number)


def _file(
    request: SignedInRequest, among: QuerySet[Booking], number: str
) -> HttpResponse:
    rows = among.select_related("venue").prefetch_related("lines__bookable")
    booking = get_object_or_404(rows, number=codes.normalise(number))
    entries = queries.entries_in(booking, user=request.user)
    body = as_icalendar(entries, name=booking.venue.display_name)
    response = HttpResponse(body, content_type=TYPE)
    response["Content-Disposition"] = (
        f'attachment; filename="booking-{booking.number}.ics"'
    )
    return response
