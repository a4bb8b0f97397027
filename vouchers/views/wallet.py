"""A person's vouchers, and the code that one of them shows at a counter."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bureau.accounts.http import SignedInRequest
from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.fields import DAY, clock_text
from bureau.common.pagination import page_of
from vouchers.models import Member, Terms, Voucher
from vouchers.queries.rules import rules_in_words
from vouchers.queries.validity import is_redeem_hour
from vouchers.queries.wallet import draws_to_come, kept, proof_now, sums_of, vouchers_of

PER_PAGE = 20
State = Voucher.State


@never_cache
@require_safe
@login_required
def wallet(request: SignedInRequest) -> HttpResponse:
    """What can be used, the next to expire first; what was used; what is over."""
    now = clock.now()
    mine = vouchers_of(request.user)
    shelf = request.GET.get("show", "")
    if shelf == "used":
        mine = mine.used().order_by("-claimed_at", "-pk")
    elif shelf == "ended":
        mine = mine.ended_at(now).order_by("-expires_at", "-pk")
    else:
        shelf = "live"
        mine = mine.live_at(now).order_by("expires_at", "pk")
    page = page_of(mine, request, per_page=PER_PAGE)
    context = {
        "shelf": shelf,
        "page": page,
        "rows": [kept(one, at=now) for one in page],
        "sums": sums_of(request.user, at=now),
        "draws": draws_to_come(request.user) if shelf == "live" else [],
        "now": now,
    }
    return render(request, "vouchers/wallet/list.html", context)


@never_cache
@require_safe
@login_required
def voucher(request: SignedInRequest, code: str) -> HttpResponse:
    """The voucher with its code for the counter; what became of it afterwards."""
    shown = _mine(request, code)
    now = clock.now()
    is_usable = shown.is_usable_at(now)
    context: dict[str, Any] = {
        "voucher": shown,
        "campaign": shown.campaign,
        "tier": shown.tier,
        "terms": shown.terms,
        "rules": rules_in_words(shown.terms),
        "shops_url": _shops_url(shown),
        "hours": _hours(shown.terms),
        "is_closed_now": not is_redeem_hour(shown.terms, now),
        "kept": kept(shown, at=now),
        "is_usable": is_usable,
        "code": codes.grouped(shown.code),
        "digits": proof_now(shown, at=now).digits if is_usable else "",
        "step": codes.step_at(now),
        "seconds": codes.seconds_left(now),
        "now": now,
    }
    return render(request, "vouchers/wallet/voucher.html", context)


@never_cache
@require_safe
@login_required
def voucher_qr(request: SignedInRequest, code: str) -> HttpResponse:
    """The code of this half minute; the next one is another picture."""
    shown = _mine(request, code)
    now = clock.now()
    if not shown.is_usable_at(now):
        raise Http404
    return HttpResponse(
        codes.qr_svg(proof_now(shown, at=now).text), content_type="image/svg+xml"
    )


@never_cache
@require_safe
@login_required
def voucher_now(request: SignedInRequest, code: str) -> JsonResponse:
    """The digits of this half minute, for the page that stays open."""
    shown = _mine(request, code)
    now = clock.now()
    if not shown.is_usable_at(now):
        return JsonResponse({"over": True})
    proof = proof_now(shown, at=now)
    return JsonResponse({"digits": proof.digits, "left": proof.seconds_left})


@never_cache
@require_safe
def scanned(request: HttpRequest, code: str) -> HttpResponse:
    """Whoever points a phone at a voucher lands here.

    Its person sees it, who works for a merchant the counter, and anybody else a page
    that is the same for every code, so that it tells nothing about any.
    """
    if isinstance(request.user, User):
        mine = Voucher.objects.visible_to(request.user)
        if shown := mine.filter(code=codes.normalise(code)).first():
            return redirect(shown)
        if Member.objects.of(request.user).exists():
            asked = urlencode({"code": request.build_absolute_uri()})
            return redirect(f"{reverse('vouchers:counter')}?{asked}")
    return render(request, "vouchers/wallet/scanned.html", status=404)


def _mine(request: SignedInRequest, code: str) -> Voucher:
    mine = vouchers_of(request.user).select_related("campaign", "tier", "terms")
    return get_object_or_404(mine, code=codes.normalise(code))


def _shops_url(shown: Voucher) -> str:
    """Where it is taken; for one sport where it is for one alone."""
    asked = {"campaign": shown.campaign.slug}
    if len(shown.tier.sports) == 1:
        asked["sport"] = shown.tier.sports[0]
    return f"{reverse('vouchers:shops')}?{urlencode(asked)}"


def _hours(terms: Terms) -> str:
    """When counters take it each day; empty where it is the whole day."""
    if (terms.redeems_from, terms.redeems_until) == (0, DAY):
        return ""
    return _("each day %(since)s–%(until)s") % {
        "since": clock_text(terms.redeems_from),
        "until": clock_text(terms.redeems_until),
    }
