"""Find a person by a number, register somebody, add their telephone number."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from bureau.accounts import actions as accounts
from bureau.accounts.forms import PhoneForm
from bureau.accounts.models import LoginCode, User
from bureau.accounts.queries import identity_of
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.http import client_ip
from venues.errors.desk import DeskVisitOver
from venues.forms import AttachPhoneForm, FindForm, RegisterForm
from venues.models import Booking, Venue
from venues.queries.desk import refunds_to_pay_out
from venues.views.desk.visits import (
    elsewhere,
    venue_here,
    visit_for,
    visit_over,
    visitor_of,
)
from venues.views.posts import person, posts

LATEST = 20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk(request: HttpRequest) -> HttpResponse:
    """Find somebody by a number; whoever is not known can be registered at once."""
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    form = FindForm(request.POST if request.method == "POST" else None)
    register: RegisterForm | None = None
    refusal: DomainError | None = None
    if form.is_valid():
        number = form.cleaned_data["number"]
        try:
            found = accounts.find_person(number=number, by=person(request))
        except DomainError as said_no:
            refusal = said_no
        else:
            if found:
                return redirect("venues:desk-person", visit_for(request, found))
            register = RegisterForm(initial={"number": number})
    return _show_desk(request, venue, form, register, refusal)


@never_cache
@require_POST
@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Open an account by name and number, and go on to the courts."""
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    form = RegisterForm(request.POST)
    refusal: DomainError | None = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = accounts.register_person(
                name=given["name"],
                number=given["number"],
                agreed=given["agreed"],
                by=person(request),
            )
        except DomainError as said_no:
            refusal = said_no
        else:
            return redirect("venues:desk-person", visit_for(request, made))
    find = FindForm(initial={"number": request.POST.get("number", "")[:30]})
    return _show_desk(request, venue, find, form, refusal)


def _show_desk(
    request: HttpRequest,
    venue: Venue,
    form: FindForm,
    register_form: RegisterForm | None,
    refusal: DomainError | None,
) -> HttpResponse:
    today = clock.at(clock.today(), 0)
    latest = (
        Booking.objects.filter(venue=venue, channel="desk", created_at__gte=today)
        .select_related("booked_by")
        .order_by("-created_at", "-pk")
    )
    context = {
        "venue": venue,
        "has_several": posts(request).count() > 1,
        "form": form,
        "register": register_form,
        "refusal": refusal,
        "latest": latest[:LATEST],
        "to_pay_out": refunds_to_pay_out(venue).count(),
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_phone(request: HttpRequest, visit: str) -> HttpResponse:
    """Ask somebody without a number for theirs, and send a code to it."""
    if venue_here(request) is None:
        return elsewhere()
    try:
        visitor = visitor_of(request, visit)
    except DeskVisitOver as over:
        return visit_over(request, over)
    form = PhoneForm(request.POST if request.method == "POST" else None)
    status: int = HTTPStatus.OK
    if form.is_valid():
        try:
            sent = accounts.send_code_to_attach(
                person=visitor,
                phone=form.cleaned_data["phone"],
                network=client_ip(request),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            code_form = AttachPhoneForm(initial={"phone": sent.phone})
            return _show_phone(request, visit, visitor, code_form, sent=sent)
    return _show_phone(request, visit, visitor, form, status=status)


@never_cache
@require_POST
@login_required
def desk_phone_code(request: HttpRequest, visit: str) -> HttpResponse:
    """The person read the code aloud: the number is theirs to sign in with."""
    if venue_here(request) is None:
        return elsewhere()
    try:
        visitor = visitor_of(request, visit)
    except DeskVisitOver as over:
        return visit_over(request, over)
    form = AttachPhoneForm(request.POST)
    status: int = HTTPStatus.BAD_REQUEST
    if form.is_valid():
        given = form.cleaned_data
        try:
            accounts.attach_phone(
                person=visitor,
                phone=given["phone"],
                code=given["code"],
                id_card_seen=given["id_card_seen"],
                network=client_ip(request),
                by=person(request),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, _("The number was added."))
            return redirect("venues:desk-person", visit)
    return _show_phone(request, visit, visitor, form, status=status)


def _show_phone(
    request: HttpRequest,
    visit: str,
    visitor: User,
    form: PhoneForm | AttachPhoneForm,
    *,
    sent: LoginCode | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        "visit": visit,
        "visitor": visitor,
        "identity": identity_of(visitor),
        "form": form,
        "asks_for_code": isinstance(form, AttachPhoneForm),
        "demo_code": sent.code if sent and settings.SMS_SENDER == "page" else "",
    }
    return render(request, "venues/desk_phone.html", context, status=status)
