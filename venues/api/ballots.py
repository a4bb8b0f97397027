from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.audit.api import idempotent
from bureau.common import clock
from venues import actions, queries
from venues.api.booking import KEY, dependant_of
from venues.models import Ballot
from venues.queries.ballots import public_ballots, requests_of
from venues.serializers.ballots import (
    BallotDetailOutput,
    BallotOutput,
    BallotRequestInput,
    BallotRequestOutput,
)

BALLOT = OpenApiParameter("number", OpenApiTypes.STR, OpenApiParameter.PATH)
MOST_SHOWN = 100


class Ballots(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="ballots", responses=BallotOutput(many=True))
    def get(self, _request: Request) -> Response:
        """What can be asked for now or soon, or is drawn soon."""
        rows = queries.coming_ballots(at=clock.now())
        return Response(BallotOutput(rows, many=True).data)


class OneBallot(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="ballot_read", parameters=[BALLOT], responses=BallotDetailOutput
    )
    def get(self, _request: Request, number: str) -> Response:
        """A ballot with the times that it gives out."""
        return Response(BallotDetailOutput(_ballot(number)).data)


class MyBallotRequests(APIView):
    @extend_schema(
        operation_id="ballot_requests", responses=BallotRequestOutput(many=True)
    )
    def get(self, request: SignedInApiRequest) -> Response:
        """The caller's requests, the latest first."""
        mine = requests_of(request.user).order_by("-asked_at", "-pk")[:MOST_SHOWN]
        return Response(BallotRequestOutput(mine, many=True).data)


class BallotRequests(APIView):
    @extend_schema(
        operation_id="ballot_request",
        parameters=[BALLOT, KEY],
        request=BallotRequestInput,
        responses={201: BallotRequestOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Ask for a court at one start; one request for each verified person."""
        given = BallotRequestInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = given.validated_data
        made = actions.request_in_ballot(
            ballot=_ballot(number),
            starts_at=wanted["starts_at"],
            dependant=dependant_of(request.user, wanted["dependant"]),
            by=request.user,
        )
        shown = requests_of(request.user).get(pk=made.pk)
        return Response(BallotRequestOutput(shown).data, status=status.HTTP_201_CREATED)


class BallotWithdrawal(APIView):
    @extend_schema(
        operation_id="ballot_withdraw",
        parameters=[BALLOT],
        request=None,
        responses={204: None},
    )
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Take the request back while requests are open."""
        actions.withdraw_from_ballot(ballot=_ballot(number), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _ballot(number: str) -> Ballot:
    return get_object_or_404(public_ballots(), number=number)
