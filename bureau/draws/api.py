from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.draws import queries
from bureau.draws.models import Draw, DrawEntry
from bureau.draws.serializers import (
    DrawDetailOutput,
    DrawOutput,
    EntryOutput,
    ProofOutput,
)


class Draws(generics.ListAPIView[Draw]):
    """All draws, newest first. Public."""

    permission_classes = [AllowAny]
    serializer_class = DrawOutput
    queryset = Draw.objects.all()


class DrawDetail(generics.RetrieveAPIView[Draw]):
    """One draw: its rules' hash, root, sources, seed and files. Public."""

    permission_classes = [AllowAny]
    serializer_class = DrawDetailOutput
    queryset = Draw.objects.prefetch_related("pools")
    lookup_field = "draw_id"


class MyDrawEntries(generics.ListAPIView[DrawEntry]):
    """The entries of the person who asks, with their receipts."""

    request: SignedInApiRequest
    serializer_class = EntryOutput
    queryset = DrawEntry.objects.none()

    def get_queryset(self) -> QuerySet[DrawEntry]:
        mine = DrawEntry.objects.visible_to(self.request.user)
        return mine.select_related("draw", "pool")


class DrawProof(APIView):
    """The proof of an entry, from the freezing of the list on. Public."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="draw_proof", responses=ProofOutput)
    def get(self, request: Request, entry_id: str) -> Response:  # noqa: ARG002
        rows = DrawEntry.objects.select_related("draw", "pool")
        entry = rows.filter(entry_id=entry_id).first()
        proof = queries.proof_of(entry) if entry else None
        if proof is None:
            raise Http404
        return Response(ProofOutput(proof.as_json()).data)
