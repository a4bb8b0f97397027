from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any, cast

import zxingcpp
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)
from PIL import Image, UnidentifiedImageError

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from venues import actions
from venues.forms import GateForm
from venues.models import Admission, EntryPass, Venue
from venues.querysets import VenueQuerySet

FRAME_MAX_BYTES = 300 * 1024
FRAME_MAX_PIXELS = 2_000_000
LATEST = 30


# --- The address in the QR code -------------------------------------------------------


@never_cache
@require_safe
def scanned(request: HttpRequest, code: str) -> HttpResponse:
    """Whoever points a phone at a pass lands here.

    The holder sees the pass, a member of the venue's staff the gate, and anybody else
    a page without a word about whose pass it is.
    """
    shown = get_object_or_404(
        EntryPass.objects.select_related("booking"), code=codes.normalise(code)
    )
    if isinstance(request.user, User):
        if shown.booking.booked_by_id == request.user.pk:
            if shown.state == EntryPass.State.REVOKED:
                return redirect(shown.booking)
            return redirect("venues:pass", shown.booking.number)
        if Venue.objects.worked_at_by(request.user).exists():
            text = request.build_absolute_uri()
            return redirect(f"{reverse('venues:gate')}?{urlencode({'code': text})}")
    return render(request, "venues/scanned.html")


# --- The gate -------------------------------------------------------------------------


def _person(request: HttpRequest) -> User:
    """Who asks; behind `login_required`."""
    return cast("User", request.user)


def _posts(request: HttpRequest) -> VenueQuerySet:
    """The venues where this person stands at the gate; at least one, or 403."""
    venues = Venue.objects.worked_at_by(_person(request)).by_district()
    if not venues.exists():
        raise PermissionDenied
    return venues


def _venue_chosen(request: HttpRequest, venues: VenueQuerySet) -> Venue | None:
    """Where the person is on duty: the only venue, or the one they chose."""
    if chosen := venues.filter(code=request.session.get("gate_venue", "")).first():
        return chosen
    several = list(venues[:2])
    return several[0] if len(several) == 1 else None


@dataclass(frozen=True)
class Check:
    """What the gate found out: green with a token, or red with a reason."""

    entry_pass: EntryPass | None = None
    token: str = ""
    refusal: DomainError | None = None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def gate(request: HttpRequest) -> HttpResponse:
    """Scan or type a pass and see whom it lets in. Changes nothing.

    A pass scanned by a phone's own camera arrives as `?code=`.
    """
    venues = _posts(request)
    venue = _venue_chosen(request, venues)
    if venue is None:
        return render(request, "venues/gate_venue.html", {"venues": venues})
    asked = request.POST if request.method == "POST" else request.GET
    form = GateForm(asked if "code" in asked else None)
    check = Check()
    if form.is_valid():
        check = _check(request, venue, form.cleaned_data["code"])
    return _show(request, venue, venues, form=form, check=check)


def _check(request: HttpRequest, venue: Venue, text: str) -> Check:
    try:
        entry_pass = actions.check_pass(text=text, venue=venue)
    except DomainError as refusal:
        return Check(refusal=refusal)
    token = actions.check_token(entry_pass=entry_pass, venue=venue, by=_person(request))
    return Check(entry_pass=entry_pass, token=token)


@never_cache
@require_POST
@login_required
def admit(request: HttpRequest) -> HttpResponse:
    """Let the holder of the pass in that this person checked here a moment ago."""
    venues = _posts(request)
    venue = _venue_chosen(request, venues)
    if venue is None:
        return redirect("venues:gate")
    try:
        admission, _is_new = actions.admit_checked(
            token=request.POST.get("token", ""), by=_person(request), venue=venue
        )
    except DomainError as refusal:
        return _show(
            request, venue, venues, form=GateForm(), check=Check(refusal=refusal)
        )
    code = admission.entry_pass.code
    return redirect(f"{reverse('venues:gate')}?{urlencode({'in': code})}")


def _show(
    request: HttpRequest,
    venue: Venue,
    venues: VenueQuerySet,
    *,
    form: GateForm,
    check: Check,
) -> HttpResponse:
    today = clock.at(clock.today(), 0)
    admissions = Admission.objects.filter(venue=venue, admitted_at__gte=today)
    latest = admissions.select_related(
        "entry_pass__booking__booked_by", "entry_pass__booking__dependant"
    ).order_by("-admitted_at", "-pk")
    context: dict[str, Any] = {
        "venue": venue,
        "has_several": venues.count() > 1,
        "form": GateForm() if check.entry_pass or check.refusal else form,
        "check": check,
        "admitted": _just_in(request, venue),
        "admissions": latest.prefetch_related("entry_pass__booking__lines__bookable")[
            :LATEST
        ],
        "admitted_count": admissions.count(),
    }
    if check.entry_pass:
        booking = check.entry_pass.booking
        context["booking"] = booking
        context["lines"] = booking.lines.select_related("bookable").order_by(
            "starts_at", "pk"
        )
    status = check.refusal.status if check.refusal else HTTPStatus.OK
    return render(request, "venues/gate.html", context, status=status)


def _just_in(request: HttpRequest, venue: Venue) -> Admission | None:
    """Who was just let in, for the green card after the tap."""
    code = request.GET.get("in", "")
    if request.method == "POST" or not code:
        return None
    return (
        Admission.objects.filter(venue=venue, entry_pass__code=codes.normalise(code))
        .select_related(
            "entry_pass__booking__booked_by", "entry_pass__booking__dependant"
        )
        .first()
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def choose_venue(request: HttpRequest) -> HttpResponse:
    venues = _posts(request)
    if request.method == "POST":
        venue = venues.filter(code=request.POST.get("venue", "")).first()
        if venue is None:
            raise Http404
        request.session["gate_venue"] = venue.code
        return redirect("venues:gate")
    return render(request, "venues/gate_venue.html", {"venues": venues})


# --- Camera frames --------------------------------------------------------------------


@never_cache
@require_POST
@login_required
def decode(request: HttpRequest) -> HttpResponse:
    """Read the QR code in a small camera frame, for browsers that cannot themselves."""
    _posts(request)
    frame = request.FILES.get("frame")
    if frame is None:
        return _unreadable(HTTPStatus.BAD_REQUEST, _("There is no picture."))
    if (frame.size or 0) > FRAME_MAX_BYTES:
        return _unreadable(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("The picture is too large.")
        )
    try:
        # The size stands in the header: a bomb is refused before it is unpacked.
        image = Image.open(BytesIO(frame.read()), formats=("JPEG", "PNG", "WEBP"))
        if image.width * image.height > FRAME_MAX_PIXELS:
            return _unreadable(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("The picture is too large.")
            )
        grey = image.convert("L")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return _unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, _("This is no picture."))
    found = zxingcpp.read_barcodes(
        grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    return JsonResponse({"text": found[0].text if found else ""})


def _unreadable(status: HTTPStatus, message: str) -> HttpResponse:
    return JsonResponse({"code": "bad_frame", "message": message}, status=status)
