"""What citizens claimed; staff find one by its code and cancel it, with a reason.

People are shown masked, as everywhere; a voucher's rotating code is not there at all.
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
from bureau.regions.queries import districts_of
from venues.admin.pages import ask
from venues.admin.scope import OrNotFound, StaffRequest
from vouchers import actions
from vouchers.models import Redemption, RefusedScan, Voucher

_TONES = {
    Voucher.State.LIVE: "success",
    Voucher.State.REDEEMED: "info",
    Voucher.State.EXPIRED: "warning",
    Voucher.State.LOST: "warning",
    Voucher.State.VOID: "danger",
}


class ReasonForm(forms.Form):
    """Why; the citizen reads it, too."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(Voucher)
class VoucherAdmin(ReadOnly, HistoryFromAudit, OrNotFound):
    list_display = [
        "shown_code",
        "campaign",
        "face",
        "holder",
        "claimed_at",
        "expires_at",
        "state_now",
    ]
    list_filter = ["state", "campaign", ("claimed_at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["campaign", "person"]
    search_fields = ["code__exact"]
    search_help_text = gettext_lazy("Code of the voucher.")
    ordering = ["-pk"]
    show_full_result_count = False
    actions_detail = ["void"]
    fields = readonly_fields = [
        "shown_code",
        "state_now",
        "campaign",
        "tier",
        "face",
        "threshold",
        "holder",
        "way",
        "claimed_at",
        "usable_from",
        "expires_at",
        "expired_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Voucher]:
        """To staff of districts, those that somebody came with to a shop of theirs."""
        rows: QuerySet[Voucher] = super().get_queryset(request)
        mine = districts_of(request.user)  # type: ignore[arg-type]
        if mine is None:
            return rows
        used = Redemption.objects.filter(shop__district__in=mine)
        refused = RefusedScan.objects.filter(shop__district__in=mine)
        brought: Any = used.order_by().values_list("voucher")
        brought = brought.union(refused.exclude(voucher=None).values_list("voucher"))
        return rows.filter(pk__in=brought)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(
            request, queryset, codes.normalise(search_term)
        )

    @display(description=gettext_lazy("code"), ordering="code")
    def shown_code(self, row: Voucher) -> str:
        return str(row)

    @display(description=gettext_lazy("subsidy, yuan"), ordering="face_fen")
    def face(self, row: Voucher) -> str:
        return yuan(row.face_fen)

    @display(description=gettext_lazy("bill, yuan"), ordering="threshold_fen")
    def threshold(self, row: Voucher) -> str:
        return yuan(row.threshold_fen)

    @display(description=gettext_lazy("person"))
    def holder(self, row: Voucher) -> str:
        return row.person.masked_name or str(row.person)

    @display(description=gettext_lazy("state"), ordering="state", label=_TONES)
    def state_now(self, row: Voucher) -> Badge:
        return Badge(row.state, row.get_state_display())

    def offers(self, name: str, row: Voucher, request: HttpRequest) -> bool:
        return row.state == Voucher.State.LIVE

    def has_void_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return not isinstance(request.user, AnonymousUser) and request.user.has_perm(
            "vouchers.void_voucher"
        )

    @action(
        description=gettext_lazy("Cancel this voucher"),
        url_path="void",
        permissions=["void"],
    )
    def void(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Sold, or claimed by a trick: it cannot be used any more."""
        if not self.has_void_permission(request):
            raise PermissionDenied
        row: Voucher = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Voucher]:
            actions.void_voucher(voucher=row, reason=given["reason"], by=request.user)
            return _("Cancelled; the citizen is told why."), row

        lead = _(
            "Nobody can use it any more, and it still counts towards the limits of its"
            " citizen, who reads the reason. This cannot be taken back."
        )
        return ask(
            self,
            request,
            row=row,
            title=_("Cancel the voucher %(row)s") % {"row": row},
            form=ReasonForm(request.POST or None),
            lead=lead,
            button=_("Cancel this voucher"),
            act=act,
        )
