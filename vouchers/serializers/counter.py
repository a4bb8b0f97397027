from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bureau.common.sports import Sport
from vouchers.models import Redemption


class ShopOutput(serializers.Serializer[Any]):
    """A counter that the caller serves."""

    shop = serializers.CharField(source="shop.number")
    name = serializers.CharField(source="shop.name")
    merchant = serializers.CharField(source="shop.merchant.number")
    merchant_name = serializers.CharField(source="shop.merchant.name")
    is_open = serializers.BooleanField(source="shop.is_open")
    sports = serializers.ListField(
        child=serializers.ChoiceField(choices=Sport.choices), source="shop.sports"
    )
    role = serializers.CharField(source="member.role")


class LookUpInput(serializers.Serializer[Any]):
    shop = serializers.CharField(max_length=14, help_text="The number of the shop.")
    text = serializers.CharField(
        max_length=300,
        help_text="What the scanner read, or the typed code and its six digits.",
    )


class OfferOutput(serializers.Serializer[Any]):
    """What a voucher is worth at this counter. Nothing is spent."""

    token = serializers.CharField(
        help_text="Redeems as `text` for three minutes, so that a bill can be typed."
    )
    face_fen = serializers.IntegerField()
    threshold_fen = serializers.IntegerField()
    campaign = serializers.CharField(source="voucher.campaign.local_name")
    holder = serializers.CharField(
        source="voucher.person.display_name", help_text="Masked."
    )
    expires_at = serializers.DateTimeField(source="voucher.expires_at")
    sports = serializers.ListField(
        child=serializers.ChoiceField(choices=Sport.choices),
        help_text="Which the bill can be for; where there are several, say which.",
    )


class RedeemInput(LookUpInput):
    text = serializers.CharField(
        max_length=300, help_text="What the scanner read, or the token of a look-up."
    )
    bill_fen = serializers.IntegerField()
    sport = serializers.ChoiceField(choices=Sport.choices, default="", allow_blank=True)
    request_key = serializers.UUIDField(
        required=False,
        help_text="The same key again is the same redemption, however often it is"
        " sent. Needed unless the header `Idempotency-Key` is there.",
    )
    place = serializers.CharField(
        max_length=40,
        default="",
        allow_blank=True,
        help_text="Where the till is, `35.415,116.587`; kept is only how far from the"
        " shop that is, roughly.",
    )


class RefundInput(serializers.Serializer[Any]):
    refund_fen = serializers.IntegerField(
        help_text="Of what the customer paid; all of it is a full refund."
    )
    reason = serializers.CharField(max_length=200, default="", allow_blank=True)


class RedemptionOutput(serializers.ModelSerializer[Redemption]):
    shop = serializers.CharField(source="shop.number")
    shop_name = serializers.CharField(source="shop.name")
    clerk = serializers.CharField(source="clerk.name")
    paid_fen = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Redemption.State.choices)
    sport = serializers.ChoiceField(choices=Sport.choices, allow_blank=True)

    class Meta:
        model = Redemption
        fields = [
            "number",
            "shop",
            "shop_name",
            "clerk",
            "sport",
            "bill_fen",
            "discount_fen",
            "paid_fen",
            "state",
            "redeemed_at",
            "reversed_at",
            "refund_fen",
            "gave_back",
        ]
        read_only_fields = fields


class SumsOutput(serializers.Serializer[Any]):
    """Redemptions that stand, added up."""

    count = serializers.IntegerField()
    bill_fen = serializers.IntegerField()
    discount_fen = serializers.IntegerField()
    paid_fen = serializers.IntegerField()


class DayInput(serializers.Serializer[Any]):
    shop = serializers.CharField(max_length=14)
    on = serializers.DateField(required=False)
