"""The gate without network: its page, its service worker, and what they ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from bureau.common import clock, codes
from bureau.common.errors import DomainError
from venues import actions
from venues.actions.offline import public_key
from venues.forms import DeviceForm, GateForm
from venues.models import EntryPass, GateDevice, Venue
from venues.queries.gate import courts_of, holder_of
from venues.views.posts import door_chosen, person, posts, venue_chosen

MOST_SCANS = 200
MOST_BYTES = 200_000


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def gate_offline(request: HttpRequest) -> HttpResponse:
    """The page that a device keeps; a POST registers the device.

    The page holds nobody's data: a phone keeps it for weeks.
    """
    venues = posts(request)
    venue = venue_chosen(request, venues)
    if venue is None:
        return redirect(f"{reverse('venues:gate-venue')}?to=offline")
    if request.method == "POST":
        form = DeviceForm(_json(request))
        if not form.is_valid():
            return JsonResponse({"code": "bad_request"}, status=HTTPStatus.BAD_REQUEST)
        device = actions.register_device(
            venue=venue, name=form.cleaned_data["name"], by=person(request)
        )
        return JsonResponse({"device": str(device.public_id)})
    context = {
        "venue": venue,
        "form": GateForm(),
        "device_form": DeviceForm(),
        "public_key": json.dumps(public_key()),
    }
    return render(request, "venues/gate_offline.html", context)


@never_cache
@require_safe
@login_required
def gate_list(request: HttpRequest, device: UUID) -> HttpResponse:
    """The signed list of the coming hours, the portal's clock, and a fresh form key."""
    found = _device(request, device)
    try:
        signed = actions.issue_list(
            device=found, by=person(request), gate=door_chosen(request, found.venue)
        )
    except DomainError as refusal:
        return _refused(refusal)
    return JsonResponse(
        {
            "body": signed.body,
            "signature": signed.signature,
            "now": int(clock.now().timestamp() * 1000),
            "csrf": get_token(request),
        }
    )


@never_cache
@require_POST
@login_required
def gate_scans(request: HttpRequest, device: UUID) -> HttpResponse:
    """What the device let in by itself; each scan is answered, told again or not."""
    found = _device(request, device)
    try:
        scans = [_scan(row) for row in _json(request)["scans"][:MOST_SCANS]]
    except (KeyError, TypeError, ValueError, OverflowError):
        return JsonResponse({"code": "bad_request"}, status=HTTPStatus.BAD_REQUEST)
    try:
        told = actions.sync_scans(device=found, scans=scans, by=person(request))
    except DomainError as refusal:
        return _refused(refusal)
    return JsonResponse(
        {
            "now": int(clock.now().timestamp() * 1000),
            "results": [
                {"key": str(row.scan_key), "outcome": row.outcome} for row in told
            ],
        }
    )


@never_cache
@require_POST
@login_required
def gate_check(request: HttpRequest, device: UUID) -> HttpResponse:
    """With network the portal answers: checked and let in at one go.

    A paper pass is let in once its name was compared (`named`).
    """
    found = _device(request, device)
    given = _json(request)
    text, named = str(given.get("text", ""))[:300], given.get("named") is True
    venue, by, door = found.venue, person(request), door_chosen(request, found.venue)
    try:
        if named:
            entry_pass = actions.check_pass(text=text, venue=venue)
            done: Any = actions.admit(
                entry_pass=entry_pass, venue=venue, by=by, gate=door
            )
        else:
            done, _is_new = actions.let_in(
                text=text, venue=venue, by=by, gate=door, reader=str(device)
            )
    except DomainError as refusal:
        return _refused(refusal)
    is_waiting = isinstance(done, EntryPass)
    shown = EntryPass.objects.with_holder().get(
        pk=done.pk if is_waiting else done.entry_pass_id
    )
    answer = {
        "code": shown.code,
        "name": holder_of(shown),
        "what": _what(shown),
        "persons": shown.persons,
    }
    return JsonResponse({**answer, "paper": True} if is_waiting else answer)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """It rules the pages below /gate/, and is served from there."""
    answer = render(request, "venues/gate_sw.js", content_type="text/javascript")
    answer["Cache-Control"] = "no-cache"
    return answer


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """What a phone needs to put the gate on its home screen."""
    return JsonResponse(
        {
            "name": _("Gate"),
            "short_name": _("Gate"),
            "start_url": reverse("venues:gate-offline"),
            "scope": "/gate/",
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


def _device(request: HttpRequest, public_id: UUID) -> GateDevice:
    """A device of a venue where this person works; another one's is not there."""
    mine = Venue.objects.worked_at_by(person(request))
    return get_object_or_404(
        GateDevice.objects.select_related("venue"),
        public_id=public_id,
        venue__in=mine,
        revoked_at=None,
    )


def _json(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MOST_BYTES:
        return {}
    try:
        given = json.loads(request.body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _scan(row: dict[str, Any]) -> actions.Scan:
    return actions.Scan(
        scan_key=UUID(str(row["key"])),
        pass_code=str(row["code"])[: codes.LENGTH + 2].replace("\0", ""),
        scanned_at=datetime.fromtimestamp(int(row["at"]) / 1000, tz=UTC),
        ticket=str(row.get("ticket", ""))[:500],
    )


def _what(shown: EntryPass) -> str:
    start, end = (
        moment.astimezone(clock.CHINA)
        for moment in (shown.booking.starts_at, shown.booking.ends_at)
    )
    return f"{courts_of(shown)} {start:%H:%M}–{end:%H:%M}"


def _refused(refusal: DomainError) -> HttpResponse:
    return JsonResponse(
        {"code": refusal.code, "message": str(refusal)}, status=refusal.status
    )
