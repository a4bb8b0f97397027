from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)
from redis.exceptions import RedisError

from bureau.accounts.http import SignedInRequest
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.http import client_ip
from bureau.payments import actions, providers
from bureau.payments.errors import AskedTooOften, ProviderNotOffered
from bureau.payments.forms import ProviderForm, SandboxForm
from bureau.payments.models import Attempt, Payment, SandboxTransaction

CALLBACK_MAX_BYTES = 64 * 1024
# A forger cannot fill our table: more than this a minute are only answered.
FORGERIES_KEPT_PER_MINUTE = 60
_FAST_TRIES = 20
_GIVE_UP_TRIES = 80


def _payment_of(request: SignedInRequest, number: str) -> Payment:
    mine = Payment.objects.visible_to(request.user)
    return get_object_or_404(mine, number=number, surplus_of=None)


def _what_is_paid(payment: Payment) -> dict[str, Any]:
    now = clock.now()
    return {
        "payment": payment,
        "is_payable": payment.is_payable_at(now),
        "seconds_left": payment.seconds_left_at(now),
    }


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def choose(request: SignedInRequest, number: str) -> HttpResponse:
    """Ask how the person wants to pay, and begin."""
    payment = _payment_of(request, number)
    if payment.state == Payment.State.PAID:
        return redirect(payment.return_path)
    if not payment.is_payable_at(clock.now()):
        return render(request, "payments/expired.html", {"payment": payment})
    form = ProviderForm(request.POST or None)
    if form.is_valid():
        provider = form.cleaned_data["provider"]
        try:
            _begin(request, payment, provider)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("payments:go", number, provider)
    context = {**_what_is_paid(payment), "form": form}
    return render(request, "payments/choose.html", context)


def _channel_of(request: SignedInRequest) -> str:
    return "mobile" if "Mobile" in request.headers.get("User-Agent", "") else "web"


def _begin(request: SignedInRequest, payment: Payment, provider: str) -> Attempt:
    channel = _channel_of(request)
    return actions.start_payment(
        payment=payment,
        provider=provider,
        by=request.user,
        channel=channel,
        payer_ref=(client_ip(request) or "") if channel == "mobile" else "",
    )


@never_cache
@require_GET
@login_required
def go(request: SignedInRequest, number: str, provider: str) -> HttpResponse:
    """Lead on to the cashier: a page, since the CSP ties form redirects to our site.

    The only provider is begun here, for nobody was asked to choose; a second visit
    finds what the first one began.
    """
    payment = _payment_of(request, number)
    if payment.state == Payment.State.PAID:
        return redirect(payment.return_path)
    if not payment.is_payable_at(clock.now()):
        return redirect("payments:choose", number)
    begun = payment.attempts.filter(provider=provider, channel=_channel_of(request))
    if [provider] == providers.offered() and not begun.exists():
        try:
            _begin(request, payment, provider)
        except DomainError:
            return redirect("payments:choose", number)  # it says what is wrong
    attempt = _latest_attempt(payment, provider)
    opening = attempt.opening
    if opening.get("url", "").startswith("/"):
        return redirect(opening["url"])
    context = {
        **_what_is_paid(payment),
        "attempt": attempt,
        "opening": opening,
        "refresh_url": opening.get("url") or request.path,
        "refresh_seconds": 1,
    }
    return render(request, "payments/go.html", context)


@never_cache
@require_GET
@login_required
def qr(request: SignedInRequest, number: str, provider: str) -> HttpResponse:
    """The provider's code to scan, as SVG."""
    attempt = _latest_attempt(_payment_of(request, number), provider)
    if not attempt.opening.get("qr"):
        raise Http404
    return HttpResponse(
        codes.qr_svg(attempt.opening["qr"]), content_type="image/svg+xml"
    )


def _latest_attempt(payment: Payment, provider: str) -> Attempt:
    attempt = payment.attempts.filter(provider=provider).order_by("-pk").first()
    if attempt is None:
        raise Http404
    return attempt


@never_cache
@require_GET
@login_required
def result(request: SignedInRequest, number: str) -> HttpResponse:
    """Wait for the confirmation, then go back to the order. Works without script."""
    payment = _payment_of(request, number)
    if payment.state == Payment.State.PAID:
        return redirect(payment.return_path)
    if payment.state == Payment.State.CLOSED:
        return render(request, "payments/expired.html", {"payment": payment})
    try:
        tries = min(max(0, int(request.GET.get("tries", "0"))), _GIVE_UP_TRIES)
    except ValueError:
        tries = 0
    if tries:
        # The callback is late: ask, so that nobody waits for one that was lost.
        with suppress(AskedTooOften):
            actions.ask_again(payment=payment, by=request.user)
    context = {
        **_what_is_paid(payment),
        "is_patient": tries < _GIVE_UP_TRIES,
        "refresh_seconds": 2 if tries < _FAST_TRIES else 10,
        "next_url": f"{request.path}?tries={tries + 1}",
    }
    return render(request, "payments/result.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def sandbox(request: SignedInRequest, number: str) -> HttpResponse:
    """The sandbox cashier: plays the provider's page."""
    if "sandbox" not in providers.offered():
        raise Http404
    payment = _payment_of(request, number)
    transaction = SandboxTransaction.objects.of(number=number).order_by("-pk").first()
    if transaction is None:
        return redirect("payments:choose", number)
    over = {SandboxTransaction.State.FAILED, SandboxTransaction.State.CLOSED}
    if request.method == "GET" and transaction.state in over:
        return redirect("payments:choose", number)  # there it is begun anew
    form = SandboxForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        outcome = form.cleaned_data["outcome"]
        try:
            if outcome == "pay":
                actions.pay_sandbox(number=number, **form.play())
                return redirect("payments:result", number)
            if outcome == "fail":
                actions.decline_sandbox(number=number)
                messages.error(
                    request, _("The bank refused the payment. Nothing was charged.")
                )
            return redirect("payments:choose", number)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    context = {**_what_is_paid(payment), "transaction": transaction, "form": form}
    return render(request, "payments/sandbox.html", context)


@csrf_exempt
@require_POST
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """A provider tells us something. Believed only when its signature is right."""
    try:
        cashier = providers.named(provider)
    except ProviderNotOffered:
        raise Http404 from None
    body = request.read(CALLBACK_MAX_BYTES + 1)
    if len(body) > CALLBACK_MAX_BYTES:
        return _answer(cashier, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        told = cashier.parse_callback(request.headers, body)
    except providers.ForgedCallback as forged:
        if _may_keep_forgery():
            actions.note_forgery(
                provider=provider,
                reason=str(forged),
                detail={
                    "ip": client_ip(request),
                    "body": body[:500].decode(errors="replace").replace("\0", ""),
                },
            )
        return _answer(cashier, status=HTTPStatus.BAD_REQUEST)
    actions.take_callback(provider=provider, callback=told)
    return _answer(cashier)


def _may_keep_forgery() -> bool:
    """Evidence, and not so much of it that it fills the disk; none without Redis."""
    minute = f"payments:forged:{int(clock.now().timestamp()) // 60}"
    try:
        cache.add(minute, 0, timeout=120)
        return int(cache.incr(minute)) <= FORGERIES_KEPT_PER_MINUTE
    except (RedisError, ValueError, OSError):
        return False


def _answer(
    cashier: providers.Provider, *, status: HTTPStatus | None = None
) -> HttpResponse:
    answer = cashier.answer(ok=status is None)
    response = HttpResponse(
        answer.body, status=status or answer.status, content_type=answer.content_type
    )
    add_never_cache_headers(response)
    return response
