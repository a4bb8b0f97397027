from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.http import SignedInApiRequest
from bureau.notices import actions, queries
from bureau.notices.models import Notice
from bureau.notices.serializers import NoticeOutput, ReadInput, ReadOutput


class Notices(generics.ListAPIView[Notice]):
    """The caller's messages, newest first."""

    serializer_class = NoticeOutput
    queryset = Notice.objects.none()  # tells the schema which model

    def get_queryset(self) -> QuerySet[Notice]:
        user = self.request.user
        if not user.is_authenticated:
            return Notice.objects.none()
        return Notice.objects.visible_to(user)


class ReadNotices(APIView):
    @extend_schema(request=ReadInput, responses=ReadOutput)
    def post(self, request: SignedInApiRequest) -> Response:
        """Mark the caller's messages as read: those with `ids`, or all."""
        given = ReadInput(data=request.data)
        given.is_valid(raise_exception=True)
        notices = Notice.objects.visible_to(request.user)
        if "ids" in given.validated_data:
            notices = notices.filter(pk__in=given.validated_data["ids"])
        marked = actions.mark_read(notices=notices, by=request.user)
        unread = queries.unread_count(request.user)
        return Response(ReadOutput({"marked": marked, "unread": unread}).data)
