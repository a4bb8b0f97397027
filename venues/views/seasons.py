"""Weekly times for clubs: apply, see what came of it, pay the invoice."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
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
from bureau.payments.http import way_to_pay
from bureau.payments.models import Refund
from venues import actions
from venues.forms import ClubForm, SeasonRequestForm
from venues.models import Booking, Club, Invoice, Season, SeasonRequest
from venues.queries import quote_in_words
from venues.queries.invoice_papers import INVOICE_FILES
from venues.queries.seasons import (
    SeasonPlan,
    WeeklyTime,
    approved_times,
    clubs_of,
    decided_seasons,
    in_turn,
    invoices_of,
    is_open_at,
    open_lines,
    open_seasons,
    plan_season,
    public_seasons,
    requests_of,
    returned_lines,
    seed_hash,
)

Status = SeasonRequest.State
MOST_SHOWN = 100
_STATE_KINDS = {
    Status.ASKED: "",
    Status.PROPOSED: "",
    Status.APPROVED: "ok",
    Status.DENIED: "danger",
    Status.WITHDRAWN: "",
}
_INVOICE_KINDS = {
    Invoice.State.NEW: "",
    Invoice.State.OPEN: "warn",
    Invoice.State.PAID: "ok",
    Invoice.State.VOID: "",
}


def shown_state(request: SeasonRequest) -> tuple[str, str]:
    """(words, badge kind); a proposal is the staff's until it is approved."""
    state = Status(request.state)
    if state == Status.PROPOSED:
        state = Status.ASKED
    words = {
        Status.ASKED: _("Being decided"),
        Status.APPROVED: _("Time granted"),
        Status.DENIED: _("Not granted"),
        Status.WITHDRAWN: _("Withdrawn"),
    }[state]
    return words, _STATE_KINDS[state]


def _rows(requests: Any) -> list[tuple[SeasonRequest, WeeklyTime, str, str]]:
    return [(one, WeeklyTime.of(one), *shown_state(one)) for one in requests]


# --- Clubs ------------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def my_clubs(request: SignedInRequest) -> HttpResponse:
    """The person's clubs, what they have asked for, and what they owe."""
    mine = requests_of(request.user).order_by("-asked_at", "-pk")[:MOST_SHOWN]
    owed = invoices_of(request.user).order_by("-issued_at", "-pk")[:MOST_SHOWN]
    context = {
        "clubs": clubs_of(request.user),
        "rows": _rows(mine),
        "invoices": [(one, _INVOICE_KINDS[Invoice.State(one.state)]) for one in owed],
        "seasons": open_seasons(at=clock.now()),
    }
    return render(request, "venues/seasons/clubs.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def register_club(request: SignedInRequest) -> HttpResponse:
    form = ClubForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        try:
            actions.register_club(facts=form.facts, by=request.user)
        except DomainError as said_no:
            status = _say_no(form, said_no)
        else:
            messages.success(
                request, _("Our staff check your club now. You get a message.")
            )
            return redirect("venues:clubs")
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(
        request, "venues/seasons/club.html", {"form": form, "club": None}, status=status
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def club(request: SignedInRequest, pk: int) -> HttpResponse:
    """Correct what staff could not approve; an approved club stays as it is."""
    mine: Club = get_object_or_404(clubs_of(request.user), pk=pk)
    if mine.is_approved:
        return redirect("venues:clubs")
    initial = {
        "name": mine.name,
        "credit_code": mine.credit_code,
        "priority": mine.priority,
    }
    form = ClubForm(request.POST or None, initial=initial)
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        try:
            actions.correct_club(club=mine, facts=form.facts, by=request.user)
        except DomainError as said_no:
            status = _say_no(form, said_no)
        else:
            messages.success(
                request, _("Our staff check your club now. You get a message.")
            )
            return redirect("venues:clubs")
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(
        request, "venues/seasons/club.html", {"form": form, "club": mine}, status=status
    )


def _say_no(form: forms.Form, said_no: DomainError) -> HTTPStatus:
    form.add_error(None, forms.ValidationError(str(said_no)))
    return said_no.status


# --- Seasons ----------------------------------------------------------------------


@never_cache
@require_safe
def season_list(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    context = {"rows": open_seasons(at=now), "past": decided_seasons()}
    return render(request, "venues/seasons/list.html", context)


@never_cache
@require_safe
def season(request: HttpRequest, pk: int) -> HttpResponse:
    """A season for everybody: until when to apply, how it is decided, who got what."""
    shown = get_object_or_404(public_seasons(), pk=pk)
    mine: list[SeasonRequest] = []
    if isinstance(request.user, User):
        rows = requests_of(request.user).filter(season=shown)
        mine = list(rows.order_by("wish", "pk"))
    is_open = is_open_at(shown, clock.now())
    context = {
        "season": shown,
        "venue": shown.venue,
        "is_open": is_open,
        "rows": _rows(mine),
        "times": [(one, WeeklyTime.of(one)) for one in approved_times(shown)],
        "seed_hash": seed_hash(shown),
        # Until the proposal it would tell who comes first.
        "seed": "" if shown.state == Season.State.OPEN else shown.seed,
    }
    return render(request, "venues/seasons/season.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def apply(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say what the club would like, look at its dates, then send it."""
    shown = get_object_or_404(public_seasons(), pk=pk)
    now = clock.now()
    if not is_open_at(shown, now):
        return redirect(shown)
    clubs = list(clubs_of(request.user))
    form = SeasonRequestForm(request.POST or None, season=shown, user=request.user)
    plan: SeasonPlan | None = None
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        try:
            actions.refuse_outside_season(shown, form.weekly)
            plan = plan_season(shown.venue, form.weekly, at=now)
            if "send" in request.POST:
                made = _send(request, shown, form)
                messages.success(request, _("Your request has arrived."))
                return redirect(made)
        except DomainError as said_no:
            status = _say_no(form, said_no)
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = {
        "season": shown,
        "venue": shown.venue,
        "form": form,
        "plan": plan,
        "can_ask": any(one.is_approved for one in clubs),
        "is_waiting": bool(clubs),
    }
    return render(request, "venues/seasons/apply.html", context, status=status)


def _send(
    request: SignedInRequest, shown: Season, form: SeasonRequestForm
) -> SeasonRequest:
    return actions.ask_for_season(
        season=shown,
        club=form.cleaned_data["club"],
        weekly=form.weekly,
        wish=form.cleaned_data["wish"],
        note=form.cleaned_data["note"],
        by=request.user,
    )


# --- Requests ---------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def season_request(request: SignedInRequest, number: str) -> HttpResponse:
    """What was asked for, its dates, and what came of it."""
    shown = _request(request, number)
    words, kind = shown_state(shown)
    weekly = WeeklyTime.of(shown)
    is_granted = shown.state == Status.APPROVED
    is_undecided = shown.state in (Status.ASKED, Status.PROPOSED)
    invoice = getattr(shown, "invoice", None)
    context = {
        "request_": shown,
        "season": shown.season,
        "venue": shown.season.venue,
        "weekly": weekly,
        "state_words": words,
        "state_kind": kind,
        "can_withdraw": is_undecided,
        "plan": plan_season(shown.season.venue, weekly, at=clock.now())
        if is_undecided
        else None,
        "bookings": Booking.objects.filter(invoice=invoice).order_by("starts_at", "pk")
        if is_granted and invoice
        else [],
        "skipped": shown.skipped.order_by("on"),
        "invoice": invoice if invoice and invoice.state != Invoice.State.NEW else None,
        "turn": _turn(shown),
    }
    return render(request, "venues/seasons/request.html", context)


def _turn(shown: SeasonRequest) -> Any:
    """Where it stands in the order; public once there is a proposal."""
    if shown.season.state == Season.State.OPEN:
        return None
    asked = shown.season.requests.exclude(state=Status.WITHDRAWN)
    turns = in_turn(asked.select_related("club"), seed=shown.season.seed)
    return next((turn for turn in turns if turn.request.pk == shown.pk), None)


@require_POST
@login_required
def withdraw(request: SignedInRequest, number: str) -> HttpResponse:
    shown = _request(request, number)
    try:
        actions.withdraw_request(request=shown, by=request.user)
    except DomainError as said_no:
        messages.error(request, str(said_no))
    else:
        messages.success(request, _("Your request is withdrawn."))
    return redirect(shown)


def _request(request: SignedInRequest, number: str) -> SeasonRequest:
    found: SeasonRequest = get_object_or_404(
        requests_of(request.user), number=codes.normalise(number)
    )
    return found


# --- Invoices ---------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def invoice(request: SignedInRequest, number: str) -> HttpResponse:
    """The invoice, to read, print and pay; dates can be given back from here."""
    shown = _invoice(request, number)
    now = clock.now()
    lines = list(open_lines(shown))
    refunds = Refund.objects.filter(
        payment__owner_app="venues",
        payment__owner_model="invoice",
        payment__owner_id=shown.pk,
        payment__surplus_of=None,
    )
    context = {
        "invoice": shown,
        "club": shown.club,
        "season": shown.request.season,
        "venue": shown.request.season.venue,
        "weekly": WeeklyTime.of(shown.request),
        "state_kind": _INVOICE_KINDS[Invoice.State(shown.state)],
        "is_late": shown.state == Invoice.State.OPEN
        and shown.due_on < clock.local_day(now),
        "lines": [
            (line, quote_in_words(line.quote), _can_go_back(line.booking, now))
            for line in lines
        ],
        "returned": returned_lines(shown),
        "refunds": refunds.order_by("pk"),
        "transfers": shown.transfers_back.order_by("pk"),
    }
    return render(request, "venues/seasons/invoice.html", context)


def _can_go_back(booking: Booking, now: Any) -> bool:
    return booking.can_be_given_back_at(now)


@never_cache
@require_safe
@login_required
def invoice_file(request: SignedInRequest, number: str, kind: str) -> HttpResponse:
    """The same as xlsx or PDF."""
    shown = _invoice(request, number)
    file = INVOICE_FILES[kind]
    answer = HttpResponse(file.write(shown), content_type=file.content_type)
    name = f"invoice-{shown.number}.{kind}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_POST
@login_required
def pay_invoice(request: SignedInRequest, number: str) -> HttpResponse:
    shown = _invoice(request, number)
    try:
        payment = actions.pay_invoice(invoice=shown, by=request.user)
    except DomainError as said_no:
        messages.error(request, str(said_no))
        return redirect(shown)
    return redirect(way_to_pay(payment))


def _invoice(request: SignedInRequest, number: str) -> Invoice:
    found: Invoice = get_object_or_404(
        invoices_of(request.user), number=codes.normalise(number)
    )
    return found
