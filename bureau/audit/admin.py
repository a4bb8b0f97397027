from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, XLSX
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.contrib.import_export.forms import ExportForm

from bureau.audit.models import Entry, ProofOffence, ProofRun, record
from bureau.common import clock
from bureau.common.staff_tables import StaffTable

PER_PAGE = 100


class HistoryFromAudit(StaffTable):
    """Staff tables whose "History" shows the audit trail, whoever wrote it.

    What the admin itself adds, changes or deletes is recorded there too. An admin
    whose `save_model` calls an action sets `records_own_writes = False`, for the action
    records it better.
    """

    records_own_writes = True

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """No filter of ours asks for a range this way; half of one would break."""
        is_range = lookup.endswith("__range")
        return not is_range and super().lookup_allowed(lookup, value, request)

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(
                request, self.opts, unquote(object_id)
            )
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        entries = Entry.objects.about(row).newest_first()
        paginator = self.get_paginator(request, entries, PER_PAGE)
        page = paginator.get_page(request.GET.get(PAGE_VAR, "1"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %(object)s") % {"object": row},
            "subtitle": None,
            "entries": page,
            "page_range": paginator.get_elided_page_range(page.number),
            "page_var": PAGE_VAR,
            "pagination_required": paginator.num_pages > 1,
            "module_name": str(capfirst(self.opts.verbose_name_plural)),
            "object": row,
            "opts": self.opts,
            "preserved_filters": self.get_preserved_filters(request),
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "audit/object_history.html", context)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, obj, "admin_added", message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, obj, "admin_changed", message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            self._record(request, row, "admin_deleted", str(row))
        return super().log_deletions(request, queryset)

    def _record(
        self, request: HttpRequest, row: models.Model, what: str, message: Any
    ) -> None:
        if self.records_own_writes and message:
            event = f"{row._meta.app_label}.{row._meta.model_name}.{what}"
            user: Any = request.user
            detail = {"what": message}
            record(event, subject=row, by=user, at=clock.now(), detail=detail)


class ReadOnly(StaffTable):
    """Staff may look, nobody may touch."""

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_delete_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


class EntryResource(resources.ModelResource):
    class Meta:
        model = Entry
        fields = (
            "id",
            "occurred_at",
            "event",
            "subject_type",
            "subject_id",
            "actor",
            "actor_name",
            "actor_role",
            "ip",
            "request_id",
            "detail",
        )


@admin.register(Entry)
class EntryAdmin(ExportMixin, ReadOnly):
    resource_classes = [EntryResource]
    export_form_class = ExportForm
    export_template_name = "audit/export.html"
    formats = [CSV, XLSX]
    list_display = [
        "occurred_at",
        "event",
        "about",
        "subject_id",
        "actor_name",
        "role",
        "ip",
    ]
    list_filter = [
        ("occurred_at", RangeDateTimeFilter),
        "event",
        "subject_type",
    ]
    list_filter_submit = True
    search_fields = ["event", "actor_name", "=subject_id", "=request_id", "=ip"]
    date_hierarchy = "occurred_at"
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("actor")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """Asked by GET, too: it changes nothing, and an auditor sends nothing."""
        asked, narrowed = QueryDict(mutable=True), request.GET.copy()
        for name in request.GET:
            if name in ("format", "resource") or name.startswith("entryresource_"):
                asked.setlist(name, narrowed.pop(name))
        if asked:
            # The library looks for its form there, and for filters of the list here.
            request.POST, request.GET = asked, narrowed  # type: ignore[assignment]
        answer: HttpResponse = super().export_action(request)
        return answer

    @admin.display(description=_("kind of subject"), ordering="subject_type")
    def about(self, entry: Entry) -> str:
        return entry.subject_words

    @admin.display(description=_("actor's role then"), ordering="actor_role")
    def role(self, entry: Entry) -> str:
        return entry.role_words


class OffenceInline(TabularInline):
    model = ProofOffence
    extra = 0
    can_delete = False
    fields = readonly_fields = ["name", "count", "sample", "error"]

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


@admin.register(ProofRun)
class ProofRunAdmin(ReadOnly):
    list_display = ["started_at", "finished_at", "checked", "broken"]
    date_hierarchy = "started_at"
    ordering = ["-id"]
    inlines = [OffenceInline]
