"""Where vouchers are taken; one's own business, its shops, people and devices."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.audit.api import IDEMPOTENCY_KEY, idempotent
from bureau.common import clock, codes
from bureau.common.parsers import JSONParser
from vouchers import actions, queries
from vouchers.errors.merchants import ShopUnknown
from vouchers.models import Member, Merchant, MerchantChange, Shop
from vouchers.serializers.merchants import (
    ApplicationInput,
    BlockDeviceInput,
    CounterDeviceOutput,
    FoundShopsOutput,
    InvitationInput,
    JoinOutput,
    LeaveMerchantInput,
    MemberInput,
    MemberOutput,
    MembershipOutput,
    MerchantInput,
    OpenShopInput,
    OwnMerchantOutput,
    OwnShopOutput,
    PublicMerchantOutput,
    ShopInput,
    ShopQuery,
)

NUMBER = OpenApiParameter(
    "number", OpenApiTypes.STR, OpenApiParameter.PATH, description="The business's."
)
SHOP = OpenApiParameter(
    "shop", OpenApiTypes.STR, OpenApiParameter.PATH, description="The shop's number."
)
PERSON = OpenApiParameter("person", OpenApiTypes.INT64, OpenApiParameter.PATH)
DEVICE = OpenApiParameter("device", OpenApiTypes.INT64, OpenApiParameter.PATH)
CODE = OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH)
FORMS = (MultiPartParser, FormParser, JSONParser)


def working(request: SignedInApiRequest, number: str) -> Member:
    """The caller's membership; another's business is not there."""
    member = queries.membership_of(request.user, codes.normalise(number))
    if member is None:
        raise Http404
    return member


def managing(request: SignedInApiRequest, number: str) -> Merchant:
    """The business that the caller manages; clerks are told that they do not."""
    member = working(request, number)
    if not member.is_manager:
        raise PermissionDenied
    return member.merchant


# --- For everybody --------------------------------------------------------------------


class VoucherShops(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="voucher_shops",
        parameters=[ShopQuery],
        responses=FoundShopsOutput,
    )
    def get(self, request: Request) -> Response:
        """Shops that take vouchers; the nearest first with `near`, else by district."""
        asked = ShopQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given, now = asked.validated_data, clock.now()
        found = {
            "count": queries.count_shops(asked.wish, at=now),
            "results": queries.find_shops(
                asked.wish, at=now, limit=given["limit"], offset=given["offset"]
            ),
        }
        return Response(FoundShopsOutput(found).data)


class OneMerchant(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="merchant_read",
        parameters=[NUMBER],
        responses=PublicMerchantOutput,
    )
    def get(self, _request: Request, number: str) -> Response:
        """A business that takes vouchers, with its open shops."""
        found = get_object_or_404(
            Merchant.objects.approved(), number=codes.normalise(number)
        )
        return Response(PublicMerchantOutput(found).data)


# --- One's own business ---------------------------------------------------------------


class MyMerchants(APIView):
    parser_classes = FORMS

    @extend_schema(operation_id="my_merchants", responses=MembershipOutput(many=True))
    def get(self, request: SignedInApiRequest) -> Response:
        """Where the caller works, as a clerk or a manager."""
        rows = queries.memberships_of(request.user)
        return Response(MembershipOutput(rows, many=True).data)

    @extend_schema(
        operation_id="merchant_apply",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": ApplicationInput},
        responses={201: OwnMerchantOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Apply with a business and its first shop; the caller becomes its manager."""
        given = ApplicationInput(data=request.data)
        given.is_valid(raise_exception=True)
        merchant = actions.register_merchant(
            facts=given.facts,
            shop=given.shop,
            licence=given.validated_data["licence"],
            permit=given.validated_data["permit"],
            by=request.user,
        )
        return Response(
            OwnMerchantOutput(merchant).data, status=status.HTTP_201_CREATED
        )


class MyMerchant(APIView):
    parser_classes = FORMS

    @extend_schema(
        operation_id="my_merchant", parameters=[NUMBER], responses=OwnMerchantOutput
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """For its managers."""
        return Response(OwnMerchantOutput(managing(request, number)).data)

    @extend_schema(
        operation_id="my_merchant_correct",
        parameters=[NUMBER],
        request={
            "multipart/form-data": MerchantInput,
            "application/json": MerchantInput,
        },
        responses=OwnMerchantOutput,
    )
    def put(self, request: SignedInApiRequest, number: str) -> Response:
        """Correct an application, or ask for a change of what is approved."""
        merchant = managing(request, number)
        given = MerchantInput(data=request.data)
        given.is_valid(raise_exception=True)
        undecided = merchant.state in (Merchant.State.APPLIED, Merchant.State.REFUSED)
        act: Any = actions.correct_merchant if undecided else actions.ask_for_change
        act(
            merchant=merchant,
            facts=given.facts,
            licence=given.validated_data["licence"],
            permit=given.validated_data["permit"],
            by=request.user,
        )
        merchant.refresh_from_db()
        return Response(OwnMerchantOutput(merchant).data)


class MyChange(APIView):
    @extend_schema(
        operation_id="my_merchant_withdraw_change",
        parameters=[NUMBER],
        responses={204: None},
    )
    def delete(self, request: SignedInApiRequest, number: str) -> Response:
        """Take back the change that is being checked."""
        asked = managing(request, number).changes.filter(
            state=MerchantChange.State.ASKED
        )
        actions.withdraw_change(change=get_object_or_404(asked), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MyLeave(APIView):
    @extend_schema(
        operation_id="my_merchant_leave",
        parameters=[NUMBER],
        request=LeaveMerchantInput,
        responses={204: None},
    )
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Stop working there, or take the whole business out."""
        given = LeaveMerchantInput(data=request.data)
        given.is_valid(raise_exception=True)
        if given.validated_data["what"] == "business":
            merchant = managing(request, number)
            actions.leave_as_merchant(merchant=merchant, by=request.user)
        else:
            actions.remove_member(member=working(request, number), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- Shops ----------------------------------------------------------------------------


class MyShops(APIView):
    @extend_schema(
        operation_id="my_shops",
        parameters=[NUMBER],
        responses=OwnShopOutput(many=True),
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """The shops whose counter the caller serves; a manager's are all."""
        shops = queries.counters_of(working(request, number))
        return Response(OwnShopOutput(shops.select_related("district"), many=True).data)

    @extend_schema(
        operation_id="my_shop_add",
        parameters=[NUMBER, IDEMPOTENCY_KEY],
        request=ShopInput,
        responses={201: OwnShopOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Add a shop; it takes vouchers when staff have looked at it."""
        merchant = managing(request, number)
        given = ShopInput(data=request.data)
        given.is_valid(raise_exception=True)
        shop = actions.add_shop(merchant=merchant, facts=given.shop, by=request.user)
        return Response(OwnShopOutput(shop).data, status=status.HTTP_201_CREATED)


class MyShop(APIView):
    @extend_schema(
        operation_id="my_shop_change",
        parameters=[NUMBER, SHOP],
        request=ShopInput,
        responses=OwnShopOutput,
    )
    def put(self, request: SignedInApiRequest, number: str, shop: str) -> Response:
        """Correct a shop; where it moves, staff look at it again."""
        own = own_shop(managing(request, number), shop)
        given = ShopInput(data=request.data)
        given.is_valid(raise_exception=True)
        own = actions.change_shop(shop=own, facts=given.shop, by=request.user)
        return Response(OwnShopOutput(own).data)

    @extend_schema(
        operation_id="my_shop_open",
        parameters=[NUMBER, SHOP],
        request=OpenShopInput,
        responses=OwnShopOutput,
    )
    def patch(self, request: SignedInApiRequest, number: str, shop: str) -> Response:
        """Let a shop take vouchers, or take it out for a while."""
        own = own_shop(managing(request, number), shop)
        given = OpenShopInput(data=request.data)
        given.is_valid(raise_exception=True)
        own = actions.open_shop(
            shop=own, is_open=given.validated_data["is_open"], by=request.user
        )
        return Response(OwnShopOutput(own).data)


def own_shop(merchant: Merchant, number: str) -> Shop:
    return get_object_or_404(merchant.shops, number=codes.normalise(number))


def shops_named(merchant: Merchant, numbers: list[str]) -> list[Shop]:
    """Raises `ShopUnknown` for a number of another business, too."""
    wanted = {codes.normalise(number) for number in numbers}
    found = list(merchant.shops.filter(number__in=wanted))
    if len(found) != len(wanted):
        raise ShopUnknown
    return found


# --- People ---------------------------------------------------------------------------


class MyPeople(APIView):
    @extend_schema(
        operation_id="my_people", parameters=[NUMBER], responses=MemberOutput(many=True)
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """Who works there and who is invited; for managers."""
        rows = queries.people_of(managing(request, number))
        return Response(MemberOutput(rows, many=True).data)

    @extend_schema(
        operation_id="my_people_invite",
        parameters=[NUMBER, IDEMPOTENCY_KEY],
        request=InvitationInput,
        responses={201: MemberOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Invite a number by SMS; only that number can take the link."""
        merchant = managing(request, number)
        given = InvitationInput(data=request.data)
        given.is_valid(raise_exception=True)
        shops = shops_named(merchant, given.validated_data["shops"])
        member = actions.invite_member(
            merchant=merchant, invitation=given.invitation(shops), by=request.user
        )
        return Response(MemberOutput(member).data, status=status.HTTP_201_CREATED)


class MyPerson(APIView):
    @extend_schema(
        operation_id="my_person_change",
        parameters=[NUMBER, PERSON],
        request=MemberInput,
        responses=MemberOutput,
    )
    def put(self, request: SignedInApiRequest, number: str, person: int) -> Response:
        """Change somebody's name at work, role or counters."""
        merchant = managing(request, number)
        other = get_object_or_404(queries.people_of(merchant), pk=person)
        given = MemberInput(data=request.data)
        given.is_valid(raise_exception=True)
        member = actions.change_member(
            member=other,
            name=given.validated_data["name"],
            role=given.validated_data["role"],
            shops=shops_named(merchant, given.validated_data["shops"]),
            by=request.user,
        )
        return Response(MemberOutput(member).data)

    @extend_schema(
        operation_id="my_person_remove",
        parameters=[NUMBER, PERSON],
        responses={204: None},
    )
    def delete(self, request: SignedInApiRequest, number: str, person: int) -> Response:
        """Remove somebody, or take an invitation back; in force at once."""
        merchant = managing(request, number)
        other = get_object_or_404(queries.people_of(merchant), pk=person)
        actions.remove_member(member=other, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MyPersonAgain(APIView):
    @extend_schema(
        operation_id="my_person_invite_again",
        parameters=[NUMBER, PERSON],
        request=None,
        responses=MemberOutput,
    )
    def post(self, request: SignedInApiRequest, number: str, person: int) -> Response:
        """Send a new link; the old one dies."""
        merchant = managing(request, number)
        other = get_object_or_404(queries.people_of(merchant), pk=person)
        member = actions.invite_again(member=other, by=request.user)
        return Response(MemberOutput(member).data)


class Join(APIView):
    @extend_schema(
        operation_id="merchant_invitation", parameters=[CODE], responses=JoinOutput
    )
    def get(self, request: SignedInApiRequest, code: str) -> Response:
        """What a link invites to; only for the invited number."""
        member = actions.find_invitation(code=code, by=request.user)
        return Response(JoinOutput(member).data)

    @extend_schema(
        operation_id="merchant_join",
        parameters=[CODE],
        request=None,
        responses=JoinOutput,
    )
    def post(self, request: SignedInApiRequest, code: str) -> Response:
        """Take it; again, it is the same membership."""
        member = actions.accept_invitation(code=code, by=request.user)
        return Response(JoinOutput(member).data)


# --- Devices --------------------------------------------------------------------------


class MyDevices(APIView):
    @extend_schema(
        operation_id="my_counter_devices",
        parameters=[NUMBER],
        responses=CounterDeviceOutput(many=True),
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """What people redeem on, the last seen first."""
        rows = queries.devices_of(managing(request, number))
        return Response(CounterDeviceOutput(rows, many=True).data)


class MyDevice(APIView):
    @extend_schema(
        operation_id="my_counter_device_block",
        parameters=[NUMBER, DEVICE],
        request=BlockDeviceInput,
        responses=CounterDeviceOutput,
    )
    def patch(self, request: SignedInApiRequest, number: str, device: int) -> Response:
        """Block a device that is lost, or let it in again."""
        rows = queries.devices_of(managing(request, number))
        found = get_object_or_404(rows, pk=device)
        given = BlockDeviceInput(data=request.data)
        given.is_valid(raise_exception=True)
        if given.validated_data["is_blocked"]:
            actions.block_device(device=found, by=request.user)
        else:
            actions.unblock_device(device=found, by=request.user)
        found.refresh_from_db()
        return Response(CounterDeviceOutput(found).data)
