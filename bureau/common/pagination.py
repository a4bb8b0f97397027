from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Cursor pages by primary key: no page number to guess, no slow OFFSET."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200
