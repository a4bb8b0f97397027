"""What was redeemed at a counter: a day with its sums, the slip, undo and refund."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_POST,
    require_safe,
)

from bureau.accounts.http import SignedInRequest
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.pagination import page_of
from vouchers import actions
from vouchers.forms.counter import DayForm, RefundForm
from vouchers.http import current_device, keep_device
from vouchers.models import Member, Redemption
from vouchers.queries.counter import (
    redemptions_by_code,
    redemptions_of_day,
    refund_in_words,
    sums_of_day,
)
from vouchers.views.duty import Duty, View, on_duty, show_blocked

PER_PAGE = 50


def undo_minutes(redemption: Redemption, member: Member) -> int:
    """For how many minutes this person can still undo it; 0: not (any more)."""
    if redemption.state != Redemption.State.DONE:
        return 0
    if redemption.refund_fen is not None:  # no mistake: the customer came back with it
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
            return show_blocked(request, done.shop, blocked)
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


@require_POST
@of_ones_own
@on_known_device
def refund(request: SignedInRequest, done: Redemption, member: Member) -> HttpResponse:
    """Say what the customer got back: first what follows from it, then do it."""
    form = RefundForm(request.POST)
    if not form.is_valid():
        return _slip(request, done, member, form, HTTPStatus.BAD_REQUEST)
    given = form.cleaned_data
    if "sure" not in request.POST:
        try:
            actions.refuse_refund(done, given["refund"])
        except DomainError as refusal:
            form.add_error("refund", str(refusal))
            return _slip(request, done, member, form, refusal.status)
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
