"""Campaigns as everybody sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bureau.accounts.models import User
from bureau.common import clock
from vouchers.models import Campaign, Tier
from vouchers.queries.live import LiveLot, LiveRound, live_campaign
from vouchers.queries.offers import (
    Offer,
    Phase,
    RoundNow,
    offer_of,
    offers,
    terms_in_force,
    with_rounds,
)
from vouchers.queries.rules import rule_changes, rule_groups
from vouchers.queries.shops import ShopWish, count_shops, find_shops
from vouchers.queries.standing import person_in_round
from vouchers.queries.wallet import sums_of

MOST_PAST = 20
SHOPS = 3  # on the campaign's page, beside the way to all of them


@never_cache
@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    """What is given away now, what comes, and what is over."""
    now = clock.now()
    found = offers(at=now)
    coming = [one for one in found if not one.is_over and not one.is_now]
    coming.sort(key=lambda one: one.current.round.opens_at if one.current else now)
    context = {
        "open": [one for one in found if one.is_now],
        "coming": coming,
        "past": [one for one in found if one.is_over][:MOST_PAST],
        "sums": sums_of(request.user, at=now)
        if isinstance(request.user, User)
        else None,
        "now": now,
    }
    return render(request, "vouchers/public/list.html", context)


@never_cache
@require_safe
def campaign(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(with_rounds(Campaign.objects.public()), slug=slug)
    context = campaign_context(shown)
    offer: Offer = context["offer"]
    if isinstance(request.user, User) and offer.current:
        context["view"] = person_in_round(
            request.user, offer.current, live=None, at=context["now"]
        )
    return render(request, "vouchers/public/campaign.html", context)


def campaign_context(shown: Campaign, *, is_preview: bool = False) -> dict[str, Any]:
    """What the campaign's page shows; `shown` comes from `with_rounds`.

    Staff preview a draft with it, before anybody else sees anything.
    """
    now = clock.now()
    offer = offer_of(shown, at=now)
    terms = terms_in_force(shown)
    wish = ShopWish(campaign=shown)
    live = (None if is_preview else live_campaign(shown.slug, at=now)) or {}
    return {
        "campaign": shown,
        "offer": offer,
        "current": offer.current,
        "tickets": tickets_of(offer, live),
        "rounds": [
            (one, live.get(one.round.pk))
            for one in offer.rounds
            if one.phase != Phase.OVER
        ],
        "past_rounds": [one for one in offer.rounds if one.phase == Phase.OVER],
        "groups": rule_groups(terms) if terms else [],
        "changes": rule_changes(shown),
        "shops": find_shops(wish, at=now, limit=SHOPS),
        "shops_url": f"{reverse('vouchers:shop-map')}?campaign={shown.slug}",
        "shop_count": count_shops(wish, at=now),
        "seconds": seconds_until(offer.current, at=now),
        "now": now,
        "is_preview": is_preview,
        "figures_url": ""
        if is_preview
        else reverse("vouchers:figures", args=[shown.slug]),
    }


def seconds_until(current: RoundNow | None, *, at: datetime) -> int:
    """Until the current round changes, for the countdown; 0 where nobody knows."""
    if current is None or current.changes_at is None:
        return 0
    return max(0, round((current.changes_at - at).total_seconds()))


def tickets_of(
    offer: Offer, live: dict[int, LiveRound]
) -> list[tuple[Tier, LiveLot | None]]:
    """Each tier with what the current round has of it."""
    lots: dict[int, LiveLot] = {}
    if current := offer.current:
        known = live.get(current.round.pk)
        for lot in current.lots:
            if known and lot.pk in known.lots:
                lots[lot.tier_id] = known.lots[lot.pk]
    return [(tier, lots.get(tier.pk)) for tier in offer.tiers]


@require_safe
def stock(request: HttpRequest, slug: str) -> JsonResponse:  # noqa: ARG001
    """What of each round is left. The page asks while it is looked at."""
    now = clock.now()
    rounds = live_campaign(slug, at=now)
    if rounds is None:
        raise Http404
    answer = JsonResponse(
        {"at": now, "rounds": [live_json(one) for one in rounds.values()]}
    )
    answer["Cache-Control"] = "public, max-age=1"
    return answer


def _ms(moment: datetime | None) -> int | None:
    return round(moment.timestamp() * 1000) if moment else None


LOOK_MS, LOOKS_A_SECOND = 5000, 200
"""Of pages that stay open: how often each looks, and how many of them together."""


def live_json(live: LiveRound) -> dict[str, Any]:
    return {
        "id": live.id,
        "phase": live.phase,
        "present": live.present,
        "again_ms": max(LOOK_MS, live.present * 1000 // LOOKS_A_SECOND),
        "lots": [
            {
                "id": lot.id,
                "left": lot.left,
                "laid_out": lot.laid_out,
                "sold_out_at": lot.sold_out_at,
                "called_until_ms": _ms(lot.called_until),
                "held_until_ms": _ms(lot.held_until),
            }
            for lot in live.lots.values()
        ],
    }
