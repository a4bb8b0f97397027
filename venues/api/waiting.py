from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.audit.api import idempotent
from bureau.common import clock, codes
from venues import actions, queries
from venues.api.booking import CODE, KEY, NUMBER, booking_of, dependant_of
from venues.models import Booking, Venue, WaitingEntry
from venues.serializers.booking import BookingDetailOutput
from venues.serializers.waiting import (
    OneSlotOutput,
    SlotQuery,
    WaitingInput,
    WaitingOutput,
    WaitingQuery,
)

MOST_SHOWN = 100
ENTRY = OpenApiParameter("entry_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class VenueSlot(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="venue_slot",
        parameters=[CODE, SlotQuery],
        responses=OneSlotOutput,
    )
    def get(self, request: Request, code: str) -> Response:
        """One time: why it is not free, when it is, who waits, and what else is."""
        asked = SlotQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given: dict[str, Any] = asked.validated_data
        now = clock.now()
        today = clock.local_day(now)
        venue = get_object_or_404(Venue.objects.public(), code=code)
        groups: frozenset[str] = frozenset()
        if isinstance(request.user, User):
            dependant = dependant_of(request.user, given.get("dependant"))
            groups = eligible_groups(request.user, dependant, on=today)
        courts = queries.house_rules(venue, today=today).bookables
        court = next((one for one in courts if one.pk == given["court"]), None)
        if court is None:
            raise Http404
        slot = queries.slot_at(venue, court, given["starts_at"], at=now, groups=groups)
        if slot is None:
            raise Http404
        others: Sequence[queries.Alternative] = ()
        if not slot.is_free:
            others = queries.alternatives(
                venue=venue,
                bookable=court,
                starts=[slot.starts_at],
                at=now,
                groups=groups,
            )
        context = {
            "reasons": queries.reasons(venue, [slot], at=now),
            "waiting": WaitingEntry.objects.at_slot(
                venue, court, slot.starts_at, slot.ends_at
            ).count(),
            "alternatives": others,
        }
        return Response(OneSlotOutput(slot, context=context).data)


class Waiting(APIView):
    @extend_schema(
        operation_id="waiting_list",
        parameters=[WaitingQuery],
        responses=WaitingOutput(many=True),
    )
    def get(self, request: SignedInApiRequest) -> Response:
        """The lines in which the caller stands, the next time first."""
        asked = WaitingQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        mine = entries_of(request.user)
        if asked.validated_data["show"] == "live":
            mine = mine.live()
        rows = list(mine.order_by("-starts_at", "-pk")[:MOST_SHOWN])[::-1]
        return Response(entries_shown(rows))

    @extend_schema(
        operation_id="waiting_join",
        parameters=[KEY],
        request=WaitingInput,
        responses={201: WaitingOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Stand in line for a time that is taken, on one court or on any of a sport."""
        given = WaitingInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = given.validated_data
        code = codes.normalise(wanted["venue"])
        venue = Venue.objects.public().filter(code=code).first()
        if venue is None:
            raise serializers.ValidationError({"venue": [_("There is no such venue.")]})
        court = None
        if wanted["court"] is not None:
            courts = venue.bookables.offered()
            court = courts.filter(pk=wanted["court"]).first()
            if court is None:
                nowhere = _("There is no such court.")
                raise serializers.ValidationError({"court": [nowhere]})
        sport = court.sport if court else wanted.get("sport")
        if sport is None:
            which = _("Say which sport, or which court.")
            raise serializers.ValidationError({"sport": [which]})
        entry = actions.join_waiting_list(
            venue=venue,
            sport=sport,
            bookable=court,
            starts_at=wanted["starts_at"],
            dependant=dependant_of(request.user, wanted["dependant"]),
            by=request.user,
        )
        shown = entries_shown([entries_of(request.user).get(pk=entry.pk)])
        return Response(shown[0], status=status.HTTP_201_CREATED)


class LeaveWaiting(APIView):
    @extend_schema(
        operation_id="waiting_leave",
        parameters=[ENTRY],
        request=None,
        responses=WaitingOutput,
    )
    def post(self, request: SignedInApiRequest, entry_id: int) -> Response:
        """Step out of a line. An offer is declined, not left."""
        entry = get_object_or_404(entries_of(request.user), pk=entry_id)
        actions.leave_waiting_list(entry=entry, by=request.user)
        return Response(entries_shown([entries_of(request.user).get(pk=entry_id)])[0])


class AcceptOffer(APIView):
    @extend_schema(
        operation_id="offer_accept",
        parameters=[NUMBER, KEY],
        request=None,
        responses=BookingDetailOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Take an offered time that is free of charge; others are taken by paying."""
        actions.accept_offer(booking=_offer(request, number), by=request.user)
        return Response(BookingDetailOutput(booking_of(request, number)).data)


class DeclineOffer(APIView):
    @extend_schema(
        operation_id="offer_decline",
        parameters=[NUMBER, KEY],
        request=None,
        responses=BookingDetailOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Let the next one in line have an offered time."""
        actions.decline_offer(booking=_offer(request, number), by=request.user)
        return Response(BookingDetailOutput(booking_of(request, number)).data)


def entries_of(person: User) -> Any:
    return WaitingEntry.objects.visible_to(person).select_related(
        "venue", "bookable", "session", "dependant", "booking"
    )


def entries_shown(rows: list[WaitingEntry]) -> list[Any]:
    live = [row for row in rows if row.is_live]
    ahead = queries.people_ahead(live)
    return list(WaitingOutput(rows, many=True, context={"ahead": ahead}).data)


def _offer(request: SignedInApiRequest, number: str) -> Booking:
    offers = Booking.objects.visible_to(request.user).offers()
    return get_object_or_404(offers, number=number)
