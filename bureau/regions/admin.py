from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from bureau.audit.admin import HistoryFromAudit
from bureau.regions.models import District, Posting


@admin.register(District)
class DistrictAdmin(HistoryFromAudit, ModelAdmin):
    """Boundaries come from `manage.py load_regions`; the rest is kept here."""

    list_display = ["code", "name", "name_en", "population", "position"]
    search_fields = ["code", "name", "name_en"]
    fields = ["code", "name", "name_en", "population", "position"]
    readonly_fields = ["code"]
    ordering = ["position", "pk"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, *_args: object, **_kwargs: object) -> bool:
        return False


@admin.register(Posting)
class PostingAdmin(HistoryFromAudit, ModelAdmin):
    list_display = ["user", "district"]
    list_filter = ["district"]
    list_select_related = ["user", "district"]
    search_fields = ["user__username", "user__last_name", "user__first_name"]
    raw_id_fields = ["user"]
    ordering = ["district__position", "pk"]
