"""Shapes of businesses, their shops, people and devices."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock, geo
from bureau.common.geo import Datum
from bureau.common.masking import masked_phone
from bureau.common.sports import Sport
from bureau.regions.models import District
from vouchers.actions import Invitation, MerchantFacts, ShopFacts
from vouchers.models import Campaign, Device, Member, Merchant, Shop
from vouchers.queries.shops import FoundShop, ShopWish

BIGGEST_ID = 2**63 - 1


def near_of(text: str) -> Point | None:
    """`35.41,116.58`; refused when it is no place."""
    if not text:
        return None
    found = geo.parse_place(text)
    if found is None:
        raise serializers.ValidationError(_("near is latitude,longitude in degrees."))
    return found


# --- Where vouchers are taken ---------------------------------------------------------


class ShopQuery(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=60, required=False, default="")
    sport = serializers.ChoiceField(choices=Sport.choices, required=False, default="")
    district = serializers.SlugRelatedField[District](
        slug_field="code",
        queryset=District.objects.defer("boundary"),
        required=False,
        default=None,
    )
    campaign = serializers.SlugRelatedField[Campaign](
        slug_field="slug",
        queryset=Campaign.objects.public(),
        required=False,
        default=None,
    )
    near = serializers.CharField(
        max_length=40,
        required=False,
        default="",
        help_text=_("`latitude,longitude` in degrees, WGS-84: the nearest first."),
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    offset = serializers.IntegerField(min_value=0, max_value=10_000, default=0)

    def validate_near(self, text: str) -> Point | None:
        return near_of(text)

    @property
    def wish(self) -> ShopWish:
        given = self.validated_data
        return ShopWish(
            sports=(given["sport"],) if given["sport"] else (),
            district=given["district"].code if given["district"] else "",
            words=given["q"],
            campaign=given["campaign"],
            near=given["near"] or None,
        )


class FoundShopOutput(serializers.Serializer[FoundShop]):
    number = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField()
    phone = serializers.CharField()
    sports = serializers.ListField(child=serializers.CharField())
    merchant = serializers.CharField(source="merchant_number")
    merchant_name = serializers.CharField()
    district = serializers.CharField()
    longitude = serializers.FloatField()
    latitude = serializers.FloatField()
    metres = serializers.IntegerField(allow_null=True)


class FoundShopsOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    results = FoundShopOutput(many=True)


class PublicShopOutput(serializers.ModelSerializer[Shop]):
    district = serializers.CharField(source="district.code")
    longitude = serializers.FloatField(source="location.x")
    latitude = serializers.FloatField(source="location.y")

    class Meta:
        model = Shop
        fields = [
            "number",
            "name",
            "district",
            "address",
            "phone",
            "sports",
            "longitude",
            "latitude",
        ]
        read_only_fields = fields


class PublicMerchantOutput(serializers.ModelSerializer[Merchant]):
    shops = serializers.SerializerMethodField()
    campaigns = serializers.SerializerMethodField()

    class Meta:
        model = Merchant
        fields = ["number", "name", "sports", "shops", "campaigns"]
        read_only_fields = fields

    @extend_schema_field(PublicShopOutput(many=True))
    def get_shops(self, merchant: Merchant) -> Any:
        shops = merchant.shops.taking_vouchers().select_related("district")
        return PublicShopOutput(shops.order_by("name", "pk"), many=True).data

    def get_campaigns(self, merchant: Merchant) -> list[str]:
        """The short names of the campaigns whose vouchers it takes."""
        parts = merchant.participations.running_at(clock.now())
        return list(parts.order_by("pk").values_list("campaign__slug", flat=True))


# --- One's own business ---------------------------------------------------------------


class MerchantInput(serializers.Serializer[Any]):
    """What a business says of itself; photos travel as multipart/form-data."""

    name = serializers.CharField(max_length=120)
    credit_code = serializers.CharField(
        max_length=30, help_text=_("The unified social credit code (GB 32100).")
    )
    sports = serializers.ListField(
        child=serializers.ChoiceField(choices=Sport.choices),
        min_length=1,
        max_length=20,
    )
    permit_number = serializers.CharField(
        max_length=40, required=False, default="", allow_blank=True
    )
    permit_until = serializers.DateField(required=False, default=None, allow_null=True)
    bank_name = serializers.CharField(max_length=80)
    account_name = serializers.CharField(max_length=120)
    account_number = serializers.CharField(
        max_length=40,
        required=False,
        default="",
        allow_blank=True,
        help_text=_("8 to 30 digits. Empty keeps the one that is known."),
    )
    licence = serializers.FileField(required=False, default=None, allow_null=True)
    permit = serializers.FileField(required=False, default=None, allow_null=True)

    @property
    def facts(self) -> MerchantFacts:
        given = self.validated_data
        return MerchantFacts(
            name=given["name"],
            credit_code=given["credit_code"],
            sports=tuple(given["sports"]),
            permit_number=given["permit_number"],
            permit_until=given["permit_until"],
            bank_name=given["bank_name"],
            account_name=given["account_name"],
            account_number=given["account_number"],
        )


class ShopInput(serializers.Serializer[Any]):
    shop_name = serializers.CharField(max_length=120)
    address = serializers.CharField(max_length=200)
    latitude = serializers.FloatField(min_value=-90, max_value=90)
    longitude = serializers.FloatField(min_value=-180, max_value=180)
    datum = serializers.ChoiceField(
        choices=Datum.choices,
        default=Datum.WGS84.value,
        help_text=_("What map the coordinates come from."),
    )
    shop_phone = serializers.CharField(
        max_length=24, required=False, default="", allow_blank=True
    )
    shop_sports = serializers.ListField(
        child=serializers.ChoiceField(choices=Sport.choices),
        required=False,
        default=list,
        help_text=_("None: all sports of the business."),
    )

    @property
    def shop(self) -> ShopFacts:
        given = self.validated_data
        return ShopFacts(
            name=given["shop_name"],
            address=given["address"],
            phone=given["shop_phone"],
            location=geo.point(given["longitude"], given["latitude"], given["datum"]),
            sports=tuple(given["shop_sports"]),
        )


class ApplicationInput(ShopInput, MerchantInput):
    """A business with its first shop; the licence's photo is needed."""

    licence = serializers.FileField()


class OwnShopOutput(PublicShopOutput):
    is_waiting = serializers.SerializerMethodField()

    class Meta(PublicShopOutput.Meta):
        fields = [*PublicShopOutput.Meta.fields, "is_open", "is_waiting"]
        read_only_fields = fields

    def get_is_waiting(self, shop: Shop) -> bool:
        """New or moved: staff look at it first."""
        return shop.waits_since is not None


class OpenShopInput(serializers.Serializer[Any]):
    is_open = serializers.BooleanField()


class MembershipOutput(serializers.ModelSerializer[Member]):
    """Where the caller works, and as what."""

    number = serializers.CharField(source="merchant.number")
    merchant = serializers.CharField(source="merchant.name")
    state = serializers.CharField(source="merchant.state")
    reason = serializers.CharField(source="merchant.reason")

    class Meta:
        model = Member
        fields = ["number", "merchant", "state", "reason", "role", "name", "joined_at"]
        read_only_fields = fields


class OwnMerchantOutput(serializers.ModelSerializer[Merchant]):
    """Everything about one's own business; the account is masked."""

    change = serializers.SerializerMethodField()

    class Meta:
        model = Merchant
        fields = [
            "number",
            "state",
            "reason",
            "name",
            "credit_code",
            "sports",
            "permit_number",
            "permit_until",
            "bank_name",
            "account_name",
            "masked_account",
            "applied_at",
            "change",
        ]
        read_only_fields = fields

    def get_change(self, merchant: Merchant) -> str:
        """`asked` while a change is being checked, else empty."""
        return "asked" if merchant.changes.filter(state="asked").exists() else ""


# --- People and devices ---------------------------------------------------------------


class MemberInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)
    role = serializers.ChoiceField(choices=Member.Role.choices, default="clerk")
    shops = serializers.ListField(
        child=serializers.CharField(max_length=12),
        required=False,
        default=list,
        max_length=200,
        help_text=_("Numbers of shops; none are all of them."),
    )


class InvitationInput(MemberInput):
    phone = serializers.CharField(max_length=20)

    def invitation(self, shops: list[Shop]) -> Invitation:
        given = self.validated_data
        return Invitation(given["phone"], given["name"], given["role"], shops)


class MemberOutput(serializers.ModelSerializer[Member]):
    shops = serializers.SlugRelatedField[Shop](
        slug_field="number", many=True, read_only=True
    )
    person = serializers.SerializerMethodField()
    is_invited = serializers.SerializerMethodField()

    class Meta:
        model = Member
        fields = [
            "id",
            "name",
            "role",
            "shops",
            "person",
            "is_invited",
            "invite_until",
            "joined_at",
        ]
        read_only_fields = fields

    def get_person(self, member: Member) -> str:
        """Masked; of an invitation, the number."""
        if member.person:
            return member.person.display_name
        return masked_phone(member.invited_phone)

    def get_is_invited(self, member: Member) -> bool:
        """Whether the link can be taken now."""
        return member.is_invited_at(clock.now())


class CounterDeviceOutput(serializers.ModelSerializer[Device]):
    member = serializers.CharField(source="member.name")

    class Meta:
        model = Device
        fields = ["id", "name", "member", "first_seen_at", "last_seen_at", "blocked_at"]
        read_only_fields = fields


class BlockDeviceInput(serializers.Serializer[Any]):
    is_blocked = serializers.BooleanField()


class LeaveMerchantInput(serializers.Serializer[Any]):
    what = serializers.ChoiceField(
        choices=[("me", _("I leave")), ("business", _("The business leaves"))]
    )


class JoinOutput(serializers.ModelSerializer[Member]):
    merchant = serializers.CharField(source="merchant.name")
    number = serializers.CharField(source="merchant.number")
    has_joined = serializers.SerializerMethodField()

    class Meta:
        model = Member
        fields = ["number", "merchant", "role", "name", "invite_until", "has_joined"]
        read_only_fields = fields

    def get_has_joined(self, member: Member) -> bool:
        return member.person_id is not None
