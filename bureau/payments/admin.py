"""Staff look at money here; what they do to it goes through the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.staff_tables import Badge
from bureau.payments import actions
from bureau.payments.errors import AskedTooOften
from bureau.payments.forms import ExplanationForm, RefundForm
from bureau.payments.models import (
    Attempt,
    CashMovement,
    Discrepancy,
    Payment,
    ProviderEvent,
    Refund,
    SandboxTransaction,
)


class Ledger(HistoryFromAudit, ReadOnly):
    """A table of money: searched by numbers, never changed by hand."""

    date_hierarchy = "created_at"
    ordering = ["-id"]
    list_per_page = 50
    list_filter_submit = True
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        # Numbers are upper case and found by their index.
        return super().get_search_results(
            request, queryset, search_term.strip().upper()
        )

    def answer_page(
        self,
        request: HttpRequest,
        row: models.Model,
        *,
        form: forms.Form,
        title: str,
        button: str,
    ) -> HttpResponse:
        """Ask staff to confirm: what, about which row."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "object": row,
            "form": form,
            "button": button,
            "back_url": self.row_url(row),
        }
        return TemplateResponse(request, "payments/admin/confirm.html", context)

    def row_url(self, row: models.Model) -> str:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
        return reverse(name, args=[row.pk])

    def row_or_404(self, request: HttpRequest, object_id: int) -> Any:
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row


class AttemptInline(TabularInline):
    model = Attempt
    extra = 0
    can_delete = False
    fields = readonly_fields = ["provider", "channel", "created_at"]

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


class RefundInline(TabularInline):
    model = Refund
    extra = 0
    can_delete = False
    fields = readonly_fields = [
        "number",
        "amount_fen",
        "state",
        "reason",
        "requested_by",
        "created_at",
        "done_at",
    ]

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(Ledger):
    list_display = [
        "number",
        "title",
        "payer",
        "amount",
        "state_badge",
        "provider",
        "asked",
    ]
    list_filter = [
        "state",
        "provider",
        "late",
        ("surplus_of", admin.EmptyFieldListFilter),
        "owner_app",
        ("created_at", RangeDateTimeFilter),
    ]
    list_select_related = ["payer"]
    search_fields = [
        "number__exact",
        "provider_ref__exact",
        "payer__phone__exact",
        "refunds__number__exact",
    ]
    inlines = [AttemptInline, RefundInline]
    actions = ["ask_selected_again"]
    actions_detail = ["ask_again", "pay_back"]

    @display(description=_("amount (yuan)"), ordering="amount_fen")
    def amount(self, payment: Payment) -> str:
        """What was asked, and how much of it went back."""
        back = f" (-{yuan(payment.refunded_fen)})" if payment.refunded_fen else ""
        return f"{yuan(payment.amount_fen)}{back}"

    @display(
        description=_("state"),
        ordering="state",
        label={"due": "warning", "paid": "success", "late": "danger", "closed": "info"},
    )
    def state_badge(self, payment: Payment) -> Badge:
        state = payment.get_state_display()
        if payment.late:
            return Badge("late", gettext("%(state)s, late") % {"state": state})
        return Badge(payment.state, state)

    @display(description=_("created at"), ordering="created_at")
    def asked(self, payment: Payment) -> str:
        return clock.at_text(payment.created_at)

    def get_urls(self) -> list[URLPattern]:
        asked = self.admin_site.admin_view(self.ask_again_view)
        refunded = self.admin_site.admin_view(self.refund_view)
        return [
            path("<int:object_id>/ask/", asked, name="payments_payment_ask"),
            path("<int:object_id>/refund/", refunded, name="payments_payment_refund"),
            *super().get_urls(),
        ]

    def has_ask_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.has_refund_permission(request)

    def has_refund_permission(
        self, request: HttpRequest, object_id: Any = None
    ) -> bool:
        return request.user.has_perm("payments.refund_payment")

    @admin.action(description=_("Ask the providers again"), permissions=["ask"])
    def ask_selected_again(self, request: HttpRequest, queryset: Any) -> None:
        asked = 0
        for payment in queryset.order_by("pk")[:100]:
            try:
                actions.ask_again(payment=payment, by=request.user)  # type: ignore[arg-type]
                asked += 1
            except AskedTooOften:
                continue
        text = ngettext(
            "Asking about %(count)s payment; look again in a moment.",
            "Asking about %(count)s payments; look again in a moment.",
            asked,
        )
        self.message_user(request, text % {"count": asked})

    @action(
        description=_("Ask the providers again"),
        url_path="ask-again",
        permissions=["ask"],
    )
    def ask_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:payments_payment_ask", object_id)

    @action(
        description=_("Pay money back"), url_path="pay-back", permissions=["refund"]
    )
    def pay_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:payments_payment_refund", object_id)

    def ask_again_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = self.row_or_404(request, object_id)
        if not self.has_ask_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                actions.ask_again(payment=payment, by=request.user)  # type: ignore[arg-type]
            except DomainError as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                text = gettext("Asked. Look at this page again in a moment.")
                self.message_user(request, text)
            return redirect(self.row_url(payment))
        return self.answer_page(
            request,
            payment,
            form=forms.Form(),
            title=gettext("Ask the providers whether this was paid?"),
            button=gettext("Ask"),
        )

    def refund_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = self.row_or_404(request, object_id)
        if not self.has_refund_permission(request):
            raise PermissionDenied
        left = f"{payment.refundable_fen / 100:.2f}"
        form = RefundForm(
            request.POST or None,
            initial={"yuan": left, "key": f"staff-{codes.new_code()}"},
        )
        if form.is_valid():
            try:
                actions.request_refund(
                    payment=payment,
                    amount_fen=form.fen,
                    reason=form.cleaned_data["reason"],
                    by=request.user,  # type: ignore[arg-type]
                    key=form.cleaned_data["key"],
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                text = gettext("The refund is on its way.")
                self.message_user(request, text)
                return redirect(self.row_url(payment))
        return self.answer_page(
            request,
            payment,
            form=form,
            title=gettext("Pay money back to the payer?"),
            button=gettext("Pay back"),
        )


@admin.register(Refund)
class RefundAdmin(Ledger):
    list_display = [
        "number",
        "paid_for",
        "amount",
        "state_badge",
        "reason",
        "problem",
        "asked",
    ]
    list_filter = [
        "state",
        "payment__provider",
        ("created_at", RangeDateTimeFilter),
    ]
    list_select_related = ["payment"]
    search_fields = [
        "number__exact",
        "provider_ref__exact",
        "payment__number__exact",
        "payment__payer__phone__exact",
    ]
    actions = ["send_again"]

    @display(description=_("payment"), ordering="payment__number")
    def paid_for(self, refund: Refund) -> str:
        return refund.payment.number

    @display(description=_("created at"), ordering="created_at")
    def asked(self, refund: Refund) -> str:
        return clock.at_text(refund.created_at)

    @display(description=_("amount (yuan)"), ordering="amount_fen")
    def amount(self, refund: Refund) -> str:
        return yuan(refund.amount_fen)

    @display(
        description=_("state"),
        ordering="state",
        label={"due": "info", "sent": "warning", "done": "success", "failed": "danger"},
    )
    def state_badge(self, refund: Refund) -> Badge:
        return Badge(refund.state, refund.get_state_display())

    def has_refund_permission(
        self, request: HttpRequest, object_id: Any = None
    ) -> bool:
        return request.user.has_perm("payments.refund_payment")

    @admin.action(description=_("Send failed refunds again"), permissions=["refund"])
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        for refund in queryset.order_by("pk"):
            try:
                actions.resend_refund(refund=refund, by=request.user)  # type: ignore[arg-type]
            except DomainError as refusal:
                text = f"{refund.number}: {refusal}"
                self.message_user(request, text, messages.ERROR)


@admin.register(ProviderEvent)
class ProviderEventAdmin(Ledger):
    date_hierarchy = "received_at"
    list_display = [
        "received_at",
        "provider",
        "kind",
        "number",
        "provider_ref",
        "signature_ok",
        "outcome",
    ]
    list_filter = [
        "provider",
        "kind",
        "signature_ok",
        "outcome",
        ("received_at", RangeDateTimeFilter),
    ]
    search_fields = ["number__exact", "provider_ref__exact"]


@admin.register(Discrepancy)
class DiscrepancyAdmin(Ledger):
    """The reconciliation's list: money that somebody has to look into."""

    date_hierarchy = "found_at"
    list_display = [
        "found_at",
        "kind",
        "provider",
        "provider_ref",
        "number",
        "amount",
        "resolved_at",
        "note",
    ]
    list_filter = [
        ("resolved_at", admin.EmptyFieldListFilter),
        "kind",
        "provider",
        ("found_at", RangeDateTimeFilter),
    ]
    search_fields = ["number__exact", "provider_ref__exact"]
    actions_detail = ["explain"]

    @display(description=_("amount (yuan)"), ordering="amount_fen")
    def amount(self, discrepancy: Discrepancy) -> str:
        return yuan(discrepancy.amount_fen)

    def get_urls(self) -> list[URLPattern]:
        explained = self.admin_site.admin_view(self.explain_view)
        name = "payments_discrepancy_explanation"
        return [
            path("<int:object_id>/explanation/", explained, name=name),
            *super().get_urls(),
        ]

    def has_resolve_permission(
        self, request: HttpRequest, object_id: Any = None
    ) -> bool:
        return request.user.has_perm("payments.resolve_discrepancy")

    @action(description=_("Explain"), url_path="explain", permissions=["resolve"])
    def explain(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:payments_discrepancy_explanation", object_id)

    def explain_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        discrepancy = self.row_or_404(request, object_id)
        if not self.has_resolve_permission(request):
            raise PermissionDenied
        form = ExplanationForm(request.POST or None)
        if form.is_valid():
            try:
                actions.resolve_discrepancy(
                    discrepancy=discrepancy,
                    note=form.cleaned_data["note"],
                    by=request.user,  # type: ignore[arg-type]
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                return redirect(self.row_url(discrepancy))
        return self.answer_page(
            request,
            discrepancy,
            form=form,
            title=gettext("What was this money?"),
            button=gettext("Save the explanation"),
        )


@admin.register(SandboxTransaction)
class SandboxTransactionAdmin(Ledger):
    list_display = ["ref", "number", "amount_fen", "state", "behaviour", "created_at"]
    list_filter = ["state", "behaviour"]
    search_fields = ["ref__exact", "number__exact"]


@admin.register(CashMovement)
class CashMovementAdmin(Ledger):
    """What went into and out of the drawers of the desks."""

    date_hierarchy = "moved_at"
    list_display = ["receipt", "moved_at", "till", "yuan", "payment", "moved_by"]
    list_filter = ["till", ("moved_at", RangeDateTimeFilter)]
    list_select_related = ["payment", "moved_by"]
    search_fields = ["payment__number__exact", "payment__provider_ref__exact"]

    @display(description=_("receipt"), ordering="pk")
    def receipt(self, movement: CashMovement) -> str:
        return movement.number

    @display(description=_("amount (yuan)"), ordering="fen")
    def yuan(self, movement: CashMovement) -> str:
        return yuan(movement.fen)
