"""What counters redeemed and what they refused; staff refund for a merchant, rarely.

Nothing is typed here: a redemption is made at a counter only. Staff of a district see
the shops of their district.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import codes
from bureau.common.money import yuan
from bureau.common.staff_tables import Badge
from venues.admin.pages import ask
from venues.admin.scope import OrNotFound, StaffRequest, in_my_districts
from vouchers import actions
from vouchers.errors.counter import WORDS
from vouchers.forms.counter import YuanField
from vouchers.models import Redemption, RefusedScan
from vouchers.queries.counter import refund_in_words

_TONES = {
    Redemption.State.DONE: "success",
    Redemption.State.UNDONE: "warning",
    Redemption.State.REFUNDED: "warning",
}


class StaffRefundForm(forms.Form):
    """What the customer got back, and why staff note it instead of the manager."""

    refund = YuanField(
        label=gettext_lazy("Given back to the customer in all, yuan"),
        widget=UnfoldAdminTextInputWidget,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )


class OfMyDistricts(ReadOnly, HistoryFromAudit, OrNotFound):
    """Only what happened in shops of the reader's districts is there."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return in_my_districts(rows, request, path="shop__district")


@admin.register(Redemption)
class RedemptionAdmin(OfMyDistricts):
    list_display = [
        "shown_number",
        "redeemed_at",
        "merchant",
        "shop",
        "clerk",
        "bill",
        "subsidy",
        "state_now",
    ]
    list_filter = [
        "state",
        ("redeemed_at", RangeDateTimeFilter),
        "voucher__campaign",
        "sport",
    ]
    list_filter_submit = True
    list_select_related = ["merchant", "shop", "clerk"]
    date_hierarchy = "redeemed_at"
    search_fields = [
        "number__exact",
        "voucher__code__exact",
        "merchant__name",
        "shop__name",
    ]
    search_help_text = gettext_lazy(
        "Number of the slip, code of the voucher, merchant or shop."
    )
    ordering = ["-redeemed_at", "-pk"]
    show_full_result_count = False
    actions_detail = ["refund"]

    def offers(self, name: str, row: Redemption, request: HttpRequest) -> bool:
        return row.state == Redemption.State.DONE

    fields = readonly_fields = [
        "shown_number",
        "state_now",
        "redeemed_at",
        "merchant",
        "shop",
        "district",
        "clerk",
        "device",
        "voucher",
        "sport",
        "bill",
        "subsidy",
        "distance_m",
        "reversed_at",
        "reversed_by",
        "given_back",
        "gave_back",
        "reason",
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        typed = codes.normalise(search_term)
        if len(typed) == codes.LENGTH and not set(typed) - set(codes.ALPHABET):
            search_term = typed
        return super().get_search_results(request, queryset, search_term)

    @display(description=gettext_lazy("number"), ordering="number")
    def shown_number(self, row: Redemption) -> str:
        return str(row)

    @display(description=gettext_lazy("bill, yuan"), ordering="bill_fen")
    def bill(self, row: Redemption) -> str:
        return yuan(row.bill_fen)

    @display(description=gettext_lazy("subsidy, yuan"), ordering="discount_fen")
    def subsidy(self, row: Redemption) -> str:
        return yuan(row.discount_fen)

    @display(description=gettext_lazy("state"), ordering="state", label=_TONES)
    def state_now(self, row: Redemption) -> Badge:
        return Badge(row.state, row.get_state_display())

    @display(description=gettext_lazy("given back, yuan"))
    def given_back(self, row: Redemption) -> str:
        return "" if row.refund_fen is None else yuan(row.refund_fen)

    def has_refund_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return not isinstance(request.user, AnonymousUser) and request.user.has_perm(
            "vouchers.change_redemption"
        )

    @action(
        description=gettext_lazy("Refund for the merchant"),
        url_path="refund",
        permissions=["refund"],
    )
    def refund(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Where the merchant cannot or will not: with a reason, by the same rules."""
        if not self.has_refund_permission(request):
            raise PermissionDenied
        row: Redemption = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Redemption]:
            back = actions.refund_redemption(
                redemption=row,
                refund_fen=given["refund"],
                reason=given["reason"],
                by=request.user,
            )
            return refund_in_words(back), row

        lead = _(
            "The customer paid ¥%(paid)s. The bureau does not pay the subsidy of"
            " ¥%(subsidy)s then: what was settled is taken off the next settlement."
            " Where the rules say so, it pays on while the rest of the bill reaches the"
            " threshold of ¥%(threshold)s."
        )
        return ask(
            self,
            request,
            row=row,
            title=_("Refund: %(row)s") % {"row": row},
            form=StaffRefundForm(request.POST or None),
            lead=lead
            % {
                "paid": yuan(row.paid_fen),
                "subsidy": yuan(row.discount_fen),
                "threshold": yuan(row.voucher.threshold_fen),
            },
            button=_("Refund"),
            act=act,
        )


@admin.register(RefusedScan)
class RefusedScanAdmin(OfMyDistricts):
    list_display = ["at", "shop", "clerk", "words", "voucher"]
    fields = readonly_fields = ["at", "shop", "clerk", "words", "voucher"]
    list_filter = ["code", ("at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["shop", "clerk", "voucher"]
    date_hierarchy = "at"
    search_fields = ["shop__name", "shop__merchant__name", "voucher__code__exact"]
    ordering = ["-at", "-pk"]
    show_full_result_count = False

    @display(description=gettext_lazy("why"), ordering="code")
    def words(self, row: RefusedScan) -> str:
        return str(WORDS.get(row.code, row.code))
