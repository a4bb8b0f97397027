"""The gate's counts and devices, for turnstiles and the mini-program of the staff."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.audit.api import IDEMPOTENCY_KEY, idempotent
from bureau.common import clock, codes
from venues import actions
from venues.actions.offline import public_key
from venues.models import Crossing, Gate, GateDevice, Venue
from venues.queries.gate import Crowd, crossings_by_hour, inside_at, morning_of
from venues.serializers.gate import (
    CountInput,
    CrowdDayOutput,
    CrowdOutput,
    DeviceInput,
    DeviceOutput,
    LeaveInput,
    ScanOutput,
    ScansInput,
    SignedListOutput,
)

VENUE = OpenApiParameter("code", str, OpenApiParameter.PATH, description="The venue's.")


def _post(request: SignedInApiRequest, code: str) -> Venue:
    """A venue where the caller works; another one is not there."""
    posts = Venue.objects.worked_at_by(request.user)
    return get_object_or_404(posts, code=codes.normalise(code))


def _door(venue: Venue, number: int | None) -> Gate | None:
    return get_object_or_404(Gate, venue=venue, pk=number) if number else None


def _device(request: SignedInApiRequest, public_id: UUID) -> GateDevice:
    return get_object_or_404(
        GateDevice.objects.select_related("venue"),
        public_id=public_id,
        venue__in=Venue.objects.worked_at_by(request.user),
    )


def _crowd(crowd: Crowd) -> Response:
    return Response(CrowdOutput(crowd).data)


class GateCounts(APIView):
    @extend_schema(
        operation_id="gate_count",
        parameters=[IDEMPOTENCY_KEY],
        request=CountInput,
        responses=CrowdOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Count people who go in or out without a pass; who is inside now."""
        given = CountInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        venue = _post(request, asked["venue"])
        actions.count_people(
            venue=venue,
            direction=Crossing.Direction(asked["direction"]),
            persons=asked["persons"],
            group=asked["group"],
            by=request.user,
            gate=_door(venue, asked.get("door")),
            request_key=asked["request_key"],
            over_limit_because=asked["over_limit_because"],
        )
        return _crowd(inside_at(venue, clock.now()))


class GateLeavings(APIView):
    @extend_schema(
        operation_id="gate_leave",
        parameters=[IDEMPOTENCY_KEY],
        request=LeaveInput,
        responses=CrowdOutput,
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Count the people of a used pass out; who is inside now."""
        given = LeaveInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        venue = _post(request, asked["venue"])
        actions.let_out(
            text=asked["text"],
            venue=venue,
            by=request.user,
            gate=_door(venue, asked.get("door")),
        )
        return _crowd(inside_at(venue, clock.now()))


class GateCrowd(APIView):
    @extend_schema(
        operation_id="gate_crowd", parameters=[VENUE], responses=CrowdDayOutput
    )
    def get(self, request: SignedInApiRequest, code: str) -> Response:
        """Who is inside now, and who came and went in each hour since the morning."""
        venue = _post(request, code)
        now = clock.now()
        crowd = inside_at(venue, now)
        hours = crossings_by_hour(venue, clock.local_day(morning_of(now)))
        return Response(
            CrowdDayOutput({**CrowdOutput(crowd).data, "hours": hours}).data
        )


class GateDevices(APIView):
    @extend_schema(
        operation_id="gate_device_register",
        parameters=[IDEMPOTENCY_KEY],
        request=DeviceInput,
        responses={201: DeviceOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Register a phone or tablet that shall check passes without network."""
        given = DeviceInput(data=request.data)
        given.is_valid(raise_exception=True)
        device = actions.register_device(
            venue=_post(request, given.validated_data["venue"]),
            name=given.validated_data["name"],
            by=request.user,
        )
        return Response(DeviceOutput(device).data, status=status.HTTP_201_CREATED)


class GateDeviceList(APIView):
    @extend_schema(operation_id="gate_device_list", responses=SignedListOutput)
    def get(self, request: SignedInApiRequest, device: UUID) -> Response:
        """The signed passes of the next eight hours, with their keys of these days."""
        found = _device(request, device)
        signed = actions.issue_list(device=found, by=request.user)
        answer = {
            "body": signed.body,
            "signature": signed.signature,
            "public_key": public_key(),
            "now": clock.now(),
        }
        return Response(SignedListOutput(answer).data)


class GateDeviceScans(APIView):
    @extend_schema(
        operation_id="gate_device_scans",
        request=ScansInput,
        responses=ScanOutput(many=True),
    )
    def post(self, request: SignedInApiRequest, device: UUID) -> Response:
        """Tell what the device let in without network. Safe to repeat."""
        given = ScansInput(data=request.data)
        given.is_valid(raise_exception=True)
        told = actions.sync_scans(
            device=_device(request, device),
            scans=[
                actions.Scan(row["key"], row["code"], row["at"], row["ticket"])
                for row in given.validated_data["scans"]
            ],
            by=request.user,
        )
        return Response(ScanOutput(told, many=True).data)
