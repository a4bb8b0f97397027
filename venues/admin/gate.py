"""The gate's books: who crossed, which devices check alone, what they reported."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from bureau.audit.admin import ReadOnly
from bureau.common.staff_tables import Badge
from venues import actions
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.models import Crossing, GateDevice, OfflineScan
from venues.queries.gate import holder_of


@admin.register(Crossing)
class CrossingAdmin(ReadOnly, ScopedAdmin):
    """Who went through which door; append-only."""

    list_display = [
        "crossed_at",
        "venue",
        "gate",
        "direction",
        "persons",
        "group",
        "counted_by",
    ]
    list_filter = [
        "direction",
        "group",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
        ("crossed_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["venue", "gate", "counted_by"]
    date_hierarchy = "crossed_at"
    ordering = ["-crossed_at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    fields = readonly_fields = [*list_display, "admission"]


@admin.register(GateDevice)
class GateDeviceAdmin(ReadOnly, ScopedAdmin):
    list_display = [
        "name",
        "venue",
        "registered_by",
        "registered_at",
        "list_issued_at",
        "revoked_at",
    ]
    list_filter = [
        ("revoked_at", admin.EmptyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue", "registered_by"]
    search_fields = ["name", "venue__name"]
    ordering = ["-registered_at", "-pk"]
    actions = ["revoke"]
    fields = readonly_fields = list_display

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("venues.change_gatedevice")

    @admin.action(
        description=gettext_lazy("Take the right to check passes away"),
        permissions=["revoke"],
    )
    def revoke(self, request: StaffRequest, queryset: QuerySet[GateDevice]) -> None:
        done = 0
        for device in queryset.filter(revoked_at=None).order_by("pk"):
            actions.revoke_device(device=device, by=request.user)
            done += 1
        told = ngettext(
            "%(count)s device checks no passes any more.",
            "%(count)s devices check no passes any more.",
            done,
        )
        messages.success(request, told % {"count": done})


@admin.register(OfflineScan)
class OfflineScanAdmin(ReadOnly, ScopedAdmin):
    """What gates did without network; what was no good comes first to the eye."""

    district_path = "device__venue__district"
    list_display = [
        "scanned_at",
        "outcome_now",
        "device",
        "pass_code",
        "holder",
        "booking",
        "scanned_by",
        "received_at",
    ]
    list_filter = [
        "outcome",
        ("device__venue", admin.RelatedOnlyFieldListFilter),
        ("scanned_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = [
        "device__venue",
        "entry_pass__booking__booked_by",
        "entry_pass__booking__dependant",
        "entry_pass__companion__user",
        "scanned_by",
    ]
    search_fields = ["=pass_code", "=entry_pass__booking__number"]
    date_hierarchy = "scanned_at"
    ordering = ["-scanned_at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    fields = readonly_fields = list_display

    @display(
        description=gettext_lazy("outcome"),
        ordering="outcome",
        label={
            "admitted": "success",
            "twice": "danger",
            "cancelled": "warning",
            "unknown": "danger",
            "untimely": "danger",
        },
    )
    def outcome_now(self, scan: OfflineScan) -> Badge:
        return Badge(scan.outcome, scan.get_outcome_display())

    @display(description=gettext_lazy("who"))
    def holder(self, scan: OfflineScan) -> str:
        return holder_of(scan.entry_pass) if scan.entry_pass else "–"

    @display(description=gettext_lazy("booking"))
    def booking(self, scan: OfflineScan) -> str:
        return str(scan.entry_pass.booking) if scan.entry_pass else "–"
