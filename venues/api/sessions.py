from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.audit.api import idempotent
from bureau.common import clock
from venues import actions, queries
from venues.api.booking import CODE, KEY, booking_of, dependant_of, request_key
from venues.api.waiting import entries_of, entries_shown
from venues.models import OpenSession, Venue, WaitingEntry
from venues.queries.sessions import SessionCard, TicketPrice, card_of, ticket_price
from venues.serializers.booking import BookingDetailOutput
from venues.serializers.fields import FAR
from venues.serializers.sessions import (
    SessionDetailOutput,
    SessionLineInput,
    SessionOutput,
    SessionQuery,
    SessionsQuery,
    TicketsInput,
)
from venues.serializers.waiting import WaitingOutput

SESSION = OpenApiParameter("session_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class VenueSessions(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="venue_sessions",
        parameters=[CODE, SessionsQuery],
        responses=SessionOutput(many=True),
    )
    def get(self, request: Request, code: str) -> Response:
        """The open sessions of a day that are not over, at the caller's price."""
        asked = SessionsQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        venue = get_object_or_404(Venue.objects.public(), code=code)
        now = clock.now()
        on = asked.validated_data.get("on") or clock.local_day(now)
        if abs(on - clock.local_day(now)) > FAR:
            raise Http404
        groups = _groups(request, asked.validated_data.get("dependant"), at=now)
        cards = queries.sessions_of_day(venue, on, at=now, groups=groups)
        return Response(SessionOutput(cards, many=True).data)


@dataclass(frozen=True)
class _Detail(SessionCard):
    quote: TicketPrice
    waiting: int


class OneSession(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="session_read",
        parameters=[SESSION, SessionQuery],
        responses=SessionDetailOutput,
    )
    def get(self, request: Request, session_id: int) -> Response:
        """A session, and what some places cost whoever asks."""
        asked = SessionQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        session = _session(session_id)
        now = clock.now()
        groups = _groups(request, asked.validated_data.get("dependant"), at=now)
        card = card_of(session, venue=session.venue, at=now, groups=groups)
        places = asked.validated_data["places"]
        quote = ticket_price(session, places, groups=groups)
        waiting = WaitingEntry.objects.filter(session=session).live().count()
        detail = _Detail(**vars(card), quote=quote, waiting=waiting)
        return Response(SessionDetailOutput(detail).data)


class Tickets(APIView):
    @extend_schema(
        operation_id="session_tickets",
        parameters=[SESSION, KEY],
        request=TicketsInput,
        responses={201: BookingDetailOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, session_id: int) -> Response:
        """Take places until they are paid; free ones are booked at once."""
        given = TicketsInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = dict(given.validated_data)
        booking = actions.buy_tickets(
            session=_session(session_id),
            places=wanted["places"],
            quoted_fen=wanted["quoted_fen"],
            request_key=request_key(request),
            dependant=dependant_of(request.user, wanted["dependant"]),
            by=request.user,
        )
        return Response(
            BookingDetailOutput(booking_of(request, booking.number)).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": reverse("api-booking", args=[booking.number])},
        )


class SessionLine(APIView):
    @extend_schema(
        operation_id="session_wait",
        parameters=[SESSION, KEY],
        request=SessionLineInput,
        responses={201: WaitingOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, session_id: int) -> Response:
        """Stand in line for places in a full session; an offer is a held booking."""
        given = SessionLineInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = dict(given.validated_data)
        entry = actions.join_session_line(
            session=_session(session_id),
            places=wanted["places"],
            dependant=dependant_of(request.user, wanted["dependant"]),
            by=request.user,
        )
        shown = entries_shown([entries_of(request.user).get(pk=entry.pk)])
        return Response(shown[0], status=status.HTTP_201_CREATED)


def _session(session_id: int) -> OpenSession:
    public = OpenSession.objects.filter(venue__in=Venue.objects.public())
    return get_object_or_404(public.select_related("venue", "bookable"), pk=session_id)


def _groups(
    request: Request, dependant_id: int | None, *, at: datetime
) -> frozenset[str]:
    if not isinstance(request.user, User):
        return frozenset()
    dependant = dependant_of(request.user, dependant_id)
    return eligible_groups(request.user, dependant, on=clock.local_day(at))
