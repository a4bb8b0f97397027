"""Settlements: prepared by one, approved by another, paid by a file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDateWidget

from bureau.common import clock, papers, workbooks
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.staff_tables import Badge
from venues.admin.pages import ask, show
from venues.admin.scope import StaffRequest
from vouchers import actions
from vouchers.admin.settlements.money import (
    EmptyForm,
    OfTheCity,
    ReasonForm,
    campaign_asked,
    download,
)
from vouchers.models import Campaign, PaymentFile, Settlement, SettlementRun
from vouchers.queries.settlements import (
    money_by_merchant,
    next_period,
    owed_fen,
    statement_file_name,
    statement_of,
    statement_pdf,
    statement_workbook,
)

State = Settlement.State
_TONES = {
    State.PREPARED: "info",
    State.APPROVED: "warning",
    State.PAID: "success",
    State.REJECTED: "danger",
}


class PeriodForm(forms.Form):
    from_on = forms.DateField(
        label=gettext_lazy("first day"), widget=UnfoldAdminDateWidget
    )
    until_on = forms.DateField(
        label=gettext_lazy("last day"), widget=UnfoldAdminDateWidget
    )


@admin.register(Settlement)
class SettlementAdmin(OfTheCity):
    """Prepared by one, approved by another, paid by a file."""

    list_display = [
        "number",
        "merchant",
        "campaign",
        "from_on",
        "until_on",
        "amount",
        "count",
        "state_now",
        "prepared_by",
        "decided_by",
    ]
    list_filter = [
        "state",
        ("campaign", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["merchant", "campaign", "prepared_by", "decided_by"]
    search_fields = ["=number", "merchant__name", "=merchant__credit_code"]
    date_hierarchy = "until_on"
    ordering = ["-until_on", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    fields = readonly_fields = [
        "number",
        "campaign",
        "merchant",
        "from_on",
        "until_on",
        "state_now",
        "amount",
        "count",
        "bank_name",
        "account_name",
        "masked_account",
        "statement_hash",
        "prepared_at",
        "prepared_by",
        "decided_at",
        "decided_by",
        "reason",
        "payment_file",
        "paid_at",
        "totals",
    ]
    actions = ["approve_chosen"]
    actions_list = ["prepare", "pay", "money"]
    actions_detail = ["approve", "reject", "paid", "pdf", "xlsx"]

    def offers(self, name: str, row: Settlement, request: HttpRequest) -> bool:
        by_another = row.prepared_by != request.user
        fits = {
            "approve": by_another and row.state == State.PREPARED,
            "reject": by_another and row.state in (State.PREPARED, State.APPROVED),
            "paid": row.state == State.APPROVED and row.payment_file_id is not None,
        }
        return fits.get(name, True)

    @display(description=gettext_lazy("state"), ordering="state", label=_TONES)
    def state_now(self, row: Settlement) -> Badge:
        return Badge(row.state, str(row.get_state_display()))

    @display(description=gettext_lazy("amount, yuan"), ordering="amount_fen")
    def amount(self, row: Settlement) -> str:
        return yuan(row.amount_fen)

    @display(description=gettext_lazy("by tier and shop"))
    def totals(self, row: Settlement) -> SafeString:
        found = statement_of(row)
        lines = [
            f"{name}: {total.count} · ¥{yuan(total.amount_fen)}"
            for name, total in (*found.tiers.items(), *found.shops.items())
        ]
        if found.taken_back:
            lines.append(
                _("taken back: %(count)s · ¥%(yuan)s")
                % {
                    "count": len(found.taken_back),
                    "yuan": yuan(found.taken_back_fen),
                }
            )
        if found.held:
            lines.append(
                _("held back, not in the sum: %(count)s") % {"count": len(found.held)}
            )
        return format_html('<pre class="wire">{}</pre>', "\n".join(lines))

    # --- Preparing ----------------------------------------------------------------

    @action(
        description=gettext_lazy("Prepare settlements"),
        url_path="prepare",
        permissions=["prepare"],
        icon="add",
    )
    def prepare(self, request: StaffRequest) -> HttpResponse:
        """For all merchants of a campaign; a worker does it, with its progress."""
        if not self.has_prepare_permission(request):
            raise PermissionDenied
        campaign = campaign_asked(request)
        if campaign is None:
            messages.error(request, _("There is no campaign that could be settled."))
            return HttpResponseRedirect(reverse("admin:vouchers_settlement_changelist"))
        period = next_period(campaign, today=clock.today())
        initial = {"from_on": period[0], "until_on": period[1]} if period else {}

        def act(given: dict[str, Any]) -> tuple[str, SettlementRun]:
            run = actions.ask_for_settlements(
                campaign=campaign, by=request.user, **given
            )
            return _("The settlements are being prepared. You get a message."), run

        lead = _(
            "%(campaign)s: what was redeemed until the end of the last day and is in no"
            " settlement yet, less refunds of what was paid before. What the radar"
            " holds is left out and comes once it is cleared."
        ) % {"campaign": campaign}
        if period:
            lead += " " + _("For the days proposed: ¥%(yuan)s.") % {
                "yuan": yuan(owed_fen(campaign, until_on=period[1]))
            }
        return ask(
            self,
            request,
            title=_("Prepare settlements: %(campaign)s") % {"campaign": campaign},
            form=PeriodForm(request.POST or None, initial=initial),
            lead=lead,
            button=_("Prepare"),
            act=act,
        )

    # --- Deciding -----------------------------------------------------------------

    @action(
        description=gettext_lazy("Approve"), url_path="approve", permissions=["approve"]
    )
    def approve(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: Settlement = self.get_object(request, object_id)

        def act(_given: dict[str, Any]) -> tuple[str, Settlement]:
            actions.approve_settlement(settlement=row, by=request.user)
            return _("Approved. It goes into the next payment file."), row

        lead = _(
            "%(merchant)s, %(count)s lines, ¥%(yuan)s to %(bank)s %(account)s. Compare"
            " the statement first."
        ) % {
            "merchant": row.merchant,
            "count": row.count,
            "yuan": yuan(row.amount_fen),
            "bank": row.bank_name,
            "account": row.masked_account,
        }
        return ask(
            self,
            request,
            row=row,
            title=_("Approve: %(row)s") % {"row": row},
            form=EmptyForm(request.POST if request.method == "POST" else None),
            lead=lead,
            button=_("Approve"),
            act=act,
        )

    @admin.action(
        description=gettext_lazy("Approve the chosen ones"), permissions=["approve"]
    )
    def approve_chosen(
        self, request: StaffRequest, queryset: QuerySet[Settlement]
    ) -> None:
        done = 0
        for row in queryset.order_by("pk"):
            try:
                actions.approve_settlement(settlement=row, by=request.user)
            except DomainError as refusal:
                messages.error(request, f"{row}: {refusal}")
            else:
                done += 1
        if done:
            told = ngettext(
                "%(count)s settlement is approved.",
                "%(count)s settlements are approved.",
                done,
            )
            messages.success(request, told % {"count": done})

    @action(
        description=gettext_lazy("Reject"), url_path="reject", permissions=["approve"]
    )
    def reject(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: Settlement = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Settlement]:
            actions.reject_settlement(
                settlement=row, reason=given["reason"], by=request.user
            )
            return _("Rejected. Its redemptions can be settled anew."), row

        return ask(
            self,
            request,
            row=row,
            title=_("Reject: %(row)s") % {"row": row},
            form=ReasonForm(request.POST or None),
            lead=_("Also when the bank could not pay it."),
            button=_("Reject"),
            act=act,
        )

    # --- Paying -------------------------------------------------------------------

    @action(
        description=gettext_lazy("Make a payment file"),
        url_path="pay",
        permissions=["pay"],
        icon="payments",
    )
    def pay(self, request: StaffRequest) -> HttpResponse:
        if not self.has_pay_permission(request):
            raise PermissionDenied
        waiting = list(Settlement.objects.to_pay().values_list("amount_fen", flat=True))

        def act(_given: dict[str, Any]) -> tuple[str, PaymentFile]:
            made = actions.make_payment_file(by=request.user)
            return _("The file is made. Each opening of it is recorded."), made

        lead = _("%(count)s approved settlements wait: ¥%(yuan)s.") % {
            "count": len(waiting),
            "yuan": yuan(sum(waiting)),
        }
        return ask(
            self,
            request,
            title=_("Make a payment file"),
            form=EmptyForm(request.POST if request.method == "POST" else None),
            lead=lead,
            button=_("Make the file"),
            act=act,
        )

    @action(
        description=gettext_lazy("The bank has paid it"),
        url_path="paid",
        permissions=["pay"],
    )
    def paid(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: Settlement = self.get_object(request, object_id)

        def act(_given: dict[str, Any]) -> tuple[str, Settlement]:
            actions.note_paid(settlement=row, by=request.user)
            return _("Noted. The merchant is told."), row

        return ask(
            self,
            request,
            row=row,
            title=_("The bank has paid: %(row)s") % {"row": row},
            form=EmptyForm(request.POST if request.method == "POST" else None),
            lead=f"{row.merchant}, ¥{yuan(row.amount_fen)}",
            button=_("Note it"),
            act=act,
        )

    @action(description="PDF", url_path="pdf", permissions=["view"])
    def pdf(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: Settlement = self.get_object(request, object_id)
        content = statement_pdf(statement_of(row))
        return download(content, statement_file_name(row, "pdf"), papers.CONTENT_TYPE)

    @action(description="xlsx", url_path="xlsx", permissions=["view"])
    def xlsx(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: Settlement = self.get_object(request, object_id)
        content = statement_workbook(statement_of(row))
        return download(
            content, statement_file_name(row, "xlsx"), workbooks.CONTENT_TYPE
        )

    # --- Money by merchant --------------------------------------------------------

    @action(
        description=gettext_lazy("Money by merchant"),
        url_path="money",
        permissions=["view"],
        icon="account_balance",
    )
    def money(self, request: StaffRequest) -> HttpResponse:
        """What each merchant has to get, has got, and what is held."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        campaign = campaign_asked(request)
        rows = money_by_merchant(campaign) if campaign else []
        return show(
            self,
            request,
            "admin/vouchers/money.html",
            title=_("Money by merchant"),
            form=EmptyForm(),
            campaign=campaign,
            campaigns=Campaign.objects.exclude(state="draft").order_by("-pk"),
            rows=rows,
            total={
                name: sum(getattr(row, name) for row in rows)
                for name in ("payable", "waiting", "held", "settled")
            },
            may_repay=self.has_pay_permission(request),
            may_close=self.has_close_permission(request),
        )
