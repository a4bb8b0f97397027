from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.audit.api import idempotent
from bureau.common import clock
from venues import actions
from venues.actions import Pick
from venues.api.booking import KEY, NUMBER, booking_of, request_key
from venues.errors.bookings import NotChangeable
from venues.models import Booking, BookingChange
from venues.serializers.booking import BookingDetailOutput, ChangeOutput
from venues.serializers.changes import ChangeInput, ExchangeInput, ExchangeOutput

CHANGE = OpenApiParameter(
    "change", str, OpenApiParameter.PATH, description="The change's number."
)


class ChangeQuote(APIView):
    @extend_schema(
        operation_id="booking_change_quote",
        parameters=[NUMBER],
        request=ExchangeInput,
        responses=ExchangeOutput,
    )
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """What a change would cost or bring back now. Changes nothing."""
        given = ExchangeInput(data=request.data)
        given.is_valid(raise_exception=True)
        booking = booking_of(request, number)
        if booking.state != Booking.State.CONFIRMED:
            raise NotChangeable
        now = clock.now()
        leaving, slots = actions.exchange_of(
            booking,
            given.validated_data["lines"],
            _picks(given.validated_data),
            at=now,
        )
        worth = [(line, booking.refund_of(line, at=now)) for line in leaving]
        price = sum(slot.offer.price.fen for slot in slots)
        credit = sum(fen for _line, fen in worth)
        body = {
            "leaving": [
                {"line": line.pk, "price_fen": line.price_fen, "counts_for_fen": fen}
                for line, fen in worth
            ],
            "arriving": slots,
            "price_fen": price,
            "credit_fen": credit,
            "retained_fen": sum(line.price_fen for line in leaving) - credit,
            "pay_fen": max(0, price - credit),
            "refund_fen": max(0, credit - price),
        }
        return Response(ExchangeOutput(body).data)


class Changes(APIView):
    @extend_schema(
        operation_id="booking_changes",
        parameters=[NUMBER],
        responses=ChangeOutput(many=True),
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """The changes of a booking, newest first."""
        rows = _changes(booking_of(request, number)).order_by("-pk")
        return Response(ChangeOutput(rows, many=True).data)

    @extend_schema(
        operation_id="booking_change",
        parameters=[NUMBER, KEY],
        request=ChangeInput,
        responses={201: ChangeOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Exchange slots. `held` waits for `payment`; `done` is done."""
        given = ChangeInput(data=request.data)
        given.is_valid(raise_exception=True)
        booking = booking_of(request, number)
        change = actions.change_booking(
            booking=booking,
            line_ids=given.validated_data["lines"],
            picks=_picks(given.validated_data),
            quoted_fen=given.validated_data["quoted_fen"],
            expected_fen=given.validated_data["expected_fen"],
            request_key=request_key(request),
            by=request.user,
        )
        shown = _changes(booking).get(pk=change.pk)
        return Response(ChangeOutput(shown).data, status=status.HTTP_201_CREATED)


class DropChange(APIView):
    @extend_schema(
        operation_id="booking_change_drop",
        parameters=[NUMBER, CHANGE, KEY],
        request=None,
        responses=BookingDetailOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str, change: str) -> Response:
        """Keep the old slots; the new ones are given free."""
        booking = booking_of(request, number)
        held = get_object_or_404(_changes(booking), number=change)
        actions.drop_change(change=held, by=request.user)
        return Response(BookingDetailOutput(booking_of(request, number)).data)


def _picks(given: dict[str, Any]) -> list[Pick]:
    return [Pick(slot["court"], slot["starts_at"]) for slot in given["slots"]]


def _changes(booking: Booking) -> Any:
    return (
        BookingChange.objects.filter(booking=booking)
        .select_related("payment", "booking__venue")
        .prefetch_related("leaving__bookable", "arriving__bookable")
    )
