"""Settlements, payment files and the end of a campaign: two people for each payment.

The city's staff do it; staff of a district do not see these tables.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock, papers, workbooks
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.staff_tables import Badge
from bureau.regions.queries import districts_of
from venues.admin.pages import ask, page_of, show
from venues.admin.scope import OrNotFound, StaffRequest
from vouchers import actions
from vouchers.models import (
    Campaign,
    ClosingReport,
    Merchant,
    PaymentFile,
    Settlement,
    SettlementRun,
)
from vouchers.queries.closing import (
    canonical,
    closing_figures,
    closing_pdf,
    closing_workbook,
    figures_hash,
    obstacles_to_closing,
    report_tables,
    to_write_down,
)
from vouchers.queries.settlements import (
    money_by_merchant,
    next_period,
    owed_fen,
    statement_file_name,
    statement_of,
    statement_pdf,
    statement_workbook,
    taken_back_of,
)

State = Settlement.State
_TONES = {
    State.PREPARED: "info",
    State.APPROVED: "warning",
    State.PAID: "success",
    State.REJECTED: "danger",
}
CSV_TYPE = "text/csv; charset=utf-8"


class EmptyForm(forms.Form):
    """Nothing to fill in, only to confirm."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )


class PeriodForm(forms.Form):
    from_on = forms.DateField(
        label=gettext_lazy("first day"), widget=UnfoldAdminDateWidget
    )
    until_on = forms.DateField(
        label=gettext_lazy("last day"), widget=UnfoldAdminDateWidget
    )


class RepaymentForm(forms.Form):
    merchant = forms.ModelChoiceField(
        label=gettext_lazy("Merchant"),
        queryset=Merchant.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    yuan = forms.DecimalField(
        label=gettext_lazy("Amount, yuan"),
        max_digits=12,
        decimal_places=2,
        min_value=0,
        widget=UnfoldAdminTextInputWidget,
    )
    document = forms.CharField(
        label=gettext_lazy("Number of the bank's document"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owing = Merchant.objects.filter(accounts__campaign=campaign).distinct()
        self.fields["merchant"].queryset = owing.order_by("name", "pk")  # type: ignore[attr-defined]


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


def _campaign(request: HttpRequest) -> Campaign | None:
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
        campaign = _campaign(request)
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
        campaign = _campaign(request)
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


@admin.register(SettlementRun)
class SettlementRunAdmin(OfTheCity):
    """How far a preparation is, and what came of it."""

    list_display = [
        "campaign",
        "from_on",
        "until_on",
        "asked_by",
        "asked_at",
        "progress",
    ]
    list_filter = [("campaign", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["campaign", "asked_by"]
    ordering = ["-pk"]
    fields = readonly_fields = [
        "campaign",
        "from_on",
        "until_on",
        "asked_by",
        "asked_at",
        "finished_at",
        "progress",
        "outcome",
    ]

    @display(description=gettext_lazy("how far it is"))
    def progress(self, run: SettlementRun) -> SafeString:
        return format_html(
            '<progress max="{}" value="{}"></progress> {} / {}',
            run.merchants,
            run.done,
            run.done,
            run.merchants,
        )

    @display(description=gettext_lazy("what came of it"))
    def outcome(self, run: SettlementRun) -> SafeString:
        names = dict(
            Merchant.objects.filter(pk__in=list(run.results)).values_list("pk", "name")
        )
        lines = []
        for key, result in run.results.items():
            told = (
                result
                if isinstance(result, str)
                else _("carried over: ¥%(yuan)s") % {"yuan": yuan(result)}
            )
            lines.append(f"{names.get(int(key), key)}: {told}")
        if run.finished_at is None:
            lines.append(_("Still at work. Look again in a moment."))
        return format_html('<pre class="wire">{}</pre>', "\n".join(lines))


@admin.register(PaymentFile)
class PaymentFileAdmin(OfTheCity):
    """What the bank was given. The files are made anew each time, and never stored."""

    list_display = ["number", "made_at", "made_by", "count", "amount", "unpaid"]
    list_select_related = ["made_by"]
    search_fields = ["=number", "=sha256"]
    date_hierarchy = "made_at"
    ordering = ["-pk"]
    fields = readonly_fields = [
        "number",
        "made_at",
        "made_by",
        "count",
        "amount",
        "sha256",
        "unpaid",
        "of",
    ]
    actions_detail = ["csv", "xlsx", "paid"]

    @display(description=gettext_lazy("amount, yuan"), ordering="amount_fen")
    def amount(self, row: PaymentFile) -> str:
        return yuan(row.amount_fen)

    @display(description=gettext_lazy("not paid yet"))
    def unpaid(self, row: PaymentFile) -> int:
        return row.settlements.filter(state=State.APPROVED).count()

    @display(description=gettext_lazy("settlements"))
    def of(self, row: PaymentFile) -> SafeString:
        lines = [
            f"{one.number}  {one.account_name}  {one.masked_account}  "
            f"¥{yuan(one.amount_fen)}  {one.get_state_display()}"
            for one in row.settlements.order_by("pk")
        ]
        return format_html('<pre class="wire">{}</pre>', "\n".join(lines))

    def _open(
        self, request: StaffRequest, object_id: str, *, as_workbook: bool
    ) -> HttpResponse:
        """Against a click that is a POST: a link could be followed by a machine."""
        row: PaymentFile = self.get_object(request, object_id)
        if request.method != "POST":
            return show(
                self,
                request,
                "admin/vouchers/open_file.html",
                title=_("Payment file %(number)s") % {"number": row.number},
                form=EmptyForm(),
                row=row,
                rejected=list(
                    row.settlements.filter(state=State.REJECTED)
                    .select_related("merchant")
                    .order_by("pk")
                ),
                kind="xlsx" if as_workbook else "csv",
            )
        try:
            content = actions.open_payment_file(
                payment_file=row, by=request.user, as_workbook=as_workbook
            )
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(page_of(row))
        if as_workbook:
            return download(
                content, f"payment-{row.number}.xlsx", workbooks.CONTENT_TYPE
            )
        return download(content, f"payment-{row.number}.csv", CSV_TYPE)

    @action(description="csv", url_path="csv", permissions=["pay"])
    def csv(self, request: StaffRequest, object_id: str) -> HttpResponse:
        return self._open(request, object_id, as_workbook=False)

    @action(description="xlsx", url_path="xlsx", permissions=["pay"])
    def xlsx(self, request: StaffRequest, object_id: str) -> HttpResponse:
        return self._open(request, object_id, as_workbook=True)

    @action(
        description=gettext_lazy("The bank has paid all of it"),
        url_path="paid",
        permissions=["pay"],
    )
    def paid(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: PaymentFile = self.get_object(request, object_id)

        def act(_given: dict[str, Any]) -> tuple[str, PaymentFile]:
            done = actions.note_file_paid(payment_file=row, by=request.user)
            told = ngettext(
                "%(count)s settlement is noted as paid.",
                "%(count)s settlements are noted as paid.",
                done,
            )
            return told % {"count": done}, row

        return ask(
            self,
            request,
            row=row,
            title=_("The bank has paid: %(row)s") % {"row": row},
            form=EmptyForm(request.POST if request.method == "POST" else None),
            lead=_("One that the bank sent back: reject that settlement first."),
            button=_("Note it"),
            act=act,
        )


@admin.register(ClosingReport)
class ClosingReportAdmin(OfTheCity):
    """The last figures of a campaign: prepared by one, closed by another."""

    list_display = ["campaign", "prepared_by", "approved_by", "closed_at"]
    list_select_related = ["campaign", "prepared_by", "approved_by"]
    ordering = ["-pk"]
    fields = readonly_fields = [
        "campaign",
        "sha256",
        "prepared_by",
        "prepared_at",
        "approved_by",
        "closed_at",
    ]
    actions_list = ["end", "repay", "write_down"]
    actions_detail = ["close", "pdf", "xlsx", "as_json"]

    @action(
        description=gettext_lazy("End a campaign"),
        url_path="end",
        permissions=["close"],
        icon="flag",
    )
    def end(self, request: StaffRequest) -> HttpResponse:
        """What stands in the way, and the figures as they would be."""
        if not self.has_close_permission(request):
            raise PermissionDenied
        campaign = _campaign(request)
        form = EmptyForm(request.POST if request.method == "POST" else None)
        if campaign is not None and form.is_valid():
            try:
                report = actions.prepare_closing_report(
                    campaign=campaign, by=request.user
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(
                    request, _("Prepared. Another person can close the campaign now.")
                )
                return HttpResponseRedirect(page_of(report))
        figures = closing_figures(campaign) if campaign else None
        return show(
            self,
            request,
            "admin/vouchers/closing.html",
            title=_("End of a campaign"),
            form=form,
            campaign=campaign,
            campaigns=Campaign.objects.exclude(state="draft").order_by("-pk"),
            obstacles=obstacles_to_closing(campaign) if campaign else [],
            to_write_down=to_write_down(campaign).count() if campaign else 0,
            tables=report_tables(figures, figures_hash(figures)) if figures else [],
        )

    @action(
        description=gettext_lazy("A merchant paid back"),
        url_path="repay",
        permissions=["pay"],
    )
    def repay(self, request: StaffRequest) -> HttpResponse:
        if not self.has_pay_permission(request):
            raise PermissionDenied
        campaign = _campaign(request)
        if campaign is None:
            raise PermissionDenied

        def act(given: dict[str, Any]) -> tuple[str, Merchant]:
            rows = actions.note_repayment(
                campaign=campaign,
                merchant=given["merchant"],
                amount_fen=int(given["yuan"] * 100),
                document=given["document"],
                by=request.user,
            )
            told = _("Noted, for %(count)s redemptions.") % {"count": len(rows)}
            return told, given["merchant"]

        owed = [
            f"{row.merchant}: ¥{yuan(fen)}"
            for row in money_by_merchant(campaign)
            if (fen := _owes(campaign, row.merchant_id))
        ]
        return ask(
            self,
            request,
            title=_("A merchant paid back: %(campaign)s") % {"campaign": campaign},
            form=RepaymentForm(request.POST or None, campaign=campaign),
            lead=_("Refunded after it was paid: %(owed)s")
            % {"owed": "; ".join(owed) or "–"},
            button=_("Note it"),
            act=act,
        )

    @action(
        description=gettext_lazy("Write down what is confirmed"),
        url_path="write-down",
        permissions=["close"],
    )
    def write_down(self, request: StaffRequest) -> HttpResponse:
        if not self.has_close_permission(request):
            raise PermissionDenied
        campaign = _campaign(request)
        if campaign is None:
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            try:
                done = actions.write_down_redemptions(
                    campaign=campaign,
                    reason=form.cleaned_data["reason"],
                    by=request.user,
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                told = _("%(count)s redemptions are never paid.") % {"count": done}
                messages.success(request, told)
                return HttpResponseRedirect(
                    reverse("admin:vouchers_closingreport_changelist")
                )
        return show(
            self,
            request,
            "admin/ask.html",
            title=_("Write down what is confirmed: %(campaign)s")
            % {"campaign": campaign},
            form=form,
            lead=_(
                "%(count)s redemptions belong to confirmed flags. They are never paid;"
                " what was paid is taken back by the next settlement."
            )
            % {"count": to_write_down(campaign).count()},
            button=_("Write down"),
        )

    @action(
        description=gettext_lazy("Close the campaign"),
        url_path="close",
        permissions=["close"],
    )
    def close(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: ClosingReport = self.get_object(request, object_id)

        def act(_given: dict[str, Any]) -> tuple[str, ClosingReport]:
            actions.close_campaign(report=row, by=request.user)
            return _("The campaign is closed. What was left goes back."), row

        lead = _(
            "¥%(yuan)s go back to the treasury. Nothing in this campaign moves after"
            " that. By another person than %(name)s."
        ) % {
            "yuan": yuan(row.figures["money_fen"]["to_return"]),
            "name": row.prepared_by,
        }
        return ask(
            self,
            request,
            row=row,
            title=_("Close the campaign: %(row)s") % {"row": row},
            form=EmptyForm(request.POST if request.method == "POST" else None),
            lead=lead,
            button=_("Close it for good"),
            act=act,
        )

    @action(description="PDF", url_path="pdf", permissions=["view"])
    def pdf(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: ClosingReport = self.get_object(request, object_id)
        return download(closing_pdf(row), self._name(row, "pdf"), papers.CONTENT_TYPE)

    @action(description="xlsx", url_path="xlsx", permissions=["view"])
    def xlsx(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: ClosingReport = self.get_object(request, object_id)
        return download(
            closing_workbook(row), self._name(row, "xlsx"), workbooks.CONTENT_TYPE
        )

    @action(description="JSON", url_path="json", permissions=["view"])
    def as_json(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: ClosingReport = self.get_object(request, object_id)
        return download(
            canonical(row.figures), self._name(row, "json"), "application/json"
        )

    def _name(self, row: ClosingReport, kind: str) -> str:
        return f"closing-{row.campaign.slug}.{kind}"


def _owes(campaign: Campaign, merchant_id: int) -> int:
    merchant = Merchant.objects.get(pk=merchant_id)
    return sum(line.amount_fen for line in taken_back_of(campaign, merchant))
