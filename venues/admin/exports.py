"""The outbox of the exports: what went to the higher platform, and what did not."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from bureau.audit.admin import ReadOnly
from bureau.common.staff_tables import Badge
from venues import actions
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.clients.exports import messages_of
from venues.models import ExportRecord


@admin.register(ExportRecord)
class ExportRecordAdmin(ReadOnly, ScopedAdmin):
    """One row per venue, kind and hour; "send again" is the only thing to do."""

    list_display = [
        "ends_at",
        "venue",
        "kind",
        "came",
        "left",
        "revision",
        "state_now",
        "tries",
        "next_try_at",
        "sent_at",
        "problem",
    ]
    list_filter = [
        "state",
        "kind",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
        ("ends_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["venue"]
    search_fields = ["venue__name", "venue__name_en", "=public_id"]
    date_hierarchy = "ends_at"
    ordering = ["-ends_at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    actions = ["send_again"]
    fields = readonly_fields = [
        "public_id",
        *list_display,
        "sent_revision",
        "counted_at",
        "wire",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("venue__district")

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={"waiting": "info", "sent": "success", "refused": "danger"},
    )
    def state_now(self, row: ExportRecord) -> Badge:
        return Badge(row.state, row.get_state_display())

    @display(description=gettext_lazy("as it goes out"))
    def wire(self, row: ExportRecord) -> str:
        told = json.dumps(messages_of(row), ensure_ascii=False, indent=2)
        return format_html('<pre class="wire">{}</pre>', told)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("venues.change_exportrecord")

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(self, request: StaffRequest, queryset: QuerySet[Any]) -> None:
        done = actions.send_again(records=queryset, by=request.user)
        told = ngettext(
            "%(count)s record goes out again within five minutes.",
            "%(count)s records go out again within five minutes.",
            done,
        )
        messages.success(request, told % {"count": done})
