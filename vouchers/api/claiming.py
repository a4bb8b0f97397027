"""Campaigns, the waiting room, claims, draws and the wallet, for the mini-program."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import User
from bureau.audit.api import IDEMPOTENCY_KEY, idempotent
from bureau.common import clock, codes
from bureau.common.pagination import NewestFirst
from bureau.draws.actions import receipt_of
from vouchers import actions
from vouchers.http import where_of
from vouchers.models import Campaign, Round, Voucher
from vouchers.queries.live import LiveRound, live_campaign, live_round
from vouchers.queries.offers import (
    RoundNow,
    offer_of,
    offers,
    terms_in_force,
    with_rounds,
)
from vouchers.queries.queue import standing_of, turn_of, turn_token
from vouchers.queries.standing import PersonInRound, Stage, person_in_round
from vouchers.queries.wallet import proof_now, vouchers_of
from vouchers.serializers.claiming import (
    CampaignDetailOutput,
    CampaignOutput,
    ClaimInput,
    EntryInput,
    EntryReceiptOutput,
    QueueInput,
    RoundDetailOutput,
    RoundOutput,
    TurnOutput,
    VoucherDetailOutput,
    VoucherOutput,
    VoucherProofOutput,
    WalletQuery,
)

ROUND = OpenApiParameter("pk", OpenApiTypes.INT, OpenApiParameter.PATH)
CODE = OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH)


# --- Campaigns and rounds -----------------------------------------------------------


class Campaigns(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="voucher_campaigns", responses=CampaignOutput(many=True)
    )
    def get(self, _request: Request) -> Response:
        """Campaigns, the latest first. Public."""
        return Response(CampaignOutput(offers(at=clock.now()), many=True).data)


class OneCampaign(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="voucher_campaign_read", responses=CampaignDetailOutput)
    def get(self, _request: Request, slug: str) -> Response:
        """A campaign with its rounds, what is left, and its rules. Public."""
        now = clock.now()
        found = get_object_or_404(with_rounds(Campaign.objects.public()), slug=slug)
        offer = offer_of(found, at=now)
        live = live_campaign(slug, at=now) or {}
        context = {
            "rounds": [_round(one, live.get(one.round.pk)) for one in offer.rounds],
            "terms": terms_in_force(found),
        }
        return Response(CampaignDetailOutput(offer, context=context).data)


class OneRound(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="voucher_round_read",
        parameters=[ROUND],
        responses=RoundDetailOutput,
    )
    def get(self, request: Request, pk: int) -> Response:
        """A round; of who is signed in, also where they stand and what to do next."""
        now = clock.now()
        shown = _round_now(pk, at=now)
        live = live_round(pk, at=now)
        said = {**_round(shown, live), "campaign": shown.round.campaign.slug}
        said["me"] = None
        if isinstance(request.user, User):
            view = person_in_round(request.user, shown, live=live, at=now)
            said["me"] = _me(request, shown.round, view)
        return Response(RoundDetailOutput(said).data)


class RoundLive(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="voucher_round_live", parameters=[ROUND], responses=RoundOutput
    )
    def get(self, _request: Request, pk: int) -> Response:
        """The round alone, the same for everybody: cheap to ask again. Public."""
        now = clock.now()
        return Response(
            RoundOutput(_round(_round_now(pk, at=now), live_round(pk, at=now))).data
        )


def _round_now(pk: int, *, at: datetime) -> RoundNow:
    campaigns = with_rounds(Campaign.objects.public()).filter(rounds=pk)
    found = offer_of(get_object_or_404(campaigns), at=at)
    return next(one for one in found.rounds if one.round.pk == pk)


def _round(now: RoundNow, live: LiveRound | None) -> dict[str, Any]:
    row = now.round
    lots = live.lots if live else {}
    return {
        "id": row.pk,
        "number": row.number,
        "way": row.way,
        "phase": now.phase,
        "changes_at": now.changes_at,
        "called_off_at": row.called_off_at,
        "called_off_for": row.called_off_for,
        "opens_at": row.opens_at,
        "closes_at": row.closes_at,
        "draws_at": row.draws_at,
        "rush_opens_at": row.rush_opens_at,
        "rush_closes_at": row.rush_closes_at,
        "lobby_minutes": row.lobby_minutes,
        "spread_seconds": row.spread_seconds,
        "draw": row.draw.draw_id if row.draw else None,
        "present": live.present if live else 0,
        "lots": [
            {
                "id": lot.pk,
                "tier": lot.tier_id,
                "amount": known.laid_out if known else lot.amount,
                "left": known.left if known else lot.amount,
                "sold_out_at": lot.sold_out_at,
                "called_until": lot.called_until,
                "held_until": lot.held_until,
            }
            for lot in now.lots
            for known in [lots.get(lot.pk)]
        ],
    }


def _me(request: Request, shown: Round, view: PersonInRound) -> dict[str, Any]:
    turn = None
    if view.ticket and view.standing and view.stage in {Stage.WAIT, Stage.TURN}:
        token = turn_token(turn_of(view.ticket, shown), holder=_holder(request))
        turn = _turn(token, view.standing)
    return {
        "stage": view.stage,
        "reasons": [
            {"code": one.code, "words": str(one.words)} for one in view.reasons
        ],
        "needs_place": view.needs_place,
        "turn": turn,
        "next_nth": view.last_number + 1,
        "entry": receipt_of(view.entry) if view.entry else None,
        "rank": view.entry.rank if view.entry else None,
        "vouchers": [voucher.code for voucher in view.mine],
    }


def _turn(token: str, standing: Any) -> dict[str, Any]:
    return {
        "turn": token,
        "turn_at": standing.turn_at,
        "about": standing.about,
        "present": standing.present,
        "came_late": standing.came_late,
    }


def _holder(request: Request) -> str:
    """What a turn is handed to: a token of the API, or the session of a browser."""
    token = request.auth
    if token is not None and hasattr(token, "public_id"):
        return f"token:{token.public_id}"
    return request.session.session_key or ""


# --- What one can do ------------------------------------------------------------------


class RoundQueue(APIView):
    @extend_schema(
        operation_id="voucher_queue_join",
        parameters=[ROUND, IDEMPOTENCY_KEY],
        request=QueueInput,
        responses={201: TurnOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, pk: int) -> Response:
        """Come to the waiting room; coming twice is coming once."""
        given = QueueInput(data=request.data)
        given.is_valid(raise_exception=True)
        shown = _public_round(pk)
        place = given.validated_data["place"] or None
        ticket = actions.join_queue(round=shown, by=request.user, place=place)
        live = live_round(pk, at=clock.now())
        standing = standing_of(ticket, shown, present=live.present if live else 1)
        token = turn_token(turn_of(ticket, shown), holder=_holder(request))
        return Response(
            TurnOutput(_turn(token, standing)).data, status=status.HTTP_201_CREATED
        )


class RoundClaims(APIView):
    @extend_schema(
        operation_id="voucher_claim",
        parameters=[ROUND, IDEMPOTENCY_KEY],
        request=ClaimInput,
        responses={201: VoucherOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, pk: int) -> Response:
        """Claim a voucher with the turn that the waiting room gave."""
        given = ClaimInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked: dict[str, Any] = given.validated_data
        shown = _public_round(pk)
        if not shown.lots.filter(pk=asked["lot"]).exists():
            raise Http404
        claimed = actions.claim_by_token(
            token=asked["turn"],
            lot_id=asked["lot"],
            holder=_holder(request),
            nth=asked["nth"],
            at=clock.now(),
            where=where_of(request),
        )
        voucher = vouchers_of(request.user).get(code=claimed.code)
        return Response(VoucherOutput(voucher).data, status=status.HTTP_201_CREATED)


class RoundEntry(APIView):
    @extend_schema(
        operation_id="voucher_draw_enter",
        parameters=[ROUND, IDEMPOTENCY_KEY],
        request=EntryInput,
        responses={201: EntryReceiptOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, pk: int) -> Response:
        """Enter the draw of a round for one kind; one entry for each person."""
        given = EntryInput(data=request.data)
        given.is_valid(raise_exception=True)
        shown = _public_round(pk)
        lot = get_object_or_404(
            shown.lots.select_related("tier"), pk=given.validated_data["lot"]
        )
        receipt = actions.enter_round_draw(
            round=shown,
            tier=lot.tier,
            by=request.user,
            place=given.validated_data["place"] or None,
        )
        return Response(
            EntryReceiptOutput(receipt).data, status=status.HTTP_201_CREATED
        )


def _public_round(pk: int) -> Round:
    return get_object_or_404(Round.objects.public().select_related("campaign"), pk=pk)


# --- The wallet -----------------------------------------------------------------------


class Vouchers(generics.ListAPIView[Voucher]):
    """The caller's vouchers: usable ones, used ones, or those that are over."""

    request: SignedInApiRequest
    serializer_class = VoucherOutput
    pagination_class = NewestFirst
    queryset = Voucher.objects.none()  # tells the schema which model

    @extend_schema(operation_id="vouchers_list", parameters=[WalletQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Voucher]:
        asked = WalletQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        mine, now = vouchers_of(self.request.user), clock.now()
        match asked.validated_data["show"]:
            case "used":
                return mine.used()
            case "ended":
                return mine.ended_at(now)
            case _:
                return mine.live_at(now)


class OneVoucher(APIView):
    @extend_schema(
        operation_id="voucher_read", parameters=[CODE], responses=VoucherDetailOutput
    )
    def get(self, request: SignedInApiRequest, code: str) -> Response:
        """One of the caller's vouchers, with its rules."""
        return Response(VoucherDetailOutput(_mine(request, code)).data)


class VoucherProof(APIView):
    @extend_schema(
        operation_id="voucher_proof", parameters=[CODE], responses=VoucherProofOutput
    )
    def get(self, request: SignedInApiRequest, code: str) -> Response:
        """What to show at the counter in this half minute; 404 when not usable."""
        voucher, now = _mine(request, code), clock.now()
        if not voucher.is_usable_at(now):
            raise Http404
        answer = Response(VoucherProofOutput(proof_now(voucher, at=now)).data)
        answer["Cache-Control"] = "no-store"
        return answer


def _mine(request: SignedInApiRequest, code: str) -> Voucher:
    mine = vouchers_of(request.user).select_related("campaign", "tier", "terms")
    return get_object_or_404(mine, code=codes.normalise(code))
