"""Shapes of campaigns, rounds, turns and vouchers."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock, geo
from vouchers.models import Redemption, Round, Tier, Voucher
from vouchers.queries.offers import Phase
from vouchers.queries.rules import rule_changes, rules_in_words
from vouchers.queries.standing import Stage
from vouchers.queries.wallet import state_at

BIGGEST_ID = 2**63 - 1


# --- Campaigns --------------------------------------------------------------------


class CampaignTierOutput(serializers.ModelSerializer[Tier]):
    class Meta:
        model = Tier
        fields = [
            "id",
            "name",
            "face_fen",
            "threshold_fen",
            "per_person",
            "sports",
            "count",
        ]
        read_only_fields = fields


class RoundLotOutput(serializers.Serializer[Any]):
    """A tier in a round: what is on offer, and what is left of it (a second old)."""

    id = serializers.IntegerField()
    tier = serializers.IntegerField()
    amount = serializers.IntegerField(
        help_text=gettext_lazy("On offer; the plan as long as nothing is laid out.")
    )
    left = serializers.IntegerField()
    sold_out_at = serializers.DateTimeField(allow_null=True)
    called_until = serializers.DateTimeField(
        allow_null=True,
        help_text=gettext_lazy("Whose turn is later has to wait. Null: nobody has to."),
    )
    held_until = serializers.DateTimeField(
        allow_null=True,
        help_text=gettext_lazy("Until then vouchers are kept for who was called."),
    )


class RoundOutput(serializers.Serializer[Any]):
    """A round, and what it is doing at this moment."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    way = serializers.ChoiceField(choices=Round.Way.choices)
    phase = serializers.ChoiceField(choices=Phase.choices)
    changes_at = serializers.DateTimeField(allow_null=True)
    called_off_at = serializers.DateTimeField(
        allow_null=True,
        help_text=gettext_lazy("When it was called off before its time, if it was."),
    )
    called_off_for = serializers.CharField(
        allow_blank=True, help_text=gettext_lazy("Why it was called off.")
    )
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    draws_at = serializers.DateTimeField(allow_null=True)
    rush_opens_at = serializers.DateTimeField(allow_null=True)
    rush_closes_at = serializers.DateTimeField(allow_null=True)
    lobby_minutes = serializers.IntegerField()
    spread_seconds = serializers.IntegerField()
    draw = serializers.CharField(
        allow_null=True, help_text=gettext_lazy("The number of the public draw.")
    )
    present = serializers.IntegerField(
        help_text=gettext_lazy("How many are in the waiting room.")
    )
    lots = RoundLotOutput(many=True)


class CampaignOutput(serializers.Serializer[Any]):
    slug = serializers.CharField(source="campaign.slug")
    name = serializers.CharField(source="campaign.local_name")
    summary = serializers.CharField(source="campaign.local_summary")
    state = serializers.CharField(source="campaign.state")
    tiers = CampaignTierOutput(many=True)
    is_over = serializers.BooleanField()
    current_round = serializers.SerializerMethodField()

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_current_round(self, offer: Any) -> int | None:
        """The round that goes on, else the next one."""
        return offer.current.round.pk if offer.current else None


class RuleChangeOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    published_at = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)
    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())


class CampaignDetailOutput(CampaignOutput):
    rounds = serializers.SerializerMethodField()
    rules = serializers.SerializerMethodField()
    rule_changes = serializers.SerializerMethodField()

    @extend_schema_field(RoundOutput(many=True))
    def get_rounds(self, _offer: Any) -> Any:
        """All rounds in the order of their opening."""
        return RoundOutput(self.context["rounds"], many=True).data

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_rules(self, _offer: Any) -> list[str]:
        """The rules as plain sentences."""
        terms = self.context["terms"]
        return rules_in_words(terms) if terms else []

    @extend_schema_field(RuleChangeOutput(many=True))
    def get_rule_changes(self, offer: Any) -> Any:
        """Published versions, the newest first, with what changed and why."""
        return RuleChangeOutput(rule_changes(offer.campaign), many=True).data


# --- A person in a round ------------------------------------------------------------


class ReasonOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()


class TurnOutput(serializers.Serializer[Any]):
    """A place in the waiting room."""

    turn = serializers.CharField(
        help_text=gettext_lazy(
            "Hand it back with the claim; it is bound to who asked, and to this token."
        )
    )
    turn_at = serializers.DateTimeField()
    about = serializers.IntegerField(
        help_text=gettext_lazy("About which of those present, by the place drawn.")
    )
    present = serializers.IntegerField()
    came_late = serializers.BooleanField()


class EntryReceiptOutput(serializers.Serializer[Any]):
    """What proves an entry in the draw; its proof: `/draws/proofs/<entry_id>.json`."""

    entry_id = serializers.CharField()
    salt = serializers.CharField()
    weight = serializers.IntegerField()


class PersonInRoundOutput(serializers.Serializer[Any]):
    """Where the caller stands, and what to do next."""

    stage = serializers.ChoiceField(choices=Stage.choices)
    reasons = ReasonOutput(many=True)
    needs_place = serializers.BooleanField()
    turn = TurnOutput(allow_null=True)
    next_nth = serializers.IntegerField(
        help_text=gettext_lazy("What to send as `nth` with the next claim.")
    )
    entry = EntryReceiptOutput(allow_null=True)
    rank = serializers.IntegerField(allow_null=True)
    vouchers = serializers.ListField(
        child=serializers.CharField(),
        help_text=gettext_lazy("Codes of the caller's vouchers of this round."),
    )


class RoundDetailOutput(RoundOutput):
    campaign = serializers.CharField()
    me = PersonInRoundOutput(allow_null=True)


class PlaceField(serializers.CharField):
    """Where the phone is, as coarse as one likes: `35.41,116.58` (WGS-84)."""

    def to_internal_value(self, data: Any) -> Point | None:  # type: ignore[override]
        text = super().to_internal_value(data)
        place = geo.parse_place(text) if text else None
        if text and place is None:
            raise serializers.ValidationError(_("This is not a place."))
        return place


class QueueInput(serializers.Serializer[Any]):
    place = PlaceField(required=False, default="", allow_blank=True, max_length=40)


class ClaimInput(serializers.Serializer[Any]):
    lot = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    turn = serializers.CharField(max_length=200)
    nth = serializers.IntegerField(
        min_value=0,
        max_value=32767,
        default=0,
        help_text=gettext_lazy(
            "Which voucher of the caller in the campaign this shall be, from 1 on; the "
            "same one asked for again comes back as it is."
        ),
    )


class EntryInput(QueueInput):
    lot = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)


# --- The wallet ---------------------------------------------------------------------


class UseOutput(serializers.ModelSerializer[Redemption]):
    shop = serializers.CharField(source="shop.name")

    class Meta:
        model = Redemption
        fields = ["shop", "redeemed_at", "bill_fen", "discount_fen", "paid_fen"]
        read_only_fields = fields


class VoucherOutput(serializers.ModelSerializer[Voucher]):
    campaign = serializers.CharField(source="campaign.slug")
    state = serializers.SerializerMethodField()
    sports = serializers.ListField(
        source="tier.sports", child=serializers.CharField(), read_only=True
    )
    use = serializers.SerializerMethodField()

    class Meta:
        model = Voucher
        fields = [
            "code",
            "campaign",
            "face_fen",
            "threshold_fen",
            "sports",
            "way",
            "state",
            "claimed_at",
            "usable_from",
            "expires_at",
            "use",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Voucher.State.choices))
    def get_state(self, voucher: Voucher) -> str:
        """The state at this moment."""
        return state_at(voucher, clock.now())

    @extend_schema_field(UseOutput(allow_null=True))
    def get_use(self, voucher: Any) -> Any:
        """Where it was used."""
        return UseOutput(voucher.uses[0]).data if voucher.uses else None


class VoucherDetailOutput(VoucherOutput):
    rules = serializers.SerializerMethodField()

    class Meta(VoucherOutput.Meta):
        fields = [*VoucherOutput.Meta.fields, "rules"]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_rules(self, voucher: Voucher) -> list[str]:
        """The rules under which it was got."""
        return rules_in_words(voucher.terms)


class VoucherProofOutput(serializers.Serializer[Any]):
    """What the counter needs in this half minute."""

    text = serializers.CharField(help_text=gettext_lazy("To be shown as a QR code."))
    digits = serializers.CharField(help_text=gettext_lazy("To be read aloud."))
    seconds_left = serializers.IntegerField()


class WalletQuery(serializers.Serializer[Any]):
    show = serializers.ChoiceField(choices=["live", "used", "ended"], default="live")
