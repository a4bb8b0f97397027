"""Sharing bookings, favourites, and bookings in a calendar."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import User
from bureau.audit.api import IDEMPOTENCY_KEY, idempotent
from bureau.common import clock
from bureau.common.pagination import NewestFirst
from venues import actions, queries
from venues.api.booking import pass_shown
from venues.errors.companions import InviteUnknown
from venues.models import Booking, Companion, EntryPass, Venue
from venues.serializers.booking import PassOutput
from venues.serializers.places import VenueOutput
from venues.serializers.together import (
    FeedOutput,
    InviteOutput,
    PartyOutput,
    TogetherOutput,
    standing_of,
)

NUMBER = OpenApiParameter(
    "number", str, OpenApiParameter.PATH, description="The booking's."
)
COMPANION = OpenApiParameter("companion_id", int, OpenApiParameter.PATH)
INVITE = OpenApiParameter(
    "code", str, OpenApiParameter.PATH, description="The end of the invite link."
)
VENUE = OpenApiParameter("code", str, OpenApiParameter.PATH, description="The venue's.")


# --- Who booked --------------------------------------------------------------------


def _booked_by(request: SignedInApiRequest, number: str) -> Booking:
    mine = Booking.objects.visible_to(request.user).select_related("venue")
    return get_object_or_404(mine, number=number)


def _party(booking: Booking) -> Response:
    booking.refresh_from_db(fields=["invite_code"])
    party = queries.party_of(booking)
    until = queries.companions_until(booking)
    stands = booking.state == Booking.State.CONFIRMED
    along = booking.companions.along().select_related("user", "entry_pass")
    url = ""
    if booking.invite_code:
        path = reverse("venues:invite", args=[booking.invite_code])
        url = f"{settings.PUBLIC_URL}{path}"
    body = {
        "url": url,
        "until": until,
        "can_change": stands and clock.now() < until,
        "most": party.most,
        "left": party.left,
        "companions": along.in_order(),
    }
    return Response(PartyOutput(body).data)


class Party(APIView):
    @extend_schema(
        operation_id="booking_party", parameters=[NUMBER], responses=PartyOutput
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """Who plays along in a booking of the caller's."""
        return _party(_booked_by(request, number))


class Invite(APIView):
    @extend_schema(
        operation_id="booking_invite_make",
        parameters=[NUMBER, IDEMPOTENCY_KEY],
        request=None,
        responses=PartyOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Make the invite link; an older one stops working, who joined stays."""
        booking = _booked_by(request, number)
        actions.make_invite(booking=booking, by=request.user)
        return _party(booking)

    @extend_schema(
        operation_id="booking_invite_withdraw",
        parameters=[NUMBER],
        request=None,
        responses=PartyOutput,
    )
    def delete(self, request: SignedInApiRequest, number: str) -> Response:
        """Let nobody else join."""
        booking = _booked_by(request, number)
        actions.withdraw_invite(booking=booking, by=request.user)
        return _party(booking)


class OneCompanion(APIView):
    @extend_schema(
        operation_id="booking_companion_remove",
        parameters=[NUMBER, COMPANION],
        request=None,
        responses=PartyOutput,
    )
    def delete(
        self, request: SignedInApiRequest, number: str, companion_id: int
    ) -> Response:
        """Take somebody's place back; their pass is void."""
        booking = _booked_by(request, number)
        companion = get_object_or_404(booking.companions, pk=companion_id)
        actions.remove_companion(companion=companion, by=request.user)
        return _party(booking)


# --- Who is invited ----------------------------------------------------------------


class OneInvite(APIView):
    @extend_schema(
        operation_id="invite_read", parameters=[INVITE], responses=InviteOutput
    )
    def get(self, request: SignedInApiRequest, code: str) -> Response:  # noqa: ARG002
        """What the link invites to."""
        booking = (
            Booking.objects.filter(invite_code=code)
            .select_related("venue", "booked_by")
            .prefetch_related("lines__bookable")
            .first()
        )
        if booking is None:
            raise InviteUnknown
        until = queries.companions_until(booking)
        party = queries.party_of(booking)
        stands = booking.state == Booking.State.CONFIRMED
        body = {
            "venue": booking.venue,
            "invited_by": booking.booked_by.display_name,
            "starts_at": booking.starts_at,
            "ends_at": booking.ends_at,
            "lines": standing_of(booking),
            "left": party.left,
            "until": until,
            "is_open": stands and clock.now() < until and party.left > 0,
        }
        return Response(InviteOutput(body).data)


class JoinInvite(APIView):
    @extend_schema(
        operation_id="invite_join",
        parameters=[INVITE, IDEMPOTENCY_KEY],
        request=None,
        responses={201: TogetherOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, code: str) -> Response:
        """Play along, with a pass of one's own; to join twice is to join once."""
        companion = actions.join_booking(code=code, by=request.user)
        number = companion.booking.number
        return Response(
            TogetherOutput(_along(request, number)).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": reverse("api-together", args=[number])},
        )


# --- Who plays along ---------------------------------------------------------------


def _along(request: SignedInApiRequest, number: str) -> Companion:
    mine = Companion.objects.visible_to(request.user).with_booking()
    return get_object_or_404(mine, booking__number=number)


class AllTogether(generics.ListAPIView[Companion]):
    """Bookings of others that the caller has joined, newest first."""

    serializer_class = TogetherOutput
    pagination_class = NewestFirst
    queryset = Companion.objects.none()  # tells the schema which model

    def get_queryset(self) -> QuerySet[Companion]:
        if not isinstance(self.request.user, User):
            return Companion.objects.none()
        return Companion.objects.visible_to(self.request.user).with_booking()

    @extend_schema(operation_id="together_list")
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Together(APIView):
    @extend_schema(
        operation_id="together_read", parameters=[NUMBER], responses=TogetherOutput
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """A booking that the caller has joined."""
        return Response(TogetherOutput(_along(request, number)).data)

    @extend_schema(
        operation_id="together_leave",
        parameters=[NUMBER],
        request=None,
        responses={204: None},
    )
    def delete(self, request: SignedInApiRequest, number: str) -> Response:
        """Not to play along after all."""
        actions.leave_booking(companion=_along(request, number), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TogetherPass(APIView):
    @extend_schema(
        operation_id="together_pass", parameters=[NUMBER], responses=PassOutput
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """The caller's own pass, with the proof of this half minute."""
        companion = _along(request, number)
        live = EntryPass.objects.live()
        entry_pass = get_object_or_404(live, companion=companion)
        shown = pass_shown(entry_pass, companion.booking)
        response = Response(PassOutput(shown).data)
        response["Cache-Control"] = "no-store"
        return response


# --- Favourites --------------------------------------------------------------------


class Favourites(generics.ListAPIView[Venue]):
    """The venues that the caller keeps, by district."""

    serializer_class = VenueOutput
    pagination_class = None
    queryset = Venue.objects.none()  # tells the schema which model

    def get_queryset(self) -> QuerySet[Venue]:
        if not isinstance(self.request.user, User):
            return Venue.objects.none()
        return queries.favourites_of(self.request.user)

    @extend_schema(operation_id="favourites_list")
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Favourite(APIView):
    @extend_schema(
        operation_id="favourite_add",
        parameters=[VENUE],
        request=None,
        responses={204: None},
    )
    def put(self, request: SignedInApiRequest, code: str) -> Response:
        """Keep a venue; twice is once."""
        venue = get_object_or_404(Venue.objects.public(), code=code)
        actions.add_favourite(venue=venue, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="favourite_remove",
        parameters=[VENUE],
        request=None,
        responses={204: None},
    )
    def delete(self, request: SignedInApiRequest, code: str) -> Response:
        """Let a venue go."""
        venue = get_object_or_404(Venue.objects.public(), code=code)
        actions.remove_favourite(venue=venue, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- The calendar ------------------------------------------------------------------


class Feed(APIView):
    @extend_schema(
        operation_id="calendar_feed_make",
        request=None,
        responses={201: FeedOutput},
    )
    def post(self, request: SignedInApiRequest) -> Response:
        """Make the secret address of the caller's calendar; an older one is void.

        It takes no Idempotency-Key: a kept answer would be a kept address.
        """
        code = actions.make_feed(by=request.user)
        path = reverse("venues:calendar-feed", args=[code.lower()])
        body = FeedOutput({"url": f"{settings.PUBLIC_URL}{path}"}).data
        response = Response(body, status=status.HTTP_201_CREATED)
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(
        operation_id="calendar_feed_revoke", request=None, responses={204: None}
    )
    def delete(self, request: SignedInApiRequest) -> Response:
        """Switch the address off."""
        actions.revoke_feed(by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
