"""Statements for a merchant's bookkeeping."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import User
from vouchers.models import Settlement
from vouchers.queries.settlements import statement_of
from vouchers.serializers.settlements import StatementDetailOutput, StatementOutput

NUMBER = OpenApiParameter("number", str, OpenApiParameter.PATH)


def _mine(user: User) -> QuerySet[Settlement]:
    rows = Settlement.objects.visible_to(user)
    return rows.select_related("campaign", "merchant")


@extend_schema_view(get=extend_schema(operation_id="merchant_statements"))
class Statements(generics.ListAPIView[Settlement]):
    """Settlements of the merchants that the caller manages, the newest first."""

    serializer_class = StatementOutput
    queryset = Settlement.objects.none()

    def get_queryset(self) -> QuerySet[Settlement]:
        assert isinstance(self.request.user, User)  # noqa: S101 - signed in
        return _mine(self.request.user)


class OneStatement(APIView):
    @extend_schema(
        operation_id="merchant_statement",
        parameters=[NUMBER],
        responses=StatementDetailOutput,
    )
    def get(self, request: SignedInApiRequest, number: str) -> Response:
        """A settlement down to each redemption."""
        row = get_object_or_404(_mine(request.user), number=number)
        return Response(StatementDetailOutput(statement_of(row)).data)
