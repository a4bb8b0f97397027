"""Playing together: the invite link, and what each side of it sees."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from bureau.accounts.http import SignedInRequest
from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from venues import actions, queries
from venues.errors.companions import InviteUnknown
from venues.models import Booking, Companion, EntryPass
from venues.views.passes import used_at

# --- Who booked -----------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def companions(request: SignedInRequest, number: str) -> HttpResponse:
    """Who plays along, and the link by which others join."""
    booking = _booked_by(request.user, number)
    if request.method == "POST":
        return _change_party(request, booking)
    now = clock.now()
    until = queries.companions_until(booking)
    along = booking.companions.along().select_related("user", "entry_pass").in_order()
    stands = booking.state == Booking.State.CONFIRMED
    context = {
        "booking": booking,
        "venue": booking.venue,
        "party": queries.party_of(booking),
        "companions": along,
        "until": until,
        "can_change": stands and now < until,
        "stands": stands,
        "invite_url": invite_url(booking) if booking.invite_code else "",
    }
    return render(request, "venues/companions.html", context)


def _change_party(request: SignedInRequest, booking: Booking) -> HttpResponse:
    wish = request.POST.get("wish", "")
    try:
        if wish == "make":
            actions.make_invite(booking=booking, by=request.user)
            messages.success(request, _("The link is made. Send it to who plays."))
        elif wish == "withdraw":
            actions.withdraw_invite(booking=booking, by=request.user)
            messages.success(request, _("Nobody else can join by the link now."))
        elif wish == "remove":
            actions.remove_companion(
                companion=_companion_of(booking, request.POST.get("companion", "")),
                by=request.user,
            )
            messages.success(request, _("Removed. The place is free again."))
        else:
            raise Http404
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("venues:companions", booking.number)


def _companion_of(booking: Booking, given: str) -> Companion:
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise Http404
    return get_object_or_404(booking.companions, pk=int(given))


def _booked_by(user: User, number: str) -> Booking:
    mine = Booking.objects.visible_to(user).select_related("venue")
    return get_object_or_404(mine, number=codes.normalise(number))


def invite_url(booking: Booking) -> str:
    """The whole address, as people send it to each other."""
    path = reverse("venues:invite", args=[booking.invite_code])
    return f"{settings.PUBLIC_URL}{path}"


@never_cache
@require_safe
@login_required
def invite_qr(request: SignedInRequest, number: str) -> HttpResponse:
    """The link as a picture, for whoever stands beside the booker."""
    booking = _booked_by(request.user, number)
    if booking.invite_code is None:
        raise Http404
    picture = codes.qr_svg(invite_url(booking))
    return HttpResponse(picture, content_type="image/svg+xml")


# --- Who is invited -------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest, code: str) -> HttpResponse:
    """What one is invited to, and the button to join.

    Who was sent the link sees whose invitation it is before signing in; the name is
    masked, and no search engine keeps the page.
    """
    person = request.user if isinstance(request.user, User) else None
    if request.method != "POST":
        response = _answer_invite(request, code, person)
    elif person is None:
        response = redirect_to_login(request.path)
    else:
        response = _join(request, code, person)
    response["X-Robots-Tag"] = "noindex"
    return response


def _join(request: HttpRequest, code: str, person: User) -> HttpResponse:
    try:
        companion = actions.join_booking(code=code, by=person)
    except DomainError as refusal:
        return _show_invite(request, _invited_to(code), refusal)
    messages.success(request, _("You play along. This is your own pass."))
    return redirect(companion)


def _answer_invite(
    request: HttpRequest, code: str, person: User | None
) -> HttpResponse:
    booking = _invited_to(code)
    if booking is None:
        return _show_invite(request, None, InviteUnknown())
    if person is None:
        return _show_invite(request, booking, None)
    mine = Companion.objects.visible_to(person).filter(booking=booking).first()
    return redirect(mine) if mine else _show_invite(request, booking, None)


def _invited_to(code: str) -> Booking | None:
    found = Booking.objects.filter(invite_code=codes.normalise(code))
    return found.select_related("venue__district", "booked_by").first()


def _show_invite(
    request: HttpRequest, booking: Booking | None, refusal: DomainError | None
) -> HttpResponse:
    context: dict[str, Any] = {"refusal": refusal}
    if booking is not None:
        until = queries.companions_until(booking)
        stands = booking.state == Booking.State.CONFIRMED
        context |= {
            "booking": booking,
            "venue": booking.venue,
            "lines": _lines_of(booking),
            "party": queries.party_of(booking),
            "until": until,
            "is_open": stands and clock.now() < until,
            "stands": stands,
            "is_own": booking.booked_by_id == request.user.pk,
            "invited_by": booking.booked_by.name_masked,
        }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/invite.html", context, status=status)


def _lines_of(booking: Booking) -> Any:
    standing = booking.lines.filter(state="standing").select_related("bookable")
    return standing.order_by("starts_at", "pk")


# --- Who plays along ------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def together(request: SignedInRequest, number: str) -> HttpResponse:
    """A booking of somebody else that one has joined."""
    companion = _mine(request, number)
    booking = companion.booking
    live = EntryPass.objects.live().filter(companion=companion).first()
    is_coming = booking.state == Booking.State.CONFIRMED and (
        clock.now() < booking.ends_at
    )
    context = {
        "companion": companion,
        "booking": booking,
        "venue": booking.venue,
        "lines": _lines_of(booking),
        "entry_pass": live if is_coming else None,
        "used_at": used_at(live),
        "is_coming": is_coming,
        "is_cancelled": booking.state == Booking.State.CANCELLED,
    }
    return render(request, "venues/together.html", context)


@require_POST
@login_required
def leave(request: SignedInRequest, number: str) -> HttpResponse:
    companion = _mine(request, number)
    try:
        actions.leave_booking(companion=companion, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(companion)
    messages.success(request, _("You do not play along any more."))
    return redirect("venues:bookings")


def _mine(request: SignedInRequest, number: str) -> Companion:
    mine = Companion.objects.visible_to(request.user).with_booking()
    return get_object_or_404(mine, booking__number=codes.normalise(number))
