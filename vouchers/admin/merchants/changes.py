"""What an approved business wants to have changed, beside what is in force."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.regions.queries import districts_of
from venues.admin.pages import ask
from venues.admin.scope import OrNotFound, StaffRequest
from vouchers import actions
from vouchers.admin.merchants.deciding import Decides, papers, twins
from vouchers.forms.staff_merchants import ReasonForm, YesForm
from vouchers.models import Merchant, MerchantChange


@admin.register(MerchantChange)
class MerchantChangeAdmin(Decides, ReadOnly, HistoryFromAudit, OrNotFound):
    """What approved businesses want to have changed, beside what is in force."""

    list_display = ["merchant", "what", "state", "asked_at", "asked_by"]
    list_filter = ["state"]
    list_select_related = ["merchant", "asked_by"]
    search_fields = ["merchant__name", "=merchant__credit_code"]
    fields = readonly_fields = [
        "merchant",
        "state",
        "reason",
        "what",
        "papers_shown",
        "twins_shown",
        "asked_at",
        "asked_by",
        "decided_at",
        "decided_by",
    ]
    actions_detail = ["approve", "refuse"]

    def offers(self, name: str, row: MerchantChange, request: HttpRequest) -> bool:
        return row.state == MerchantChange.State.ASKED

    def get_queryset(self, request: HttpRequest) -> QuerySet[MerchantChange]:
        rows: QuerySet[MerchantChange] = MerchantChange.objects.all()
        mine = districts_of(request.user)  # type: ignore[arg-type]
        if mine is not None:
            firms = Merchant.objects.in_districts(mine)
            rows = rows.filter(merchant__in=firms.values("pk"))
        return rows.annotate(
            turn=Case(When(state="asked", then=0), default=1)
        ).select_related("merchant", "asked_by", "decided_by")

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["turn", "-asked_at", "-pk"]

    @display(description=gettext_lazy("what changes"))
    def what(self, change: MerchantChange) -> SafeString:
        now = change.merchant
        rows = []
        for name in _COMPARED:
            old, new = getattr(now, name), getattr(change, name)
            if old != new:
                label = Merchant._meta.get_field(name).verbose_name  # type: ignore[union-attr]
                rows.append((label, _plain(old), _plain(new)))
        # Two numbers may look alike when they are masked; both are sealed.
        return format_html_join("", "<p>{}: {} → {}</p>", rows) or SafeString(
            _("only photos, or digits of the account that are masked")
        )

    @display(description=gettext_lazy("licence and permit"))
    def papers_shown(self, change: MerchantChange) -> SafeString:
        return papers(change)

    @display(description=gettext_lazy("in common with other businesses"))
    def twins_shown(self, change: MerchantChange) -> SafeString:
        return twins(change.merchant, change)

    @action(
        description=gettext_lazy("Approve"), url_path="approve", permissions=["decide"]
    )
    def approve(self, request: StaffRequest, object_id: str) -> HttpResponse:
        change: MerchantChange = self.get_object(request, object_id)

        def act(_given: dict[str, Any]) -> tuple[str, MerchantChange]:
            actions.approve_change(change=change, by=request.user)
            return _("The change is in force."), change

        return ask(
            self,
            request,
            row=change,
            title=_("Approve the change: %(name)s") % {"name": change},
            form=YesForm(request.POST or None),
            lead=format_html(
                "{} {}",
                _("It is in force at once, also for the next settlement."),
                self.what(change),
            ),
            button=_("Approve"),
            act=act,
        )

    @action(
        description=gettext_lazy("Refuse"), url_path="refuse", permissions=["decide"]
    )
    def refuse(self, request: StaffRequest, object_id: str) -> HttpResponse:
        change: MerchantChange = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, MerchantChange]:
            actions.refuse_change(
                change=change, reason=given["reason"], by=request.user
            )
            return _("What was in force stays. The managers are told."), change

        return ask(
            self,
            request,
            row=change,
            title=_("Refuse the change: %(name)s") % {"name": change},
            form=ReasonForm(request.POST or None),
            button=_("Refuse"),
            act=act,
        )


_COMPARED = (
    "name",
    "credit_code",
    "sports",
    "permit_number",
    "permit_until",
    "bank_name",
    "account_name",
    "masked_account",
)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value in (None, "") else str(value)
