from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.photos.models import Photo


@admin.register(Photo)
class PhotoAdmin(HistoryFromAudit, ReadOnly):
    list_display = [
        "code",
        "purpose",
        "subject_type",
        "subject_id",
        "uploaded_by",
        "uploaded_at",
        "distance_m",
    ]
    list_filter = ["purpose", "subject_type"]
    list_select_related = ["uploaded_by"]
    search_fields = ["=code", "=sha256", "=subject_id"]
    date_hierarchy = "uploaded_at"
    ordering = ["-pk"]
    fields = [
        "picture",
        "purpose",
        "subject_type",
        "subject_id",
        "uploaded_by",
        "uploaded_at",
        "width",
        "height",
        "bytes",
        "distance_m",
        "sha256",
        "seen_before",
    ]
    readonly_fields = ["picture", "seen_before"]

    def get_queryset(self, request: HttpRequest) -> object:
        rows = super().get_queryset(request)
        user = request.user
        return rows.visible_to(user if isinstance(user, User) else None)

    @admin.display(description=_("picture"))
    def picture(self, row: Photo) -> str:
        return format_html('<img src="{}" width="320" alt="">', row.get_absolute_url())

    @admin.display(description=_("same file sent before"))
    def seen_before(self, row: Photo) -> str:
        return ", ".join(map(str, Photo.objects.used_before(row).order_by("pk")))
