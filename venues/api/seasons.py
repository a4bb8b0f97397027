from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import User
from bureau.audit.api import idempotent
from bureau.common import clock
from bureau.payments.serializers import PaymentOutput
from venues import actions, queries
from venues.api.booking import KEY
from venues.models import Invoice, SeasonRequest
from venues.queries.seasons import (
    clubs_of,
    invoices_of,
    plan_season,
    public_seasons,
    requests_of,
)
from venues.serializers.seasons import (
    ClubInput,
    ClubOutput,
    InvoiceDetailOutput,
    InvoiceOutput,
    SeasonOutput,
    SeasonPlanOutput,
    SeasonRequestInput,
    SeasonRequestOutput,
    WeeklyTimeInput,
)

CLUB = OpenApiParameter("club_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
SEASON = OpenApiParameter("season_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
NUMBER = OpenApiParameter("number", OpenApiTypes.STR, OpenApiParameter.PATH)
MOST_SHOWN = 100


class Clubs(APIView):
    @extend_schema(operation_id="clubs", responses=ClubOutput(many=True))
    def get(self, request: SignedInApiRequest) -> Response:
        """The clubs whose contact the caller is."""
        return Response(ClubOutput(clubs_of(request.user), many=True).data)

    @extend_schema(
        operation_id="club_register",
        parameters=[KEY],
        request=ClubInput,
        responses={201: ClubOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest) -> Response:
        """Become the contact of a club; staff check it before it can apply."""
        given = ClubInput(data=request.data)
        given.is_valid(raise_exception=True)
        club = actions.register_club(facts=given.facts, by=request.user)
        return Response(ClubOutput(club).data, status=status.HTTP_201_CREATED)


class OneClub(APIView):
    @extend_schema(
        operation_id="club_correct",
        parameters=[CLUB],
        request=ClubInput,
        responses=ClubOutput,
    )
    def put(self, request: SignedInApiRequest, club_id: int) -> Response:
        """Correct what staff could not approve."""
        given = ClubInput(data=request.data)
        given.is_valid(raise_exception=True)
        mine = get_object_or_404(clubs_of(request.user), pk=club_id)
        club = actions.correct_club(club=mine, facts=given.facts, by=request.user)
        return Response(ClubOutput(club).data)


class Seasons(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="seasons", responses=SeasonOutput(many=True))
    def get(self, _request: Request) -> Response:
        """Seasons that clubs can apply for, the first to close first."""
        rows = queries.open_seasons(at=clock.now())
        return Response(SeasonOutput(rows, many=True).data)


class OneSeason(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="season_read", parameters=[SEASON], responses=SeasonOutput
    )
    def get(self, _request: Request, season_id: int) -> Response:
        found = get_object_or_404(public_seasons(), pk=season_id)
        return Response(SeasonOutput(found).data)


class SeasonPreview(APIView):
    @extend_schema(
        operation_id="season_preview",
        parameters=[SEASON],
        request=WeeklyTimeInput,
        responses=SeasonPlanOutput,
    )
    def post(self, request: SignedInApiRequest, season_id: int) -> Response:
        """The dates of a weekly time, and why some are skipped; changes nothing."""
        season = get_object_or_404(public_seasons(), pk=season_id)
        given = WeeklyTimeInput(data=request.data)
        given.is_valid(raise_exception=True)
        weekly = given.weekly
        actions.refuse_outside_season(season, weekly)
        plan = plan_season(season.venue, weekly, at=clock.now())
        return Response(SeasonPlanOutput(plan).data)


class SeasonApplication(APIView):
    @extend_schema(
        operation_id="season_apply",
        parameters=[SEASON, KEY],
        request=SeasonRequestInput,
        responses={201: SeasonRequestOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, season_id: int) -> Response:
        """Ask for a weekly time in the name of one of the caller's clubs."""
        season = get_object_or_404(public_seasons(), pk=season_id)
        given = SeasonRequestInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted: dict[str, Any] = given.validated_data
        made = actions.ask_for_season(
            season=season,
            club=get_object_or_404(clubs_of(request.user), pk=wanted["club"]),
            weekly=given.weekly,
            wish=wanted["wish"],
            note=wanted["note"],
            by=request.user,
        )
        shown = _requests(request.user).get(pk=made.pk)
        return Response(SeasonRequestOutput(shown).data, status=status.HTTP_201_CREATED)


class SeasonRequests(APIView):
    @extend_schema(
        operation_id="season_requests", responses=SeasonRequestOutput(many=True)
    )
    def get(self, request: SignedInApiRequest) -> Response:
        """The requests of the caller's clubs, the latest first."""
        rows = _requests(request.user).order_by("-asked_at", "-pk")[:MOST_SHOWN]
        return Response(SeasonRequestOutput(rows, many=True).data)


class OneSeasonRequest(APIView):
    @extend_schema(
        operation_id="season_request_read",
        parameters=[NUMBER],
        responses=SeasonRequestOutput,
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        found = get_object_or_404(_requests(request.user), number=number)
        return Response(SeasonRequestOutput(found).data)


class SeasonRequestWithdrawal(APIView):
    @extend_schema(
        operation_id="season_request_withdraw",
        parameters=[NUMBER],
        request=None,
        responses=SeasonRequestOutput,
    )
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Take a request back while it is being decided."""
        found = get_object_or_404(_requests(request.user), number=number)
        actions.withdraw_request(request=found, by=request.user)
        shown = _requests(request.user).get(pk=found.pk)
        return Response(SeasonRequestOutput(shown).data)


class Invoices(APIView):
    @extend_schema(operation_id="invoices", responses=InvoiceOutput(many=True))
    def get(self, request: SignedInApiRequest) -> Response:
        """The invoices of the caller's clubs, the latest first."""
        rows = invoices_of(request.user).order_by("-issued_at", "-pk")[:MOST_SHOWN]
        return Response(InvoiceOutput(rows, many=True).data)


class OneInvoice(APIView):
    @extend_schema(
        operation_id="invoice_read", parameters=[NUMBER], responses=InvoiceDetailOutput
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """An invoice with the slots that it asks for."""
        return Response(InvoiceDetailOutput(_invoice(request, number)).data)


class InvoicePayment(APIView):
    @extend_schema(
        operation_id="invoice_pay",
        parameters=[NUMBER, KEY],
        request=None,
        responses={201: PaymentOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, number: str) -> Response:
        """Ask for the payment of an open invoice; pay it at `/payments/…/start/`."""
        invoice = _invoice(request, number)
        payment = actions.pay_invoice(invoice=invoice, by=request.user)
        return Response(PaymentOutput(payment).data, status=status.HTTP_201_CREATED)


def _requests(user: User) -> QuerySet[SeasonRequest]:
    return requests_of(user).prefetch_related("skipped", "invoice__bookings")


def _invoice(request: SignedInApiRequest, number: str) -> Invoice:
    found: Invoice = get_object_or_404(invoices_of(request.user), number=number)
    return found
