from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.audit.api import idempotent
from bureau.common import clock
from venues import actions, queries
from venues.api.booking import KEY
from venues.models import ConductPoint
from venues.serializers.conduct import AppealInput, AppealOutput, StandingOutput

POINT = OpenApiParameter("point_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class MyConduct(APIView):
    @extend_schema(operation_id="conduct_read", responses=StandingOutput)
    def get(self, request: SignedInApiRequest) -> Response:
        """The caller's points, bans and appeals, and the rule in force."""
        standing = queries.standing_of(request.user, at=clock.now())
        return Response(StandingOutput(standing).data)


class Appeals(APIView):
    @extend_schema(
        operation_id="conduct_appeal",
        parameters=[POINT, KEY],
        request=AppealInput,
        responses={201: AppealOutput},
    )
    @idempotent
    def post(self, request: SignedInApiRequest, point_id: int) -> Response:
        """Say why points are wrong; once for each booking."""
        given = AppealInput(data=request.data)
        given.is_valid(raise_exception=True)
        mine = ConductPoint.objects.filter(person=request.user)
        appeal = actions.appeal_against(
            point=get_object_or_404(mine, pk=point_id),
            words=given.validated_data["words"],
            by=request.user,
        )
        return Response(AppealOutput(appeal).data, status=status.HTTP_201_CREATED)
