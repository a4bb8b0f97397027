from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

_KEY = re.compile(r"[0-9]{1,18}", re.ASCII)


def page_of(
    rows: QuerySet[Any] | Sequence[Any], request: HttpRequest, *, per_page: int
) -> Page[Any]:
    """The page that `?page=` asks for; one that does not exist is a 404."""
    try:
        return Paginator(rows, per_page).page(request.GET.get("page", 1))
    except InvalidPage as missing:
        raise Http404 from missing


class NewestFirst(CursorPagination):
    """Cursor pages by primary key: no page number to guess, no slow OFFSET."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The caller's cursor; one that no answer of ours had is a 404."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor and cursor.position and not _KEY.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
