from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock
from venues import queries
from venues.actions import Pick
from venues.actions.slots import resolve_picks
from venues.api.booking import CODE, CappedPages, dependant_of
from venues.errors.slots import SlotTaken
from venues.models import Booking, Venue
from venues.serializers.search import (
    FoundOutput,
    FreeCourtOutput,
    FreeQuery,
    QuoteInput,
    QuoteOutput,
    SearchQuery,
)


def groups_of(request: Request) -> frozenset[str]:
    """Whose price to show: the caller's, when signed in."""
    if not isinstance(request.user, User):
        return frozenset()
    return eligible_groups(request.user, on=clock.today())


@dataclass(frozen=True)
class FoundVenue:
    venue: Venue
    free_courts: int
    from_fen: int | None
    first_at: datetime | None
    first_on: date | None


class VenueSearch(generics.GenericAPIView[Venue]):
    """What is free near me on a day at a time, at my price; never from a cache."""

    permission_classes = [AllowAny]
    serializer_class = FoundOutput
    pagination_class = CappedPages
    queryset = Venue.objects.none()  # tells the schema which model

    @extend_schema(
        operation_id="venues_search",
        parameters=[SearchQuery],
        responses=FoundOutput(many=True),
        filters=True,
    )
    def get(self, request: Request) -> Response:
        """Venues that fit.

        With a day, a time, a length, a price or `now`: those where that can be booked.
        Without: all of them, with what is free next.
        """
        asked = SearchQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wish, now, groups = asked.wish(), clock.now(), groups_of(request)
        found: Any = queries.find_venues(wish, groups=groups, at=now)
        page: list[queries.Found] = list(self.paginate_queryset(found) or [])
        rows = self._rows(page, wish, groups=groups, at=now)
        return self.get_paginated_response(FoundOutput(rows, many=True).data)

    def _rows(
        self,
        page: list[queries.Found],
        wish: queries.Wish,
        *,
        groups: frozenset[str],
        at: datetime,
    ) -> list[FoundVenue]:
        ids = [one.venue_id for one in page]
        venues = Venue.objects.with_district().with_court_count().filter(pk__in=ids)
        if wish.near:
            venues = venues.nearest_first(wish.near)
        by_id = {venue.pk: venue for venue in venues}
        if not wish.is_timed:
            ahead = queries.next_free(ids, wish, groups=groups, at=at)
            page = [ahead.get(one.venue_id, one) for one in page]
        return [
            FoundVenue(
                by_id[one.venue_id],
                one.free_courts,
                one.from_fen,
                one.first_at,
                one.first_on,
            )
            for one in page
            if one.venue_id in by_id
        ]


class FreeCourts(APIView):
    """Every start at a venue that can be booked, court by court, at the own price."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="venue_free_courts",
        parameters=[CODE, FreeQuery],
        responses=FreeCourtOutput(many=True),
    )
    def get(self, request: Request, code: str) -> Response:
        asked = FreeQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        venue = get_object_or_404(Venue.objects.public(), code=code)
        found = queries.free_courts(
            venue.pk,
            queries.Wish(**asked.validated_data),
            groups=groups_of(request),
            at=clock.now(),
        )
        return Response(FreeCourtOutput(found, many=True).data)


class Quote(APIView):
    """What slots would cost the caller now, line by line, before they are booked."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="venue_quote",
        parameters=[CODE],
        request=QuoteInput,
        responses=QuoteOutput,
    )
    def post(self, request: Request, code: str) -> Response:
        """The price and the terms of cancelling; nothing is taken.

        Refuses with the reason what cannot be booked.
        """
        given = QuoteInput(data=request.data)
        given.is_valid(raise_exception=True)
        now = clock.now()
        venue = get_object_or_404(Venue.objects.public(), code=code)
        groups: frozenset[str] = frozenset()
        if isinstance(request.user, User):
            dependant = dependant_of(request.user, given.validated_data["dependant"])
            groups = eligible_groups(request.user, dependant, on=clock.local_day(now))
        picks = [
            Pick(slot["court"], slot["starts_at"])
            for slot in given.validated_data["slots"]
        ]
        slots = resolve_picks(venue, picks, at=now, groups=groups)
        if queries.is_taken([w for slot in slots for w in slot.wanted], at=now):
            raise SlotTaken
        rules = queries.house_rules(venue, today=clock.local_day(now))
        terms = Booking(cancel_terms=rules.cancel_terms)
        body = {
            "quoted_fen": sum(slot.offer.price.fen for slot in slots),
            "slots": slots,
            "cancel_terms": [
                {"until": until, "percent": percent}
                for until, percent in terms.bands_for(slots[0].offer.starts_at)
            ],
        }
        return Response(QuoteOutput(body).data)
