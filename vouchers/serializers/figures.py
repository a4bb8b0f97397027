"""The figures of a campaign as open data: JSON for programs, lines for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from vouchers.queries.figures import Figures, Part, RoundFigures, TierFigures

Line = tuple[str, str, str, int, int, int]


class PartOutput(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField(source="label")
    redeemed = serializers.IntegerField()
    bill_fen = serializers.IntegerField()
    subsidy_fen = serializers.IntegerField()
    leverage = serializers.FloatField(allow_null=True)


class TierOutput(serializers.Serializer[TierFigures]):
    face_fen = serializers.IntegerField(source="tier.face_fen")
    threshold_fen = serializers.IntegerField(source="tier.threshold_fen")
    count = serializers.IntegerField(source="tier.count")
    remaining = serializers.IntegerField(help_text="On offer at this moment.")
    claimed = serializers.IntegerField()
    live = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    expired = serializers.IntegerField()
    lost = serializers.IntegerField()
    void = serializers.IntegerField()
    bill_fen = serializers.IntegerField()
    subsidy_fen = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    leverage = serializers.FloatField(allow_null=True)
    floor = serializers.FloatField(help_text="Threshold ÷ face value.")


class RoundFiguresOutput(serializers.Serializer[RoundFigures]):
    number = serializers.IntegerField(source="round.number")
    way = serializers.CharField(source="round.way")
    opens_at = serializers.DateTimeField(source="round.opens_at")
    draw = serializers.CharField(
        source="round.draw.draw_id", allow_null=True, default=None
    )
    offered = serializers.IntegerField()
    given = serializers.IntegerField()
    people = serializers.IntegerField(help_text="Who claimed something in the rush.")
    sold_out_seconds = serializers.FloatField(allow_null=True)
    since_opening = serializers.ListField(
        child=serializers.FloatField(),
        help_text="Half, 90 % and 99 % claimed; seconds.",
    )
    since_turn = serializers.ListField(
        child=serializers.FloatField(),
        help_text="Wait behind one's turn: median, 90 %, 99 %; seconds.",
    )
    present = serializers.IntegerField()
    present_got = serializers.IntegerField()
    late = serializers.IntegerField()
    late_got = serializers.IntegerField()
    early_helps = serializers.FloatField(allow_null=True)
    tenths = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="[tenth of the queue, people, people who got something]",
    )
    entries = serializers.IntegerField(allow_null=True)
    won = serializers.IntegerField(allow_null=True)


class FiguresOutput(serializers.Serializer[Figures]):
    campaign = serializers.SlugField(source="campaign.slug")
    counted_at = serializers.DateTimeField()
    money_fen = serializers.DictField(source="money", child=serializers.IntegerField())
    vouchers = serializers.DictField(source="states", child=serializers.IntegerField())
    total = PartOutput()
    floor = serializers.FloatField(allow_null=True)
    tiers = TierOutput(many=True)
    districts = PartOutput(many=True)
    merchants = PartOutput(source="named_merchants", many=True)
    sports = PartOutput(many=True)
    days = PartOutput(many=True)
    hours = PartOutput(many=True)
    rounds = RoundFiguresOutput(many=True)


HEAD = ("part", "key", "name", "redeemed", "bill_fen", "subsidy_fen")


def lines_of(figures: Figures) -> list[Line]:
    """As a table: what the line is about, its key and name, and three sums."""
    named: list[tuple[str, Sequence[Part]]] = [
        ("total", [figures.total]),
        ("district", figures.districts),
        ("merchant", figures.named_merchants),
        ("sport", figures.sports),
        ("day", figures.days),
        ("hour", figures.hours),
    ]
    lines: list[Line] = [
        (
            "tier",
            f"{one.tier.face_fen}/{one.tier.threshold_fen}",
            str(one.tier),
            one.redeemed,
            one.bill_fen,
            one.subsidy_fen,
        )
        for one in figures.tiers
    ]
    return lines + [
        (part, one.key, one.label, one.redeemed, one.bill_fen, one.subsidy_fen)
        for part, rows in named
        for one in rows
    ]
