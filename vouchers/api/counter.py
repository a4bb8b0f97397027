"""The counter for tills and the mini-program of merchants."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.audit.api import IDEMPOTENCY_KEY, KEY, idempotent
from bureau.audit.errors import IdempotencyKeyMalformed
from bureau.common import clock, codes
from bureau.common.pagination import NewestFirst
from vouchers import actions
from vouchers.http import DEVICE_HEADER, current_device
from vouchers.models import Member, Redemption
from vouchers.queries.counter import (
    CounterPost,
    counters_of_person,
    distance_to,
    redemptions_of_day,
    sums_of_day,
)
from vouchers.serializers.counter import (
    DayInput,
    LookUpInput,
    OfferOutput,
    RedeemInput,
    RedemptionOutput,
    RefundInput,
    ShopOutput,
    SumsOutput,
)

DEVICE = OpenApiParameter(
    DEVICE_HEADER,
    str,
    OpenApiParameter.HEADER,
    description="A random key that the till keeps (16 to 128 characters); without it"
    " the till is known by its token. Managers can block a device.",
)
NUMBER = OpenApiParameter(
    "number", str, OpenApiParameter.PATH, description="The slip's."
)
ON = OpenApiParameter("on", date, description="A day; without it, today.")
SHOP = OpenApiParameter("shop", str, required=True, description="The shop's number.")


def _post(request: SignedInApiRequest, number: str) -> CounterPost:
    """A counter that the caller serves; another one is not there."""
    wanted = codes.normalise(number)
    for post in counters_of_person(request.user):
        if post.shop.number == wanted:
            return post
    raise Http404


def _own(request: SignedInApiRequest, number: str) -> tuple[Redemption, Member]:
    rows = Redemption.objects.seen_by(request.user).with_names()
    done = get_object_or_404(rows, number=codes.normalise(number))
    mine = Member.objects.of(request.user).select_related("person")
    return done, get_object_or_404(mine, merchant=done.merchant_id)


def _day(request: SignedInApiRequest) -> tuple[CounterPost, date]:
    given = DayInput(data=request.query_params)
    given.is_valid(raise_exception=True)
    on = given.validated_data.get("on") or clock.today()
    # Days before our calendar's and after its end have no midnight.
    on = min(max(on, date(2020, 1, 1)), clock.today())
    return _post(request, given.validated_data["shop"]), on


class CounterShops(APIView):
    @extend_schema(operation_id="counter_shops", responses=ShopOutput(many=True))
    def get(self, request: SignedInApiRequest) -> Response:
        """The counters that the caller serves."""
        posts = counters_of_person(request.user)
        return Response(ShopOutput(posts, many=True).data)


class CounterLookUps(APIView):
    @extend_schema(
        operation_id="counter_look_up",
        parameters=[DEVICE],
        request=LookUpInput,
        responses=OfferOutput,
    )
    def post(self, request: SignedInApiRequest) -> Response:
        """What a scanned voucher is worth here. Spends nothing."""
        given = LookUpInput(data=request.data)
        given.is_valid(raise_exception=True)
        post = _post(request, given.validated_data["shop"])
        device, _key = current_device(request, post.member)
        offer = actions.look_up_voucher(
            text=given.validated_data["text"],
            member=post.member,
            shop=post.shop,
            device=device,
        )
        return Response(OfferOutput(offer).data)


class CounterRedemptions(generics.ListAPIView[Redemption]):
    serializer_class = RedemptionOutput
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Redemption]:
        if getattr(self, "swagger_fake_view", False):
            return Redemption.objects.none()
        request: Any = self.request
        post, on = _day(request)
        return redemptions_of_day(post.shop, on)

    @extend_schema(operation_id="counter_redemptions", parameters=[SHOP, ON])
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """What a shop redeemed on a day, the newest first."""
        return super().get(request, *args, **kwargs)

    # `idempotent` would roll the note of a refused scan back with the refusal; the
    # request's key does the same for what is redeemed.
    @extend_schema(
        operation_id="counter_redeem",
        parameters=[IDEMPOTENCY_KEY, DEVICE],
        request=RedeemInput,
        responses={201: RedemptionOutput},
    )
    def post(self, request: SignedInApiRequest) -> Response:
        """Take a voucher off a bill, once. The same key again gets the same answer."""
        given = RedeemInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        post = _post(request, asked["shop"])
        device, _key = current_device(request, post.member)
        done = actions.redeem_voucher(
            text=asked["text"],
            bill_fen=asked["bill_fen"],
            member=post.member,
            shop=post.shop,
            device=device,
            sport=asked["sport"],
            request_key=_request_key(request, asked.get("request_key")),
            distance_m=distance_to(post.shop, asked["place"]),
        )
        return Response(RedemptionOutput(done).data, status=status.HTTP_201_CREATED)


def _request_key(request: SignedInApiRequest, given: UUID | None) -> UUID:
    if given is not None:
        return given
    header = request.headers.get("Idempotency-Key")
    if header is None:
        raise ValidationError({"request_key": ["This field is required."]})
    if not KEY.fullmatch(header):
        raise IdempotencyKeyMalformed
    return uuid5(NAMESPACE_URL, f"counter:{header}")


class CounterSums(APIView):
    @extend_schema(
        operation_id="counter_sums", parameters=[SHOP, ON], responses=SumsOutput
    )
    def get(self, request: SignedInApiRequest) -> Response:
        """What a shop redeemed on a day, added up; without what was taken back."""
        post, on = _day(request)
        return Response(SumsOutput(sums_of_day(post.shop, on)).data)


class CounterRedemption(APIView):
    @extend_schema(
        operation_id="counter_redemption",
        parameters=[NUMBER],
        responses=RedemptionOutput,
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """One redemption at a merchant where the caller works."""
        return Response(RedemptionOutput(_own(request, number)[0]).data)


class CounterUndo(APIView):
    @extend_schema(
        operation_id="counter_undo",
        parameters=[NUMBER, IDEMPOTENCY_KEY, DEVICE],
        request=None,
        responses=RedemptionOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Undo a mistake within minutes. Safe to repeat."""
        done, member = _own(request, number)
        current_device(request, member)  # refuses one that is blocked
        back = actions.undo_redemption(redemption=done, member=member)
        return Response(RedemptionOutput(back).data)


class CounterRefund(APIView):
    @extend_schema(
        operation_id="counter_refund",
        parameters=[NUMBER, IDEMPOTENCY_KEY, DEVICE],
        request=RefundInput,
        responses=RedemptionOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """A manager notes what the customer got back. Safe to repeat."""
        given = RefundInput(data=request.data)
        given.is_valid(raise_exception=True)
        done, member = _own(request, number)
        current_device(request, member)
        back = actions.refund_redemption(
            redemption=done,
            refund_fen=given.validated_data["refund_fen"],
            reason=given.validated_data["reason"],
            member=member,
        )
        return Response(RedemptionOutput(back).data)
