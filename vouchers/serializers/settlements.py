from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vouchers.models import Settlement


class StatementOutput(serializers.ModelSerializer[Settlement]):
    """A settlement that was approved or paid; amounts in fen."""

    campaign = serializers.CharField(source="campaign.slug")
    merchant = serializers.CharField(source="merchant.number")

    class Meta:
        model = Settlement
        fields = (
            "number",
            "campaign",
            "merchant",
            "from_on",
            "until_on",
            "state",
            "amount_fen",
            "count",
            "account_name",
            "masked_account",
            "statement_hash",
            "paid_at",
        )


class StatementLineOutput(serializers.Serializer[Any]):
    number = serializers.CharField()
    redeemed_at = serializers.DateTimeField()
    shop = serializers.CharField()
    clerk = serializers.CharField()
    tier = serializers.CharField()
    bill_fen = serializers.IntegerField()
    amount_fen = serializers.IntegerField()
    voucher = serializers.CharField()


class StatementDetailOutput(serializers.Serializer[Any]):
    """With all lines: of the period, of earlier days, taken back, held back."""

    settlement = StatementOutput()
    redeemed_fen = serializers.IntegerField()
    taken_back_fen = serializers.IntegerField()
    redeemed = StatementLineOutput(many=True)
    earlier = StatementLineOutput(many=True)
    taken_back = StatementLineOutput(many=True)
    held = StatementLineOutput(many=True)
