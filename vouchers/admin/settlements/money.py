"""What the tables of money have in common: who sees them, and which campaign is meant.

Staff of the whole city work here; staff of a district do not see these tables.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.regions.queries import districts_of
from venues.admin.scope import OrNotFound
from vouchers.models import Campaign


class EmptyForm(forms.Form):
    """Nothing to fill in, only to confirm."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )


class OfTheCity(ReadOnly, HistoryFromAudit, OrNotFound):
    """Tables of money: for staff of the whole city."""

    def may(self, request: HttpRequest, permission: str) -> bool:
        user = request.user
        return (
            isinstance(user, User)
            and districts_of(user) is None
            and user.has_perm(f"vouchers.{permission}")
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user = request.user
        if isinstance(user, User) and districts_of(user) is not None:
            return False
        return super().has_view_permission(request, obj)

    def has_prepare_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return self.may(request, "add_settlement")

    def has_approve_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return self.may(request, "approve_settlement")

    def has_pay_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return self.may(request, "add_paymentfile")

    def has_close_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return self.may(request, "close_campaign")


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def campaign_asked(request: HttpRequest) -> Campaign | None:
    """The campaign that the address names; the newest published one without."""
    asked = request.GET.get("campaign", "")
    rows = Campaign.objects.exclude(state=Campaign.State.DRAFT)
    if asked.isascii() and asked.isdigit() and len(asked) < 18:
        found: Campaign = get_object_or_404(rows, pk=int(asked))
        return found
    published = rows.filter(state=Campaign.State.PUBLISHED)
    return (
        published.order_by("-published_at", "-pk").first()
        or rows.order_by("-closed_at", "-pk").first()
    )
