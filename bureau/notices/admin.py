from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.notices import actions
from bureau.notices.models import Delivery, Notice


class DeliveryInline(TabularInline):
    model = Delivery
    extra = 0
    can_delete = False
    fields = readonly_fields = [
        "channel",
        "state",
        "tries",
        "next_try_at",
        "sent_at",
        "error",
    ]

    def has_add_permission(self, *_args: object, **_kwargs: object) -> bool:
        return False


@admin.register(Notice)
class NoticeAdmin(HistoryFromAudit, ReadOnly):
    list_display = ["what", "recipient", "importance", "created_at", "read_at"]
    list_filter = ["kind", "importance", ("read_at", admin.EmptyFieldListFilter)]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__phone", "=recipient__username", "=subject_id"]
    date_hierarchy = "created_at"
    ordering = ["-pk"]
    inlines = [DeliveryInline]

    @admin.display(description=_("kind"), ordering="kind")
    def what(self, notice: Notice) -> str:
        return notice.label


@admin.register(Delivery)
class DeliveryAdmin(HistoryFromAudit, ReadOnly):
    """What did not arrive, and a second chance for it."""

    list_display = ["notice", "channel", "state", "tries", "next_try_at", "error"]
    list_filter = ["state", "channel"]
    list_select_related = ["notice"]
    search_fields = ["=notice__recipient__phone", "error"]
    ordering = ["-pk"]
    actions = ["try_again"]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notices.change_delivery")

    @admin.action(description=_("Try the given-up ones again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        user: Any = request.user  # staff are never anonymous
        count = actions.retry_deliveries(deliveries=queryset, by=user)
        self.message_user(
            request, _("%(count)s messages will be tried again.") % {"count": count}
        )
