from __future__ import annotations

from typing import Any

from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from rest_framework.pagination import CursorPagination


def page_of(rows: QuerySet[Any], request: HttpRequest, *, per_page: int) -> Page[Any]:
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
