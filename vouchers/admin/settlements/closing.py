"""The end of a campaign: who owes still, what is never paid, and the last report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bureau.common import papers, workbooks
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from venues.admin.pages import ask, page_of, show
from venues.admin.scope import StaffRequest
from vouchers import actions
from vouchers.admin.settlements.money import (
    EmptyForm,
    OfTheCity,
    ReasonForm,
    campaign_asked,
    download,
)
from vouchers.models import Campaign, ClosingReport, Merchant
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
from vouchers.queries.settlements import money_by_merchant, taken_back_of


class CloseForm(forms.Form):
    """Nothing to fill in: the hash of the figures that were on the page."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


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

    def offers(self, name: str, row: ClosingReport, request: HttpRequest) -> bool:
        by_another = row.prepared_by != request.user
        return name != "close" or (by_another and row.closed_at is None)

    @action(
        description=gettext_lazy("End a campaign"),
        url_path="end",
        permissions=["view"],
        icon="flag",
    )
    def end(self, request: StaffRequest) -> HttpResponse:
        """What stands in the way, and the figures as they would be."""
        may_close = self.has_close_permission(request)
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST" and not may_close:
            raise PermissionDenied
        campaign = campaign_asked(request)
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
            may_close=may_close,
        )

    @action(
        description=gettext_lazy("A merchant paid back"),
        url_path="repay",
        permissions=["pay"],
    )
    def repay(self, request: StaffRequest) -> HttpResponse:
        if not self.has_pay_permission(request):
            raise PermissionDenied
        campaign = campaign_asked(request)
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
        campaign = campaign_asked(request)
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

        def act(given: dict[str, Any]) -> tuple[str, ClosingReport]:
            actions.close_campaign(report=row, seen=given["seen"], by=request.user)
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
            form=CloseForm(
                request.POST if request.method == "POST" else None,
                initial={"seen": row.sha256},
            ),
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
