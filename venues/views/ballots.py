"""Prime time by ballot: what is drawn, one's own request, and what came of it."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from bureau.accounts.models import User
from bureau.accounts.queries import identity_of
from bureau.common import clock
from bureau.common.errors import DomainError
from venues import actions, queries
from venues.errors.slots import SlotNotOffered
from venues.models import Ballot, BallotRequest
from venues.queries.ballots import (
    past_ballots,
    phase_of,
    public_ballots,
    requests_of,
    starts_of,
    won_booking,
)
from venues.views.family import dependant_asked, family_links, person_of

MOST_MINE = 20


@never_cache
@require_safe
def ballot_list(request: HttpRequest) -> HttpResponse:
    """All ballots to ask in, one's own requests, and what was drawn lately."""
    now = clock.now()
    mine: list[BallotRequest] = []
    if isinstance(request.user, User):
        mine = list(requests_of(request.user).order_by("-asked_at", "-pk")[:MOST_MINE])
    context = {
        "rows": with_phases(queries.coming_ballots(at=now), at=now),
        "mine": [(one, phase_of(one.ballot, at=now)) for one in mine],
        "past": past_ballots(),
    }
    return render(request, "venues/ballot_list.html", context)


def with_phases(ballots: list[Ballot], *, at: datetime) -> list[tuple[Ballot, str]]:
    return [(ballot, phase_of(ballot, at=at)) for ballot in ballots]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ballot(request: HttpRequest, number: str) -> HttpResponse:
    """What is drawn and how; ask for one time, or see what came of it."""
    shown = get_object_or_404(public_ballots(), number=number)
    if request.method == "POST" and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    person = request.user if isinstance(request.user, User) else None
    dependant = dependant_asked(request, person) if person else None
    refusal: DomainError | None = None
    if request.method == "POST" and person:
        try:
            actions.request_in_ballot(
                ballot=shown,
                starts_at=_start_asked(request),
                dependant=dependant,
                by=person,
            )
        except DomainError as said_no:
            refusal = said_no
        else:
            messages.success(request, _("Your request is in the ballot."))
            return redirect("venues:ballot", shown.number)
    now = clock.now()
    mine = requests_of(person).filter(ballot=shown).first() if person else None
    phase = phase_of(shown, at=now)
    can_ask = phase == Ballot.State.OPEN and mine is None
    context = {
        "ballot": shown,
        "venue": shown.venue,
        "phase": phase,
        "starts": starts_of(shown, mine),
        "mine": mine,
        "booking": won_booking(mine) if mine else None,
        "refusal": refusal,
        "can_ask": can_ask,
        "needs_identity": can_ask and person and identity_of(person) is None,
        "family": family_links(request, person, dependant)
        if person and can_ask
        else [],
        "now": now,
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/ballot.html", context, status=status)


def _start_asked(request: HttpRequest) -> datetime:
    try:
        found = parse_datetime(request.POST.get("start", ""))
    except ValueError as wrong:
        raise SlotNotOffered from wrong
    if found is None or found.tzinfo is None:
        raise SlotNotOffered
    return found


@require_POST
@login_required
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    shown = get_object_or_404(public_ballots(), number=number)
    try:
        actions.withdraw_from_ballot(ballot=shown, by=person_of(request))
    except DomainError as said_no:
        messages.error(request, str(said_no))
    else:
        messages.success(request, _("Your request is taken back."))
    return redirect("venues:ballot", shown.number)
