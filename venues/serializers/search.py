"""Shapes of the search: what is free when and where, and what it costs."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from bureau.common import clock
from bureau.common.fields import LATEST
from bureau.common.sports import Sport
from venues.models.rules import PriceGroup
from venues.queries import Wish
from venues.serializers.booking import MOST_SLOTS, SlotInput
from venues.serializers.fields import BIGGEST_ID, FAR, LonLatField
from venues.serializers.places import VenueOutput


class TimeOfDayField(serializers.CharField):
    """`19:00`; 24:00 and later are the night that follows the day."""

    default_error_messages = {
        "time": _("Write a time as 09:30, between 00:00 and 36:00.")
    }

    def to_internal_value(self, data: Any) -> Any:
        found = re.fullmatch(r"(\d\d):([0-5]\d)", super().to_internal_value(data))
        minute = int(found[1]) * 60 + int(found[2]) if found else LATEST + 1
        if minute > LATEST:
            self.fail("time")
        return minute


class BoxField(serializers.CharField):
    """`west,south,east,north` in WGS-84 degrees."""

    default_error_messages = {
        "box": _("bbox must be west,south,east,north in degrees.")
    }

    def to_internal_value(self, data: Any) -> Any:
        try:
            west, south, east, north = (
                float(part) for part in super().to_internal_value(data).split(",")
            )
        except ValueError:
            self.fail("box")
        # Comparisons with "not a number" are false, so it is refused here, too.
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            self.fail("box")
        return west, south, east, north


def near_day(day: date | None) -> date | None:
    """A day that somebody may book, or at least count to."""
    if day and abs(day - clock.today()) > FAR:
        raise serializers.ValidationError(_("This day is too far away."))
    return day


class SearchQuery(serializers.Serializer[Any]):
    """The filters of the list, under the same names."""

    sport = serializers.ChoiceField(
        choices=Sport.choices, required=False, default="", allow_blank=True
    )
    district = serializers.RegexField(
        r"^[0-9]{6}$",
        required=False,
        default="",
        help_text=_("GB/T 2260, six digits."),
    )
    q = serializers.CharField(
        required=False,
        default="",
        max_length=60,
        help_text=_("Words of a name or an address."),
    )
    on = serializers.DateField(
        required=False,
        default=None,
        help_text=_("The business day; today where only a time or a price is given."),
    )
    since = TimeOfDayField(
        required=False, default=None, help_text=_("Play begins at this time or later,")
    )
    until = TimeOfDayField(
        required=False,
        default=None,
        help_text=_("and before this one; without it: within the hour."),
    )
    minutes = serializers.IntegerField(
        required=False,
        default=0,
        min_value=0,
        max_value=1440,
        help_text=_("Slots in a row on one court, so long together."),
    )
    most_fen = serializers.IntegerField(
        required=False,
        default=None,
        min_value=0,
        max_value=10**7,
        help_text=_("An hour costs at most so much, at the caller's price; 0: free."),
    )
    now = serializers.BooleanField(
        required=False, default=False, help_text=_("Play begins within the hour.")
    )
    open = serializers.BooleanField(
        required=False, default=False, help_text=_("The venue is open now.")
    )
    low = serializers.BooleanField(
        required=False,
        default=False,
        help_text=_("Only venues of free and low-fee opening."),
    )
    indoor = serializers.BooleanField(required=False, default=False)
    accessible = serializers.BooleanField(required=False, default=False)
    near = LonLatField(
        required=False,
        default=None,
        max_length=60,
        help_text=_("longitude,latitude (WGS-84): nearest first, with distances."),
    )
    within = serializers.IntegerField(
        required=False,
        default=None,
        min_value=1,
        max_value=200_000,
        help_text=_("Metres from there at most."),
    )
    bbox = BoxField(
        required=False,
        default=None,
        max_length=120,
        help_text=_("west,south,east,north (WGS-84): what a map shows."),
    )

    def validate_on(self, day: date | None) -> date | None:
        return near_day(day)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["until"] is not None and asked["until"] <= (asked["since"] or 0):
            earlier = _("This must be later than the time before it.")
            raise serializers.ValidationError({"until": [earlier]})
        return asked

    def wish(self) -> Wish:
        """What was asked for; only of valid data."""
        asked = self.validated_data
        return Wish(
            sport=asked["sport"],
            district=asked["district"],
            words=asked["q"],
            facilities=tuple(f for f in ("accessible", "indoor") if asked[f]),
            is_low_fee=asked["low"],
            on=asked["on"],
            since=asked["since"],
            until=asked["until"],
            minutes=asked["minutes"],
            most_fen=asked["most_fen"],
            now=asked["now"],
            open_now=asked["open"],
            near=asked["near"],
            within_m=asked["within"],
            box=asked["bbox"],
        )


class FoundOutput(serializers.Serializer[Any]):
    """A venue, and what of it can be booked as asked; else what is free next."""

    venue = VenueOutput()
    free_courts = serializers.IntegerField(
        help_text=_("Courts to be had then; without a time: on the first day.")
    )
    from_fen = serializers.IntegerField(
        allow_null=True, help_text=_("The cheapest hour, at the caller's price.")
    )
    first_at = serializers.DateTimeField(
        allow_null=True,
        help_text=_("The first start; none in the days ahead: null."),
    )
    first_on = serializers.DateField(
        allow_null=True, help_text=_("The business day of that start.")
    )


class FreeQuery(serializers.Serializer[Any]):
    sport = serializers.ChoiceField(
        choices=Sport.choices, required=False, default="", allow_blank=True
    )
    on = serializers.DateField(
        required=False,
        default=None,
        help_text=_("The business day; without it: all days that can be booked now."),
    )

    def validate_on(self, day: date | None) -> date | None:
        return near_day(day)


class FreeCourtOutput(serializers.Serializer[Any]):
    court = serializers.IntegerField(source="bookable_id")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    price_fen = serializers.IntegerField(source="fen")


class QuoteInput(serializers.Serializer[Any]):
    slots = serializers.ListField(
        child=SlotInput(), allow_empty=False, max_length=MOST_SLOTS
    )
    dependant = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("The family member to book for."),
    )


class QuotedSlotOutput(serializers.Serializer[Any]):
    court = serializers.IntegerField(source="bookable.pk")
    name = serializers.CharField(source="bookable.name")
    starts_at = serializers.DateTimeField(source="offer.starts_at")
    ends_at = serializers.DateTimeField(source="offer.ends_at")
    price_fen = serializers.IntegerField(source="offer.price.fen")
    fen_per_hour = serializers.IntegerField(source="offer.price.fen_per_hour")
    is_peak = serializers.BooleanField(source="offer.price.is_peak")
    group = serializers.ChoiceField(
        choices=PriceGroup.choices,
        source="offer.price.group",
        help_text=_("Whose price it is; empty: everybody's."),
    )
    in_words = serializers.CharField(
        source="offer.price.in_words", help_text=_("How the price came about.")
    )


class CancelTermOutput(serializers.Serializer[Any]):
    until = serializers.DateTimeField(help_text=_("Cancelled by then…"))
    percent = serializers.IntegerField(help_text=_("… so much comes back."))


class QuoteOutput(serializers.Serializer[Any]):
    quoted_fen = serializers.IntegerField(help_text=_("What to send when booking."))
    slots = QuotedSlotOutput(many=True)
    cancel_terms = CancelTermOutput(many=True)
