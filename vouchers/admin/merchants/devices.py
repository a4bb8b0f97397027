"""What is redeemed on."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.regions.queries import districts_of
from venues.admin.scope import OrNotFound
from vouchers.models import Device, Merchant


@admin.register(Device)
class DeviceAdmin(ReadOnly, HistoryFromAudit, OrNotFound):
    """What is redeemed on; managers block, staff look."""

    list_display = ["name", "member", "merchant", "last_seen_at", "blocked_at"]
    list_filter = [("blocked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["member__merchant"]
    search_fields = ["member__merchant__name", "member__name"]
    ordering = ["-last_seen_at", "-pk"]
    fields = readonly_fields = [
        "name",
        "member",
        "merchant",
        "first_seen_at",
        "last_seen_at",
        "blocked_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        rows: QuerySet[Device] = super().get_queryset(request)
        mine = districts_of(request.user)  # type: ignore[arg-type]
        if mine is not None:
            firms = Merchant.objects.in_districts(mine)
            rows = rows.filter(member__merchant__in=firms.values("pk"))
        return rows.select_related("member__merchant")

    @display(description=gettext_lazy("merchant"))
    def merchant(self, device: Device) -> str:
        return device.member.merchant.name
