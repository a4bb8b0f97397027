"""A booking of this venue: receipt, pass, and what can still be done about it."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
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
from bureau.payments.models import CashMovement, Payment
from venues import actions, queries
from venues.models import Booking, EntryPass, Venue
from venues.views.desk.visits import visit_for
from venues.views.posts import person, posts


def _booking(request: HttpRequest, number: str) -> Booking:
    """A booking of the venues where this person works; another one is not there."""
    mine = Booking.objects.filter(venue__in=Venue.objects.worked_at_by(person(request)))
    rows = mine.select_related("venue", "booked_by", "dependant")
    found: Booking = get_object_or_404(rows, number=codes.normalise(number))
    return found


@never_cache
@require_safe
@login_required
def desk_booking(request: HttpRequest, number: str) -> HttpResponse:
    """Receipt, pass and what can still be done about a booking."""
    posts(request)
    shown = _booking(request, number)
    return _show_booking(request, shown, None)


def _show_booking(
    request: HttpRequest, shown: Booking, refusal: DomainError | None
) -> HttpResponse:
    now = clock.now()
    lines = list(
        shown.lines.filter(state="standing")
        .select_related("bookable")
        .order_by("starts_at", "pk")
    )
    paid = Payment.objects.for_owner(shown)
    due = paid.payable_at(now).first()
    may_give_back = shown.can_be_given_back_at(now) and not due
    context = {
        "booking": shown,
        "venue": shown.venue,
        "visit": visit_for(request, shown.booked_by),
        "lines": lines,
        "state": shown.shown_state_at(now),
        "entry_pass": EntryPass.objects.live()
        .filter(booking=shown, companion=None)
        .first(),
        "receipts": CashMovement.objects.filter(payment__in=paid)
        .select_related("moved_by")
        .order_by("pk"),
        "due": due,
        "can_cancel": may_give_back,
        "can_change": may_give_back
        and shown.state == Booking.State.CONFIRMED
        and not any(line.session_id for line in lines),
        "comes_back_fen": sum(shown.refund_of(line, at=now) for line in lines)
        if shown.state == Booking.State.CONFIRMED
        else 0,
        "refusal": refusal,
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk_booking.html", context, status=status)


@never_cache
@require_POST
@login_required
def desk_cash_in(request: HttpRequest, number: str) -> HttpResponse:
    """Somebody with a payment link, or an unpaid hold, pays in cash after all."""
    shown = _booking(request, number)
    try:
        actions.take_cash_for(booking=shown, by=person(request))
    except DomainError as refusal:
        return _show_booking(request, shown, refusal)
    return redirect("venues:desk-booking", shown.number)


@never_cache
@require_POST
@login_required
def desk_cancel(request: HttpRequest, number: str) -> HttpResponse:
    """The person gives it back, on the terms that were promised with the booking."""
    shown = _booking(request, number)
    told = request.POST.get("expected_fen", "")
    try:
        actions.cancel_booking(
            booking=shown,
            by=person(request),
            expected_fen=int(told) if told.isascii() and told.isdigit() else None,
        )
    except DomainError as refusal:
        return _show_booking(request, shown, refusal)
    messages.success(request, _("Cancelled."))
    return redirect("venues:desk-booking", shown.number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_paper(request: HttpRequest, number: str) -> HttpResponse:
    """The pass on paper, A6 or 80 mm; the POST is what makes paper good at the gate."""
    shown = _booking(request, number)
    if request.method == "POST":
        try:
            actions.print_pass(booking=shown, by=person(request))
        except DomainError as refusal:
            return _show_booking(request, shown, refusal)
        return redirect("venues:desk-paper", shown.number)
    entry_pass = _paper_of(shown)
    receipts = CashMovement.objects.filter(
        payment__in=Payment.objects.for_owner(shown), refund=None
    )
    context = {
        "booking": shown,
        "venue": shown.venue,
        "entry_pass": entry_pass,
        "code": codes.grouped(entry_pass.code),
        "lines": shown.lines.filter(state="standing")
        .select_related("bookable")
        .order_by("starts_at", "pk"),
        "opens_at": queries.gate_opens_at(shown),
        "receipts": receipts.order_by("pk"),
    }
    return render(request, "venues/desk_paper.html", context)


@never_cache
@require_safe
@login_required
def desk_paper_qr(request: HttpRequest, number: str) -> HttpResponse:
    entry_pass = _paper_of(_booking(request, number))
    address = reverse("venues:scanned", args=[entry_pass.code])
    svg = codes.qr_svg(f"{settings.PUBLIC_URL}{address}")
    return HttpResponse(svg, content_type="image/svg+xml")


def _paper_of(shown: Booking) -> EntryPass:
    printed = EntryPass.objects.live().filter(
        booking=shown, companion=None, printed_at__isnull=False
    )
    found: EntryPass = get_object_or_404(printed)
    return found
