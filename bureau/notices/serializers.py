from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.notices import queries
from bureau.notices.models import Notice


class NoticeOutput(serializers.ModelSerializer[Notice]):
    subject = serializers.SerializerMethodField()
    body = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = [
            "id",
            "kind",
            "subject",
            "body",
            "url",
            "importance",
            "created_at",
            "read_at",
        ]
        read_only_fields = fields

    @extend_schema_field(str)
    def get_subject(self, notice: Notice) -> str:
        return queries.letter_of(notice).subject

    @extend_schema_field(str)
    def get_body(self, notice: Notice) -> str:
        return queries.letter_of(notice).body

    @extend_schema_field(str)
    def get_url(self, notice: Notice) -> str:
        return queries.letter_of(notice).url


class ReadInput(serializers.Serializer[Any]):
    """Which notices were read; without ids, all of them."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=200,
    )


class ReadOutput(serializers.Serializer[Any]):
    marked = serializers.IntegerField()
    unread = serializers.IntegerField()
