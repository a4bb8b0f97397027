from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vouchers import queries
from vouchers.models import Campaign
from vouchers.serializers.figures import FiguresOutput


class CampaignFigures(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="voucher_figures", responses=FiguresOutput)
    def get(self, _request: Request, slug: str) -> Response:
        """What the money of a campaign did; at most a minute old, open to everybody."""
        campaign = get_object_or_404(Campaign.objects.public(), slug=slug)
        return Response(FiguresOutput(queries.figures_of(campaign)).data)
