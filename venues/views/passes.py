"""The pass on a phone: who booked has one, and so has everybody who plays along."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bureau.accounts.models import User
from bureau.common import clock, codes
from venues import queries
from venues.models import Booking, BookingLine, Companion, EntryPass


def used_at(entry_pass: EntryPass | None) -> datetime | None:
    """When somebody was let in with it; None while nobody was."""
    if entry_pass is None or entry_pass.state != EntryPass.State.USED:
        return None
    return entry_pass.admission.admitted_at


# --- Of who booked --------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def entry_pass(request: HttpRequest, number: str) -> HttpResponse:
    try:
        shown = _bookers_pass(request, number)
    except Http404:
        # Not paid, or given back since the address was kept: the booking says which.
        return redirect(get_object_or_404(_bookings_of(request, number)))
    booking = shown.booking
    return _page(
        request,
        shown,
        back_url=booking.get_absolute_url(),
        qr_url=reverse("venues:pass-qr", args=[booking.number]),
        now_url=reverse("venues:pass-now", args=[booking.number]),
    )


@never_cache
@require_safe
@login_required
def pass_qr(request: HttpRequest, number: str) -> HttpResponse:
    """The code of this half minute; the next one is another picture."""
    return _picture(_bookers_pass(request, number))


@never_cache
@require_safe
@login_required
def pass_now(request: HttpRequest, number: str) -> HttpResponse:
    """The digits of this half minute, for the page that stays open."""
    return _moment(_bookers_pass(request, number))


def _bookers_pass(request: HttpRequest, number: str) -> EntryPass:
    live = EntryPass.objects.live().of_bookers().select_related("booking__venue")
    return get_object_or_404(live, booking__in=_bookings_of(request, number))


def _bookings_of(request: HttpRequest, number: str) -> QuerySet[Booking]:
    person = cast("User", request.user)
    return Booking.objects.visible_to(person).filter(number=codes.normalise(number))


# --- Of who plays along ---------------------------------------------------------------


@never_cache
@require_safe
@login_required
def companion_pass(request: HttpRequest, number: str) -> HttpResponse:
    try:
        shown = _companions_pass(request, number)
    except Http404:
        joined = _joined_by(request).filter(booking__number=codes.normalise(number))
        return redirect(get_object_or_404(joined))
    number = shown.booking.number
    return _page(
        request,
        shown,
        back_url=reverse("venues:together", args=[number]),
        qr_url=reverse("venues:together-pass-qr", args=[number]),
        now_url=reverse("venues:together-pass-now", args=[number]),
    )


@never_cache
@require_safe
@login_required
def companion_pass_qr(request: HttpRequest, number: str) -> HttpResponse:
    return _picture(_companions_pass(request, number))


@never_cache
@require_safe
@login_required
def companion_pass_now(request: HttpRequest, number: str) -> HttpResponse:
    return _moment(_companions_pass(request, number))


def _companions_pass(request: HttpRequest, number: str) -> EntryPass:
    live = EntryPass.objects.live().select_related("booking__venue", "companion")
    return get_object_or_404(
        live,
        companion__in=_joined_by(request),
        booking__number=codes.normalise(number),
    )


def _joined_by(request: HttpRequest) -> QuerySet[Companion]:
    return Companion.objects.visible_to(cast("User", request.user))


# --- The same for both ----------------------------------------------------------------


def _is_open(shown: EntryPass) -> bool:
    """Whether the pass still opens a gate (now or later)."""
    return shown.state == EntryPass.State.VALID and clock.now() < shown.booking.ends_at


def _page(
    request: HttpRequest,
    shown: EntryPass,
    *,
    back_url: str,
    qr_url: str,
    now_url: str,
) -> HttpResponse:
    now = clock.now()
    booking = shown.booking
    is_open = _is_open(shown)
    lines = BookingLine.objects.standing().filter(booking=booking)
    context: dict[str, Any] = {
        "entry_pass": shown,
        "booking": booking,
        "venue": booking.venue,
        "lines": lines.select_related("bookable").order_by("starts_at", "pk"),
        "is_open": is_open,
        "used_at": used_at(shown),
        "opens_at": queries.gate_opens_at(booking),
        "code": codes.grouped(shown.code),
        "digits": _digits(shown) if is_open else "",
        "step": codes.step_at(now),
        "seconds": codes.seconds_left(now),
        "back_url": back_url,
        "qr_url": qr_url,
        "now_url": now_url,
    }
    return render(request, "venues/pass.html", context)


def _picture(shown: EntryPass) -> HttpResponse:
    if not _is_open(shown):
        raise Http404
    proof = codes.proof_of(shown.code, key=shown.key, step=codes.step_at(clock.now()))
    address = reverse("venues:scanned", args=[shown.code])
    text = f"{settings.PUBLIC_URL}{address}?k={proof}"
    return HttpResponse(codes.qr_svg(text), content_type="image/svg+xml")


def _moment(shown: EntryPass) -> HttpResponse:
    if not _is_open(shown):
        return JsonResponse({"over": True})
    left = codes.seconds_left(clock.now())
    return JsonResponse({"digits": _digits(shown), "left": left})


def _digits(shown: EntryPass) -> str:
    step = codes.step_at(clock.now())
    digits = codes.digits_of(shown.code, key=shown.key, step=step)
    return f"{digits[:3]} {digits[3:]}"
