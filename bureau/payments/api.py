from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.audit.api import idempotent
from bureau.payments import actions, providers
from bureau.payments.errors import AskedTooOften
from bureau.payments.models import Payment
from bureau.payments.serializers import (
    AttemptOutput,
    PaymentOutput,
    SandboxInput,
    SandboxOutput,
    StartInput,
)


def _payment_of(request: SignedInApiRequest, number: str) -> Payment:
    mine = Payment.objects.visible_to(request.user)
    return get_object_or_404(mine, number=number, surplus_of=None)


class PaymentDetail(APIView):
    """A payment of the person who asks.

    While it is due, reading it also makes us ask the provider every few seconds, so
    that a client that polls does not wait for a callback that was lost.
    """

    @extend_schema(operation_id="payment_read", responses=PaymentOutput)
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        payment = _payment_of(request, number)
        if payment.state == Payment.State.DUE and payment.attempts.exists():
            with suppress(AskedTooOften):
                actions.ask_again(payment=payment, by=request.user)
        return Response(PaymentOutput(payment).data)


class PaymentStart(APIView):
    """Begin to pay. The answer is what the mini-program needs to open the cashier.

    While `ready` is false the provider is still being asked: read it again with GET.
    """

    @extend_schema(
        operation_id="payment_start", request=StartInput, responses=AttemptOutput
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        payment = _payment_of(request, number)
        given = StartInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = dict(given.validated_data)
        attempt = actions.start_payment(
            payment=payment,
            provider=wanted["provider"],
            channel=wanted["channel"],
            payer_ref=wanted["openid"],
            by=request.user,
        )
        code = status.HTTP_200_OK if attempt.opening else status.HTTP_202_ACCEPTED
        return Response(AttemptOutput(attempt).data, status=code)

    @extend_schema(operation_id="payment_attempt", responses=AttemptOutput)
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        attempt = _payment_of(request, number).attempts.order_by("-pk").first()
        if attempt is None:
            raise Http404
        return Response(AttemptOutput(attempt).data)


class PaymentSandbox(APIView):
    """Play the payer at the sandbox cashier; absent where it is not offered."""

    @extend_schema(
        operation_id="payment_sandbox", request=SandboxInput, responses=SandboxOutput
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        if "sandbox" not in providers.offered():
            raise Http404
        payment = _payment_of(request, number)
        given = SandboxInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = dict(given.validated_data)
        if wanted.pop("outcome") == "fail":
            played = actions.decline_sandbox(number=payment.number)
        else:
            played = actions.pay_sandbox(number=payment.number, **wanted)
        return Response(SandboxOutput(played).data)
