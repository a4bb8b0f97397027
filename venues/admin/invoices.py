"""Invoices of clubs, and bank transfers in both directions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminTextInputWidget

from bureau.audit.admin import ReadOnly
from bureau.common import clock
from bureau.common.money import yuan
from bureau.payments.models import Payment
from venues import actions
from venues.admin.pages import ask
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.models import Invoice, TransferBack


class TransferForm(forms.Form):
    reference = forms.CharField(
        label=gettext_lazy("reference of the transfer"),
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
    )
    paid_on = forms.DateField(
        label=gettext_lazy("arrived on"), widget=UnfoldAdminDateWidget
    )


class TransferBackForm(forms.Form):
    reference = forms.CharField(
        label=gettext_lazy("reference of the transfer"),
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly, ScopedAdmin):
    district_path = "request__season__venue__district"
    list_display = ["number", "club", "season", "total", "state", "due_on"]
    list_filter = [
        "state",
        ("request__season__venue__district", admin.RelatedOnlyFieldListFilter),
        ("request__season__venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["club", "request__season__venue"]
    search_fields = ["=number", "club__name"]
    date_hierarchy = "issued_at"
    ordering = ["-issued_at", "-pk"]
    fields = readonly_fields = [
        "number",
        "request",
        "club",
        "state",
        "total",
        "kept",
        "issued_at",
        "due_on",
        "reminded_at",
        "reminded_late_at",
        "paid_at",
        "transfer_reference",
        "transfer_noted_by",
        "money",
    ]
    actions_detail = ["note_transfer"]

    def offers(self, name: str, row: Invoice, request: HttpRequest) -> bool:
        return row.state == Invoice.State.OPEN

    @display(description=gettext_lazy("season"))
    def season(self, invoice: Invoice) -> str:
        return str(invoice.request.season)

    @display(description=gettext_lazy("total, yuan"), ordering="total_fen")
    def total(self, invoice: Invoice) -> str:
        return yuan(invoice.total_fen)

    @display(description=gettext_lazy("kept for what was given up, yuan"))
    def kept(self, invoice: Invoice) -> str:
        return yuan(invoice.retained_fen)

    @display(description=gettext_lazy("payments and refunds"))
    def money(self, invoice: Invoice) -> SafeString:
        told = [
            f"{payment.number} {payment.get_state_display()} "
            f"¥{yuan(payment.amount_fen)} - ¥{yuan(payment.refunded_fen)}"
            for payment in Payment.objects.for_owner(invoice).order_by("pk")
        ]
        told += [
            f"{transfer.reason} ¥{yuan(transfer.fen)} {transfer.reference}"
            for transfer in invoice.transfers_back.order_by("pk")
        ]
        return format_html_join("", "<p>{}</p>", ((one,) for one in told)) or (
            SafeString("–")
        )

    def has_note_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_invoice")

    @action(
        description=gettext_lazy("Note a transfer"),
        url_path="note-transfer",
        permissions=["note"],
    )
    def note_transfer(self, request: StaffRequest, object_id: str) -> HttpResponse:
        invoice: Invoice = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Invoice]:
            actions.note_transfer(invoice=invoice, by=request.user, **given)
            return _("The invoice is paid."), invoice

        lead = _("The account shows the whole sum: %(sum)s yuan, no more and no less.")
        return ask(
            self,
            request,
            row=invoice,
            title=_("Paid by transfer: %(invoice)s") % {"invoice": invoice},
            form=TransferForm(request.POST or None, initial={"paid_on": clock.today()}),
            lead=lead % {"sum": yuan(invoice.total_fen)},
            button=_("It has arrived"),
            act=act,
        )


@admin.register(TransferBack)
class TransferBackAdmin(ReadOnly, ScopedAdmin):
    """What staff have to pay back by transfer; the open ones first."""

    district_path = "invoice__request__season__venue__district"
    list_display = ["invoice", "club", "sum", "reason", "asked_at", "done_at"]
    list_filter = [("done_at", admin.EmptyFieldListFilter)]
    list_select_related = ["invoice__club", "done_by"]
    search_fields = ["=invoice__number", "invoice__club__name", "reference"]
    ordering = ["-done_at", "asked_at", "pk"]  # NULL is the greatest: open ones first
    fields = readonly_fields = [
        "invoice",
        "booking",
        "club",
        "sum",
        "reason",
        "asked_at",
        "done_at",
        "done_by",
        "reference",
    ]
    actions_detail = ["note_done"]

    def offers(self, name: str, row: TransferBack, request: HttpRequest) -> bool:
        return row.done_at is None

    @display(description=gettext_lazy("club"))
    def club(self, transfer: TransferBack) -> str:
        return transfer.invoice.club.name

    @display(description=gettext_lazy("yuan"), ordering="fen")
    def sum(self, transfer: TransferBack) -> str:
        return yuan(transfer.fen)

    def has_note_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_transferback")

    @action(
        description=gettext_lazy("Paid back"), url_path="done", permissions=["note"]
    )
    def note_done(self, request: StaffRequest, object_id: str) -> HttpResponse:
        transfer: TransferBack = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, TransferBack]:
            actions.note_transfer_back(transfer=transfer, by=request.user, **given)
            return _("Noted. The club is told."), transfer

        return ask(
            self,
            request,
            row=transfer,
            title=_("Paid back: %(transfer)s") % {"transfer": transfer},
            form=TransferBackForm(request.POST or None),
            button=_("It is paid back"),
            act=act,
        )
