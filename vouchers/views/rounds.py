"""One round for one person: the waiting room, the turn, the draw."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from bureau.accounts.http import SignedInRequest
from bureau.accounts.models import User
from bureau.common import clock, geo
from bureau.common.errors import DomainError
from bureau.draws.actions import receipt_of
from vouchers import actions
from vouchers.errors.claiming import (
    KeptForOthers,
    NotInTheQueue,
    PageIsOld,
    SignedOut,
    SoldOut,
    TooManyClaims,
    TurnForged,
)
from vouchers.http import answer_claim
from vouchers.models import Campaign, Lot, Round
from vouchers.queries.live import LiveLot, live_round
from vouchers.queries.offers import RoundNow, offer_of, terms_in_force, with_rounds
from vouchers.queries.queue import turn_of, turn_token
from vouchers.queries.rules import until_when_in_words
from vouchers.queries.standing import PersonInRound, Stage, person_in_round
from vouchers.queries.wallet import kept
from vouchers.views.public import live_json

SOON = 30
"""Seconds after which a page without script looks again at the latest."""
NEAR, NEAR_LOOK = 15 * 60, 60
"""The same before the opening, where it is near."""
_WAITING = {Stage.JOIN, Stage.PLANNED}
# Why a claim without script was refused. What depends on the person or on the time is
# said by the page itself.
_SAID = {
    refusal.code: refusal.message
    for refusal in (
        SoldOut,
        TurnForged,
        SignedOut,
        TooManyClaims,
        PageIsOld,
        NotInTheQueue,
    )
}


@never_cache
@require_safe
def round_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Where one stands, and the one thing to do now."""
    now = clock.now()
    campaign = get_object_or_404(
        with_rounds(Campaign.objects.public()).filter(rounds=pk).distinct()
    )
    offer = offer_of(campaign, at=now)
    shown = next(one for one in offer.rounds if one.round.pk == pk)
    live = live_round(pk, at=now)
    person = request.user if isinstance(request.user, User) else None
    view = person_in_round(person, shown, live=live, at=now)
    lots = [(lot, live.lots.get(lot.pk) if live else None) for lot in shown.lots]
    others = [one for one in offer.rounds if one is not shown and not _is_past(one)]
    seconds = _seconds_to(shown.changes_at, now)
    context = {
        "campaign": campaign,
        "round": shown.round,
        "shown": shown,
        "view": view,
        "mine": [kept(voucher, at=now) for voucher in view.mine],
        "stage": view.stage.value,
        "live": live,
        "lots": _claimable(lots, view),
        "others": others,
        "now": now,
        "now_ms": _ms(now),
        "seconds": seconds,
        "again": NEAR_LOOK if view.stage in _WAITING and 0 < seconds < NEAR else 0,
        "said": _SAID.get(request.GET.get("said", ""), ""),
        "receipt": receipt_of(view.entry) if view.entry else None,
        **_turn(request, campaign, shown.round, view, now),
    }
    return render(request, "vouchers/rush/round.html", context)


def _is_past(one: RoundNow) -> bool:
    return not (one.is_busy or one.is_coming)


def _claimable(
    lots: list[tuple[Lot, LiveLot | None]], view: PersonInRound
) -> list[dict[str, Any]]:
    """Each lot with what is left of it and what speaks against one of it."""
    return [
        {
            "lot": lot,
            "tier": lot.tier,
            "live": live,
            "against": view.against.get(lot.pk, []),
            "is_gone": live is not None and live.left == 0,
        }
        for lot, live in lots
    ]


def _turn(
    request: HttpRequest,
    campaign: Campaign,
    shown: Round,
    view: PersonInRound,
    now: datetime,
) -> dict[str, Any]:
    """What the page needs to let somebody claim the moment it is their turn."""
    if view.ticket is None or view.standing is None:
        return {}
    if view.stage not in {Stage.WAIT, Stage.TURN}:
        return {}
    turn = turn_of(view.ticket, shown)
    held_until = view.held_until if view.stage == Stage.WAIT else None
    # What the person waits for: the turn, or what those before them leave.
    begins = max(turn.at, held_until) if held_until else turn.at
    wait = _seconds_to(begins, now)
    terms = terms_in_force(campaign)
    return {
        "token": turn_token(turn, holder=request.session.session_key or ""),
        "turn_at": turn.at,
        "turn_ms": _ms(turn.at),
        "begins_ms": _ms(begins),
        "kept_template": str(KeptForOthers.message) % {"until": "{until}"},
        "kept": str(KeptForOthers(held_until)) if held_until else "",
        "nth": view.last_number + 1,
        "share": f"{view.share:.6f}",
        "claim_url": reverse("vouchers:claim"),
        "serves": until_when_in_words(terms) if terms else [],
        "wait": wait,
        # One look more at the very turn; before it, now and then.
        "again": min(wait + 1, SOON) if view.stage == Stage.WAIT else 0,
    }


def _seconds_to(moment: datetime | None, now: datetime) -> int:
    return max(0, round((moment - now).total_seconds())) if moment else 0


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@require_safe
def round_now(request: HttpRequest, pk: int) -> JsonResponse:  # noqa: ARG001
    """The same for everybody: the server's clock, who is there, and what is left."""
    now = clock.now()
    live = live_round(pk, at=now)
    if live is None:
        raise Http404
    answer = JsonResponse({"at_ms": _ms(now), **live_json(live)})
    answer["Cache-Control"] = "no-store"
    return answer


@never_cache
@require_POST
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Come to the waiting room; coming twice is coming once."""
    shown = get_object_or_404(Round.objects.public(), pk=pk)
    if not isinstance(request.user, User):
        return redirect_to_login(shown.get_absolute_url())
    place = geo.parse_place(request.POST.get("place", ""))
    try:
        actions.join_queue(round=shown, by=request.user, place=place)
    except DomainError as said_no:
        messages.error(request, str(said_no))
    return redirect(shown)


@never_cache
@csrf_exempt  # the turn is a secret of the session (docs/adr/0013)
@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """What `ClaimLane` answers before all other middleware, for what passes it by."""
    return answer_claim(request)


@never_cache
@require_POST
@login_required
def enter(request: SignedInRequest, pk: int) -> HttpResponse:
    """Enter the draw of a round for one kind of voucher."""
    shown = get_object_or_404(Round.objects.public(), pk=pk)
    lot = shown.lots.filter(pk=_number(request.POST.get("lot", ""))).first()
    if lot is None:
        raise Http404
    place = geo.parse_place(request.POST.get("place", ""))
    try:
        actions.enter_round_draw(
            round=shown, tier=lot.tier, by=request.user, place=place
        )
    except DomainError as said_no:
        messages.error(request, str(said_no))
    return redirect(shown)


def _number(text: str) -> int:
    """A row's number as a form sends it; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
