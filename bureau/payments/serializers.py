from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bureau.payments import providers
from bureau.payments.models import Attempt, Payment, SandboxTransaction


class PaymentOutput(serializers.ModelSerializer[Payment]):
    providers = serializers.SerializerMethodField()

    class Meta:
        model = Payment
        fields = [
            "number",
            "title",
            "amount_fen",
            "refunded_fen",
            "state",
            "provider",
            "late",
            "expires_at",
            "paid_at",
            "closed_at",
            "return_path",
            "providers",
        ]
        read_only_fields = fields

    def get_providers(self, payment: Payment) -> list[str]:
        """Ways to pay that can be given to `start`."""
        return providers.offered() if payment.state == Payment.State.DUE else []


class StartInput(serializers.Serializer[Payment]):
    provider = serializers.ChoiceField(choices=["sandbox", "wechat", "alipay"])
    channel = serializers.ChoiceField(choices=["mini", "mobile", "web"], default="mini")
    openid = serializers.CharField(max_length=128, required=False, default="")

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if (given["provider"], given["channel"]) == ("wechat", "mini") and not (
            given["openid"]
        ):
            raise serializers.ValidationError({"openid": "required"})
        return given


class OpeningOutput(serializers.Serializer[Any]):
    """One of the three is filled; none while the provider is still being asked."""

    url = serializers.CharField(allow_blank=True)
    qr = serializers.CharField(allow_blank=True)
    params = serializers.DictField(child=serializers.CharField())


class AttemptOutput(serializers.ModelSerializer[Attempt]):
    ready = serializers.SerializerMethodField()
    opening = serializers.SerializerMethodField()
    payment = serializers.CharField(source="payment.number")

    class Meta:
        model = Attempt
        fields = ["payment", "provider", "channel", "ready", "opening"]
        read_only_fields = fields

    def get_ready(self, attempt: Attempt) -> bool:
        """False while a worker is still asking the provider: ask again in a second."""
        return bool(attempt.opening)

    def get_opening(self, attempt: Attempt) -> dict[str, Any]:
        empty = {"url": "", "qr": "", "params": {}}
        return dict(OpeningOutput(attempt.opening or empty).data)


class SandboxInput(serializers.Serializer[SandboxTransaction]):
    outcome = serializers.ChoiceField(choices=["pay", "fail"], default="pay")
    behaviour = serializers.ChoiceField(
        choices=SandboxTransaction.Behaviour.choices, default="prompt"
    )
    delay_seconds = serializers.IntegerField(min_value=0, max_value=3600, default=0)


class SandboxOutput(serializers.ModelSerializer[SandboxTransaction]):
    class Meta:
        model = SandboxTransaction
        fields = ["ref", "number", "amount_fen", "state", "behaviour"]
        read_only_fields = fields
