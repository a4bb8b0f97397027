"""Shapes of changing a booking: other slots for the difference in price."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from venues.serializers.booking import MOST_SLOTS, SlotInput
from venues.serializers.fields import BIGGEST_FEN, BIGGEST_ID


class ExchangeInput(serializers.Serializer[Any]):
    lines = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST_ID),
        allow_empty=False,
        max_length=MOST_SLOTS,
        help_text=_("Ids of the slots that go."),
    )
    slots = serializers.ListField(
        child=SlotInput(),
        allow_empty=False,
        max_length=MOST_SLOTS,
        help_text=_("What comes instead; one that is named again stays as it is."),
    )


class ChangeInput(ExchangeInput):
    quoted_fen = serializers.IntegerField(
        min_value=0,
        max_value=BIGGEST_FEN,
        help_text=_("The price of the new slots that the person was shown."),
    )
    expected_fen = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=0,
        max_value=BIGGEST_FEN,
        help_text=_("What the old slots were said to count for."),
    )


class LeavingOutput(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    price_fen = serializers.IntegerField()
    counts_for_fen = serializers.IntegerField()


class ArrivingOutput(serializers.Serializer[Any]):
    court = serializers.IntegerField(source="bookable.pk")
    court_name = serializers.CharField(source="bookable.name")
    starts_at = serializers.DateTimeField(source="offer.starts_at")
    ends_at = serializers.DateTimeField(source="offer.ends_at")
    price_fen = serializers.IntegerField(source="offer.price.fen")
    price_words = serializers.CharField(source="offer.price.in_words")


class ExchangeOutput(serializers.Serializer[Any]):
    """What a change would mean now; nothing is taken yet."""

    leaving = LeavingOutput(many=True)
    arriving = ArrivingOutput(many=True)
    price_fen = serializers.IntegerField(help_text=_("Of the new slots: quoted_fen."))
    credit_fen = serializers.IntegerField(
        help_text=_("What the old slots count for: expected_fen.")
    )
    retained_fen = serializers.IntegerField(
        help_text=_("What the venue keeps because it is late.")
    )
    pay_fen = serializers.IntegerField()
    refund_fen = serializers.IntegerField()
