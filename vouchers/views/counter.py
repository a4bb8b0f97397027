"""The counter: scan, type the bill, confirm.

Every page works without a script; static/js/counter.js makes of it one page that never
reloads, with sound, big keys and a clear word when the network is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
)

from bureau.accounts.http import SignedInRequest
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.frames import answer_frame
from bureau.common.sports import Sport
from vouchers import actions
from vouchers.actions import Offer
from vouchers.errors.counter import CheckedTooLongAgo, CounterMoved
from vouchers.forms.counter import BillForm, ScanForm
from vouchers.models import Redemption
from vouchers.queries.counter import (
    distance_to,
    redemptions_of_day,
    sums_of_day,
)
from vouchers.views.duty import Duty, on_duty, posts_of
from vouchers.views.redemptions import undo_minutes

LATEST = 5
# What the bill can put right: the voucher stays on the screen.
OF_THE_BILL = {
    "bill_not_an_amount",
    "bill_below_threshold",
    "bill_too_large",
    "sport_needed",
    "sport_not_covered",
    "sport_not_here",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def shops(request: SignedInRequest) -> HttpResponse:
    """Say at which counter one stands; the browser remembers it."""
    posts = posts_of(request)
    if request.method == "POST":
        number = codes.normalise(request.POST.get("shop", ""))
        if number not in {post.shop.number for post in posts}:
            raise Http404
        request.session["counter_shop"] = number
        request.session.pop("counter_sport", None)
        return redirect("vouchers:counter")
    return render(request, "vouchers/counter/shops.html", {"posts": posts})


# --- Scan and redeem ------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What the counter shows above the next scan."""

    offer: Offer | None = None
    bill: BillForm | None = None
    done: Redemption | None = None
    refusal: DomainError | None = None


def _is_of_another_counter(request: SignedInRequest, duty: Duty) -> bool:
    """Whether the page that sent this was opened at another counter.

    Two windows may be at two counters, and a manager may move a clerk meanwhile.
    """
    opened_at = codes.normalise(request.POST.get("shop", ""))
    return bool(opened_at) and opened_at != duty.shop.number


@require_http_methods(["GET", "HEAD", "POST"])
@on_duty
def counter(request: SignedInRequest, duty: Duty) -> HttpResponse:
    """Scan or type a voucher and see what it is worth here; nothing is spent yet.

    A voucher that the phone's own camera read arrives as `?code=`.
    """
    asked = request.POST if request.method == "POST" else request.GET
    if "code" not in asked:
        return _show(request, duty, Answer(done=_just_done(request, duty)))
    if _is_of_another_counter(request, duty):
        moved = CounterMoved(shop=duty.shop.name)
        return _show(request, duty, Answer(refusal=moved))
    form = ScanForm(asked)
    if not form.is_valid():
        return _show(request, duty, Answer(), scan=form)
    return _show(request, duty, _look_up(request, duty, form.cleaned_data["code"]))


def _look_up(request: SignedInRequest, duty: Duty, text: str) -> Answer:
    try:
        offer = actions.look_up_voucher(
            text=text, member=duty.member, shop=duty.shop, device=duty.device
        )
    except DomainError as refusal:
        return Answer(refusal=refusal)
    sport = request.session.get("counter_sport", "")
    form = BillForm(
        initial={
            "token": offer.token,
            "request_key": uuid4(),
            "sport": sport if sport in offer.sports else "",
        }
    )
    return Answer(offer, form)


@require_POST
@on_duty
def redeem(request: SignedInRequest, duty: Duty) -> HttpResponse:
    """Take the voucher off the bill. Sent twice, it is the same redemption.

    The token says at which counter it was scanned, and is good at no other one.
    """
    form = BillForm(request.POST)
    if not form.is_valid():
        return _show(request, duty, _once_more(duty, form), HTTPStatus.BAD_REQUEST)
    given = form.cleaned_data
    try:
        done = actions.redeem_voucher(
            text=given["token"],
            bill_fen=given["bill"],
            member=duty.member,
            shop=duty.shop,
            device=duty.device,
            sport=given["sport"],
            request_key=given["request_key"],
            distance_m=distance_to(duty.shop, given["place"]),
        )
    except CheckedTooLongAgo as refusal:
        moved = _is_of_another_counter(request, duty)
        why = CounterMoved(shop=duty.shop.name) if moved else refusal
        return _show(request, duty, Answer(refusal=why))
    except DomainError as refusal:
        if refusal.code not in OF_THE_BILL:
            return _show(request, duty, Answer(refusal=refusal))
        form.add_error("bill", str(refusal))
        return _show(request, duty, _once_more(duty, form), refusal.status)
    if request.session.get("counter_sport", "") != done.sport:
        request.session["counter_sport"] = done.sport
    query = urlencode({"done": done.number})
    return redirect(f"{reverse('vouchers:counter')}?{query}")


def _once_more(duty: Duty, form: BillForm) -> Answer:
    """The voucher is still there; only the bill has to be put right."""
    try:
        offer = actions.look_up_voucher(
            text=form.data.get("token", ""),
            member=duty.member,
            shop=duty.shop,
            device=duty.device,
        )
    except DomainError as refusal:
        return Answer(refusal=refusal)
    return Answer(offer, form)


def _just_done(request: HttpRequest, duty: Duty) -> Redemption | None:
    """What was just redeemed, for the green screen behind the tap."""
    number = codes.normalise(request.GET.get("done", ""))
    if not number:
        return None
    rows = Redemption.objects.filter(merchant=duty.member.merchant_id, number=number)
    return rows.with_names().first()


def _show(
    request: SignedInRequest,
    duty: Duty,
    answer: Answer,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    scan: ScanForm | None = None,
) -> HttpResponse:
    now, today = clock.now(), clock.today()
    context: dict[str, Any] = {
        "duty": duty,
        "shop": duty.shop,
        "answer": answer,
        "scan": scan or ScanForm(),
        "sports": _labelled(answer.offer.sports) if answer.offer else [],
        "latest": redemptions_of_day(duty.shop, today)[:LATEST],
        "sums": sums_of_day(duty.shop, today),
    }
    if answer.done:
        context["undo_minutes"] = undo_minutes(answer.done, duty.member)
        context["just_now"] = (now - answer.done.redeemed_at).total_seconds() < 120
    if answer.refusal:
        status = answer.refusal.status
    return render(request, "vouchers/counter/counter.html", context, status=status)


def _labelled(sports: list[str]) -> list[tuple[str, Any]]:
    return [(sport, Sport(sport).label) for sport in sports]


@never_cache
@require_POST
@login_required
def decode(request: SignedInRequest) -> HttpResponse:
    """Read the QR code in a small camera frame, for browsers that cannot themselves."""
    posts_of(request)
    return answer_frame(request)
