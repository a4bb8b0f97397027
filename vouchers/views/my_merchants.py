"""The pages of who works for a business: its facts, shops, people and devices.

Everybody who works there reads; what changes something is for managers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
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
from vouchers import actions, queries
from vouchers.forms.merchants import (
    InvitationForm,
    MemberForm,
    MerchantForm,
    OwnShopForm,
)
from vouchers.models import Device, Member, Merchant, MerchantChange, Shop
from vouchers.views.merchants import say_no

View = Callable[..., HttpResponse]
STATE_KINDS = {
    Merchant.State.APPLIED: "warn",
    Merchant.State.APPROVED: "ok",
    Merchant.State.REFUSED: "danger",
    Merchant.State.SUSPENDED: "danger",
    Merchant.State.LEFT: "",
}


def at_work(view: View) -> View:
    """Only for who works there; for others this business is not there (404)."""

    @wraps(view)
    @login_required
    def look_up(
        request: SignedInRequest, number: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        member = queries.membership_of(request.user, codes.normalise(number))
        if member is None:
            raise Http404
        return view(request, member, *args, **kwargs)

    return never_cache(look_up)


def for_managers(view: View) -> View:
    """Clerks are told that this is not for them."""

    @wraps(view)
    def check(
        request: SignedInRequest, member: Member, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if not member.is_manager:
            raise PermissionDenied
        return view(request, member, *args, **kwargs)

    return at_work(check)


@never_cache
@require_safe
@login_required
def my_merchants(request: SignedInRequest) -> HttpResponse:
    """Where the person works; who works in one place goes there at once."""
    rows = list(queries.memberships_of(request.user))
    if len(rows) == 1:
        return redirect("vouchers:my-merchant", number=rows[0].merchant.number)
    shown = [(row, STATE_KINDS[Merchant.State(row.merchant.state)]) for row in rows]
    return render(request, "vouchers/my_merchants/list.html", {"rows": shown})


@require_safe
@at_work
def my_merchant(request: SignedInRequest, member: Member) -> HttpResponse:
    """One business: how it stands, what is to be done, and the way to the rest."""
    firm, today, now = member.merchant, clock.today(), clock.now()
    context = _frame(member) | {
        "shops": queries.counters_of(member).select_related("district"),
        "permit": queries.permit_state(firm, on=today),
        "change": firm.changes.filter(state=MerchantChange.State.ASKED).first(),
        "parts": firm.participations.running_at(now).select_related("campaign"),
        "people": queries.people_of(firm).count(),
        "device_count": queries.devices_of(firm).count(),
    }
    return render(request, "vouchers/my_merchants/overview.html", context)


def _frame(member: Member) -> dict[str, Any]:
    """What every page of a business shows."""
    firm = member.merchant
    return {
        "member": member,
        "merchant": firm,
        "state_kind": STATE_KINDS[Merchant.State(firm.state)],
        "is_undecided": firm.state in (Merchant.State.APPLIED, Merchant.State.REFUSED),
    }


def _done(request: SignedInRequest, member: Member, to: str, told: str) -> HttpResponse:
    messages.success(request, told)
    return redirect(f"vouchers:{to}", number=member.merchant.number)


def _refused(
    request: SignedInRequest, member: Member, to: str, said_no: DomainError
) -> HttpResponse:
    """For a button without a form of its own."""
    messages.error(request, str(said_no))
    return redirect(f"vouchers:{to}", number=member.merchant.number)


# --- Its facts ------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def correct(request: SignedInRequest, member: Member) -> HttpResponse:
    """Correct an application, or ask for a change of what is approved."""
    firm = member.merchant
    frame = _frame(member)
    open_change = firm.changes.filter(state=MerchantChange.State.ASKED).first()
    form = MerchantForm(request.POST or None, request.FILES or None, known=firm)
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        act = (
            actions.correct_merchant
            if frame["is_undecided"]
            else actions.ask_for_change
        )
        try:
            act(
                merchant=firm,
                facts=form.facts,
                licence=form.cleaned_data["licence"],
                permit=form.cleaned_data["permit"],
                by=request.user,
            )
        except DomainError as said_no:
            status = say_no(form, said_no)
        else:
            told = _("Our staff check it now. You get a message.")
            return _done(request, member, "my-merchant", told)
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = frame | {"form": form, "change": open_change}
    return render(request, "vouchers/my_merchants/correct.html", context, status=status)


@require_POST
@for_managers
def withdraw_change(request: SignedInRequest, member: Member) -> HttpResponse:
    asked = member.merchant.changes.filter(state=MerchantChange.State.ASKED)
    change = get_object_or_404(asked)
    try:
        actions.withdraw_change(change=change, by=request.user)
    except DomainError as said_no:
        return _refused(request, member, "my-merchant", said_no)
    return _done(request, member, "my-merchant", _("The change is taken back."))


@require_http_methods(["GET", "HEAD", "POST"])
@at_work
def leave(request: SignedInRequest, member: Member) -> HttpResponse:
    """Stop working here; a manager may also take the whole business out."""
    if request.method == "POST":
        whole = request.POST.get("what") == "business"
        if whole and not member.is_manager:
            raise PermissionDenied
        try:
            if whole:
                actions.leave_as_merchant(merchant=member.merchant, by=request.user)
            else:
                actions.remove_member(member=member, by=request.user)
        except DomainError as said_no:
            return _refused(request, member, "my-merchant-leave", said_no)
        messages.success(request, _("Done. Thank you."))
        return redirect("vouchers:my-merchants")
    return render(request, "vouchers/my_merchants/leave.html", _frame(member))


# --- Shops ----------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def add_shop(request: SignedInRequest, member: Member) -> HttpResponse:
    form = OwnShopForm(request.POST or None, merchant=member.merchant)
    return _shop_form(
        request,
        member,
        form,
        None,
        lambda: actions.add_shop(
            merchant=member.merchant, facts=form.shop, by=request.user
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def shop(request: SignedInRequest, member: Member, shop: str) -> HttpResponse:
    own = get_object_or_404(member.merchant.shops, number=codes.normalise(shop))
    form = OwnShopForm(request.POST or None, merchant=member.merchant, shop=own)
    return _shop_form(
        request,
        member,
        form,
        own,
        lambda: actions.change_shop(shop=own, facts=form.shop, by=request.user),
    )


def _shop_form(
    request: SignedInRequest,
    member: Member,
    form: OwnShopForm,
    own: Shop | None,
    act: Callable[[], Shop],
) -> HttpResponse:
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        try:
            kept = act()
        except DomainError as said_no:
            status = say_no(form, said_no)
        else:
            told = _("Kept.")
            if kept.waits_since:
                told = _("Our staff look at this shop first. You get a message.")
            return _done(request, member, "my-merchant", told)
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = _frame(member) | {
        "form": form,
        "shop": own,
        "tiles": settings.MAP_TILES_URL,
    }
    return render(request, "vouchers/my_merchants/shop.html", context, status=status)


@require_POST
@for_managers
def open_shop(request: SignedInRequest, member: Member, shop: str) -> HttpResponse:
    """Let a shop take vouchers, or take it out for a while."""
    own = get_object_or_404(member.merchant.shops, number=codes.normalise(shop))
    opens = request.POST.get("open") == "1"
    try:
        actions.open_shop(shop=own, is_open=opens, by=request.user)
    except DomainError as said_no:
        return _refused(request, member, "my-merchant", said_no)
    told = _("%(shop)s takes vouchers.") if opens else _("%(shop)s takes no vouchers.")
    return _done(request, member, "my-merchant", told % {"shop": own.name})


# --- People ---------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def people(request: SignedInRequest, member: Member) -> HttpResponse:
    """Who works here and who is invited; and one more invitation."""
    firm = member.merchant
    form = InvitationForm(request.POST or None, merchant=firm)
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        try:
            actions.invite_member(
                merchant=firm, invitation=form.invitation, by=request.user
            )
        except DomainError as said_no:
            status = say_no(form, said_no)
        else:
            told = _("The link is on its way by SMS. It is good for seven days.")
            return _done(request, member, "my-merchant-people", told)
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    now = clock.now()
    rows = [
        (row, row.is_invited_at(now), bool(row.person_id))
        for row in queries.people_of(firm)
    ]
    context = _frame(member) | {
        "form": form,
        "rows": rows,
        "may_invite": firm.state == Merchant.State.APPROVED,
    }
    return render(request, "vouchers/my_merchants/people.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def person(request: SignedInRequest, member: Member, pk: int) -> HttpResponse:
    """Change one of them, remove them, or send an invitation again."""
    firm = member.merchant
    other = get_object_or_404(queries.people_of(firm), pk=pk)
    what = request.POST.get("what", "")
    if what in ("remove", "again"):
        return _one_tap(request, member, other, what)
    form = MemberForm(request.POST or None, merchant=firm, member=other)
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            actions.change_member(
                member=other,
                name=given["name"],
                role=given["role"],
                shops=list(given["shops"]),
                by=request.user,
            )
        except DomainError as said_no:
            status = say_no(form, said_no)
        else:
            return _done(request, member, "my-merchant-people", _("Kept."))
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    invited = other.is_invited_at(clock.now())
    context = _frame(member) | {
        "form": form,
        "other": other,
        "link": actions.invitation_link(other) if invited else "",
        "is_self": other.pk == member.pk,
    }
    return render(request, "vouchers/my_merchants/person.html", context, status=status)


def _one_tap(
    request: SignedInRequest, member: Member, other: Member, what: str
) -> HttpResponse:
    try:
        if what == "remove":
            actions.remove_member(member=other, by=request.user)
            told = _("%(name)s does not work here any more.")
        else:
            actions.invite_again(member=other, by=request.user)
            told = _("A new link is on its way to %(name)s.")
    except DomainError as said_no:
        return _refused(request, member, "my-merchant-people", said_no)
    messages.success(request, told % {"name": other.name})
    if other.pk == member.pk:
        return redirect("vouchers:my-merchants")
    return redirect("vouchers:my-merchant-people", number=member.merchant.number)


# --- Devices --------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def devices(request: SignedInRequest, member: Member) -> HttpResponse:
    """What people work on; block one that is lost, or let it in again."""
    rows = queries.devices_of(member.merchant)
    if request.method == "POST":
        device: Device = get_object_or_404(rows, pk=_key(request.POST.get("device")))
        if request.POST.get("what") == "unblock":
            actions.unblock_device(device=device, by=request.user)
            told = _("This device may redeem again.")
        else:
            actions.block_device(device=device, by=request.user)
            told = _("Nothing is redeemed on this device any more.")
        return _done(request, member, "my-merchant-devices", told)
    context = _frame(member) | {"rows": rows}
    return render(request, "vouchers/my_merchants/devices.html", context)


def _key(text: str | None) -> int:
    if not text or not (text.isascii() and text.isdigit() and len(text) < 18):
        raise Http404
    return int(text)
