"""What the bank is given. Each opening of a file is recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display

from bureau.common import workbooks
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from venues.admin.pages import ask, page_of, show
from venues.admin.scope import StaffRequest
from vouchers import actions
from vouchers.admin.settlements.money import EmptyForm, OfTheCity, download
from vouchers.models import PaymentFile, Settlement

CSV_TYPE = "text/csv; charset=utf-8"


BUTTON_LIFE = timedelta(minutes=10)
_SALT = "vouchers.payment_file.open"


def _button(request: StaffRequest, row: PaymentFile) -> str:
    """What an auditor's button sends: this person, this file, for ten minutes."""
    return signing.dumps([request.user.pk, row.pk], salt=_SALT)


def _is_button(request: StaffRequest, row: PaymentFile) -> bool:
    try:
        said = signing.loads(
            request.GET.get("open", ""), salt=_SALT, max_age=BUTTON_LIFE
        )
    except signing.BadSignature:
        return False
    return bool(said == [request.user.pk, row.pk])


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

    def offers(self, name: str, row: PaymentFile, request: HttpRequest) -> bool:
        return name != "paid" or self.unpaid(row) > 0

    @display(description=gettext_lazy("amount, yuan"), ordering="amount_fen")
    def amount(self, row: PaymentFile) -> str:
        return yuan(row.amount_fen)

    @display(description=gettext_lazy("not paid yet"))
    def unpaid(self, row: PaymentFile) -> int:
        return row.settlements.filter(state=Settlement.State.APPROVED).count()

    @display(description=gettext_lazy("settlements"))
    def of(self, row: PaymentFile) -> SafeString:
        lines = [
            f"{one.number}  {one.account_name}  {one.masked_account}  "
            f"¥{yuan(one.amount_fen)}  {one.get_state_display()}"
            for one in row.settlements.order_by("pk")
        ]
        return format_html('<pre class="wire">{}</pre>', "\n".join(lines))

    def has_open_permission(self, request: StaffRequest, *_args: Any) -> bool:
        """Who pays, and who audits it; looking at the table is not opening."""
        audits = request.user.only_reads and self.may(request, "view_paymentfile")
        return audits or self.has_pay_permission(request)

    def _open(
        self, request: StaffRequest, object_id: str, *, as_workbook: bool
    ) -> HttpResponse:
        """Against a button: a link could be followed by a machine.

        The button of an auditor, who sends nothing, asks by GET: what it sends along is
        known to this page and to nobody who makes up a link.
        """
        row: PaymentFile = self.get_object(request, object_id)
        is_asked = request.method == "POST" or (
            request.user.only_reads and _is_button(request, row)
        )
        if not is_asked:
            return show(
                self,
                request,
                "admin/vouchers/open_file.html",
                title=_("Payment file %(number)s") % {"number": row.number},
                form=EmptyForm(),
                row=row,
                button=_button(request, row),
                rejected=list(
                    row.settlements.filter(state=Settlement.State.REJECTED)
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

    @action(description="csv", url_path="csv", permissions=["open"])
    def csv(self, request: StaffRequest, object_id: str) -> HttpResponse:
        return self._open(request, object_id, as_workbook=False)

    @action(description="xlsx", url_path="xlsx", permissions=["open"])
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
