"""Shapes of open sessions and their tickets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from venues.actions.tickets import MOST_PLACES
from venues.serializers.fields import BIGGEST_FEN, BIGGEST_ID
from venues.serializers.places import VenueNameOutput


class TicketPriceOutput(serializers.Serializer[Any]):
    """What some places cost: at most one at the reduced price, the others in full."""

    fen = serializers.IntegerField()
    reduced = serializers.IntegerField(help_text=_("Places at the reduced price."))
    reduced_fen = serializers.IntegerField()
    full = serializers.IntegerField(help_text=_("Places at the full price."))
    full_fen = serializers.IntegerField()


class SessionOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="session.pk")
    name = serializers.CharField(source="session.name")
    floor = serializers.CharField(source="session.bookable.name")
    sport = serializers.CharField(source="session.bookable.sport")
    starts_at = serializers.DateTimeField(source="session.starts_at")
    ends_at = serializers.DateTimeField(source="session.ends_at")
    capacity = serializers.IntegerField(source="session.capacity")
    left = serializers.IntegerField(help_text=_("Places left."))
    price_fen = serializers.IntegerField(source="session.price_fen")
    concession_fen = serializers.IntegerField(source="session.concession_fen")
    own_fen = serializers.IntegerField(
        source="own.fen", help_text=_("One ticket for whoever asks.")
    )
    opens_at = serializers.DateTimeField(
        allow_null=True, help_text=_("When the sale begins; null when it has.")
    )
    can_buy = serializers.BooleanField(help_text=_("Whether tickets are on sale now."))


class SessionDetailOutput(SessionOutput):
    venue = VenueNameOutput(source="session.venue")
    cancelled_at = serializers.DateTimeField(
        source="session.cancelled_at", allow_null=True
    )
    waiting = serializers.IntegerField(help_text=_("How many people are in line."))
    quote = TicketPriceOutput(help_text=_("The price of the places asked for."))


class SessionLineInput(serializers.Serializer[Any]):
    places = serializers.IntegerField(min_value=1, max_value=MOST_PLACES)
    dependant = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("The family member to book for."),
    )


class SessionsQuery(serializers.Serializer[Any]):
    on = serializers.DateField(required=False, help_text=_("Today when left out."))
    dependant = serializers.IntegerField(
        required=False, min_value=1, max_value=BIGGEST_ID
    )


class SessionQuery(serializers.Serializer[Any]):
    places = serializers.IntegerField(
        required=False, default=1, min_value=1, max_value=MOST_PLACES
    )
    dependant = serializers.IntegerField(
        required=False, min_value=1, max_value=BIGGEST_ID
    )


class TicketsInput(serializers.Serializer[Any]):
    places = serializers.IntegerField(min_value=1, max_value=MOST_PLACES)
    quoted_fen = serializers.IntegerField(
        min_value=0,
        max_value=BIGGEST_FEN,
        help_text=_("The total that the person was shown; another one is refused."),
    )
    dependant = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("The family member to whom the reduced price may apply."),
    )
