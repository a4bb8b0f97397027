from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.audit.api import idempotent
from bureau.common import clock, codes
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues import actions, queries
from venues.actions import Pick
from venues.errors.slots import SlotKeptForDesk, SlotTaken, TooShortNotice
from venues.models import Booking, EntryPass, Venue
from venues.serializers.admission import (
    AdmissionInput,
    AdmissionOutput,
    CheckInput,
    CheckOutput,
)
from venues.serializers.booking import (
    BookingDetailOutput,
    BookingInput,
    BookingOutput,
    BookingQuery,
    CancelInput,
    PassOutput,
)
from venues.serializers.days import DayOutput, DayQuery
from venues.serializers.fields import FAR
from venues.serializers.places import (
    DistrictOutput,
    SportOutput,
    VenueDetailOutput,
    VenueOutput,
    VenueQuery,
)
from venues.serializers.waiting import AlternativeOutput

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="The same key again gets the first answer, never a second booking.",
)
CODE = OpenApiParameter("code", str, OpenApiParameter.PATH, description="The venue's.")
NUMBER = OpenApiParameter(
    "number", str, OpenApiParameter.PATH, description="The booking's."
)


# --- Places ------------------------------------------------------------------------


class Districts(generics.ListAPIView[District]):
    """The districts of the city, as the bureau lists them."""

    permission_classes = [AllowAny]
    serializer_class = DistrictOutput
    queryset = District.objects.defer("boundary").in_order()
    pagination_class = None


class Sports(APIView):
    """The sports that filters and courts name."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="sports_list", responses=SportOutput(many=True))
    def get(self, _request: Request) -> Response:
        sports = [{"code": sport.value, "label": sport.label} for sport in Sport]
        return Response(SportOutput(sports, many=True).data)


class CappedPages(LimitOffsetPagination):
    """Pages of a list that is ordered by something other than its key."""

    default_limit = 50
    max_limit = 100
    furthest = 10_000

    def get_offset(self, request: Request) -> int:
        offset = super().get_offset(request)
        if offset > self.furthest:
            too_far = _("Nobody reads that far: narrow the search instead.")
            raise serializers.ValidationError({"offset": [too_far]})
        return offset


class Venues(generics.ListAPIView[Venue]):
    """Public venues; by district, or the nearest first with `near`."""

    permission_classes = [AllowAny]
    serializer_class = VenueOutput
    pagination_class = CappedPages
    queryset = Venue.objects.none()  # tells the schema which model

    def get_queryset(self) -> QuerySet[Venue]:
        asked = VenueQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        wanted: dict[str, Any] = dict(asked.validated_data)
        venues = Venue.objects.public().with_district().with_court_count()
        if sport := wanted.get("sport"):
            venues = venues.offering(sport)
        if district := wanted.get("district"):
            venues = venues.in_district(district)
        if words := wanted.get("q"):
            venues = venues.matching(words)
        if place := wanted.get("near"):
            return venues.nearest_first(place)
        return venues.by_district()

    @extend_schema(operation_id="venues_list", parameters=[VenueQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class OneVenue(APIView):
    """A venue with its rules, its courts and the days that can be booked now."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="venue_read", parameters=[CODE], responses=VenueDetailOutput
    )
    def get(self, _request: Request, code: str) -> Response:
        venues = Venue.objects.public().with_district().with_court_count()
        venue = get_object_or_404(venues, code=code)
        days = queries.bookable_days(venue, at=clock.now())
        return Response(VenueDetailOutput(venue, context={"days": days}).data)


class VenueDay(APIView):
    """Every slot of a sport on one day, at the price of the person who asks."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="venue_day",
        parameters=[
            CODE,
            OpenApiParameter("on", OpenApiTypes.DATE, OpenApiParameter.PATH),
            DayQuery,
        ],
        responses=DayOutput,
    )
    def get(self, request: Request, code: str, on: date) -> Response:
        asked = DayQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        now = clock.now()
        today = clock.local_day(now)
        if abs(on - today) > FAR:
            raise Http404
        venue = get_object_or_404(Venue.objects.public(), code=code)
        sport = asked.validated_data.get("sport") or next(iter(venue.sports), "")
        groups: frozenset[str] = frozenset()
        if isinstance(request.user, User):
            dependant = dependant_of(
                request.user, asked.validated_data.get("dependant")
            )
            groups = eligible_groups(request.user, dependant, on=today)
        grid = queries.day_grid(venue, sport=sport, on=on, at=now, groups=groups)
        body: dict[str, Any] = {
            "on": grid.on,
            "sport": sport,
            "opens_for_booking_on": grid.opens_for_booking_on,
            "opens_for_booking_at": grid.opens_for_booking_at,
            "free_count": grid.free_count,
            "columns": grid.columns,
            "slots": [slot for row in grid.rows for slot in row.slots if slot],
        }
        why = queries.reasons(venue, body["slots"], at=now)
        return Response(DayOutput(body, context={"reasons": why}).data)


# --- Bookings ----------------------------------------------------------------------


def dependant_of(user: User, dependant_id: int | None) -> Dependant | None:
    """A stranger's family member is refused as one that does not exist."""
    if dependant_id is None:
        return None
    found = Dependant.objects.visible_to(user).filter(pk=dependant_id).first()
    if found is None:
        nobody = _("There is no such family member.")
        raise serializers.ValidationError({"dependant": [nobody]})
    return found


def request_key(request: SignedInApiRequest) -> UUID:
    """The same `Idempotency-Key` is the same booking, even after 48 hours."""
    key = request.headers.get("Idempotency-Key")
    return uuid5(NAMESPACE_URL, f"booking:{key}") if key else uuid4()


class Bookings(generics.ListAPIView[Booking]):
    """The caller's bookings, newest first."""

    serializer_class = BookingOutput
    queryset = Booking.objects.none()  # tells the schema which model

    def get_queryset(self) -> QuerySet[Booking]:
        asked = BookingQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        if not isinstance(self.request.user, User):
            return Booking.objects.none()
        mine = Booking.objects.visible_to(self.request.user).with_lines()
        show, now = asked.validated_data["show"], clock.now()
        if show == "upcoming":
            return mine.upcoming_at(now)
        return mine.over_at(now) if show == "over" else mine

    @extend_schema(operation_id="bookings_list", parameters=[BookingQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="booking_create",
        parameters=[KEY],
        request=BookingInput,
        responses={201: BookingDetailOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Take slots for ten minutes, until they are paid; free ones are booked.

        When one was just taken, `detail.alternatives` of the refusal names the three
        nearest ways out, each ready to be booked.
        """
        given = BookingInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = dict(given.validated_data)
        code = codes.normalise(wanted["venue"])
        venue = Venue.objects.public().filter(code=code).first()
        if venue is None:
            raise serializers.ValidationError({"venue": [_("There is no such venue.")]})
        picks = [Pick(slot["court"], slot["starts_at"]) for slot in wanted["slots"]]
        dependant = dependant_of(request.user, wanted["dependant"])
        try:
            booking = actions.hold_slots(
                venue=venue,
                picks=picks,
                quoted_fen=wanted["quoted_fen"],
                request_key=request_key(request),
                dependant=dependant,
                by=request.user,
            )
        except (SlotTaken, SlotKeptForDesk, TooShortNotice) as said_no:
            said_no.values["alternatives"] = _alternatives(
                request.user, dependant, venue, picks
            )
            raise
        return Response(
            BookingDetailOutput(booking_of(request, booking.number)).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": reverse("api-booking", args=[booking.number])},
        )


def _alternatives(
    person: User, dependant: Dependant | None, venue: Venue, picks: Sequence[Pick]
) -> list[dict[str, Any]]:
    now = clock.now()
    found = queries.alternatives_to(
        venue,
        [(pick.bookable_id, pick.starts_at) for pick in picks],
        at=now,
        groups=eligible_groups(person, dependant, on=clock.local_day(now)),
    )
    return list(AlternativeOutput(found, many=True).data)


def booking_of(request: SignedInApiRequest, number: str) -> Booking:
    mine = Booking.objects.visible_to(request.user).with_lines()
    return get_object_or_404(mine, number=number)


class OneBooking(APIView):
    @extend_schema(
        operation_id="booking_read", parameters=[NUMBER], responses=BookingDetailOutput
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """A booking of the caller, with what is to be paid or went back."""
        return Response(BookingDetailOutput(booking_of(request, number)).data)


class CancelBooking(APIView):
    @extend_schema(
        operation_id="booking_cancel",
        parameters=[NUMBER, KEY],
        request=CancelInput,
        responses=BookingDetailOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Give the booking back, or some slots; `refund_bands` say what returns."""
        given = CancelInput(data=request.data)
        given.is_valid(raise_exception=True)
        actions.cancel_booking(
            booking=booking_of(request, number),
            by=request.user,
            line_ids=given.validated_data["lines"],
            expected_fen=given.validated_data["expected_fen"],
        )
        return Response(BookingDetailOutput(booking_of(request, number)).data)


class BookingPass(APIView):
    @extend_schema(
        operation_id="booking_pass", parameters=[NUMBER], responses=PassOutput
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """The entry pass, with the proof of this half minute."""
        booking = booking_of(request, number)
        entry_pass = get_object_or_404(
            EntryPass.objects.live().of_bookers(), booking=booking
        )
        response = Response(PassOutput(pass_shown(entry_pass, booking)).data)
        response["Cache-Control"] = "no-store"
        return response


def pass_shown(entry_pass: EntryPass, booking: Booking) -> dict[str, Any]:
    """The facts of `PassOutput`, as they are in this half minute."""
    now = clock.now()
    shown = {
        "code": entry_pass.code,
        "state": entry_pass.state,
        "is_open": entry_pass.state == EntryPass.State.VALID and now < booking.ends_at,
        "opens_at": queries.gate_opens_at(booking),
        "ends_at": booking.ends_at,
        "proof": "",
        "digits": "",
        "url": "",
        "seconds_left": 0,
    }
    if not shown["is_open"]:
        return shown
    step, key = codes.step_at(now), entry_pass.key
    proof = codes.proof_of(entry_pass.code, key=key, step=step)
    address = reverse("venues:scanned", args=[entry_pass.code])
    return {
        **shown,
        "proof": proof,
        "digits": codes.digits_of(entry_pass.code, key=key, step=step),
        "url": f"{settings.PUBLIC_URL}{address}?k={proof}",
        "seconds_left": codes.seconds_left(now),
    }


# --- The gate ----------------------------------------------------------------------


class GateChecks(APIView):
    @extend_schema(operation_id="gate_check", request=CheckInput, responses=CheckOutput)
    def post(self, request: SignedInApiRequest) -> Response:
        """Read a pass at the gate of a venue where the caller works.

        Changes nothing. The token that comes back lets the holder in.
        """
        given = CheckInput(data=request.data)
        given.is_valid(raise_exception=True)
        posts = Venue.objects.worked_at_by(request.user)
        code = codes.normalise(given.validated_data["venue"])
        venue = get_object_or_404(posts, code=code)
        entry_pass = actions.check_pass(text=given.validated_data["text"], venue=venue)
        token = actions.check_token(entry_pass=entry_pass, venue=venue, by=request.user)
        booking = entry_pass.booking
        return Response(CheckOutput({"token": token, "booking": booking}).data)


class GateAdmissions(APIView):
    @extend_schema(
        operation_id="gate_admit",
        parameters=[KEY],
        request=AdmissionInput,
        responses={201: AdmissionOutput, 200: AdmissionOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Let in whom the caller checked a moment ago; a second tap changes nothing."""
        given = AdmissionInput(data=request.data)
        given.is_valid(raise_exception=True)
        admission, is_new = actions.admit_checked(
            token=given.validated_data["token"], by=request.user
        )
        answer = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(AdmissionOutput(admission).data, status=answer)
