"""The counter: scan, type the bill, confirm; what was redeemed today, and taking back.

Every page works without a script; static/js/counter.js makes of it one page that never
reloads, with sound, big keys and a clear word when the network is away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
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
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.frames import answer_frame
from bureau.common.pagination import page_of
from bureau.common.sports import Sport
from vouchers import actions
from vouchers.actions import Offer
from vouchers.errors.counter import CounterMoved
from vouchers.forms.counter import BillForm, DayForm, RefundForm, ScanForm
from vouchers.http import current_device, keep_device
from vouchers.models import Device, Member, Redemption, Shop
from vouchers.queries.counter import (
    CounterPost,
    counters_of_person,
    distance_to,
    redemptions_by_code,
    redemptions_of_day,
    refund_in_words,
    sums_of_day,
)

LATEST = 5
PER_PAGE = 50
# What the bill can put right: the voucher stays on the screen.
OF_THE_BILL = {
    "bill_not_an_amount",
    "bill_below_threshold",
    "bill_too_large",
    "sport_needed",
    "sport_not_covered",
    "sport_not_here",
}


@dataclass(frozen=True)
class Duty:
    """Who stands at which counter, and with which device."""

    member: Member
    shop: Shop
    device: Device
    key: str
    """What the device keeps in its cookie."""
    has_several: bool
    """Whether the person serves other counters, too."""


View = Callable[..., HttpResponse]


def on_duty(view: View) -> View:
    """For who serves a counter: the only one, or the one that was chosen."""

    @wraps(view)
    @login_required
    def find(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        posts = _posts(request)
        chosen = _chosen(request, posts)
        if chosen is None:
            return render(request, "vouchers/counter/shops.html", {"posts": posts})
        try:
            device, key = current_device(request, chosen.member)
        except DomainError as blocked:
            return _blocked(request, chosen.shop, blocked)
        duty = Duty(chosen.member, chosen.shop, device, key, len(posts) > 1)
        response = view(request, duty, *args, **kwargs)
        keep_device(response, key)
        return response

    return never_cache(find)


def _blocked(request: HttpRequest, shop: Shop, blocked: DomainError) -> HttpResponse:
    return render(
        request,
        "vouchers/counter/blocked.html",
        {"shop": shop, "refusal": blocked},
        status=HTTPStatus.FORBIDDEN,
    )


def _posts(request: SignedInRequest) -> list[CounterPost]:
    posts = counters_of_person(request.user)
    if not posts:
        raise PermissionDenied
    return posts


def _chosen(request: HttpRequest, posts: list[CounterPost]) -> CounterPost | None:
    number = request.session.get("counter_shop", "")
    known = {post.shop.number: post for post in posts}
    return known.get(number) or (posts[0] if len(posts) == 1 else None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def shops(request: SignedInRequest) -> HttpResponse:
    """Say at which counter one stands; the browser remembers it."""
    posts = _posts(request)
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


def at_its_counter(
    view: Callable[[SignedInRequest, Duty], HttpResponse],
) -> Callable[[SignedInRequest, Duty], HttpResponse]:
    """For a page that was opened at this counter, or for none.

    Two windows may be at two counters, and a manager may move a clerk meanwhile: what
    the screen says is where it is redeemed, or it is not redeemed.
    """

    @wraps(view)
    def find(request: SignedInRequest, duty: Duty) -> HttpResponse:
        opened_at = codes.normalise(request.POST.get("shop", ""))
        if opened_at and opened_at != duty.shop.number:
            moved = CounterMoved(shop=duty.shop.name)
            return _show(request, duty, Answer(refusal=moved))
        return view(request, duty)

    return find


@require_http_methods(["GET", "HEAD", "POST"])
@on_duty
@at_its_counter
def counter(request: SignedInRequest, duty: Duty) -> HttpResponse:
    """Scan or type a voucher and see what it is worth here; nothing is spent yet.

    A voucher that the phone's own camera read arrives as `?code=`.
    """
    asked = request.POST if request.method == "POST" else request.GET
    if "code" not in asked:
        return _show(request, duty, Answer(done=_just_done(request, duty)))
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
@at_its_counter
def redeem(request: SignedInRequest, duty: Duty) -> HttpResponse:
    """Take the voucher off the bill. Sent twice, it is the same redemption."""
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
    _posts(request)
    return answer_frame(request)


# --- What was redeemed ----------------------------------------------------------------


def undo_minutes(redemption: Redemption, member: Member) -> int:
    """For how many minutes this person can still undo it; 0: not (any more)."""
    if redemption.state != Redemption.State.DONE:
        return 0
    if member.role != Member.Role.MANAGER and redemption.clerk_id != member.pk:
        return 0
    minutes = redemption.voucher.terms.undo_minutes
    left = actions.undo_until(redemption, minutes) - clock.now()
    return max(0, -int(-left.total_seconds() // 60))


@require_safe
@on_duty
def today(request: SignedInRequest, duty: Duty) -> HttpResponse:
    """A day of the shop with its sums, or what belongs to a slip or a voucher."""
    form = DayForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    on = asked.get("on") or clock.today()
    typed = asked.get("q") or ""
    rows = (
        redemptions_by_code(duty.member.merchant, typed)
        if typed
        else redemptions_of_day(duty.shop, on)
    )
    page = page_of(rows, request, per_page=PER_PAGE)
    context = {
        "duty": duty,
        "shop": duty.shop,
        "on": on,
        "before": clock.local_day(clock.at(on, -1)),
        "after": clock.local_day(clock.at(on, 1440)) if on < clock.today() else None,
        "typed": typed,
        "page": page,
        "sums": sums_of_day(duty.shop, on),
        "form": form,
    }
    return render(request, "vouchers/counter/today.html", context)


def of_ones_own(view: View) -> View:
    """A redemption at a merchant where one works; another one is not there (404)."""

    @wraps(view)
    @login_required
    def find(
        request: SignedInRequest, number: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        rows = Redemption.objects.seen_by(request.user).with_names()
        done = get_object_or_404(
            rows.select_related("merchant"), number=codes.normalise(number)
        )
        member = get_object_or_404(
            Member.objects.of(request.user), merchant=done.merchant
        )
        return view(request, done, member, *args, **kwargs)

    return never_cache(find)


def on_known_device(view: View) -> View:
    """Nothing is taken back on a lost phone, either, once a manager has blocked it."""

    @wraps(view)
    def look(request: SignedInRequest, done: Redemption, member: Member) -> Any:
        try:
            _device, key = current_device(request, member)
        except DomainError as blocked:
            return _blocked(request, done.shop, blocked)
        response = view(request, done, member)
        keep_device(response, key)
        return response

    return look


@require_safe
@of_ones_own
def redemption(
    request: SignedInRequest, done: Redemption, member: Member
) -> HttpResponse:
    """The slip, to print; and what can still be done about it."""
    return _slip(request, done, member, RefundForm())


@require_POST
@of_ones_own
@on_known_device
def undo(request: SignedInRequest, done: Redemption, member: Member) -> HttpResponse:
    """Undo what was a mistake. A second tap changes nothing."""
    try:
        actions.undo_redemption(redemption=done, member=member)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Undone: the voucher can be used again."))
    return redirect(done)


@require_http_methods(["POST"])
@of_ones_own
@on_known_device
def refund(request: SignedInRequest, done: Redemption, member: Member) -> HttpResponse:
    """Say what the customer got back: first what follows from it, then do it."""
    form = RefundForm(request.POST)
    if not form.is_valid():
        return _slip(request, done, member, form, HTTPStatus.BAD_REQUEST)
    given = form.cleaned_data
    if "sure" not in request.POST:
        return _slip(request, done, member, form, asked_fen=given["refund"])
    try:
        back = actions.refund_redemption(
            redemption=done,
            refund_fen=given["refund"],
            reason=given["reason"],
            member=member,
        )
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _slip(request, done, member, form, refusal.status)
    messages.success(request, refund_in_words(back))
    return redirect(done)


def _slip(
    request: SignedInRequest,
    done: Redemption,
    member: Member,
    form: RefundForm,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    asked_fen: int | None = None,
) -> HttpResponse:
    is_sound = asked_fen is not None and 0 <= asked_fen <= done.paid_fen
    now = clock.now()
    context = {
        "done": done,
        "member": member,
        "undo_minutes": undo_minutes(done, member),
        "form": form,
        "can_refund": member.role == Member.Role.MANAGER
        and done.state == Redemption.State.DONE,
        "asked_fen": asked_fen,
        "gives_back": is_sound and actions.gives_back(done, asked_fen or 0, now),
        "keeps_subsidy": is_sound and actions.keeps_subsidy(done, asked_fen or 0, now),
    }
    return render(request, "vouchers/counter/slip.html", context, status=status)
